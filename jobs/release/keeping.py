"""The deployment that was in service before stays for a while without traffic: going back then takes a minute."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from cloud.errors import AGAIN, StageError
from cloud.report import WARNING
from cloud.states import HEALTHY
from jobs.release import unfinished
from jobs.release.deployments import Endpoint
from jobs.release.judging import smoke
from settings.machines import HOURLY_DOLLARS


def after_release(endpoint: Endpoint) -> str:
    """Notes the end of the release, and names what is kept of before it; "" for nothing."""
    spec, name = endpoint.spec, endpoint.spec.deployment_name
    hours = spec.serving.keep_previous_hours
    if not hours:
        return ""
    tags, traffic, now = endpoint.tags(), endpoint.traffic(), datetime.now(UTC)
    its = dict(tags.get(name, {}))
    if its.get(unfinished.BEFORE) and not its.get(unfinished.DONE):
        new = unfinished.done(hours, now)
        its |= new
        found = unfinished.kept({**tags, name: its}, traffic)
        if found is None:
            return ""
        unfinished.write(spec.endpoint_path, name, tags[name], new, endpoint.report)
    found = unfinished.kept({**tags, name: its}, traffic)
    if found is None or found.until <= now:
        return ""
    endpoint.report(
        f"{WARNING}deployment {found.deployment} stays without traffic until {found.until:%Y-%m-%d %H:%M} UTC and bills"
        f"{_price(endpoint, (found.until - now).total_seconds() / 3600)}: `python -m jobs rollback --now` goes back"
    )
    return found.deployment


def make_room(endpoint: Endpoint, before: Mapping[str, int]) -> None:
    """What is kept of an earlier release goes before the next one, which takes its machines."""
    found = unfinished.kept(endpoint.tags(), before) if endpoint.spec.serving.keep_previous_hours else None
    if found and found.deployment != endpoint.spec.deployment_name:
        endpoint.remove(found.deployment)


def begin_again(endpoint: Endpoint, before: Mapping[str, int]) -> None:
    """A deployment that was kept is released once more."""
    name = endpoint.spec.deployment_name
    its = endpoint.tags().get(name, {})
    if its.get(unfinished.DONE):
        again = unfinished.begun_again(before)
        unfinished.write(endpoint.spec.endpoint_path, name, its, again, endpoint.report)


def over(endpoint: Endpoint, now: datetime) -> None:
    """Removes what is kept once its time is over."""
    found = unfinished.kept(endpoint.tags(), endpoint.traffic())
    if found and found.until <= now:
        endpoint.report(f"deployment {found.deployment} was kept until {found.until:%Y-%m-%d %H:%M} UTC")
        endpoint.remove(found.deployment)


def back_now(endpoint: Endpoint) -> str:
    """Gives all traffic to what is kept, then asks who answers; the deployment that is in service then.

    Where a release is half way, that is what was in service before it. Raises StageError where nothing is kept.
    """
    tags, traffic = endpoint.tags(), endpoint.traffic()
    half = unfinished.release(tags, traffic)
    found = unfinished.kept(tags, traffic)
    if half is None and found is None:
        raise StageError(
            "it cannot be gone back to at once",
            on=endpoint.on,
            why="no deployment of before is there",
            todo="`python -m jobs rollback` deploys that version again; serving.keepPreviousHours keeps the next one.",
        )
    wanted = dict(half.before) if half else {found.deployment: 100} if found else {}
    name = max(wanted, key=lambda each: wanted[each])
    there = endpoint.find(name)
    if there is None or there.provisioning_state != HEALTHY:
        why = f"deployment {name} is not healthy"
        raise StageError("it cannot be gone back to at once", on=endpoint.on, why=why, todo=AGAIN)
    endpoint.set_traffic(wanted)
    if found and not half:
        (left,) = traffic
        # Both ways: what was left is what is kept now, and going back twice is where one began.
        hours = max(endpoint.spec.serving.keep_previous_hours, 1)
        new = {**unfinished.tags({left: 100}), **unfinished.done(hours, datetime.now(UTC))}
        unfinished.write(endpoint.spec.endpoint_path, name, tags[name], new, endpoint.report)
    if wanted == {name: 100}:
        smoke.confirm(endpoint, name)
    return name


def _price(endpoint: Endpoint, hours: float) -> str:
    serving = endpoint.spec.serving
    hourly = HOURLY_DOLLARS.get(serving.vm_size)
    return (
        f", about {hourly * serving.instances * hours:,.0f} USD in all"
        if hourly
        else ", at a price that is not known here"
    )
