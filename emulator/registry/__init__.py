"""The public registries: base models, the fine-tune component and its steps.

``azureml`` has the models that the settings know by name; any other one is there once a stack describes it by its size.

Not in it: models that a workspace registers (`resources`). Every room from `faults` up may import it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from emulator.arm.errors import user_error
from emulator.machine.home import SUBSCRIPTION_ID
from settings.models import MODELS, model

REGISTRY = "azureml"
REGION = "eastus2"
RESOURCE_GROUP = "azureml-registry"
COMPONENT = "chat_completion_pipeline"

DEFAULTS = {
    "apply_deepspeed": "true",
    "deepspeed_stage": 3,
    "apply_lora": "true",
    "apply_ort": "false",
    "precision": 16,
    "ignore_mismatched_sizes": "false",
    "num_train_epochs": 1,
    "per_device_train_batch_size": 1,
    "per_device_eval_batch_size": 1,
    "gradient_accumulation_steps": 1,
    "learning_rate": 5e-06,
    "lr_scheduler_type": "cosine",
    "logging_strategy": "steps",
    "logging_steps": 10,
    "save_total_limit": 1,
}
"""A model's own defaults for its fine-tuning, in its tag `model_specific_defaults`: those of Phi-4 in
Azure/azureml-assets (assets/models/system/Phi-4/spec.yaml). Phi-4-mini-instruct's are not published."""

MLFLOW, CUSTOM = "mlflow_model", "custom_model"
_PHI3_SIZES = [
    *("Standard_NC24ads_A100_v4", "Standard_NC48ads_A100_v4", "Standard_NC96ads_A100_v4"),
    *("Standard_ND96asr_v4", "Standard_ND96amsr_A100_v4"),
]

# Base models by name: their versions, newest last, whether they are archived, and what is to be known of them. Names
# differ by case, and only models for MLflow can be fine-tuned or served.
BASE_MODELS: dict[str, dict[str, Any]] = {
    "Phi-3-mini-4k-instruct": {
        "versions": ["15"],
        "archived": True,
        "type": MLFLOW,
        "tags": {"finetune_compute_allow_list": str(_PHI3_SIZES)},
    },
    "Phi-4-mini-instruct": {"versions": ["1"], "archived": False, "type": MLFLOW, "tags": {}},
    # Version 8 is what Microsoft's page of retirements links to; those of the reasoning models are assumed.
    "Phi-4": {"versions": ["8"], "archived": False, "type": MLFLOW, "tags": {}},
    **{
        name: {"versions": ["1"], "archived": False, "type": MLFLOW, "tags": {}}
        for name in ("Phi-4-reasoning", "Phi-4-reasoning-plus", "Phi-4-mini-reasoning", "Phi-4-mini-flash-reasoning")
    },
    "phi-4-mini-instruct": {"versions": ["1"], "archived": False, "type": CUSTOM, "tags": {}},
}
# Which versions Azure had of those that it has retired, apart from the one above, is not looked up.
for _known in MODELS.values():
    if _known.retired:
        BASE_MODELS.setdefault(_known.name, {"versions": ["1"], "archived": True, "type": MLFLOW, "tags": {}})

PUBLIC = (REGISTRY, "azureml-meta", "azureml-mistral")
"""Registries that are there though nobody describes a model of theirs."""
DESCRIBED = "models"
"""Admin setting: models beyond those, as `described` keeps them."""

ASSET = re.compile(
    r"/registries/(?P<registry>[^/]+)/(?P<kind>components|models)/(?P<name>[^/]+)"
    r"(?:/(?P<list>versions)(?:/(?P<version>[^/]+))?)?$",
    re.IGNORECASE,
)


def described(value: Any) -> dict[str, Any]:
    """``[{"registry": R, "name": N, "version": V, "billions": B}]`` by ``R/N``, with all versions of one model.

    Raises:
        ValueError: a row is none of these.
    """
    found: dict[str, Any] = {}
    for each in value:
        if not isinstance(each, dict) or set(each) != {"registry", "name", "version", "billions"}:
            raise ValueError(f"{each!r} has to have registry, name, version and billions")
        row = found.setdefault(f"{each['registry']}/{each['name']}".lower(), {"name": each["name"], "versions": []})
        row["versions"] = [*row["versions"], str(each["version"])]
        row["billions"] = float(each["billions"])
    return found


