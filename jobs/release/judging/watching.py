"""A step of the traffic is watched: how the new deployment fares, beside the ones in service on the same traffic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime

from cloud.errors import AGAIN, ModelFault, NotFinished, StageError
from cloud.report import WARNING
from cloud.waiting import Stopped, minutely, pause, tells_itself
from jobs.release.deployments import Endpoint
from jobs.release.judging import health, probing
from jobs.release.judging.health import Health
from jobs.traffic import shown

_LOOK_SECONDS = 30.0
_SAID_SECONDS = 60.0
_FAULT = "the new model fares badly under traffic"


def soak(endpoint: Endpoint, since: datetime, before: Mapping[str, int]) -> None:
    """Watches a step for as long as the settings say, and longer where a judgement is waited for.

    Raises ModelFault when the new deployment fares worse than it may, or says too little where it has to; NotFinished
    when told to stop, or where too little was measured for too long.
    """
    limits = endpoint.spec.serving.health
    left, waited = float(endpoint.spec.serving.soak_seconds), 0.0
    last, known = "", True
    tell, took = minutely(endpoint.report, lambda: f"watched so far: {_plain(last)},"), 0.0
    while left > 0:
        look = min(left, _LOOK_SECONDS)
        left, took = left - look, took + look
        _wait(endpoint, look)
        last, known = _judged(endpoint, since, before)
        if left > 0:
            tell(took)
    if not known and endpoint.spec.serving.probe:
        last, known = _probed(endpoint, before)
    while not known and limits.no_data == "wait":
        if waited >= limits.wait_seconds:
            why = f"{_plain(last)}, after {limits.wait_seconds} s more (serving.health.waitSeconds)"
            todo = "Ask the endpoint something, or set serving.health.noData to pass. " + AGAIN
            raise NotFinished("the release is not finished", on=endpoint.on, why=why, todo=todo)
        if waited % _SAID_SECONDS < _LOOK_SECONDS:
            endpoint.report(f"waiting for requests to judge by: {_plain(last)}")
        look = min(_LOOK_SECONDS, limits.wait_seconds - waited)
        waited += look
        _wait(endpoint, look)
        last, known = _judged(endpoint, since, before)
    if not known and limits.no_data == "fail":
        raise _fault(endpoint, f"{_plain(last)} (serving.health.noData: fail)", {})
    if last:
        endpoint.report(last)


def _wait(endpoint: Endpoint, seconds: float) -> None:
    try:
        pause(seconds, tell=tells_itself, stop=endpoint.stop)
    except Stopped:
        why = f"you asked to stop; live is {shown(endpoint.traffic())}"
        raise NotFinished("the release is not finished", on=endpoint.on, why=why, todo=AGAIN) from None


def _plain(told: str) -> str:
    return told.removeprefix(WARNING)


def _judged(endpoint: Endpoint, since: datetime, before: Mapping[str, int]) -> tuple[str, bool]:
    """What is measured of the new deployment, in words, and whether that was enough to judge it."""
    spec, name = endpoint.spec, endpoint.spec.deployment_name
    try:
        found = health.read(spec, since)
    except StageError as error:  # who may release need not be allowed to read metrics
        return f"{WARNING}the health of {name} is not known: {error.why}", False
    if not found.requests:
        return f"{WARNING}the health of {name} is not known: {found}", False
    return _verdict(endpoint, found, lambda: _in_service(endpoint, since, before))


def _probed(endpoint: Endpoint, before: Mapping[str, int]) -> tuple[str, bool]:
    """The same of questions of our own, put to the new deployment and to the one in service."""
    number, name = endpoint.spec.serving.health.minimum_requests, endpoint.spec.deployment_name
    endpoint.report(f"too few ask {name} to judge it: it is asked {number} questions of our own (serving.probe)")

    def beside() -> tuple[str, Health] | None:
        live = max(before, key=lambda each: before[each], default="")
        return (live, probing.ask_it(endpoint, live, number)) if live else None

    return _verdict(endpoint, probing.ask_it(endpoint, name, number), beside)


def _verdict(endpoint: Endpoint, found: Health, beside_it: Callable[[], tuple[str, Health] | None]) -> tuple[str, bool]:
    """What figures say, in words, and whether they were enough; ``beside_it`` gives those of the model in service.

    Raises ModelFault where they are bad, and the other's are not.
    """
    spec, limits = endpoint.spec, endpoint.spec.serving.health
    name = spec.deployment_name
    load = ""
    if found.busy:
        load = f"; {found.busy} were turned away for load, no fault of the model: serving.maxConcurrentRequests is "
        load += f"{spec.serving.max_concurrent_requests}, serving.instances {spec.serving.instances}"
    if found.judged < limits.minimum_requests:
        few = f"serving.health.minimumRequests is {limits.minimum_requests}"
        return f"{WARNING}the health of {name} is not judged: {found}; {few}{load}", False
    bad, worse = "", Health.fails_more
    if found.failed_percent > limits.failed_percent:
        bad = f"serving.health.failedPercent is {limits.failed_percent:g}"
    elif found.p95_seconds is not None and found.p95_seconds > limits.latency_seconds:
        bad, worse = f"serving.health.latencySeconds is {limits.latency_seconds:g}", Health.later
    if bad:
        known = beside_it()
        beside = f"; {known[0]}, in service: {known[1]}" if known else ""
        if known is None or known[1].judged < limits.minimum_requests or worse(found, known[1]):
            evidence = {"health": asdict(found), **({known[0]: asdict(known[1])} if known else {})}
            raise _fault(endpoint, f"{found}; {bad}{beside}", evidence)
        return f"{WARNING}health of {name}: {found}; {bad}, and the model in service fares no better{beside}", True
    return f"{WARNING if load else ''}health of {name}: {found}{load}", True


def _in_service(endpoint: Endpoint, since: datetime, before: Mapping[str, int]) -> tuple[str, Health] | None:
    """The deployment that most were led to before, and how it fares on the same traffic; None where that is unknown."""
    if not before:
        return None
    live = max(before, key=lambda name: before[name])
    try:
        found = health.read(endpoint.spec, since, deployment=live)
    except StageError:
        return None
    return (live, found) if found.requests else None


def _fault(endpoint: Endpoint, why: str, evidence: Mapping[str, object]) -> ModelFault:
    on = f"deployment {endpoint.spec.deployment_name}"
    return ModelFault(_FAULT, on=on, why=why, todo="See its log before you try again.", evidence=evidence)
