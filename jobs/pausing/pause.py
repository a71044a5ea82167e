"""Takes an endpoint out of service: its deployments go, everything else stays.

What was in service is written on the endpoint before anything goes, in the same request that takes the traffic away;
so whoever is interrupted here, or runs it again, finds what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cloud.arm import Arm
from cloud.errors import StageError, azure_errors
from cloud.report import WARNING
from cloud.services.monitor import series
from jobs import paused
from jobs.paused import BY_HAND, BY_RELEASE, Pause
from jobs.release import rollback, unfinished
from jobs.release.deployments import MODEL, Endpoint

Clock = Callable[[], datetime]
ASKED = timedelta(minutes=15)
"""Who has asked within it may be in the middle of a conversation."""


def utc() -> datetime:
    return datetime.now(UTC)


def asked_lately(endpoint: Endpoint, now: datetime) -> float | None:
    """How many requests the endpoint has had within ASKED, as Azure Monitor counts them; None where it does not say."""
    path = f"{endpoint.spec.target.path}/onlineEndpoints/{endpoint.spec.endpoint}"
    end = now.replace(second=0, microsecond=0) + timedelta(minutes=1)
    try:
        with azure_errors("the endpoint's metrics could not be read", endpoint.on):
            found = series(Arm(), path, "RequestsPerMinute", "", (end - ASKED, end))
    except StageError as error:
        endpoint.report(f"{WARNING}whether somebody asks is not known: {error.why}")
        return None
    return sum(sum(each.points.values()) for each in found)


def refuse_while_asked(endpoint: Endpoint, now: datetime) -> None:
    """Raises StageError where somebody has asked within ASKED."""
    if asked := asked_lately(endpoint, now):
        raise StageError(
            "the endpoint was not paused",
            on=endpoint.on,
            why=f"it has had {asked:g} requests in the last {ASKED.total_seconds() / 60:g} minutes",
            todo="Wait until nobody asks any more, or add --while-asked.",
        )


def pause(endpoint: Endpoint, by: str, clock: Clock = utc) -> None:
    """Leaves the endpoint without deployments and says on it what was in service.

    Raises StageError where a release is half way or nothing is in service, and NotFinished when told to stop: the next
    one goes on. A deployment that carries no tag of a release is somebody else's, and stays.
    """
    found = endpoint.settled()
    standing, foreign = _standing(endpoint)
    pause = paused.read(found.tags)
    if pause is not None and pause.by == BY_RELEASE:
        raise _half_way(endpoint, f"of version {pause.coming or pause.version}")
    if pause is None:
        pause = _begun(endpoint, by, clock())
        served = paused.served(found.tags).plus(standing.values(), pause.at)
        found.traffic, found.mirror_traffic = {}, {}
        found.tags = {**(found.tags or {}), **pause.tags(), **_fitting(endpoint, served)}
        endpoint.write(found, "the traffic", "being taken away")
        endpoint.report(f"endpoint {endpoint.spec.endpoint} answers nobody any more")
        endpoint.drain()
    elif not standing:
        endpoint.report(f"endpoint {endpoint.spec.endpoint} is paused already, since {pause.at:%Y-%m-%d %H:%M} UTC")
        if by == BY_HAND != pause.by:
            found.tags = {**(found.tags or {}), **replace(pause, by=by).tags()}
            endpoint.write(found, endpoint.on, "being told to stay paused")
            endpoint.report("it stays paused when its office hours begin, until it is resumed")
    elif endpoint.traffic():
        endpoint.set_traffic({})
        endpoint.drain()
    for name in standing:
        endpoint.go_on(f"it answers nobody any more, and {name} still bills")
        endpoint.remove(name)
    if standing:
        _paid(endpoint, standing, clock())
    for name in foreign:
        endpoint.report(f"{WARNING}deployment {name} carries no tag of a release: it is left alone, and bills")


def _begun(endpoint: Endpoint, by: str, now: datetime) -> Pause:
    spec, tags = endpoint.spec, endpoint.tags()
    if half := unfinished.release(tags, endpoint.traffic()):
        raise _half_way(endpoint, f"of {half.deployment}")
    live = rollback.in_service(endpoint.client, spec.endpoint, spec.model_name)
    if not live.version:
        why = f"deployment {live.deployment}, which has {live.share} % of the traffic, names no version of "
        todo = "Release the stack's model first (`pulumi up --replace '**::release'`): that can be brought back."
        raise StageError("the endpoint was not paused", on=endpoint.on, why=f"{why}{spec.model_name}", todo=todo)
    return Pause(at=now, by=by, version=live.version, deployment=live.deployment, previous=live.before)


def _half_way(endpoint: Endpoint, release: str) -> StageError:
    return StageError(
        "the endpoint was not paused",
        on=endpoint.on,
        why=f"the release {release} has not come to its end",
        todo="`pulumi up` goes on with it, `python -m jobs rollback` takes it back; pause then.",
    )


Standing = Mapping[str, tuple[str, int, datetime]]


def _standing(endpoint: Endpoint) -> tuple[Standing, list[str]]:
    """VM size, instances and moment of each deployment of ours, by its name; the names of others."""
    ours: dict[str, tuple[str, int, datetime]] = {}
    foreign: list[str] = []
    with azure_errors("the deployments could not be listed", endpoint.on):
        every: list[Any] = list(endpoint.client.online_deployments.list(endpoint.spec.endpoint))
    for each in sorted(every, key=lambda one: str(one.name)):
        if MODEL not in (each.tags or {}):
            foreign.append(str(each.name))
            continue
        since = getattr(getattr(each, "creation_context", None), "created_at", None) or utc()
        ours[str(each.name)] = (str(each.instance_type), int(each.instance_count or 1), since)
    return ours, foreign


def _paid(endpoint: Endpoint, gone: Standing, now: datetime) -> None:
    """Counts what the deployments have cost from the pause on until they were gone."""
    found = endpoint.settled(needed=True)
    found.tags = {**(found.tags or {}), **_fitting(endpoint, paused.served(found.tags).plus(gone.values(), now))}
    endpoint.write(found, endpoint.on, "being told what has been served", needed=True)


def _fitting(endpoint: Endpoint, served: paused.Served) -> dict[str, str]:
    tags = served.tags()
    if all(len(value) <= paused.MOST_TEXT for value in tags.values()):
        return tags
    most = max(served.hours, key=lambda size: served.hours[size])
    endpoint.report(f"{WARNING}hours of more VM sizes than a tag holds: status counts those of {most} alone")
    return paused.Served(served.until, {most: served.hours[most]}).tags()
