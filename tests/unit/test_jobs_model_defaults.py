"""The base model's own defaults for its fine-tuning."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.training.model_defaults import chosen, of, shown

INPUTS = ("apply_lora", "apply_deepspeed", "deepspeed_stage", "apply_ort", "precision", "save_total_limit", "lora_r")


@pytest.mark.parametrize(
    ("tag", "read"),
    [
        ("{'apply_lora': 'true', 'precision': 16}", {"apply_lora": "true", "precision": 16}),
        ('{"apply_lora": true, "precision": 16}', {"apply_lora": True, "precision": 16}),
        ("", {}),
        ("['apply_lora']", None),
        ("{'apply_lora': ", None),
        ("__import__('os')", None),
    ],
)
def test_the_tag_is_read_as_azure_writes_it(tag: str, read: dict[str, Any] | None) -> None:
    assert of({"model_specific_defaults": tag}) == read
    assert of(None) == of({}) == {}


def test_the_stack_wins_and_the_rest_is_filtered() -> None:
    given = {
        "save_total_limit": 1,
        "deepspeed_stage": 3,
        "apply_deepspeed": "true",
        "apply_lora": "true",
        "apply_ort": "true",
        "precision": 16,
        "lora_r": 16,
        "learning_rate_min": 5e-7,
        "trust_remote_code": "true",
        "max_grad_norm": 1.0,
    }
    found = chosen(given, {"apply_lora": False}, INPUTS)
    assert found.taken == {"precision": 16, "save_total_limit": 1, "apply_deepspeed": True, "deepspeed_stage": 3}
    assert found.left == {
        "learning_rate_min": "no input of the recipe",
        "trust_remote_code": "no input of the recipe",
        "max_grad_norm": "no input of the component",
        "apply_ort": "is ignored: the component switches ONNX Runtime off for every task",
        "lora_r": "has no effect without apply_lora: true",
    }
    assert str(found) == "apply_deepspeed=true, deepspeed_stage=3, precision=16, save_total_limit=1"


def test_a_default_that_the_component_would_refuse_beside_the_stack_s_choice_does_not_count() -> None:
    given = {"apply_deepspeed": "true", "deepspeed_stage": 3}
    found = chosen(given, {"auto_find_batch_size": True}, INPUTS)
    assert found.taken == {}
    assert found.left["apply_deepspeed"] == "is refused by the component with auto_find_batch_size: true"
    assert found.left["deepspeed_stage"] == "has no effect without apply_deepspeed: true"


def test_shown() -> None:
    assert shown({"precision": 16, "apply_lora": True}) == "apply_lora=true, precision=16"
