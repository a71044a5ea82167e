"""A pause and its end: all that is told, and each error whole."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from endpoints_fake import MACHINE
from jobs_fake import FakeMl, Stop
from pausing_runs import FIVE, MODEL, NINE, OLD, endpoint, pause, spec_of
from scoring_fake import Scoring
from test_jobs_specs import RELEASE

from chat.phi_messages import ModelFailed
from cloud.errors import StageError
from cloud.services.monitor import Series
from jobs import paused
from jobs.paused import BY_HAND, BY_HOURS, BY_RELEASE, Pause, Served
from jobs.pausing import by_hours, resume
from jobs.pausing import pause as pausing
from jobs.release import unfinished
from jobs.release.deployments import Endpoint
from settings.sections.hours import hours_of
from settings.sections.tags import PAUSED

HALF = "`pulumi up` goes on with it, `python -m jobs rollback` takes it back; pause then."
DRAINED = ["waiting 75 s for the answers under way", "still waiting for the answers under way after 1 min 00 s"]


def error_of(does: Callable[[], object]) -> str:
    with pytest.raises(StageError) as error:
        does()
    return f"{type(error.value).__name__}: {error.value}"


def test_all_that_a_pause_tells(ml: FakeMl) -> None:
    ml.online_endpoints.deployment("blue", tags={})
    said: list[str] = []
    pause(ml, said)
    gone = [f"deployment {name} deleted" for name in ("base", OLD)]
    assert said == [
        "endpoint phi answers nobody any more",
        *DRAINED,
        *gone,
        "warning: deployment blue carries no tag of a release: it is left alone, and bills",
    ]
    said.clear()
    pause(ml, said)
    assert said == [
        "endpoint phi is paused already, since 2026-11-23 17:00 UTC",
        "warning: deployment blue carries no tag of a release: it is left alone, and bills",
    ]


def test_one_that_the_hours_have_begun_becomes_one_by_hand(ml: FakeMl) -> None:
    pausing.pause(endpoint(ml), BY_HOURS, lambda: FIVE)
    said: list[str] = []
    pausing.pause(endpoint(ml, said), BY_HOURS, lambda: FIVE)
    assert said == ["endpoint phi is paused already, since 2026-11-23 17:00 UTC"]
    pause(ml, said)
    assert said[2:] == ["it stays paused when its office hours begin, until it is resumed"]
    found = paused.read(ml.online_endpoints.tags)
    assert found == Pause(at=FIVE, by=BY_HAND, version="7", deployment=OLD, previous="6")
    assert ml.online_endpoints.tags["stack"] == "dev"


def test_traffic_that_somebody_gave_it_in_the_pause_is_taken_away(ml: FakeMl) -> None:
    ml.online_endpoints.tags |= Pause(at=FIVE, by=BY_HAND, version="7", deployment=OLD).tags()
    ml.online_endpoints.tags |= Served(FIVE, {MACHINE: 12.0}).tags()
    said: list[str] = []
    pause(ml, said)
    assert ml.online_endpoints.history == [{}] and not ml.online_endpoints.deployments
    assert said == [*DRAINED, "deployment base deleted", f"deployment {OLD} deleted"]


@pytest.mark.parametrize(
    ("tags", "coming", "why"),
    [
        ({}, "8", "the release of version 8 has not come to its end"),
        ({}, "", "the release of version 7 has not come to its end"),
    ],
)
def test_a_release_that_takes_its_place_is_not_paused(ml: FakeMl, tags: Any, coming: str, why: str) -> None:
    ml.online_endpoints.tags |= Pause(at=FIVE, by=BY_RELEASE, version="7", deployment=OLD, coming=coming).tags()
    assert error_of(lambda: pause(ml)) == f"StageError: the endpoint was not paused (endpoint phi): {why}. {HALF}"


def test_what_is_not_paused_says_why(ml: FakeMl) -> None:
    ml.online_endpoints.deployment("mnew", tags={"model": f"{MODEL}:8", **unfinished.tags({OLD: 100})})
    assert error_of(lambda: pause(ml)) == (
        f"StageError: the endpoint was not paused (endpoint phi): the release of mnew has not come to its end. {HALF}"
    )
    del ml.online_endpoints.deployments["mnew"]
    ml.online_endpoints.deployments[OLD].tags = {"model": "other:1"}
    assert error_of(lambda: pause(ml)) == (
        f"StageError: the endpoint was not paused (endpoint phi): deployment {OLD}, which has 100 % of the traffic, "
        f"names no version of {MODEL}. Release the stack's model first (`pulumi up --replace '**::release'`): that can "
        "be brought back."
    )


def test_told_to_stop_it_says_what_still_bills(ml: FakeMl) -> None:
    ml.online_endpoints.tags |= Pause(at=FIVE, by=BY_HAND, version="7", deployment=OLD).tags()
    ml.online_endpoints.traffic = {}
    stop = Stop()
    stop.set()
    assert error_of(lambda: pausing.pause(endpoint(ml, stop=stop), BY_HAND)).startswith(
        "NotFinished: the release is not finished (endpoint phi): you asked to stop; it answers nobody any more, and "
        "base still bills. "
    )


def test_what_azure_monitor_is_asked(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def series(*given: Any) -> list[Series]:
        asked.append(given)
        return [Series({}, {NINE: 2.0, FIVE: 1.5}), Series({}, {NINE: 1.0})]

    monkeypatch.setattr(pausing, "Arm", lambda: "arm")
    monkeypatch.setattr(pausing, "series", series)
    now = NINE.replace(second=31, microsecond=5)
    assert error_of(lambda: pausing.refuse_while_asked(endpoint(ml), now)) == (
        "StageError: the endpoint was not paused (endpoint phi): it has had 4.5 requests in the last 15 minutes. Wait "
        "until nobody asks any more, or add --while-asked."
    )
    path = f"{RELEASE.endpoint_path}"
    assert path.endswith("/workspaces/ws/onlineEndpoints/phi")
    span = (NINE - timedelta(minutes=14), NINE + timedelta(minutes=1))
    assert asked == [("arm", path, "RequestsPerMinute", "", span)]

    def refused(*_: object) -> list[Series]:
        raise HttpResponseError("not you")

    monkeypatch.setattr(pausing, "series", refused)
    said: list[str] = []
    assert pausing.asked_lately(endpoint(ml, said), now) is None
    assert said == ["warning: whether somebody asks is not known: not you"]


def test_what_has_been_served_is_cut_to_what_a_tag_holds(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    served = Served(FIVE, {"Standard_A": 1.0, "Standard_B": 3.0, "Standard_C": 2.0})
    said: list[str] = []
    assert pausing._fitting(endpoint(ml, said), served) == served.tags() and said == []
    monkeypatch.setattr(paused, "MOST_TEXT", len(next(iter(served.tags().values()))) - 1)
    assert pausing._fitting(endpoint(ml, said), served) == Served(FIVE, {"Standard_B": 3.0}).tags()
    assert said == ["warning: hours of more VM sizes than a tag holds: status counts those of Standard_B alone"]


def test_deployments_count_with_their_instances_since_they_were_made(ml: FakeMl) -> None:
    first = ml.online_endpoints.deployments[OLD]
    first.instance_count, first.creation_context.created_at = 3, NINE
    ml.online_endpoints.deployments["base"].instance_count = None
    ml.online_endpoints.deployment("a-stranger", tags=None)
    ml.online_endpoints.deployments["a-stranger"].tags = None
    four = NINE + timedelta(hours=4)
    assert pausing._standing(endpoint(ml)) == ({"base": (MACHINE, 1, four), OLD: (MACHINE, 3, NINE)}, ["a-stranger"])
    first.creation_context = None
    (_, _, since) = pausing._standing(endpoint(ml))[0][OLD]
    assert timedelta(0) <= datetime.now(UTC) - since < timedelta(minutes=1)
    assert pausing.utc().tzinfo is UTC


@pytest.mark.usefixtures("tagged")
def test_all_that_a_resume_tells(ml: FakeMl, scoring: Scoring) -> None:
    pause(ml)
    stops: list[Any] = []
    settled = Endpoint.settled

    def noted(self: Endpoint, *, needed: bool = False) -> Any:
        stops.append(needed)
        return settled(self, needed=needed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Endpoint, "settled", noted)
        assert resume.resume(endpoint(ml), spec_of) == "7"
    assert stops[-1] is True, "its end is written though one asks to stop"
    assert PAUSED not in ml.online_endpoints.tags and ml.online_endpoints.tags["stack"] == "dev"
    assert error_of(lambda: resume.resume(endpoint(ml), spec_of)) == (
        "StageError: there is nothing to resume (endpoint phi): it is not paused. `python -m jobs status` says what is "
        "in service; `pulumi up` releases the stack's model."
    )
    pause(ml)
    ml.online_endpoints.tags |= Pause(at=FIVE, by=BY_HAND, version="7", deployment=OLD, coming="8").tags()
    scoring.errors = [ModelFailed("424")] * 2
    said: list[str] = []
    assert resume.resume(endpoint(ml, said), spec_of) == "7"
    at = next(number for number, line in enumerate(said) if line.startswith("warning: the new model did not pass"))
    assert said[at + 1] == (
        "warning: version 8 came in the pause and fails; 7, in service before it, comes back. `pulumi up --replace "
        "'**::release'` tries again."
    )


def kept(ml: FakeMl, at: datetime, hours: str = "Mon-Fri 07:00-19:00 Europe/Berlin") -> list[str]:
    said: list[str] = []
    here = endpoint(ml, said)
    serving = RELEASE.serving.model_copy(update={"hours": hours})
    by_hours.keep(dataclasses.replace(here, spec=dataclasses.replace(RELEASE, serving=serving)), spec_of, lambda: at)
    return said


NIGHT = NINE + timedelta(hours=10)
OVER = "its office hours are over until 2026-11-24 06:00 UTC"


def test_what_the_hours_tell(ml: FakeMl) -> None:
    ml.online_endpoints.deployments["base"].creation_context.created_at = NIGHT
    assert kept(ml, NIGHT) == [
        f"endpoint phi is not paused, as what is in service was made after them, and has 2 hours; {OVER}"
    ]
    ml.online_endpoints.deployments["base"].creation_context = None
    ml.online_endpoints.deployment("blue", tags={}, created=NIGHT)
    assert kept(ml, NIGHT)[0] == f"endpoint phi: {OVER}", "a stranger's says nothing"
    found = paused.read(ml.online_endpoints.tags)
    assert found == Pause(at=NIGHT, by=BY_HOURS, version="7", deployment=OLD, previous="6")
    ml.online_endpoints.tags |= Pause(at=FIVE, by=BY_HAND, version="7", deployment=OLD).tags()
    assert kept(ml, NIGHT) == [f"endpoint phi is paused by hand and stays so; {OVER}"]
    for coming, version in (("8", "8"), ("", "7")):
        ml.online_endpoints.tags |= Pause(at=FIVE, by=BY_RELEASE, version="7", deployment=OLD, coming=coming).tags()
        assert kept(ml, NIGHT) == [f"endpoint phi: the release of version {version} has not come to its end"]


def test_nothing_is_in_service(ml: FakeMl) -> None:
    ml.online_endpoints.traffic = {}
    assert kept(ml, NIGHT) == [f"endpoint phi is not paused, as nothing is in service; {OVER}"]
    ml.online_endpoints.deployments.clear()
    ml.online_endpoints.traffic = {"somebody": 100}
    assert kept(ml, NIGHT) == [f"endpoint phi is not paused, as nothing is in service; {OVER}"]


def test_hours_in_words() -> None:
    assert by_hours.told(None, NINE) == "serving.hours is empty: it is in service around the clock"
    berlin = hours_of("Mon-Fri 07:00-19:00 Europe/Berlin")
    assert [by_hours.told(berlin, at) for at in (NINE, NIGHT)] == ["its office hours have begun", OVER]
