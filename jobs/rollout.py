"""Stage release: the model version goes into service so that nobody notices until it is proven.

New deployment at 0 % of the traffic, questions put to it directly (jobs/smoke.py), traffic in steps, read back at
each one and watched (jobs/health.py), then the old deployments go. A failure on the way puts the traffic back
exactly as it was and removes the new deployment, which would cost money. What the traffic was before is a tag of the
new deployment, so that another process that takes up the release knows it too.
"""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime

from jobs import client as azure
from jobs import health, smoke
from jobs.deployments import HEALTHY, Endpoint, shown
from jobs.errors import AGAIN, NotFinished, StageError
from jobs.specs import BASE_DEPLOYMENT, WARNING, ReleaseSpec, Report

_BEFORE = "traffic_before"
_LOOK_SECONDS = 30.0
MODEL, PREVIOUS = "model", "previous"
"""Tags of a deployment: its model as ``name:version``, and the one that was in service before it."""


def run(spec: ReleaseSpec, report: Report, stop: threading.Event) -> None:
    """Leaves the model version at 100 % of the traffic and no other deployment but the base model's.

    Raises StageError with the earlier traffic restored, NotFinished when ``stop`` was set.
    """
    endpoint = Endpoint(azure.ml_client(spec.target), spec, report, stop)
    endpoint.settled()
    live = endpoint.traffic()
    base = _BaseModel(endpoint)
    if live != {spec.deployment_name: 100}:
        _release(endpoint, base, live)
    else:
        report(f"deployment {spec.deployment_name} has 100 % of the traffic already")
        base.begin()
    for name in endpoint.names():
        if name not in (spec.deployment_name, BASE_DEPLOYMENT):
            endpoint.remove(name)
    base.finish()


def _release(endpoint: Endpoint, base: _BaseModel, live: dict[str, int]) -> None:
    spec, name = endpoint.spec, endpoint.spec.deployment_name
    before = _before(endpoint, live)
    try:
        _provide(endpoint, base, before)
        smoke.check(endpoint, before)
        for step in _steps(spec) if before else [100]:
            share = _shared(before, name, step)
            since = datetime.now(UTC)
            endpoint.set_traffic(share)
            endpoint.report(f"traffic: {shown(share)}")
            if step == 100:
                smoke.confirm(endpoint)
            if before:
                _soak(endpoint, since)
    except NotFinished:
        raise
    except StageError as error:
        _restore(endpoint, before, error)
        raise


def _before(endpoint: Endpoint, live: dict[str, int]) -> dict[str, int]:
    """The traffic to go back to: the live one, or what an interrupted release found when it began."""
    name = endpoint.spec.deployment_name
    if name not in live:
        return live
    others = set(endpoint.names()) - {name}
    found = endpoint.find(name)
    recorded: dict[str, int] = json.loads((found.tags or {}).get(_BEFORE, "{}")) if found else {}
    if recorded and set(recorded) <= others:
        return recorded
    rest = {other: share for other, share in live.items() if other != name}
    return _shared(rest, "", 0) if rest else {}


def _provide(endpoint: Endpoint, base: _BaseModel, before: dict[str, int]) -> None:
    """Leaves the new deployment healthy; one that failed earlier can't be repaired and is made again."""
    spec, name = endpoint.spec, endpoint.spec.deployment_name
    found = endpoint.find(name)
    if found is not None and found.provisioning_state != HEALTHY:
        endpoint.report(f"deployment {name} of an earlier try is {azure.state(found.provisioning_state)}")
        endpoint.set_traffic(before)
        endpoint.remove(name)
        found = None
    if found is not None:
        endpoint.report(f"deployment {name} is there already and healthy")
        base.begin()
        return
    model = f"azureml:{spec.model_name}:{spec.model_version}"
    tags = {MODEL: f"{spec.model_name}:{spec.model_version}", _BEFORE: json.dumps(before)}
    if previous := _previous(endpoint, before, tags[MODEL]):
        tags[PREVIOUS] = previous
    poller = endpoint.begin(name, model, tags)
    base.begin()
    endpoint.finish(name, poller)


def _previous(endpoint: Endpoint, before: dict[str, int], model: str) -> str:
    """The model to go back to: the one in service, or if that is the same on other machines, the one before it."""
    found = endpoint.find(max(before, key=lambda name: before[name])) if before else None
    if found is None:
        return ""
    tags = found.tags or {}
    served = str(tags.get(MODEL, found.model))
    return str(tags.get(PREVIOUS, "")) if served == model else served


def _steps(spec: ReleaseSpec) -> list[int]:
    """Rising shares in percent; whatever the setting says, the last one is 100."""
    return [*sorted({step for step in spec.traffic_steps if 0 < step < 100}), 100]


