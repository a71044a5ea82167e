"""The release that was left half way, if one was: which deployment is the new one, and what had the traffic before.

Both stand in tags of the new deployment, so that whoever takes the release up, or back, knows them on any machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cloud.arm import Arm
from cloud.catalogue import ML_VERSION
from cloud.errors import azure_errors
from cloud.report import Report
from cloud.waiting import minutely
from jobs.release.deployments import MODEL

BEFORE, BEGUN = "traffic_before", "release_begun"
"""Tags of a deployment: the traffic before it as JSON, and when its release began, in UTC."""
DONE, KEPT_UNTIL = "release_done", "previous_kept_until"
"""Tags, too, where the deployment before it is kept: when its release ended, and until when the other one stays."""


@dataclass(frozen=True)
class Unfinished:
    """A release that has not come to its end.

    Attributes:
        deployment: the new one.
        before: per cent by deployment before it, in all 100.
    """

    deployment: str
    before: Mapping[str, int]


def tags(before: Mapping[str, int]) -> dict[str, str]:
    """Tags of a new deployment whose release begins now."""
    return {BEFORE: json.dumps(dict(before)), BEGUN: datetime.now(UTC).isoformat(timespec="seconds")}


def ours(tags: Mapping[str, str]) -> bool:
    """Whether a deployment with these tags is a release's, and not somebody else's beside it."""
    return MODEL in tags or BEFORE in tags


def begun_again(before: Mapping[str, int]) -> dict[str, str]:
    """The same of a deployment that was in service before and was kept; a tag that is empty is none."""
    return {**tags(before), DONE: "", KEPT_UNTIL: ""}


def done(hours: float, now: datetime) -> dict[str, str]:
    """Tags of a deployment whose release has ended and whose predecessor is kept for so many hours."""
    until = now + timedelta(hours=hours)
    return {DONE: now.isoformat(timespec="seconds"), KEPT_UNTIL: until.isoformat(timespec="seconds")}


@dataclass(frozen=True)
class Kept:
    """A deployment without traffic that one can go back to at once, and until when it was promised to stay."""

    deployment: str
    until: datetime


def kept(deployments: Mapping[str, Mapping[str, str]], traffic: Mapping[str, int]) -> Kept | None:
    """What the deployment in service, whose release has ended, has before it; None where nothing is kept."""
    if len(traffic) != 1:
        return None
    (live,) = traffic
    its = deployments.get(live, {})
    before = _before(its)
    former = max(before, key=lambda name: before[name], default="")
    if not its.get(DONE) or former not in deployments or former == live:
        return None
    try:
        return Kept(former, datetime.fromisoformat(its.get(KEPT_UNTIL, "")))
    except ValueError:
        return Kept(former, datetime.fromtimestamp(0, UTC))


def write(endpoint: str, deployment: str, its: Mapping[str, str], new: Mapping[str, str], report: Report) -> None:
    """Gives a deployment new tags beside its own, and changes nothing else of it; ``endpoint`` is an id.

    Raises StageError.
    """
    with azure_errors("its tags could not be written", f"deployment {deployment}"):
        path = f"{endpoint}/deployments/{deployment}"
        tell = minutely(report, f"deployment {deployment}: its tags are still being written")
        Arm().run("PATCH", path, {"api-version": ML_VERSION}, {"tags": {**its, **new}}, tell=tell)


def release(deployments: Mapping[str, Mapping[str, str]], traffic: Mapping[str, int]) -> Unfinished | None:
    """The unfinished release among an endpoint's deployments (name → tags), None where there is none.

    The end of a release is that the deployments before it are gone, or that it says so where one is kept. Two
    deployments may each name the other, when a model that had been replaced came back: then the one that began later is
    the new one, and of two that do not say when they began the one with less traffic. A release without a deployment
    before it has nothing to go back to. Somebody else's deployment stays for ever, and says nothing of a release.
    """
    found = []
    former = kept(deployments, traffic)
    strangers = {name for name, its in deployments.items() if not ours(its)}
    for name, its in deployments.items():
        # What is kept may have come after the one that is in service now, once: that release has long ended.
        if former and name == former.deployment and its.get(BEGUN, "") < _ended(deployments, traffic):
            continue
        before = _before(its)
        if its.get(DONE):
            continue
        if (replaced := set(before) - strangers) and replaced <= set(deployments) - {name}:
            found.append((its.get(BEGUN, ""), name, before))
    if not found:
        return None
    _, name, before = max(found, key=lambda each: (each[0], -traffic.get(each[1], 0), each[1]))
    return Unfinished(name, before)


def _ended(deployments: Mapping[str, Mapping[str, str]], traffic: Mapping[str, int]) -> str:
    """When the release of what has all the traffic came to its end."""
    return max(deployments.get(name, {}).get(DONE, "") for name in traffic)


def _before(its: Mapping[str, str]) -> dict[str, int]:
    try:
        return {str(name): int(share) for name, share in json.loads(its.get(BEFORE, "{}")).items()}
    except (ValueError, AttributeError, TypeError, OverflowError, RecursionError):  # somebody else's tag
        return {}
