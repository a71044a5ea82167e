"""What fails on the way to 100 % of the traffic, and where the traffic is then."""

from __future__ import annotations

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError
from jobs_fake import FakeMl, Stop
from rollout_runs import NEW, OLD, run
from scoring_fake import Scoring

from chat.phi_messages import (
    ModelFailed,
)
from cloud import waiting
from cloud.errors import NotFinished, StageError
from jobs.release.judging import smoke


def test_a_deployment_that_fails_is_removed_and_its_log_shown(in_service: FakeMl, scoring: Scoring) -> None:
    in_service.online_endpoints.outcomes[NEW] = HttpResponseError("User container has crashed")
    with pytest.raises(StageError, match="crashed") as caught:
        run()
    assert "out of memory" in str(caught.value)
    assert list(in_service.online_endpoints.deployments) == [OLD]
    assert in_service.online_endpoints.traffic == {OLD: 100}


def _fail_at_50(ml: FakeMl, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """The step to 50 % of the traffic raises that."""
    accept = ml.online_endpoints.begin_create_or_update

    def fail(resource: object) -> object:
        if getattr(resource, "traffic", {}).get(NEW) == 50:
            raise error
        return accept(resource)

    monkeypatch.setattr(ml.online_endpoints, "begin_create_or_update", fail)


def test_traffic_that_is_refused_half_way_stays_where_it_is(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints = in_service.online_endpoints
    _fail_at_50(in_service, monkeypatch, HttpResponseError("InternalServerError"))
    with pytest.raises(StageError, match="could not be shifted"):
        run()
    assert endpoints.traffic == {OLD: 90, NEW: 10} and endpoints.deleted == []


def test_traffic_that_is_not_what_was_set_is_noticed(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints = in_service.online_endpoints
    monkeypatch.setattr(endpoints, "refused_traffic", None)
    accept = endpoints.begin_create_or_update

    def lose_traffic(resource: object) -> object:
        poller = accept(resource)
        if getattr(resource, "traffic", {}).get(NEW):
            endpoints.traffic = {}
        return poller

    monkeypatch.setattr(endpoints, "begin_create_or_update", lose_traffic)
    with pytest.raises(StageError, match=r"did not shift.*no traffic at all"):
        run()
    assert endpoints.deleted == []


def test_a_connection_that_is_lost_leaves_the_release_where_it_is(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints = in_service.online_endpoints
    accept = endpoints.begin_create_or_update
    _fail_at_50(in_service, monkeypatch, ServiceRequestError("Name or service not known"))
    with pytest.raises(StageError, match=rf"could not be reached.*deployment {NEW} has 10 % of the traffic, and bills"):
        run()
    assert endpoints.traffic == {OLD: 90, NEW: 10} and endpoints.deleted == []
    monkeypatch.setattr(endpoints, "begin_create_or_update", accept)
    run()
    assert endpoints.traffic == {NEW: 100} and endpoints.deleted == [OLD]


def test_what_nobody_foresaw_says_nothing_about_the_model(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def confused(*_: object) -> None:
        raise ValueError("what is this")

    monkeypatch.setattr(smoke, "confirm", confused)
    with pytest.raises(StageError, match="what is this"):
        run()
    assert in_service.online_endpoints.traffic == {NEW: 100}
    assert in_service.online_endpoints.deleted == []


def test_nothing_is_begun_once_told_to_stop(in_service: FakeMl, scoring: Scoring) -> None:
    stop = Stop()
    stop.set()
    with pytest.raises(NotFinished, match="nothing was begun"):
        run(stop=stop)
    assert list(in_service.online_endpoints.deployments) == [OLD]


def test_an_endpoint_that_stays_in_transition_does_not_keep_a_failed_release_for_ever(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    scoring.errors = [ModelFailed("424")] * 2
    endpoints, seconds = in_service.online_endpoints, iter(range(0, 100_000, 300))
    monkeypatch.setattr(waiting.time, "monotonic", lambda: next(seconds))
    monkeypatch.setattr(waiting.time, "sleep", lambda _: None)
    ask = scoring.__call__

    def stuck(*arguments: object, **more: object) -> object:
        endpoints.state = "Updating"
        return ask(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(smoke, "ask", stuck)
    with pytest.raises(StageError, match=r"Going back failed as well: it has been Updating for \d+ min"):
        run()


def test_going_back_that_fails_too_says_both(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    scoring.errors = [ModelFailed("424")] * 2

    def refuse(name: str, endpoint_name: str) -> None:
        raise HttpResponseError("busy")

    monkeypatch.setattr(in_service.online_endpoints, "begin_delete", refuse)
    with pytest.raises(StageError, match="Going back failed as well") as caught:
        run()
    assert f"delete deployment {NEW}" in str(caught.value) and "smoke test" in str(caught.value)
