"""A new model is judged by golden questions before it gets traffic."""

from __future__ import annotations

import pytest
from jobs_fake import FakeMl
from rollout_runs import ALL_SIX, KNOWING, NEW, OLD, run
from scoring_fake import Scoring
from test_jobs_specs import RELEASE

from chat.phi_messages import (
    Answer,
    ChatRequest,
    ModelFailed,
)
from cloud.errors import ModelFault, StageError
from jobs.golden import golden
from jobs.release.spec import ReleaseSpec
from tests.changing import changed


def test_golden_questions_are_put_to_the_new_model_and_to_the_one_in_service(
    in_service: FakeMl, scoring: Scoring
) -> None:
    scoring.answers = dict.fromkeys((NEW, OLD), "Paris, eight and Linus Torvalds.")
    said = run(KNOWING)
    assert scoring.asked[:13] == [NEW] * 7 + [OLD] * 6
    assert f"golden questions: {NEW} scores 0.50 (3 of 6 word for word, 95 % within 0.1 s)" in said
    assert in_service.online_endpoints.traffic == {NEW: 100}


def test_a_model_that_knows_less_than_the_one_in_service_is_taken_back(in_service: FakeMl, scoring: Scoring) -> None:
    scoring.answers = {NEW: "I do not know.", OLD: ALL_SIX}
    with pytest.raises(
        StageError,
        match=r"scores 0\.00 and the model in service 1\.00, -1\.00 \(95 % interval -1\.00 to -0\.36, 6 questions\)",
    ) as caught:
        run(KNOWING)
    assert "'I do not know.' instead of 'Bill Gates and Paul Allen or" in str(caught.value)
    assert in_service.online_endpoints.traffic == {OLD: 100}
    assert in_service.online_endpoints.deleted == [NEW]


def test_what_six_questions_cannot_tell_is_said_and_passes_or_fails_as_the_setting_says(
    in_service: FakeMl, scoring: Scoring
) -> None:
    scoring.answers = {NEW: "Paris.", OLD: "Paris, eight and Linus Torvalds."}
    unclear = "could not tell whether it is worse: it scores 0.17 and the model in service 0.50, -0.33 (95 % interval"
    with pytest.raises(ModelFault, match=r"could not tell whether it is worse.*\(evaluation.unclear: fail\)"):
        run(changed(KNOWING, unclear="fail"))
    assert in_service.online_endpoints.traffic == {OLD: 100}
    told = [line for line in run(KNOWING) if line.startswith(f"warning: golden questions: {unclear}")]
    assert len(told) == 1 and told[0].endswith("It goes on (evaluation.unclear: pass)")
    assert in_service.online_endpoints.traffic == {NEW: 100}


def test_a_model_that_knows_too_little_is_taken_back(ml: FakeMl, scoring: Scoring) -> None:
    scoring.answers = {NEW: "Paris."}
    spec = changed(KNOWING, minimum_score=0.2)
    with pytest.raises(StageError, match=r"scores 0\.17, and evaluation.minimumScore is 0\.2"):
        run(spec)
    assert ml.online_endpoints.deployments == {} and ml.online_endpoints.history == []


@pytest.mark.parametrize("spec", [RELEASE, KNOWING])
def test_a_model_that_is_too_slow_is_taken_back(in_service: FakeMl, scoring: Scoring, spec: ReleaseSpec) -> None:
    scoring.seconds = 30.1
    with pytest.raises(StageError, match=r"took (up to )?30\.1 s, and evaluation.latencySeconds is 30"):
        run(spec)
    assert in_service.online_endpoints.deleted == [NEW]


def test_a_model_in_service_that_does_not_answer_is_no_obstacle(in_service: FakeMl, scoring: Scoring) -> None:
    ask = scoring.__call__

    def broken(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        if request.deployment == OLD:
            raise ModelFailed("the model raised an error (424)")
        return ask(url, key, request, timeout=timeout)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(golden, "ask", broken)
        said = run(KNOWING)
    assert any(line.startswith("warning: the model in service left 6 unanswered") for line in said)
    assert in_service.online_endpoints.traffic == {NEW: 100}
