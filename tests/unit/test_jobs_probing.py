"""Questions of our own where too few callers ask: what they decide, and of whom."""

from __future__ import annotations

from pathlib import Path

import pytest
import scoring_fake
from jobs_fake import FakeMl, Stop, install
from scoring_fake import Metrics, Scoring
from test_jobs_specs import RELEASE

from chat.phi_messages import Answer, Busy, ChatRequest, ModelFailed, Unreachable
from cloud.errors import ModelFault
from jobs.release import rollout
from jobs.release.judging import evidence, probing
from jobs.release.judging.health import Health
from settings.sections.serving import HealthSettings
from tests.changing import changed

OLD, NEW = "mold", RELEASE.deployment_name
LIMITS = HealthSettings.model_construct(failed_percent=5, latency_seconds=10, minimum_requests=8, no_data="fail")
SPEC = changed(RELEASE, probe=True, health=LIMITS, traffic_steps=(100,), soak_seconds=30, drain_seconds=0, questions="")
NOBODY = Health(requests=0, failed=0, p95_seconds=None)


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    ml = install(monkeypatch)
    ml.online_endpoints.deployment(OLD)
    ml.online_endpoints.traffic = {OLD: 100}
    return ml


@pytest.fixture
def asked(ml: FakeMl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Scoring, Metrics]:
    monkeypatch.setattr(evidence, "FOLDER", tmp_path / "releases")
    scoring, metrics = scoring_fake.install(monkeypatch, ml)
    metrics.health = NOBODY
    return scoring, metrics


def release(**others: object) -> list[str]:
    said: list[str] = []
    rollout.run(changed(SPEC, **others), said.append, Stop())
    return said


def answering(monkeypatch: pytest.MonkeyPatch, by: dict[str, Exception | float]) -> list[str]:
    """What each deployment answers our own questions with: an error, or after so many seconds; who was asked."""
    names: list[str] = []

    def ask(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        names.append(request.deployment)
        found = by[request.deployment]
        if isinstance(found, Exception):
            raise found
        return Answer("Bill Gates.", request.deployment, found)

    monkeypatch.setattr(probing, "ask", ask)
    return names


def test_a_model_that_nobody_asks_is_asked_as_often_as_it_takes(
    ml: FakeMl, asked: tuple[Scoring, Metrics], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = answering(monkeypatch, {NEW: 1.5})
    said = release()
    assert names == [NEW] * 8 and ml.online_endpoints.traffic == {NEW: 100}
    assert f"health of {NEW}: 8 requests, 0 failed (0.0 %), 95 % within 1.5 s" in said


def test_callers_who_ask_enough_make_it_needless(
    ml: FakeMl, asked: tuple[Scoring, Metrics], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked[1].health = Health(requests=8, failed=0, p95_seconds=1.0)
    assert answering(monkeypatch, {}) == []
    release()
    assert ml.online_endpoints.traffic == {NEW: 100}


@pytest.mark.parametrize("answer", [ModelFailed("424"), 11.0])
def test_one_that_fails_or_is_late_is_taken_back(
    ml: FakeMl, asked: tuple[Scoring, Metrics], monkeypatch: pytest.MonkeyPatch, answer: Exception | float
) -> None:
    names = answering(monkeypatch, {NEW: answer, OLD: 1.0})
    with pytest.raises(ModelFault, match=r"fares badly.*mold, in service: 8 requests, 0 failed"):
        release()
    assert names == [NEW] * 8 + [OLD] * 8 and ml.online_endpoints.traffic == {OLD: 100}


def test_what_both_do_is_held_against_neither(
    ml: FakeMl, asked: tuple[Scoring, Metrics], monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, {NEW: 11.0, OLD: 11.0})
    assert any("the model in service fares no better" in line for line in release())
    assert ml.online_endpoints.traffic == {NEW: 100}


@pytest.mark.parametrize("error", [Unreachable("no route"), Busy("429")])
def test_what_says_nothing_of_the_model_leaves_it_unknown(
    ml: FakeMl, asked: tuple[Scoring, Metrics], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    answering(monkeypatch, {NEW: error})
    with pytest.raises(ModelFault, match="noData: fail"):
        release()


def test_it_is_recorded_where_it_is_set() -> None:
    assert "probe" not in RELEASE.to_inputs() and SPEC.to_inputs()["probe"] is True
