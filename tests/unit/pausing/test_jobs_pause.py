"""An endpoint goes out of service and comes back: what goes, what is kept, what is told, and what it has cost."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from endpoints_fake import MACHINE
from jobs_fake import FakeMl, Stop
from pausing_runs import FIVE, MODEL, NINE, OLD, endpoint, pause, spec_of
from scoring_fake import Scoring

from chat.phi_messages import ModelFailed
from cloud.errors import NotFinished, StageError
from cloud.services.monitor import Series
from jobs import paused
from jobs.paused import BY_HAND, Pause, Served
from jobs.pausing import pause as pausing
from jobs.pausing import resume as resuming
from jobs.release import rollback, rollout, unfinished
from jobs.release.spec import ReleaseSpec
from settings.sections.tags import PAUSED, SERVED
from tests.changing import changed


def knowing(version: str) -> ReleaseSpec:
    """With golden questions, which a release of it is judged by."""
    return changed(spec_of(version), questions="golden/sample.jsonl")


def test_a_pause_leaves_no_deployment_and_says_on_the_endpoint_what_was_in_service(ml: FakeMl) -> None:
    pause(ml)
    endpoints = ml.online_endpoints
    assert endpoints.history == [{}] and endpoints.deleted == ["base", OLD] and not endpoints.deployments
    assert endpoints.tags["stack"] == "dev"
    assert json.loads(endpoints.tags[PAUSED]) == {
        "at": "2026-11-23T17:00:00+00:00",
        "by": "hand",
        "version": "7",
        "deployment": OLD,
        "previous": "6",
    }
    # Eight hours of the one, four of the other.
    assert json.loads(endpoints.tags[SERVED]) == {"until": "2026-11-23T17:00:00+00:00", "hours": {MACHINE: 12.0}}


def test_a_pause_counts_until_its_deployments_are_gone_and_nothing_twice(ml: FakeMl) -> None:
    clock = iter([FIVE, FIVE + timedelta(minutes=30)])
    pausing.pause(endpoint(ml), BY_HAND, lambda: next(clock))
    assert paused.served(ml.online_endpoints.tags).hours == {MACHINE: 13.0}
    said: list[str] = []
    pause(ml, said, FIVE + timedelta(hours=5))
    assert said == ["endpoint phi is paused already, since 2026-11-23 17:00 UTC"]
    assert paused.served(ml.online_endpoints.tags).hours == {MACHINE: 13.0}


def test_a_pause_that_was_interrupted_goes_on(ml: FakeMl) -> None:
    stop = Stop()
    stop.set()
    with pytest.raises(NotFinished):
        pausing.pause(endpoint(ml, stop=stop), BY_HAND, lambda: FIVE)
    assert len(ml.online_endpoints.deployments) == 2
    paused_tags = Pause(at=FIVE, by=BY_HAND, version="7", deployment=OLD).tags()
    ml.online_endpoints.tags |= paused_tags
    ml.online_endpoints.tags |= Served(FIVE, {MACHINE: 12.0}).tags()
    ml.online_endpoints.traffic = {}
    pause(ml, at=FIVE + timedelta(hours=1))
    assert not ml.online_endpoints.deployments
    assert ml.online_endpoints.tags[PAUSED] == paused_tags[PAUSED]
    assert paused.served(ml.online_endpoints.tags).hours == {MACHINE: 14.0}


def test_what_is_half_way_or_not_in_service_is_not_paused(ml: FakeMl) -> None:
    ml.online_endpoints.deployment("mnew", tags={"model": f"{MODEL}:8", **unfinished.tags({OLD: 100})})
    with pytest.raises(StageError, match="the release of mnew has not come to its end"):
        pause(ml)
    del ml.online_endpoints.deployments["mnew"]
    ml.online_endpoints.traffic = {}
    with pytest.raises(StageError, match="it has no traffic"):
        pause(ml)
    ml.online_endpoints.deployments[OLD].tags = {}
    ml.online_endpoints.traffic = {OLD: 100}
    with pytest.raises(StageError, match="names no version of phi-ultrachat"):
        pause(ml)
    assert not ml.online_endpoints.deleted


def test_somebody_elses_deployment_stays_and_is_told(ml: FakeMl) -> None:
    ml.online_endpoints.deployment("blue", tags={})
    said: list[str] = []
    pause(ml, said)
    assert list(ml.online_endpoints.deployments) == ["blue"]
    assert "deployment blue carries no tag of a release: it is left alone, and bills" in said[-1]


@pytest.mark.parametrize(("asked", "refused"), [({}, False), ({NINE: 0.0}, False), ({NINE: 2.0}, True)])
def test_who_asks_is_not_cut_off(
    asked: dict[datetime, float], refused: bool, ml: FakeMl, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans: list[tuple[datetime, datetime]] = []

    def series(arm: object, path: str, metric: str, of: str, span: tuple[datetime, datetime]) -> list[Series]:
        spans.append(span)
        return [Series({}, asked)]

    monkeypatch.setattr(pausing, "Arm", lambda: None)
    monkeypatch.setattr(pausing, "series", series)
    if refused:
        with pytest.raises(StageError, match="it has had 2 requests in the last 15 minutes"):
            pausing.refuse_while_asked(endpoint(ml), NINE)
    else:
        pausing.refuse_while_asked(endpoint(ml), NINE)
    assert spans == [(NINE - timedelta(minutes=14), NINE + timedelta(minutes=1))]


def test_a_pause_goes_on_where_nobody_can_say_who_asks(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    from azure.core.exceptions import HttpResponseError

    def series(*_: object) -> list[Series]:
        raise HttpResponseError("no metrics for you")

    monkeypatch.setattr(pausing, "Arm", lambda: None)
    monkeypatch.setattr(pausing, "series", series)
    said: list[str] = []
    pausing.refuse_while_asked(endpoint(ml, said), NINE)
    assert "whether somebody asks is not known: no metrics for you" in said[0]


@pytest.mark.usefixtures("tagged")
def test_what_was_in_service_comes_back_with_what_it_followed(ml: FakeMl, scoring: Scoring) -> None:
    pause(ml)
    assert resuming.resume(endpoint(ml), knowing) == "7"
    name = spec_of("7").deployment_name
    assert ml.online_endpoints.traffic == {name: 100} and list(ml.online_endpoints.deployments) == [name]
    assert PAUSED not in ml.online_endpoints.tags and SERVED in ml.online_endpoints.tags
    assert scoring.asked == [name, name, "", "", ""]  # no golden questions
    live = rollback.in_service(ml, "phi", MODEL)  # type: ignore[arg-type]
    assert (live.version, live.before) == ("7", "6")
    with pytest.raises(StageError, match="there is nothing to resume"):
        resuming.resume(endpoint(ml), spec_of)


@pytest.mark.usefixtures("tagged")
def test_a_release_in_the_pause_waits_for_its_end(ml: FakeMl, scoring: Scoring) -> None:
    pause(ml)
    said: list[str] = []
    rollout.run(spec_of("8"), said.append, Stop())
    assert not ml.online_endpoints.deployments and not scoring.asked
    assert "is paused since 2026-11-23 17:00 UTC and stays so: version 8 goes into service" in said[0]
    found = paused.read(ml.online_endpoints.tags)
    assert found and (found.version, found.coming) == ("7", "8")
    assert ml.online_endpoints.tags["stack"] == "dev"
    # The same version once more, and the one from before: nothing comes.
    rollout.run(spec_of("8"), said.append, Stop())
    assert resuming.resume(endpoint(ml), spec_of) == "8"
    live = rollback.in_service(ml, "phi", MODEL)  # type: ignore[arg-type]
    assert (live.version, live.before) == ("8", "7")


@pytest.mark.usefixtures("tagged")
def test_where_what_came_fails_the_former_comes_back(ml: FakeMl, scoring: Scoring) -> None:
    pause(ml)
    rollout.run(spec_of("8"), lambda _: None, Stop())
    scoring.errors = [ModelFailed("424")] * 2
    said: list[str] = []
    assert resuming.resume(endpoint(ml, said), spec_of) == "7"
    assert list(ml.online_endpoints.deployments) == [spec_of("7").deployment_name]
    assert any("version 8 came in the pause and fails; 7, in service before it, comes back" in line for line in said)


def test_a_resume_that_fails_leaves_the_pause(ml: FakeMl, scoring: Scoring) -> None:
    pause(ml)
    scoring.errors = [ModelFailed("424")] * 2
    with pytest.raises(StageError, match="smoke test"):
        resuming.resume(endpoint(ml), spec_of)
    found = paused.read(ml.online_endpoints.tags)
    assert found and found.version == "7" and not ml.online_endpoints.deployments
    with pytest.raises(StageError, match=r"it is paused. End that first: `python -m jobs resume`"):
        rollback.in_service(ml, "phi", MODEL)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "{}", "nonsense", "[]", '{"until": "x", "hours": {}}'])
def test_a_tag_that_cannot_be_read_counts_no_hours(text: str) -> None:
    assert paused.served({SERVED: text}) == Served(None, {})


@pytest.mark.parametrize("text", ["nonsense", "{}", '{"at": 7}'])
def test_a_pause_that_cannot_be_read_is_a_pause(text: str) -> None:
    found = paused.read({PAUSED: text})
    assert found is not None and found.version == ""
    assert paused.read({PAUSED: ""}) is None and paused.read(None) is None
