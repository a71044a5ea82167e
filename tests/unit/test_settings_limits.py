"""Checks across settings take what is at the limit, and refuse what is a unit beyond it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from settings.checks import conflicts
from settings.machines import VM_SIZES
from settings.models import model as known_model
from settings.problems import SettingsError
from settings.stack import parse

A100, LATENCY = "Standard_NC24ads_A100_v4", {"alerts": True, "email": "a@example.com"}


def refused(**sections: Any) -> list[str]:
    """The keys that are."""
    config = {f"finetune-phi:{key}": value for key, value in {"purgeOnDestroy": True, **sections}.items()}
    try:
        parse(config, "test")
    except SettingsError as error:
        return [
            line.strip().removeprefix("finetune-phi:").split(" ")[0]
            for line in str(error).splitlines()
            if " = " in line
        ]
    return []


@pytest.mark.parametrize(
    ("key", "at", "beyond"),
    [
        ("recipe.max_seq_length", {"recipe": {"max_seq_length": 131_072}}, {"recipe": {"max_seq_length": 131_073}}),
        (
            "recipe.num_nodes_finetune",
            {"recipe": {"num_nodes_finetune": 2}, "compute": {"maxNodes": 2}},
            {"recipe": {"num_nodes_finetune": 3}, "compute": {"maxNodes": 2}},
        ),
        (
            "monitoring.latencySeconds",
            {"monitoring": {**LATENCY, "latencySeconds": 89}, "serving": {"requestTimeoutSeconds": 90}},
            {"monitoring": {**LATENCY, "latencySeconds": 90}, "serving": {"requestTimeoutSeconds": 90}},
        ),
        (
            "serving.keepPreviousHours",
            {"serving": {"keepPreviousHours": 1}},
            {"serving": {"keepPreviousHours": 1, "strategy": "recreate"}},
        ),
        (
            "serving.trafficSteps",
            {"serving": {"trafficSteps": [100], "strategy": "recreate"}},
            {"serving": {"trafficSteps": [10, 100], "strategy": "recreate"}},
        ),
        (
            "serving.onFailure",
            {"serving": {"onFailure": "remove", "strategy": "recreate"}},
            {"serving": {"onFailure": "keep", "strategy": "recreate"}},
        ),
        (
            "compute.minNodes",
            {"compute": {"minNodes": 1}},
            {"compute": {"minNodes": 1}, "serving": {"strategy": "recreate"}},
        ),
        (
            "serving.scale.max",
            {"serving": {"scale": {"min": 1, "max": 1}}},
            {"serving": {"scale": {"min": 2, "max": 1}}},
        ),
        (
            "serving.instances",
            {"serving": {"instances": 2, "scale": {"min": 2, "max": 3}}},
            {"serving": {"instances": 1, "scale": {"min": 2, "max": 3}}},
        ),
        (
            "serving.mirrorPercent",
            {"serving": {"mirrorPercent": 50, "soakSeconds": 1}},
            {"serving": {"mirrorPercent": 50, "soakSeconds": 0}},
        ),
        (
            "serving.mirrorPercent",
            {"serving": {"mirrorPercent": 50, "soakSeconds": 1}},
            {"serving": {"mirrorPercent": 51, "soakSeconds": 1}},
        ),
        ("tags", {"tags": {"a" * 128: "x"}}, {"tags": {"a" * 129: "x"}}),
        ("tags", {"tags": {"a": "x"}}, {"tags": {"": "x"}}),
        ("tags", {"tags": {"a": "x" * 256}}, {"tags": {"a": "x" * 257}}),
        (
            "tags",
            {"tags": {f"t{number}": "x" for number in range(40)}},
            {"tags": {f"t{number}": "x" for number in range(41)}},
        ),
    ],
)
def test_a_limit(key: str, at: dict[str, Any], beyond: dict[str, Any]) -> None:
    assert refused(**at) == []
    assert [each[: len(key)] for each in refused(**beyond)] == [key]


def test_a_model_fits_that_needs_all_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    model = known_model("Phi-4-mini-instruct")
    assert VM_SIZES[A100].gpu_memory == 80
    for needed, expected in ((80, []), (81, ["serving.vmSize"])):
        changed = dataclasses.replace(model, serving_memory=needed)
        monkeypatch.setattr(conflicts, "known", {model.name: changed}.__getitem__)
        assert refused(serving={"vmSize": A100}) == expected
