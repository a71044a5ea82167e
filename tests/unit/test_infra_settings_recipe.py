"""The recipe has the component's keys, and a model and its machines are what the catalogue says."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from settings_parsed import parse

from settings.machines import VM_SIZES
from settings.recipes.recipe import Recipe
from settings.stack import ROOT, SettingsError

COMPONENT = yaml.safe_load((ROOT / "emulator" / "registry" / "chat_completion_pipeline.yaml").read_text())["inputs"]


@pytest.mark.parametrize("name", Recipe.model_fields)
def test_the_recipe_is_the_components(name: str) -> None:
    spec = COMPONENT[name]
    default, rules = Recipe.model_fields[name].default, _rules(Recipe, name)
    if default is not None:
        written = str(default).lower() if isinstance(default, bool) else default
        assert str(written) == spec["default"] or float(written) == float(spec["default"])
    if choices := rules.get("enum"):
        assert {str(choice) for choice in choices} == set(spec["enum"])
    elif spec.get("enum"):
        assert (rules["type"], spec["enum"]) == ("boolean", ["true", "false"])
    elif spec["type"] in ("integer", "number"):
        assert rules["type"] in ("integer", "number")
        assert rules["type"] == spec["type"]
        if "min" in spec:
            with pytest.raises(ValidationError):
                Recipe.model_validate({name: spec["min"] - 1})


def _rules(model: Any, name: str) -> dict[str, Any]:
    """The JSON schema of a field's values."""
    schema: dict[str, Any] = model.model_json_schema()["properties"][name]
    return next((each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"), schema)


def test_what_the_recipe_leaves_out_is_the_programs_to_fill() -> None:
    left = {name for name in COMPONENT if name not in Recipe.model_fields}
    machines = ("instance_type_", "compute_", "number_of_gpu_")
    left = {name for name in left if not name.startswith(machines)}
    assert left == {
        "huggingface_id",
        "pytorch_model_path",
        "mlflow_model_path",
        "task_name",
        "train_file_path",
        "validation_file_path",
        "test_file_path",
        "train_mltable_path",
        "validation_mltable_path",
        "test_mltable_path",
        "deepspeed",
        "evaluation_config",
        "evaluation_config_params",
    }


def test_a_model_by_its_id() -> None:
    model = parse(model={"id": "azureml://registries/azureml-meta/models/Llama-3/versions/2"}).model
    assert (model.registry, model.name, model.version) == ("azureml-meta", "Llama-3", "2")
    with pytest.raises(SettingsError, match="says the same as name"):
        parse(model={"id": "azureml://registries/azureml/models/a/versions/1", "name": "a"})
    with pytest.raises(SettingsError, match="can no longer be fine-tuned"):
        parse(model={"id": "azureml://registries/azureml/models/Phi-3-mini-4k-instruct/versions/15"})


@pytest.mark.parametrize(
    ("size", "machines", "endpoint", "cluster"),
    [
        ("Standard_NC24ads_A100_v4", 2, 48, 48),  # A100 and H100 have no reserve
        ("Standard_NC4as_T4_v3", 1, 8, 4),
        ("Standard_NC4as_T4_v3", 5, 24, 20),
        ("Standard_NV36ads_A10_v5", 6, 288, 216),
    ],
)
def test_cores_of_an_endpoint_include_the_reserve(size: str, machines: int, endpoint: int, cluster: int) -> None:
    assert VM_SIZES[size].endpoint_cores(machines) == endpoint
    assert VM_SIZES[size].cluster_cores(machines) == cluster
