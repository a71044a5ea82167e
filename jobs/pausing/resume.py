"""Brings back what a paused endpoint had in service, or what a `pulumi up` has made meanwhile. Nothing is trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from cloud.errors import ModelFault, StageError
from cloud.report import WARNING
from jobs import paused
from jobs.paused import Pause
from jobs.release import recreate, rollout
from jobs.release.deployments import Endpoint
from jobs.release.spec import ReleaseSpec
from settings.sections.tags import PAUSED

SpecOf = Callable[[str], ReleaseSpec]
"""How a version of the model goes into service, by the stack's settings."""


def resume(endpoint: Endpoint, spec_of: SpecOf) -> str:
    """Ends the pause; the version in service then.

    A version that came meanwhile is released as any other, but that none is in service to compare it with; where it
    fails, the former one comes back. That one was in service before, and is asked whether it answers. Raises StageError
    with the pause as it is, NotFinished when told to stop: the next one goes on.
    """
    pause = paused.read(endpoint.settled().tags)
    if pause is None:
        raise StageError(
            "there is nothing to resume",
            on=endpoint.on,
            why="it is not paused",
            todo="`python -m jobs status` says what is in service; `pulumi up` releases the stack's model.",
        )
    version = _came(endpoint, pause, spec_of)
    if not version:
        version = pause.version
        spec = spec_of(version)
        # What it knows was judged when it was released; whether it answers is asked.
        spec = dataclasses.replace(spec, evaluation=spec.evaluation.model_copy(update={"questions": ""}))
        _into_service(endpoint, spec, pause.previous)
    found = endpoint.settled(needed=True)
    found.tags = {name: value for name, value in (found.tags or {}).items() if name != PAUSED}
    endpoint.write(found, endpoint.on, "being told that the pause is over", needed=True)
    return version


def _came(endpoint: Endpoint, pause: Pause, spec_of: SpecOf) -> str:
    """The version that came in the pause, in service; "" where there is none, or it fails."""
    if not pause.coming:
        return ""
    try:
        _into_service(endpoint, spec_of(pause.coming), pause.version)
    except ModelFault as error:
        endpoint.report(f"{WARNING}{error}")
        endpoint.report(
            f"{WARNING}version {pause.coming} came in the pause and fails; {pause.version}, in service before it, "
            "comes back. `pulumi up --replace '**::release'` tries again."
        )
        return ""
    return pause.coming


def _into_service(endpoint: Endpoint, spec: ReleaseSpec, previous: str) -> None:
    its = dataclasses.replace(endpoint, spec=spec)
    rollout.into_service(its)
    recreate.remember(its, previous)
