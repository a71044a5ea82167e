"""Inputs that the fine-tune component refuses beside each other, on the emulator and by the program's own rules."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from emulator.training.combinations import check
from emulator.training.errors import TrainingError
from jobs.training.failures.causes import cause_of
from settings.recipes.recipe import Recipe

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"apply_deepspeed": "true", "auto_find_batch_size": "true"}, "cannot be coupled with auto_find", "recipe"),
    ({"apply_early_stopping": "true", "evaluation_strategy": "disable"}, "Set evaluation_strategy to one", "recipe"),
    ({"metric_for_best_model": "f1"}, "'eval_f1', which is not found", "metric of the best model"),
]


@pytest.mark.parametrize(("inputs", "says", "cause"), REFUSED)
def test_what_the_component_refuses_fails_here_is_refused_before_and_explained_after(
    inputs: dict[str, Any], says: str, cause: str
) -> None:
    with pytest.raises(TrainingError, match=says) as raised:
        check(inputs)
    with pytest.raises(ValidationError):
        Recipe.model_validate(inputs)
    found = cause_of([str(raised.value)], 1)
    assert found is not None and found.name == cause


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"apply_deepspeed": "true", "deepspeed_stage": "3", "apply_lora": "true"},
        {"auto_find_batch_size": "true", "apply_deepspeed": "false"},
        {"apply_early_stopping": "true", "evaluation_strategy": "epoch", "metric_for_best_model": "loss"},
        {"evaluation_strategy": "disable", "metric_for_best_model": "loss"},
    ],
)
def test_what_the_component_takes(inputs: dict[str, Any]) -> None:
    check(inputs)
    Recipe.model_validate(inputs)
