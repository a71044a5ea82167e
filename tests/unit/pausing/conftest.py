"""An endpoint with a version in service, its answers, and Azure where its tags are written."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import scoring_fake
from endpoints_fake import tags_written
from jobs_fake import FakeMl, install
from pausing_runs import MODEL, NINE, OLD
from scoring_fake import Scoring

from jobs.release import unfinished
from jobs.release.judging import evidence


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeMl:
    """Version 7 in service since nine, which followed version 6, and the untuned model beside it."""
    ml = install(monkeypatch)
    monkeypatch.setattr(evidence, "FOLDER", tmp_path / "releases")
    tags = {"model": f"{MODEL}:7", "previous": f"{MODEL}:6"}
    ml.online_endpoints.deployment(OLD, tags=tags, created=NINE)
    ml.online_endpoints.deployment("base", tags={"model": "Phi"}, created=NINE + timedelta(hours=4))
    ml.online_endpoints.traffic = {OLD: 100}
    ml.online_endpoints.tags = {"stack": "dev"}
    return ml


@pytest.fixture
def scoring(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> Scoring:
    return scoring_fake.install(monkeypatch, ml)[0]


@pytest.fixture
def tagged(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure, where it is asked by plain REST: for tags of a deployment."""

    monkeypatch.setattr(unfinished, "Arm", lambda: tags_written(ml.online_endpoints))
