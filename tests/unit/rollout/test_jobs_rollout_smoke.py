"""The first question to a new deployment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jobs_fake import FakeMl, Stop
from requests.exceptions import ReadTimeout
from rollout_runs import ALL_SIX, KNOWING, NEW, OLD, run
from scoring_fake import Scoring
from test_jobs_specs import RELEASE

from chat.phi_messages import (
    Answer,
    ChatError,
    ChatRequest,
    KeyRefused,
    ModelFailed,
    NoDeployment,
    ServerFailed,
    UnknownAnswer,
    Unreachable,
)
from cloud.errors import ModelFault, StageError
from jobs.golden import golden
from jobs.release import rollout
from jobs.release.judging import smoke
from jobs.release.spec import ReleaseSpec
from tests.changing import changed


def late(text: str) -> Unreachable:
    """An answer that the model has not given in time."""
    error = Unreachable(text)
    error.__cause__ = ReadTimeout()
    return error


@pytest.mark.parametrize(
    "error",
    [UnknownAnswer("an empty answer"), ModelFailed("424")],
)
def test_a_failed_smoke_test_restores_everything(in_service: FakeMl, scoring: Scoring, error: ChatError) -> None:
    scoring.errors = [error] * 2
    with pytest.raises(ModelFault, match="smoke test"):
        run()
    endpoints = in_service.online_endpoints
    assert endpoints.traffic == {OLD: 100} and endpoints.history == []
    assert endpoints.deleted == [NEW] and list(endpoints.deployments) == [OLD]


def test_what_could_tell_why_is_kept_before_the_deployment_goes(
    in_service: FakeMl, scoring: Scoring, tmp_path: Path
) -> None:
    scoring.answers = {NEW: "I do not know.", OLD: ALL_SIX}
    with pytest.raises(ModelFault):
        run(changed(KNOWING, maximum_drop=0))
    (folder,) = (tmp_path / "releases").iterdir()
    assert folder.name.startswith(NEW) and folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "inference-server.log").read_text() == "loading\nout of memory\n"
    assert (folder / "storage-initializer.log").read_text() == "fetched\n"
    kept = json.loads((folder / "release.json").read_text())
    assert kept["deployment"] == NEW and "did not pass" in kept["why"]
    assert [each["deployment"] for each in kept["golden"]] == [NEW, OLD]
    assert kept["golden"][0]["questions"][0]["answer"] == "I do not know."


def test_a_deployment_that_is_taken_back_may_stay_to_be_looked_into(in_service: FakeMl, scoring: Scoring) -> None:
    scoring.errors = [ModelFailed("424")] * 2
    said: list[str] = []
    with pytest.raises(ModelFault):
        rollout.run(changed(RELEASE, on_failure="keep"), said.append, Stop())
    endpoints = in_service.online_endpoints
    assert set(endpoints.deployments) == {OLD, NEW} and endpoints.traffic == {OLD: 100}
    assert any(line.startswith("warning: traffic as before") and "bills until" in line for line in said)
    run()
    assert set(endpoints.deployments) == {NEW} and endpoints.traffic == {NEW: 100}


def test_the_new_model_is_asked_as_those_who_chat_ask(
    ml: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def ask(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        told.append(request.system)
        return scoring(url, key, request, timeout=timeout)

    monkeypatch.setattr(smoke, "ask", ask)
    monkeypatch.setattr(golden, "ask", ask)
    run(changed(KNOWING, system_prompt="Answer in rhymes."))
    assert len(told) > 4 and set(told) == {"Answer in rhymes."}


def test_a_system_prompt_is_recorded_where_it_is_set_and_makes_no_new_deployment() -> None:
    other = changed(RELEASE, system_prompt="Answer in rhymes.")
    assert "system_prompt" not in RELEASE.to_inputs()
    assert other.to_inputs()["system_prompt"] == "Answer in rhymes."
    assert other.deployment_name == NEW and ReleaseSpec.from_inputs(other.to_inputs()) == other


def test_the_smoke_test_is_patient_with_a_route_that_is_not_there_yet(ml: FakeMl, scoring: Scoring) -> None:
    scoring.errors = [NoDeployment("404"), ServerFailed("503")]
    stop = Stop()
    run(stop=stop)
    assert scoring.asked[:4] == [NEW] * 4 and stop.waited == [5.0, 5.0]


@pytest.mark.parametrize(
    ("error", "times", "deleted"),
    [
        (Unreachable("no route to host"), 24, []),
        (ServerFailed("503"), 24, []),
        (NoDeployment("404"), 24, []),
        (KeyRefused("401"), 24, []),
        (late("no answer within 90 s"), 2, [NEW]),
    ],
)
def test_but_not_for_ever_and_only_a_late_answer_is_the_models_fault(
    in_service: FakeMl, scoring: Scoring, error: ChatError, times: int, deleted: list[str]
) -> None:
    scoring.errors = [error] * times
    stop = Stop()
    with pytest.raises(StageError, match=str(error)) as caught:
        run(stop=stop)
    assert stop.waited == [5.0] * (times - 1)
    assert in_service.online_endpoints.deleted == deleted and in_service.online_endpoints.traffic == {OLD: 100}
    assert (f"deployment {NEW} has no traffic yet, and bills" in str(caught.value)) is not bool(deleted)


@pytest.mark.parametrize("spec", [RELEASE, KNOWING])
def test_keys_that_are_rotated_meanwhile_are_read_again(
    in_service: FakeMl, scoring: Scoring, spec: ReleaseSpec
) -> None:
    scoring.errors = [KeyRefused("401")]
    run(spec)
    assert in_service.online_endpoints.traffic == {NEW: 100}
    scoring.errors = [KeyRefused("401") for _ in range(24)]
    in_service.online_endpoints.traffic = {OLD: 100}
    in_service.online_endpoints.deployment(OLD)
    with pytest.raises(StageError, match="401"):
        run(spec)
    assert in_service.online_endpoints.traffic == {OLD: 100}


def test_golden_questions_are_asked_with_the_new_key(in_service: FakeMl, scoring: Scoring) -> None:
    ask, refused = scoring.__call__, [True]

    def once(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        if refused:
            refused.pop()
            raise KeyRefused("401")
        return ask(url, key, request, timeout=timeout)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(golden, "ask", once)
        run(KNOWING)
    assert in_service.online_endpoints.traffic == {NEW: 100}
