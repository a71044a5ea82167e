"""Copies of the questions that callers ask go to a new deployment before anybody is sent to it (serving.mirrorPercent).

Callers are answered by the model in service alone, and what the new one answers to the copies is thrown away: how soon
it does, and how often it fails, is measured. What it answers, the golden questions have asked before. Azure's limits:
one deployment, which has no live traffic, and half of the questions; those that name a deployment are not copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from cloud.report import WARNING
from jobs.release.deployments import Endpoint
from jobs.release.judging import watching


def watch(endpoint: Endpoint, before: Mapping[str, int]) -> None:
    """Watches the new deployment under copies for as long as a step, where the settings want it; then there are none.

    Raises ModelFault when it fares worse than it may, NotFinished when told to stop.
    """
    percent, name = endpoint.spec.serving.mirror_percent, endpoint.spec.deployment_name
    if not percent:
        return
    since = datetime.now(UTC)
    if not endpoint.mirror(percent):
        endpoint.report(f"{WARNING}{name} gets no copies of questions: another deployment does, and Azure allows one")
        return
    endpoint.report(f"mirror: copies of {percent} % of the questions go to {name}, nobody is answered by it")
    watching.soak(endpoint, since, before)
    endpoint.mirror(0)
