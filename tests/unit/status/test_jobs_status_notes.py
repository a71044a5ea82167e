"""What a status has to say beside its tables: pauses, hours, what is kept, who asks."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from rich.text import Text
from status_azure import printed
from status_made import NOW, PAUSE, RUNNING, WHOLE, ago

from jobs.paused import BY_HAND, BY_HOURS, BY_RELEASE
from jobs.release import unfinished
from jobs.status.spending import HourPrice
from jobs.status.status import Stage, Status
from jobs.status.usage import Requests
from jobs.status.view import coloured, half_way, idleness, keeping, lines, overtime, pausing, requests, view


def other(**changes: Any) -> Status:
    return dataclasses.replace(WHOLE, **changes)


STANDING = dataclasses.replace(WHOLE.deployments[0], traffic=100, tags={})
"""Alone, with all of the traffic."""


@pytest.mark.parametrize(
    ("pause", "deployments", "told"),
    [
        (None, (), ""),
        (
            PAUSE,
            (),
            "Paused by hand on 2026-11-24 at 22:30 UTC: no deployment bills. `python -m jobs resume --stack dev` "
            "brings version 7 back; version 8 came meanwhile and is released then.",
        ),
        (
            dataclasses.replace(PAUSE, coming=""),
            WHOLE.deployments,
            "Paused by hand on 2026-11-24 at 22:30 UTC, and m6, base still stands and bills: `python -m jobs pause "
            "--stack dev` or `resume` goes on where it stopped.",
        ),
        (
            dataclasses.replace(PAUSE, by=BY_HOURS, coming=""),
            (),
            "Paused as its office hours were over on 2026-11-24 at 22:30 UTC: no deployment bills. `python -m jobs "
            "resume --stack dev` brings version 7 back. Its office hours (Mon-Fri 18:00-19:00 UTC) begin again on "
            "2026-11-25 at 18:00 UTC.",
        ),
        (
            dataclasses.replace(PAUSE, by=BY_RELEASE),
            WHOLE.deployments,
            "A release took version 7 away on 2026-11-24 at 22:30 UTC and has not come to its end: nobody is answered. "
            "`pulumi up` goes on with it, `python -m jobs rollback --stack dev` brings version 7 back.",
        ),
    ],
)
def test_a_pause_is_told_with_what_ends_it(pause: Any, deployments: Any, told: str) -> None:
    found = other(pause=pause, deployments=deployments, hours="Mon-Fri 18:00-19:00 UTC")
    assert pausing(found) == told
    assert (told in lines(found)) is bool(told)
    assert told in " ".join(printed(view(found), 400).split())


@pytest.mark.parametrize(
    ("hours", "by"), [("", BY_HOURS), ("Mon-Fri 08:00-19:00 UTC", BY_HOURS), ("Mon-Fri 18:00-19:00 UTC", BY_HAND)]
)
def test_when_it_opens_again_is_told_of_a_pause_by_the_clock_outside_of_its_hours(hours: str, by: str) -> None:
    found = other(pause=dataclasses.replace(PAUSE, by=by, coming=""), deployments=(), hours=hours)
    assert pausing(found).endswith("brings version 7 back.")


def test_a_release_that_is_half_way_is_told_with_what_ends_it() -> None:
    assert half_way(WHOLE) == (
        "The release of m6 has not come to its end, and its machines bill. `pulumi up` goes on with it if the stack "
        "file asks for it; `python -m jobs rollback --stack dev` takes it back."
    )
    assert half_way(other(deployments=(STANDING,))) == ""


def kept(hours: float) -> Status:
    """One that was released four hours ago, with the one before it for so many more hours."""
    ended = {**unfinished.tags({"base": 100}), **unfinished.done(4 + hours, ago(4))}
    live = dataclasses.replace(STANDING, tags=ended)
    return other(deployments=(live, dataclasses.replace(WHOLE.deployments[1], traffic=0)))


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        (
            2,
            "base stays until 2026-11-25 at 14:30 UTC, and bills: `python -m jobs rollback --now --stack dev` goes "
            "back to it.",
        ),
        (
            0,
            "base was to stay until 2026-11-25 at 12:30 UTC, and bills: `python -m jobs keep-hours --stack dev` "
            "removes it.",
        ),
    ],
)
def test_what_is_kept_is_told_with_what_it_is_for(hours: float, told: str) -> None:
    found = kept(hours)
    assert keeping(found) == told and told in lines(found)
    assert told in " ".join(printed(view(found), 400).split())
    assert found.to_json()["kept"] == "base" and found.half_released == ""
    assert keeping(WHOLE) == ""


@pytest.mark.parametrize(
    ("hours", "since", "over"),
    [
        ("Wed 08:00-09:30 UTC", 10, timedelta(hours=3, seconds=15)),
        ("Wed 08:00-09:31 UTC", 10, timedelta(hours=2, minutes=59, seconds=15)),
        ("Wed 08:00-09:00 UTC", 3, timedelta(hours=3)),  # made after them
        ("Wed 08:00-18:00 UTC", 10, timedelta()),
        ("", 10, timedelta()),
    ],
)
def test_machines_that_outlast_their_hours(hours: str, since: float, over: timedelta) -> None:
    found = other(hours=hours, deployments=(dataclasses.replace(STANDING, since=ago(since)),))
    assert found.overtime == over
    told = overtime(found)
    assert bool(told) is (over >= timedelta(hours=3))
    if told:
        assert told == (
            f"The office hours ({hours}) are over for 3 h, and machines still bill. `python -m jobs keep-hours --stack "
            "dev` ends that; does the workflow run that should (hours.yml)?"
        )
        assert told in lines(found) and told in " ".join(printed(view(found), 400).split())


def test_hours_are_over_for_the_oldest_that_stands() -> None:
    two = (dataclasses.replace(STANDING, since=ago(1)), dataclasses.replace(STANDING, since=ago(2)))
    assert other(hours="Tue 08:00-09:00 UTC", deployments=two).overtime == timedelta(hours=2)
    assert other(hours="Tue 08:00-09:00 UTC", deployments=(WHOLE.deployments[1],)).overtime == timedelta()


def test_that_nobody_asks_is_told_with_what_it_costs() -> None:
    assert idleness(WHOLE) == (
        "Nobody has asked the endpoint for 2 h or more; its machines have cost 16.25 USD meanwhile. `pulumi destroy "
        "--stack dev` ends that."
    )
    silent = Requests(recent={}, since=None, last=None, trouble="no access")
    assert idleness(other(usage=silent)) == "Requests are not known: no access"
    asked = dataclasses.replace(WHOLE.usage, last=NOW)
    assert idleness(other(usage=asked)) == "" and other(usage=asked).idle == timedelta()


@pytest.mark.parametrize(("since", "cost"), [(None, 2 * 4 * 2.0), (10, 2 * 4 * 2.0), (0.5, 2 * 4 * 0.5)])
def test_idle_machines_cost_since_they_stand(since: float | None, cost: float) -> None:
    young = dataclasses.replace(STANDING, since=None if since is None else ago(since))
    assert other(deployments=(young,)).idle_cost == pytest.approx(cost)
    unknown = dataclasses.replace(WHOLE.spending, prices={"big": HourPrice(None, "")})
    assert other(deployments=(young,), spending=unknown).idle_cost is None


@pytest.mark.parametrize(
    ("since", "last", "idle"),
    [
        (None, None, 0),
        (0.99, None, 0),
        (1, None, 1),
        (9, None, 9),
        (9, 2, 1),  # counted in an hour, so it came at its end at the latest
        (9, 1.99, 0),
    ],
)
def test_for_how_long_nobody_has_asked(since: float | None, last: float | None, idle: float) -> None:
    found = Requests(recent={}, since=None if since is None else ago(since), last=None if last is None else ago(last))
    assert found.idle(NOW) == timedelta(hours=idle)
    assert dataclasses.replace(found, trouble="no").idle(NOW) == timedelta()
    assert found.to_json(NOW) == {"last_hour": {}, "idle_hours": idle, "trouble": ""}


def test_what_a_deployment_was_asked() -> None:
    assert requests(WHOLE, "m6") == f"; in the last hour {WHOLE.usage.recent['m6']}"
    assert requests(WHOLE, "m1") == "; in the last hour no request"
    assert requests(other(deployments=()), "m6") == ""
    assert requests(other(usage=dataclasses.replace(WHOLE.usage, trouble="no")), "m6") == ""


@pytest.mark.parametrize(
    ("states", "colour"),
    [
        (("failed", "Failed", "Canceled", "NotResponding"), "red"),
        (("Succeeded", "Completed", "done", "registered"), "green"),
        (
            (
                *("under way", "Running", "Queued", "Preparing", "Starting", "Finalizing", "registering"),
                *("Creating", "Updating", "Deleting"),
            ),
            "yellow",
        ),
        (("to do", "not there", "unknown", "paused"), ""),
    ],
)
def test_states_have_colours(states: tuple[str, ...], colour: str) -> None:
    for state in states:
        assert coloured(state) == Text(state, colour) and coloured(state).style == colour, state


def test_each_note_has_its_colour() -> None:
    """Red is what Azure did not answer; yellow what somebody may want to do something about."""
    found = view(other(pause=PAUSE, hours="Wed 08:00-09:00 UTC"))
    styles = {part.plain.split()[0]: str(part.style) for part in found.renderables if isinstance(part, Text)}
    assert styles == {
        "The": "yellow",
        "Paused": "yellow",
        "Nobody": "yellow",
        "Not": "red",
        "big:": "dim",
        "small:": "dim",
        "job:": "dim",
    }


@pytest.mark.parametrize(
    ("changes", "moving", "done"),
    [
        ({}, True, False),
        ({"job": dataclasses.replace(RUNNING, status="Completed")}, True, False),  # a deployment is updated
        ({"job": None, "deployments": ()}, False, False),
        ({"job": None, "deployments": (), "endpoint_state": "Creating"}, True, False),
        ({"job": None, "deployments": (), "stages": (Stage("a", "done"), Stage("b", "paused"))}, False, True),
        ({"job": RUNNING, "deployments": (), "stages": (Stage("a", "done"),)}, True, False),
        ({"job": None, "deployments": (), "stages": (Stage("a", "done"), Stage("b", "to do"))}, False, False),
    ],
)
def test_whether_something_is_under_way_and_whether_all_is_done(
    changes: dict[str, Any], moving: bool, done: bool
) -> None:
    found = other(**changes)
    assert (found.moving, found.done) == (moving, done)
