"""An endpoint with a version in service, for each file of this folder: the files leave it in different states."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings.sections.evaluation import EvaluationSettings
from tests.contract.arm import Arm
from tests.contract.releases.running import BROKEN, ONE, TWO, UNTUNED
from tests.contract.site import VERSION, Site, make_site
from tests.contract.tuning import FACTS


@pytest.fixture(scope="module")
def site(arm: Arm, models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With version ONE in service."""
    here = tmp_path_factory.mktemp("facts")
    (here / "broken").mkdir()
    (here / "broken" / "MLmodel").write_text("not a model\n")
    rows = [{"question": question, "answers": [answer]} for question, answer in FACTS.items()]
    (here / "golden.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    folders = {ONE: models / "tuned", TWO: models / "tuned", UNTUNED: models / "base", BROKEN: here / "broken"}
    evaluation = EvaluationSettings.model_construct(
        questions=str(here / "golden.jsonl"), minimum_score=0.7, latency_seconds=60
    )
    # Another name for each file: of the former one its models are still there.
    site = make_site(arm, here.name, folders, {"traffic_steps": (10, 50, 100), "soak_seconds": 1}, evaluation)
    site.release(ONE)
    yield site
    arm.delete(site.endpoint, VERSION)
