"""What a new model is measured by: it stays where it is at the limit, and goes back a hair beyond."""

from __future__ import annotations

import pytest
import scoring_fake
from jobs_fake import FakeMl, Stop, install
from scoring_fake import Metrics, Scoring
from test_jobs_specs import RELEASE

from cloud.errors import StageError
from jobs.release import rollout
from jobs.release.judging.health import Health
from jobs.release.spec import ReleaseSpec
from tests.changing import changed

NEW, OLD = RELEASE.deployment_name, "mold"
ALL_RIGHT = "Paris, eight and Linus Torvalds."  # three of the six golden questions
ALL_SIX = "Bill Gates and Paul Allen, HyperText Markup Language, Paris, eight, Linus Torvalds and the Pacific Ocean."
GOLDEN = {"questions": "golden/sample.jsonl", "minimum_score": 0, "maximum_drop": 0}


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    """An endpoint that serves an earlier release."""
    ml = install(monkeypatch)
    ml.online_endpoints.deployment(OLD)
    ml.online_endpoints.traffic = {OLD: 100}
    return ml


@pytest.fixture
def asked(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> tuple[Scoring, Metrics]:
    return scoring_fake.install(monkeypatch, ml)


def released(spec: ReleaseSpec, ml: FakeMl) -> bool:
    try:
        rollout.run(spec, lambda line: None, Stop())
    except StageError:
        assert ml.online_endpoints.traffic == {OLD: 100}
        return False
    assert ml.online_endpoints.traffic == {NEW: 100}
    return True


@pytest.mark.parametrize(
    ("found", "stays"),
    [
        (Health(requests=40, failed=2, p95_seconds=1.0), True),  # failedPercent is 5
        (Health(requests=39, failed=2, p95_seconds=1.0), False),
        (Health(requests=40, failed=0, p95_seconds=60.0), True),  # latencySeconds is 60
        (Health(requests=40, failed=0, p95_seconds=60.1), False),
        (Health(requests=20, failed=20, p95_seconds=1.0), False),  # minimumRequests is 20
        (Health(requests=19, failed=19, p95_seconds=1.0), True),
    ],
)
def test_health(ml: FakeMl, asked: tuple[Scoring, Metrics], found: Health, stays: bool) -> None:
    asked[1].health = found
    assert released(RELEASE, ml) is stays


@pytest.mark.parametrize(("seconds", "stays"), [(30.0, True), (30.01, False)])
@pytest.mark.parametrize("questions", ["", "golden/sample.jsonl"])
def test_the_time_of_an_answer(
    ml: FakeMl, asked: tuple[Scoring, Metrics], seconds: float, stays: bool, questions: str
) -> None:
    asked[0].seconds = seconds
    assert released(changed(RELEASE, questions=questions, minimum_score=0), ml) is stays


@pytest.mark.parametrize(
    ("limits", "new", "old", "stays"),
    [
        ({"minimum_score": 0.5}, ALL_RIGHT, ALL_RIGHT, True),
        ({"minimum_score": 0.51}, ALL_RIGHT, ALL_RIGHT, False),
        ({"maximum_drop": 0.36}, "I do not know.", ALL_SIX, False),  # the interval ends at -0.363
        ({"maximum_drop": 0.37}, "I do not know.", ALL_SIX, True),
        ({"maximum_drop": 0.37, "unclear": "fail"}, "I do not know.", ALL_SIX, False),
        ({"maximum_drop": 0.25, "unclear": "fail"}, ALL_SIX, ALL_SIX, True),
        ({"maximum_drop": 0.24, "unclear": "fail"}, ALL_SIX, ALL_SIX, False),
    ],
)
def test_the_golden_questions(
    ml: FakeMl, asked: tuple[Scoring, Metrics], limits: dict[str, float], new: str, old: str, stays: bool
) -> None:
    asked[0].answers = {NEW: new, OLD: old}
    assert released(changed(RELEASE, **{**GOLDEN, **limits}), ml) is stays


def test_a_step_of_1_percent_is_one(ml: FakeMl, asked: tuple[Scoring, Metrics]) -> None:
    ml.online_endpoints.deployment("other")
    ml.online_endpoints.traffic = {OLD: 99, "other": 1}
    assert released(changed(RELEASE, traffic_steps=(1, 99, 100)), ml)
    # Of what is left, whole per cents go to each and the rest to the largest.
    assert ml.online_endpoints.history == [{OLD: 99, NEW: 1}, {OLD: 1, NEW: 99}, {NEW: 100}]


def test_traffic_is_not_shifted_any_more_once_told_to_stop(ml: FakeMl, asked: tuple[Scoring, Metrics]) -> None:
    stop = Stop()
    ml.online_endpoints.deployment(NEW)
    ml.online_endpoints.state = "Updating"
    stop.turns.append(stop.set)
    with pytest.raises(StageError, match="you asked to stop"):
        rollout.run(RELEASE, lambda line: None, stop)
    assert ml.online_endpoints.history == [] and ml.online_endpoints.traffic == {OLD: 100}
