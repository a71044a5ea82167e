"""Copies of the traffic before the first step: who gets them, what they decide, and that they end."""

from __future__ import annotations

from pathlib import Path

import pytest
import scoring_fake
from jobs_fake import FakeMl, Stop, install
from scoring_fake import Metrics
from test_jobs_specs import RELEASE

from cloud.errors import ModelFault, NotFinished
from jobs.release import rollout, unfinished
from jobs.release.judging import evidence
from jobs.release.judging.health import Health
from tests.changing import changed

OLD, NEW = "mold", RELEASE.deployment_name
SPEC = changed(RELEASE, mirror_percent=20, traffic_steps=(10, 100), soak_seconds=60, drain_seconds=0, questions="")
FAILING = Health(requests=100, failed=50, p95_seconds=1.0)


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    ml = install(monkeypatch)
    ml.online_endpoints.deployment(OLD)
    ml.online_endpoints.traffic = {OLD: 100}
    return ml


@pytest.fixture
def metrics(ml: FakeMl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Metrics:
    monkeypatch.setattr(evidence, "FOLDER", tmp_path / "releases")
    return scoring_fake.install(monkeypatch, ml)[1]


def release(stop: Stop | None = None, **others: object) -> list[str]:
    said: list[str] = []
    rollout.run(changed(SPEC, **others), said.append, stop or Stop())
    return said


def test_copies_come_before_the_first_step_and_end_with_it(ml: FakeMl, metrics: Metrics) -> None:
    said = release()
    assert ml.online_endpoints.mirrors == [{NEW: 20}, {}]
    assert ml.online_endpoints.history == [{OLD: 90, NEW: 10}, {NEW: 100}]
    told = f"mirror: copies of 20 % of the questions go to {NEW}, nobody is answered by it"
    assert said.index(told) < next(at for at, line in enumerate(said) if line.startswith("traffic: "))
    assert metrics.looks == 6  # two looks at the copies, and at each of the steps


def test_what_fares_badly_under_copies_answers_nobody(ml: FakeMl, metrics: Metrics) -> None:
    metrics.health = FAILING
    with pytest.raises(ModelFault, match="fares badly"):
        release()
    assert ml.online_endpoints.history == [] and ml.online_endpoints.traffic == {OLD: 100}
    assert ml.online_endpoints.mirrors == [{NEW: 20}, {}] and ml.online_endpoints.deleted == [NEW]


def test_one_that_stays_to_be_looked_into_gets_no_more_copies(ml: FakeMl, metrics: Metrics) -> None:
    metrics.health = FAILING
    with pytest.raises(ModelFault):
        release(on_failure="keep")
    assert ml.online_endpoints.mirror == {} and NEW in ml.online_endpoints.deployments


def test_an_interruption_is_gone_on_with(ml: FakeMl, metrics: Metrics) -> None:
    stop = Stop()
    stop.turns = [stop.set]
    with pytest.raises(NotFinished):
        release(stop)
    assert ml.online_endpoints.mirror == {NEW: 20} and ml.online_endpoints.traffic == {OLD: 100}
    release()
    assert ml.online_endpoints.mirror == {} and ml.online_endpoints.traffic == {NEW: 100}


def test_a_release_that_had_its_first_step_needs_none(ml: FakeMl, metrics: Metrics) -> None:
    ml.online_endpoints.deployment(NEW, tags={"model": "m", **unfinished.tags({OLD: 100})})
    ml.online_endpoints.traffic = {OLD: 90, NEW: 10}
    release()
    assert ml.online_endpoints.mirrors == []


def test_a_release_of_another_version_that_gets_copies_is_taken_back(ml: FakeMl, metrics: Metrics) -> None:
    ml.online_endpoints.deployment("mother", tags={"model": "m", **unfinished.tags({OLD: 100})})
    ml.online_endpoints.mirror = {"mother": 20}
    release()
    assert ml.online_endpoints.deleted[0] == "mother" and ml.online_endpoints.traffic == {NEW: 100}


def test_somebody_elses_copies_are_left_alone(ml: FakeMl, metrics: Metrics) -> None:
    ml.online_endpoints.deployment("theirs", tags={"owner": "somebody"})
    ml.online_endpoints.mirror = {"theirs": 5}
    said = release()
    assert any(line.startswith(f"warning: {NEW} gets no copies of questions") for line in said)
    assert ml.online_endpoints.mirror == {"theirs": 5} and ml.online_endpoints.traffic == {NEW: 100}


@pytest.mark.parametrize("before", [{}, {OLD: 100}])
def test_without_the_setting_or_a_model_in_service_there_are_no_copies(
    ml: FakeMl, metrics: Metrics, before: dict[str, int]
) -> None:
    ml.online_endpoints.traffic = before
    release(mirror_percent=0 if before else 20)
    assert ml.online_endpoints.mirrors == []


def test_it_is_recorded_where_it_is_set() -> None:
    assert "mirror_percent" not in RELEASE.to_inputs() and SPEC.to_inputs()["mirror_percent"] == 20
    assert SPEC.deployment_name == RELEASE.deployment_name
