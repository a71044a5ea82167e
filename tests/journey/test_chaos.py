"""Seeded chaos on local stacks; `make chaos` runs more of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.run import run
from tests.chaos.schedule import plan

pytestmark = pytest.mark.journey

ROUNDS, SEED, STACKS = 52, 1, 2


def test_the_same_seed_makes_the_same_plan() -> None:
    assert [str(plan(7, 0, at)) for at in range(30)] == [str(plan(7, 0, at)) for at in range(30)]
    assert [str(plan(7, 0, at)) for at in range(30)] != [str(plan(8, 0, at)) for at in range(30)]


def test_rounds_under_faults_and_kills_lose_nothing_and_leave_nothing(tmp_path: Path) -> None:
    figures, wrong = run(tmp_path, ROUNDS, SEED, STACKS)
    assert not wrong, "\n".join(wrong)
    assert figures.rounds >= 50
    assert figures.orphans == 0
    assert any(kind.startswith("kill -9") for kind in figures.faults)
    assert len(figures.faults) > 8, figures
