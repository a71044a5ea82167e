"""A review for machines: every key that somebody's script may read, and what stands there for one recorded change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.reviews.examples import examples, price_book

KEYS = {
    "": (
        "stack verdict exitCode reasons crossed happening risk risks changes cost policies drift activityLog errors "
        "provenance policyRun policyChange approval"
    ),
    "risks": "level resource sentence urn data",
    "changes": "resource urn op properties",
    "changes.properties": "path before after noise",
    "cost": (
        "idle serving finetune month lines by_use prices finetune_seconds unpriced trains quantities_change recipes"
    ),
    "cost.idle": "before after",
    "cost.lines": "resource what idle serving price",
    "cost.lines.price": "hourly meter asked",
    "approval": "digest content",
}


@pytest.fixture
def told(tmp_path: Path) -> dict[str, Any]:
    (adapters,) = (example for example in examples() if example.name == "adapters")
    made: dict[str, Any] = json.loads(json.dumps(adapters.report(price_book(tmp_path / "prices.json")).to_json()))
    return made


@pytest.mark.parametrize(("path", "keys"), KEYS.items(), ids=[path or "all of it" for path in KEYS])
def test_its_keys_are_a_contract(told: dict[str, Any], path: str, keys: str) -> None:
    found: Any = told
    for name in filter(None, path.split(".")):
        found = found[name]
        found = found[0] if isinstance(found, list) else found
    assert " ".join(found) == keys


def test_what_it_says(told: dict[str, Any]) -> None:
    assert (told["stack"], told["verdict"], told["exitCode"], told["risk"]) == ("local", "needs a person", 0, "medium")
    assert told["happening"] == [
        "starts a fine-tune (adapters (LoRA) false → true, about 37 s on 1× A100)",
        "then replaces the deployment at 100 % traffic, about 3 s; the endpoint keeps its URL and keys",
    ]
    stage = "urn:pulumi:local::finetune-phi::finetune-phi:infra:Stages$pulumi:index:Stash::finetune"
    assert told["risks"][0] == {
        "level": "medium",
        "resource": "stage finetune",
        "sentence": "input.recipe.apply_lora: false → true: a fine-tune is paid for, and another model answers.",
        "urn": stage,
        "data": False,
    }
    first, second = told["changes"]
    assert (first["op"], first["urn"], second["op"]) == ("update", stage, "update")
    assert {each["path"]: (each["before"], each["after"], each["noise"]) for each in first["properties"]} == {
        "fingerprint": ("9948af489f97", "2f2b86ad3953", True),
        "recipe.apply_lora": ("false", "true", False),
    }
    for name in ("drift", "provenance", "policyRun", "policyChange"):
        assert told[name] is None
    assert (told["crossed"], told["policies"], told["errors"]) == ([], [], [])


def test_what_it_costs(told: dict[str, Any]) -> None:
    cost = told["cost"]
    machine = {"hourly": 4.0, "meter": "made-up price, Standard_NC24ads_A100_v4", "asked": "2026-11-22"}
    assert cost["lines"][2] == {
        "resource": "deployment",
        "what": "1 × Standard_NC24ads_A100_v4",
        "idle": {"before": 0.0, "after": 0.0},
        "serving": {"before": 4.0, "after": 4.0},
        "price": machine,
    }
    assert [each["resource"] for each in cost["lines"]] == [
        "container registry crphilocalwbd77x",
        "cluster gpu-cluster",
        "deployment",
        "deployment base",
    ]
    assert cost["serving"]["after"] == pytest.approx(2 * 4.0 + 20 / 750)
    assert cost["month"]["after"] == pytest.approx(730 * cost["serving"]["after"])
    assert cost["finetune"]["after"] == pytest.approx(4.0 * 36.88573 / 3600)
    assert (cost["finetune_seconds"], cost["trains"], cost["quantities_change"]) == (36.88573, True, False)
    assert cost["prices"]["Virtual Machines/eastus2/Standard_NC24ads_A100_v4"] == machine
    assert "key vault kvphilocalwbd77x" in cost["by_use"]
