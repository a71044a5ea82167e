"""An endpoint is held to its office hours."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import pytest
from jobs_fake import FakeMl
from pausing_runs import MODEL, NINE, OLD, endpoint, pause, spec_of
from test_jobs_specs import RELEASE

from jobs import paused
from jobs.paused import Pause
from jobs.pausing import by_hours
from jobs.release import unfinished
from settings.sections.tags import PAUSED

BERLIN = "Mon-Fri 07:00-19:00 Europe/Berlin"  # from 6 to 18 by the clock in Greenwich
NOON, NIGHT, MORNING = NINE + timedelta(hours=3), NINE + timedelta(hours=10), NINE + timedelta(hours=22)


def keep(ml: FakeMl, at: datetime, hours: str = BERLIN) -> list[str]:
    said: list[str] = []
    here = endpoint(ml, said)
    serving = RELEASE.serving.model_copy(update={"hours": hours})
    by_hours.keep(dataclasses.replace(here, spec=dataclasses.replace(RELEASE, serving=serving)), spec_of, lambda: at)
    return said


@pytest.mark.usefixtures("tagged", "scoring")
def test_an_endpoint_is_held_to_its_hours(ml: FakeMl) -> None:
    assert keep(ml, NOON) == ["endpoint phi: its office hours have begun"]
    assert list(ml.online_endpoints.deployments) == [OLD, "base"]
    assert keep(ml, NIGHT)[0] == "endpoint phi: its office hours are over until 2026-11-24 06:00 UTC"
    assert not ml.online_endpoints.deployments
    found = paused.read(ml.online_endpoints.tags)
    assert found and (found.by, found.version) == ("hours", "7")
    assert keep(ml, NIGHT + timedelta(minutes=30)) == ["endpoint phi is paused already, since 2026-11-23 19:00 UTC"]
    keep(ml, MORNING)
    assert ml.online_endpoints.traffic == {spec_of("7").deployment_name: 100}
    assert paused.read(ml.online_endpoints.tags) is None


@pytest.mark.usefixtures("tagged", "scoring")
def test_hours_that_are_taken_out_of_the_file_end_their_pause(ml: FakeMl) -> None:
    keep(ml, NIGHT)
    assert "around the clock" in keep(ml, NIGHT, "")[0]
    assert ml.online_endpoints.traffic == {spec_of("7").deployment_name: 100}


def test_a_pause_by_hand_outlives_the_hours(ml: FakeMl) -> None:
    keep(ml, NIGHT)
    said: list[str] = []
    pause(ml, said, NIGHT)
    assert said[-1] == "it stays paused when its office hours begin, until it is resumed"
    assert keep(ml, MORNING) == ["endpoint phi is paused by hand and stays so; its office hours have begun"]
    assert not ml.online_endpoints.deployments


@pytest.mark.parametrize(("hours_ago", "stays"), [(0.5, True), (1.9, True), (2, False), (5, False)])
def test_what_was_made_after_the_hours_has_two_hours(hours_ago: float, stays: bool, ml: FakeMl) -> None:
    late = NIGHT + timedelta(hours=3)
    for each in ml.online_endpoints.deployments.values():
        each.creation_context.created_at = late - timedelta(hours=hours_ago)
    said = keep(ml, late)
    assert bool(ml.online_endpoints.deployments) is stays
    assert ("was made after them, and has 2 hours" in said[0]) is stays


def test_a_release_that_is_half_way_is_not_paused_and_no_error(ml: FakeMl) -> None:
    ml.online_endpoints.deployment("mnew", tags={"model": f"{MODEL}:8", **unfinished.tags({OLD: 100})})
    assert "is not paused, as the release of mnew has not come to its end" in keep(ml, NIGHT)[0]
    ml.online_endpoints.deployments.clear()
    ml.online_endpoints.traffic = {}
    assert "is not paused, as nothing is in service" in keep(ml, NIGHT)[0]
    assert not ml.online_endpoints.tags.get(PAUSED)


def test_a_pause_by_hours_that_was_interrupted_goes_on(ml: FakeMl) -> None:
    ml.online_endpoints.tags |= Pause(at=NIGHT, by="hours", version="7", deployment=OLD).tags()
    ml.online_endpoints.traffic = {}
    keep(ml, NIGHT + timedelta(minutes=30))
    assert not ml.online_endpoints.deployments
