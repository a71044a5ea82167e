"""The stage release: every state it can find, and the way back from every failure."""

from __future__ import annotations

import dataclasses
import json

import pytest
from azure.core.exceptions import HttpResponseError
from jobs_fake import FakeMl, Stop, install
from test_jobs_specs import RELEASE

from flow import chat
from jobs import rollout
from jobs.errors import NotFinished, StageError

NEW, OLD, BASE = RELEASE.deployment_name, "mold", "base"
COMPARING = dataclasses.replace(RELEASE, compare_with_base=True)


class Scoring:
    """What the scoring route answers; ``asked`` are the deployments asked for by header."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.errors: list[chat.ChatError] = []

    def __call__(self, url: str, key: str, request: chat.ChatRequest, *, timeout: float) -> chat.Answer:
        assert (url, key) == ("https://e.eastus2.inference.ml.azure.com/score", "the-key")
        self.asked.append(request.deployment)
        if self.errors:
            raise self.errors.pop(0)
        return chat.Answer("Bill Gates and Paul Allen.", request.deployment, 0.1)


@pytest.fixture
def scoring(monkeypatch: pytest.MonkeyPatch) -> Scoring:
    scoring = Scoring()
    monkeypatch.setattr(rollout, "ask", scoring)
    return scoring


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    return install(monkeypatch)


@pytest.fixture
def in_service(ml: FakeMl) -> FakeMl:
    """An endpoint that serves an earlier release."""
    ml.online_endpoints.deployment(OLD)
    ml.online_endpoints.traffic = {OLD: 100}
    return ml


def _run(spec: object = RELEASE, stop: Stop | None = None) -> list[str]:
    said: list[str] = []
    rollout.run(spec, said.append, stop or Stop())  # type: ignore[arg-type]
    return said


def test_the_first_release_goes_straight_to_100(ml: FakeMl, scoring: Scoring) -> None:
    _run()
    assert ml.online_endpoints.history == [{NEW: 100}]
    assert scoring.asked == [NEW]
    assert list(ml.online_endpoints.deployments) == [NEW]


def test_the_second_one_takes_the_steps_and_removes_the_first(in_service: FakeMl, scoring: Scoring) -> None:
    stop = Stop()
    _run(stop=stop)
    endpoints = in_service.online_endpoints
    assert endpoints.history == [{OLD: 90, NEW: 10}, {OLD: 50, NEW: 50}, {NEW: 100}]
    assert endpoints.deleted == [OLD]
    assert stop.waited == [60, 60]
    assert json.loads(endpoints.deployments[NEW].tags["traffic_before"]) == {OLD: 100}


def test_a_finished_release_is_left_alone(ml: FakeMl, scoring: Scoring) -> None:
    ml.online_endpoints.deployment(NEW)
    ml.online_endpoints.traffic = {NEW: 100}
    _run()
    assert ml.online_endpoints.history == [] and scoring.asked == []


def test_an_old_deployment_left_over_is_removed(in_service: FakeMl, scoring: Scoring) -> None:
    in_service.online_endpoints.deployment(NEW)
    in_service.online_endpoints.traffic = {NEW: 100}
    _run()
    assert in_service.online_endpoints.deleted == [OLD]
    assert in_service.online_endpoints.history == []


@pytest.mark.parametrize(
    "error",
    [chat.UnknownAnswer("an empty answer"), chat.ModelFailed("424"), chat.KeyRefused("401")],
)
def test_a_failed_smoke_test_restores_everything(in_service: FakeMl, scoring: Scoring, error: chat.ChatError) -> None:
    scoring.errors = [error]
    with pytest.raises(StageError, match="smoke test"):
        _run()
    endpoints = in_service.online_endpoints
    assert endpoints.traffic == {OLD: 100} and endpoints.history == []
    assert endpoints.deleted == [NEW] and list(endpoints.deployments) == [OLD]


def test_the_smoke_test_is_patient_with_a_route_that_is_not_there_yet(ml: FakeMl, scoring: Scoring) -> None:
    scoring.errors = [chat.NoDeployment("404"), chat.ServerFailed("503")]
    stop = Stop()
    _run(stop=stop)
    assert len(scoring.asked) == 3 and stop.waited == [5.0, 5.0]


def test_but_not_for_ever(in_service: FakeMl, scoring: Scoring) -> None:
    scoring.errors = [chat.Unreachable("no answer within 90 s") for _ in range(9)]
    with pytest.raises(StageError, match="no answer within 90 s"):
        _run()
    assert in_service.online_endpoints.deleted == [NEW]


def test_a_deployment_that_fails_is_removed_and_its_log_shown(in_service: FakeMl, scoring: Scoring) -> None:
    in_service.online_endpoints.outcomes[NEW] = HttpResponseError("User container has crashed")
    with pytest.raises(StageError, match="crashed") as caught:
        _run()
    assert "out of memory" in str(caught.value)
    assert list(in_service.online_endpoints.deployments) == [OLD]
    assert in_service.online_endpoints.traffic == {OLD: 100}


def test_traffic_that_is_refused_half_way_goes_back(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints = in_service.online_endpoints
    accept = endpoints.begin_create_or_update

    def refuse_50(resource: object) -> object:
        if getattr(resource, "traffic", {}).get(NEW) == 50:
            raise HttpResponseError("InternalServerError")
        return accept(resource)

    monkeypatch.setattr(endpoints, "begin_create_or_update", refuse_50)
    with pytest.raises(StageError, match="could not be shifted"):
        _run()
    assert endpoints.history == [{OLD: 90, NEW: 10}, {OLD: 100}]
    assert endpoints.deleted == [NEW]


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
        _run()


def test_going_back_that_fails_too_says_both(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    scoring.errors = [chat.ModelFailed("424")]

    def refuse(name: str, endpoint_name: str) -> None:
        raise HttpResponseError("busy")

    monkeypatch.setattr(in_service.online_endpoints, "begin_delete", refuse)
    with pytest.raises(StageError, match="Going back failed as well") as caught:
        _run()
    assert f"delete deployment {NEW}" in str(caught.value) and "smoke test" in str(caught.value)


def test_a_half_shifted_release_is_resumed(in_service: FakeMl, scoring: Scoring) -> None:
    endpoints = in_service.online_endpoints
    endpoints.deployment(NEW, tags={"traffic_before": json.dumps({OLD: 100})})
    endpoints.traffic = {OLD: 90, NEW: 10}
    _run()
    assert endpoints.history == [{OLD: 50, NEW: 50}, {NEW: 100}]
    assert endpoints.deleted == [OLD]


@pytest.mark.parametrize("tags", [{"traffic_before": '{"mold": 70, "mother": 30}'}, {}])
def test_a_resumed_release_that_fails_goes_back_to_before_it_began(
    in_service: FakeMl, scoring: Scoring, tags: dict[str, str]
) -> None:
    endpoints = in_service.online_endpoints
    endpoints.deployment("mother")
    endpoints.deployment(NEW, tags=tags)
    endpoints.traffic = {OLD: 35, "mother": 15, NEW: 50}
    scoring.errors = [chat.ModelFailed("424")]
    with pytest.raises(StageError):
        _run()
    assert endpoints.traffic == {OLD: 70, "mother": 30}
    assert endpoints.deleted == [NEW]


def test_a_deployment_that_failed_earlier_is_made_again(in_service: FakeMl, scoring: Scoring) -> None:
    in_service.online_endpoints.deployment(NEW, "Failed")
    _run()
    assert in_service.online_endpoints.deleted == [NEW, OLD]
    assert in_service.online_endpoints.traffic == {NEW: 100}


def test_a_deployment_that_is_being_created_is_waited_for(in_service: FakeMl, scoring: Scoring) -> None:
    endpoints = in_service.online_endpoints
    endpoints.deployment(NEW, "Creating")
    found = endpoints.deployments[NEW]
    _run(stop=Stop(lambda: None, lambda: setattr(found, "provisioning_state", "Succeeded")))
    assert endpoints.traffic == {NEW: 100} and endpoints.deployments[NEW] is found


def test_ctrl_c_leaves_things_to_be_resumed(in_service: FakeMl, scoring: Scoring) -> None:
    endpoints = in_service.online_endpoints
    stop = Stop()
    stop.turns.append(stop.set)  # during the first soak
    with pytest.raises(NotFinished, match="10 % "):
        _run(stop=stop)
    assert endpoints.traffic == {OLD: 90, NEW: 10} and endpoints.deleted == []


def test_the_base_model_is_kept_beside(in_service: FakeMl, scoring: Scoring) -> None:
    _run(COMPARING)
    endpoints = in_service.online_endpoints
    assert set(endpoints.deployments) == {NEW, BASE}
    assert endpoints.traffic == {NEW: 100}
    assert endpoints.deployments[BASE].tags["model"] == RELEASE.base_model.model_uri
    there = endpoints.deployments[BASE]
    _run(COMPARING)
    assert endpoints.deployments[BASE] is there


def test_another_base_model_replaces_it(in_service: FakeMl, scoring: Scoring) -> None:
    in_service.online_endpoints.deployment(BASE, tags={"model": "azureml://another"})
    _run(COMPARING)
    assert BASE in in_service.online_endpoints.deleted
    assert in_service.online_endpoints.deployments[BASE].tags["model"] == RELEASE.base_model.model_uri


def test_it_goes_when_it_is_not_wanted(in_service: FakeMl, scoring: Scoring) -> None:
    in_service.online_endpoints.deployment(BASE)
    _run()
    assert sorted(in_service.online_endpoints.deleted) == [BASE, OLD]


def test_its_failure_does_not_harm_the_release(in_service: FakeMl, scoring: Scoring) -> None:
    in_service.online_endpoints.outcomes[BASE] = HttpResponseError("Not enough quota available")
    with pytest.raises(StageError, match="Ask for quota"):
        _run(COMPARING)
    assert in_service.online_endpoints.traffic == {NEW: 100}
    assert OLD not in in_service.online_endpoints.deployments


def test_shares_are_whole_and_sum_to_100() -> None:
    before = {"a": 33, "b": 33, "c": 34}
    for percent in range(1, 101):
        assert sum(rollout._shared(before, NEW, percent).values()) == 100
