"""Learning-rate schedules."""

from __future__ import annotations

import math
from typing import get_args

import pytest

from emulator.training.recipe import SchedulerName
from emulator.training.schedule import schedule

RATE, WARMUP, STEPS = 0.1, 10, 50


def down(step: int) -> float:
    """How much of the way from the end of the warm-up to the last step lies ahead."""
    return (STEPS - step) / (STEPS - WARMUP)


@pytest.mark.parametrize(
    ("name", "at_30"),
    [
        ("linear", RATE * down(30)),
        ("cosine", RATE * (1 + math.cos(math.pi * (1 - down(30)))) / 2),
        ("cosine_with_restarts", RATE * (1 + math.cos(math.pi * (1 - down(30)))) / 2),
        ("polynomial", (RATE - 1e-7) * down(30) + 1e-7),
        ("constant", RATE),
        ("constant_with_warmup", RATE),
    ],
)
def test_schedules_follow_the_formulas_of_transformers(name: SchedulerName, at_30: float) -> None:
    rates = schedule(name, RATE, WARMUP, STEPS)
    assert float(rates(30)) == pytest.approx(at_30, rel=1e-5)
    assert float(rates(5)) == pytest.approx(RATE if name == "constant" else RATE / 2)
    end = {"linear": 0.0, "cosine": 0.0, "cosine_with_restarts": 0.0, "polynomial": 1e-7}.get(name, RATE)
    assert float(rates(STEPS)) == pytest.approx(end, abs=1e-8)


@pytest.mark.parametrize("name", get_args(SchedulerName))
def test_a_warm_up_as_long_as_the_run_is_no_error(name: SchedulerName) -> None:
    assert math.isfinite(float(schedule(name, RATE, 5, 5)(5)))