def model_of(registry: str, name: str, more: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is known of a model: of this project's, else of those in ``more``, which the setting DESCRIBED holds."""
    if registry.lower() == REGISTRY and name in BASE_MODELS:
        return BASE_MODELS[name]
    row = more.get(f"{registry}/{name}".lower())
    if row is None or row["name"] != name:
        return None
    return {"archived": False, "type": MLFLOW, "tags": {}, **row}


def billions_of(name: str, row: Mapping[str, Any]) -> float:
    """How large a model is, by what the settings know or a stack says of it."""
    return float(row.get("billions") or (model(name).parameters or 0) / 1e9)


@cache
def component() -> dict[str, Any]:
    """Version, inputs and outputs of the fine-tune component."""
    text = (Path(__file__).parent / f"{COMPONENT}.yaml").read_text()
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def discovery(name: str, host: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """Where a registry is served.

    Raises:
        AzureError: one that nobody knows.
    """
    known = {*PUBLIC, *(each.partition("/")[0] for each in more)}
    if name.lower() not in known:
        raise user_error(f"Registry {name} not found.", 404, "NotFoundError")
    return served(name.lower(), SUBSCRIPTION_ID, RESOURCE_GROUP, REGION, host)


def served(name: str, subscription: str, group: str, region: str, host: str = "") -> dict[str, Any]:
    """What a registry's discovery answers; ``host`` is the one that was asked, else the region's."""
    uri = f"https://{host or f'{region}.api.azureml.ms'}/"
    return {
        "registryName": name,
        "subscriptionId": subscription,
        "resourceGroup": group,
        "primaryRegion": region,
        "primaryRegionResourceProviderUri": uri,
        "registryFqdns": {region: {"uri": uri}},
        "regions": [region],
    }


def asset(path: str, more: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a GET below ``…/registries/NAME``: a container, its versions, or one version.

    Raises:
        AzureError: no such asset.
    """
    found = ASSET.search(path)
    if not found:
        raise user_error(f"{path} is not found in the registry.", 404, "NotFoundError")
    registry, kind, name, version = found["registry"].lower(), found["kind"].lower(), found["name"], found["version"]
    row = _row(registry, kind, name, more)
    if row is None:
        raise user_error(f"{kind[:-1].capitalize()} {name} not found in registry {registry}.", 404, "NotFoundError")
    uri = f"azureml://registries/{registry}/{kind}/{name}"
    if version:
        if version not in row["versions"]:
            raise user_error(
                f"{kind[:-1].capitalize()} {name} version {version} not found in registry {registry}; "
                f"it has {', '.join(row['versions'])}.",
                404,
                "NotFoundError",
            )
        return _version(uri, kind, version, row)
    if found["list"]:
        return {"value": [_version(uri, kind, each, row) for each in reversed(row["versions"])]}
    return {
        "id": uri,
        "name": name,
        "type": f"Microsoft.MachineLearningServices/registries/{kind}",
        "properties": {
            "latestVersion": row["versions"][-1],
            "nextVersion": None,
            "isArchived": row["archived"],
            "tags": {},
            "properties": {},
        },
    }


def _row(registry: str, kind: str, name: str, more: Mapping[str, Any]) -> dict[str, Any] | None:
    if kind == "models":
        return model_of(registry, name, more)
    if registry == REGISTRY and name == COMPONENT:
        return {"versions": [component()["version"]], "archived": False}
    return None


def _version(uri: str, kind: str, version: str, row: Mapping[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "isAnonymous": False,
        "isArchived": row["archived"],
        "tags": {},
        "properties": {},
        "provisioningState": "Succeeded",
    }
    if kind == "components":
        properties["componentSpec"] = _component_spec(version)
    else:
        # What other models have for defaults is theirs; nobody here knows it.
        defaults = {} if "billions" in row else {"model_specific_defaults": str(DEFAULTS)}  # text, in Python's writing
        properties |= {
            "modelType": row["type"],
            "modelUri": f"{uri}/versions/{version}/artifacts",
            "flavors": {},
            "tags": {
                "note": "a stand-in of the emulator, not the model of this name",
                "inference_supported_envs": "['vllm']",
                **defaults,
                **row["tags"],
            },
        }
    return {
        "id": f"{uri}/versions/{version}",
        "name": version,
        "type": f"Microsoft.MachineLearningServices/registries/{kind}/versions",
        "properties": properties,
    }


def _component_spec(version: str) -> dict[str, Any]:
    return {
        "$schema": "https://azuremlschemas.azureedge.net/latest/pipelineComponent.schema.json",
        "name": COMPONENT,
        "version": version,
        "type": "pipeline",
        "display_name": "Chat Completion Pipeline",
        "is_deterministic": True,
        "inputs": component()["inputs"],
        "outputs": component()["outputs"],
        "jobs": {},
    }
