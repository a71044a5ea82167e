"""Inputs that the fine-tune component refuses beside each other, in its own words (src/finetune/finetune.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.training.errors import ComponentError, TrainingError

_KIND = "ACFTValidationException"
_EARLY = (
    "Set evaluation_strategy to one of steps or epoch when apply_early_stopping is True."
    "Current evaluation_strategy is no."
)
_DEEPSPEED = (
    "Invalid settings found. Deep Speed cannot be coupled with auto_find_batch_size.\n"
    "1. If you want to use auto_find_batch_size functionality set apply_deepspeed to false\n"
    "2. Otherwise, set auto_find_batch_size to false and use per_device_train_batch_size of 1"
)


_NO_SUCH_METRIC = (
    "KeyError: The `metric_for_best_model` training argument is set to 'eval_{}', which is not found in the evaluation "
    "metrics. The available evaluation metrics are: ['eval_loss']."
)


def check(inputs: Mapping[str, Any]) -> None:
    """Raises TrainingError for what the component refuses, or cannot train with."""
    on = {name for name, value in inputs.items() if str(value).lower() == "true"}
    evaluated = inputs.get("evaluation_strategy") != "disable"
    if "apply_early_stopping" in on and not evaluated:
        raise ComponentError(_KIND, _EARLY)
    if {"apply_deepspeed", "auto_find_batch_size"} <= on:
        raise ComponentError(_KIND, _DEEPSPEED)
    metric = str(inputs.get("metric_for_best_model") or "loss")
    if metric != "loss" and evaluated:
        raise TrainingError(_NO_SUCH_METRIC.format(metric))