def _shared(before: dict[str, int], name: str, percent: int) -> dict[str, int]:
    """``percent`` for ``name``, the rest among the others as before: whole numbers, in all exactly 100."""
    others = {other: share for other, share in before.items() if other != name}
    rest, total = 100 - percent, sum(others.values())
    if not others:
        return {name: 100}
    shares = {other: share * rest // total for other, share in others.items()}
    largest = max(others, key=lambda other: others[other])
    shares[largest] += rest - sum(shares.values())
    return {other: share for other, share in {**shares, name: percent}.items() if share}


def _soak(endpoint: Endpoint, since: datetime) -> None:
    """Watches a step for as long as the settings say. Raises StageError when the new deployment fares badly."""
    left, last = float(endpoint.spec.soak_seconds), ""
    while left > 0:
        pause = min(left, _LOOK_SECONDS)
        left -= pause
        if endpoint.stop.wait(pause):
            why = f"you asked to stop; live is {shown(endpoint.traffic())}"
            raise NotFinished("the release is not finished", on=endpoint.on, why=why, todo=AGAIN)
        last = _judged(endpoint, since)
    if last:
        endpoint.report(last)


def _judged(endpoint: Endpoint, since: datetime) -> str:
    """What is measured of the new deployment, in words."""
    spec, limits = endpoint.spec, endpoint.spec.health
    name = spec.deployment_name
    try:
        found = health.read(spec, since)
    except StageError as error:  # who may release need not be allowed to read metrics
        return f"{WARNING}the health of {name} is not known: {error.why}"
    if not found.requests:
        return f"{WARNING}the health of {name} is not known: {found}"
    bad = ""
    if found.failed_percent > limits.failed_percent:
        bad = f"serving.health.failedPercent is {limits.failed_percent:g}"
    elif found.p95_seconds is not None and found.p95_seconds > limits.latency_seconds:
        bad = f"serving.health.latencySeconds is {limits.latency_seconds:g}"
    if bad:
        raise StageError(
            "the new model fares badly under traffic",
            on=f"deployment {name}",
            why=f"{found}; {bad}",
            todo="See its log in Azure ML studio's endpoint before you try again.",
        )
    return f"health of {name}: {found}"


def _restore(endpoint: Endpoint, before: dict[str, int], cause: StageError) -> None:
    """Puts everything back as it was; if even that fails, says both things."""
    name = endpoint.spec.deployment_name
    endpoint.report(f"going back: {cause.what}")
    try:
        if name in endpoint.traffic():
            endpoint.set_traffic(before, needed=True)
            endpoint.drain()
        if name in endpoint.names():
            endpoint.remove(name, needed=True)
    except StageError as error:
        raise StageError(
            cause.what,
            on=cause.on,
            why=f"{cause.why}. Going back failed as well: {error.why}",
            todo=f"Check the traffic of endpoint {endpoint.spec.endpoint} in Azure ML studio "
            f"(it was {shown(before)}) and delete deployment {name}. {cause.todo}",
        ) from cause
    endpoint.report(f"traffic as before: {shown(before)}; deployment {name} deleted")


class _BaseModel:
    """The deployment of the untuned model beside the new one. Its failure never harms the release."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._poller: object | None = None
        self._error: StageError | None = None

    def begin(self) -> None:
        """Starts what is missing, while the new deployment is being created too."""
        spec = self._endpoint.spec
        if not spec.compare_with_base:
            return
        try:
            found = self._endpoint.find(BASE_DEPLOYMENT)
            wanted = {MODEL: spec.base_model.model_uri, "instance_type": spec.instance_type}
            if found is not None:
                tags = found.tags or {}
                same = all(tags.get(key) == value for key, value in wanted.items())
                if same and found.provisioning_state == HEALTHY:
                    return
                self._endpoint.remove(BASE_DEPLOYMENT)
            self._poller = self._endpoint.begin(BASE_DEPLOYMENT, spec.base_model.model_uri, wanted)
        except NotFinished:
            raise
        except StageError as error:
            self._error = error

    def finish(self) -> None:
        """Waits for it, or removes it where it is not wanted. Raises StageError, the release being done."""
        spec, endpoint = self._endpoint.spec, self._endpoint
        if not spec.compare_with_base:
            if BASE_DEPLOYMENT in endpoint.names():
                endpoint.remove(BASE_DEPLOYMENT)
            return
        if self._error is not None:
            raise self._error
        if self._poller is not None:
            endpoint.finish(BASE_DEPLOYMENT, self._poller)  # type: ignore[arg-type]
