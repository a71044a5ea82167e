"""Holds an endpoint to its office hours (serving.hours): to be called again and again, every half hour, say."""

from __future__ import annotations

from datetime import datetime, timedelta

from cloud.errors import azure_errors
from jobs import paused
from jobs.paused import BY_HAND, BY_HOURS, BY_RELEASE
from jobs.pausing.pause import Clock, pause, utc
from jobs.pausing.resume import SpecOf, resume
from jobs.release import keeping, unfinished
from jobs.release.deployments import MODEL, Endpoint
from settings.sections.hours import Hours, hours_of

AFTER_HOURS = timedelta(hours=2)
"""So long what goes into service outside of the hours is left alone: somebody is working."""


def keep(endpoint: Endpoint, spec_of: SpecOf, clock: Clock = utc) -> None:
    """Pauses the endpoint outside of its hours, and ends within them a pause that they have begun.

    A pause by hand stays; so does, for AFTER_HOURS, what went into service outside of the hours. Raises StageError,
    and NotFinished when told to stop.
    """
    spec, now = endpoint.spec, clock()
    hours = hours_of(spec.serving.hours)
    name, by_now = spec.endpoint, told(hours, now)
    found = endpoint.settled()
    held = paused.read(found.tags)
    if held is None:
        keeping.over(endpoint, now)
    if held and held.by == BY_HAND:
        endpoint.report(f"endpoint {name} is paused by hand and stays so; {by_now}")
    elif held and held.by == BY_RELEASE:
        endpoint.report(
            f"endpoint {name}: the release of version {held.coming or held.version} has not come to its end"
        )
    elif hours is None or hours.open_at(now):
        endpoint.report(f"endpoint {name}: {by_now}")
        if held:
            resume(endpoint, spec_of)
    elif held:
        pause(endpoint, BY_HOURS, clock)  # what an earlier one has left
    elif (why := _busy(endpoint, hours, now)) is None:
        endpoint.report(f"endpoint {name}: {by_now}")
        pause(endpoint, BY_HOURS, clock)
    else:
        endpoint.report(f"endpoint {name} is not paused, as {why}; {by_now}")


def told(hours: Hours | None, now: datetime) -> str:
    """Whether the hours are over, and until when, for people."""
    if hours is None:
        return "serving.hours is empty: it is in service around the clock"
    if hours.open_at(now):
        return "its office hours have begun"
    opens = hours.next_opening(now)
    return f"its office hours are over until {opens:%Y-%m-%d %H:%M} UTC"


def _busy(endpoint: Endpoint, hours: Hours, now: datetime) -> str | None:
    """Why it is not paused now, though its hours are over; None where nothing speaks against it."""
    if half := unfinished.release(endpoint.tags(), endpoint.traffic()):
        return f"the release of {half.deployment} has not come to its end"
    with azure_errors("the deployments could not be listed", endpoint.on):
        ours = list(endpoint.client.online_deployments.list(endpoint.spec.endpoint))
    made = [each.creation_context.created_at for each in ours if MODEL in (each.tags or {}) and each.creation_context]
    if not ours or not endpoint.traffic():
        return "nothing is in service"
    newest = max(made, default=None)
    if newest and newest >= hours.closed_since(now) and now - newest < AFTER_HOURS:
        return f"what is in service was made after them, and has {AFTER_HOURS.total_seconds() / 3600:g} hours"
    return None
