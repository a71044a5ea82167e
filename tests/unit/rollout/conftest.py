"""An endpoint, its answers and its metrics, all fakes."""

from __future__ import annotations

from pathlib import Path

import pytest
import scoring_fake
from jobs_fake import FakeMl, install
from rollout_runs import OLD
from scoring_fake import Metrics, Scoring

from jobs.release import deployments, operations
from jobs.release.judging import evidence


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    return install(monkeypatch)


@pytest.fixture(autouse=True)
def asked(ml: FakeMl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Scoring, Metrics]:
    monkeypatch.setattr(evidence, "FOLDER", tmp_path / "releases")
    return scoring_fake.install(monkeypatch, ml)


@pytest.fixture
def scoring(asked: tuple[Scoring, Metrics]) -> Scoring:
    return asked[0]


@pytest.fixture
def in_service(ml: FakeMl) -> FakeMl:
    """An endpoint that serves an earlier release."""
    ml.online_endpoints.deployment(OLD)
    ml.online_endpoints.traffic = {OLD: 100}
    return ml


@pytest.fixture
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployments, "elapsed", lambda since: "0 s")
    monkeypatch.setattr(operations, "elapsed", lambda since: "0 s")
