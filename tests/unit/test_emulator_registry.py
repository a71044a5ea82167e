"""The emulator's registries beside the catalogue of models: what a stack may name can be rehearsed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulator import described
from emulator.arm.errors import AzureError
from emulator.registry import BASE_MODELS, MLFLOW, asset, billions_of, discovery, model_of
from emulator.registry import described as kept
from emulator.training.base import shape_of
from emulator.training.model.shape import initial_parameters
from settings.models import MODELS

LLAMA = {"registry": "azureml-meta", "name": "Meta-Llama-3.1-8B-Instruct", "version": "4", "billions": 8.03}


def test_every_model_that_a_stack_may_name_has_a_stand_in() -> None:
    allowed = [model.name for model in MODELS.values() if not model.retired]
    assert len(allowed) == 6
    for name in allowed:
        assert BASE_MODELS[name]["type"] == MLFLOW and not BASE_MODELS[name]["archived"]
        found = asset(f"/registries/azureml/models/{name}", {})
        assert found["properties"]["latestVersion"] == BASE_MODELS[name]["versions"][-1]


def test_every_model_that_azure_has_retired_is_archived() -> None:
    retired = [model.name for model in MODELS.values() if model.retired]
    assert len(retired) == 8
    for name in retired:
        assert asset(f"/registries/azureml/models/{name}", {})["properties"]["isArchived"] is True


def test_a_larger_model_has_a_larger_stand_in() -> None:
    def weights(name: str, more: dict[str, Any] | None = None) -> int:
        registry = "azureml-meta" if more else "azureml"
        row = model_of(registry, name, more or {})
        assert row is not None
        return sum(each.size for each in initial_parameters(shape_of(billions_of(name, row), 1500), 1).values())

    assert weights("Phi-4-mini-instruct") == weights("Phi-4-mini-reasoning") == 569_472
    assert weights("Phi-4") == weights("Phi-4-reasoning-plus") == 1_892_608
    assert weights(LLAMA["name"], kept([LLAMA])) == 1_892_608
    small, large = ({**LLAMA, "billions": billions} for billions in (1.2, 70.6))
    assert weights(LLAMA["name"], kept([small])) == 569_472
    assert weights(LLAMA["name"], kept([large])) == 3_969_408


def test_a_model_that_a_stack_describes_is_in_its_registry_and_no_other() -> None:
    more = kept([LLAMA])
    path = "/registries/{}/models/{}"
    found = asset(path.format("azureml-meta", LLAMA["name"]) + "/versions/4", more)
    assert found["id"] == "azureml://registries/azureml-meta/models/Meta-Llama-3.1-8B-Instruct/versions/4"
    assert found["properties"]["modelType"] == MLFLOW
    assert "model_specific_defaults" not in found["properties"]["tags"], "nobody here knows them"
    for registry, name in (("azureml", LLAMA["name"]), ("azureml-meta", "Phi-4"), ("azureml-meta", "another")):
        with pytest.raises(AzureError, match="not found in registry"):
            asset(path.format(registry, name), more)
    with pytest.raises(AzureError, match="version 5 not found in registry azureml-meta; it has 4"):
        asset(path.format("azureml-meta", LLAMA["name"]) + "/versions/5", more)


def test_which_registries_there_are() -> None:
    for name in ("azureml", "azureml-meta", "AzureML-Mistral"):
        assert discovery(name, "eastus.api.azureml.ms", {})["registryName"] == name.lower()
    more = kept([{**LLAMA, "registry": "azureml-qwen"}])
    assert discovery("azureml-qwen", "eastus.api.azureml.ms", more)["registryName"] == "azureml-qwen"
    with pytest.raises(AzureError, match="Registry azureml-qwen not found"):
        discovery("azureml-qwen", "eastus.api.azureml.ms", {})


def test_what_a_stack_describes_is_read_from_its_file(tmp_path: Path) -> None:
    size = "size: {billions: 8.03}"
    (tmp_path / "Pulumi.one.yaml").write_text(
        "config:\n  finetune-phi:model: {registry: azureml-meta, name: Meta-Llama-3.1-8B-Instruct, version: '4', "
        f"{size}}}\n"
    )
    id_ = "azureml://registries/azureml-meta/models/Meta-Llama-3.1-8B-Instruct/versions/4"
    (tmp_path / "Pulumi.two.yaml").write_text(f"config:\n  finetune-phi:model: {{id: '{id_}', {size}}}\n")
    (tmp_path / "Pulumi.three.yaml").write_text("config:\n  finetune-phi:model: {name: Phi-4, version: '8'}\n")
    (tmp_path / "Pulumi.four.yaml").write_text("config: [\n")
    (tmp_path / "Pulumi.five.yaml").write_text("- nothing\n")
    assert described.models(tmp_path) == [LLAMA]


def test_what_is_no_description_is_refused() -> None:
    for row in ({"name": "x"}, "x", {**LLAMA, "billions": "many"}):
        with pytest.raises(ValueError):
            kept([row])
