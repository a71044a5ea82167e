"""The public ``azureml`` registry: base models, the fine-tune component and its steps.

Not in it: models that a workspace registers (`resources`). Every room from `faults` up may import it.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from emulator.arm.errors import user_error
from emulator.machine.home import SUBSCRIPTION_ID

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

ASSET = re.compile(
    r"/registries/(?P<registry>[^/]+)/(?P<kind>components|models)/(?P<name>[^/]+)"
    r"(?:/(?P<list>versions)(?:/(?P<version>[^/]+))?)?$",
    re.IGNORECASE,
)


@cache
def component() -> dict[str, Any]:
    """Version, inputs and outputs of the fine-tune component."""
    text = (Path(__file__).parent / f"{COMPONENT}.yaml").read_text()
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def discovery(name: str, host: str) -> dict[str, Any]:
    """Where a registry is served.

    Raises:
        AzureError: another registry than ``azureml``.
    """
    if name.lower() != REGISTRY:
        raise user_error(f"Registry {name} not found.", 404, "NotFoundError")
    return served(REGISTRY, SUBSCRIPTION_ID, RESOURCE_GROUP, REGION, host)


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


def asset(path: str) -> dict[str, Any]:
    """Answer a GET below ``…/registries/azureml``: a container, its versions, or one version.

    Raises:
        AzureError: no such asset.
    """
    found = ASSET.search(path)
    if not found or found["registry"].lower() != REGISTRY:
        raise user_error(f"{path} is not found in the registry.", 404, "NotFoundError")
    kind, name, version = found["kind"].lower(), found["name"], found["version"]
    versions = _versions(kind, name)
    if not versions:
        raise user_error(f"{kind[:-1].capitalize()} {name} not found in registry {REGISTRY}.", 404, "NotFoundError")
    if version:
        if version not in versions:
            raise user_error(
                f"{kind[:-1].capitalize()} {name} version {version} not found in registry {REGISTRY}; "
                f"it has {', '.join(versions)}.",
                404,
                "NotFoundError",
            )
        return _version(kind, name, version)
    if found["list"]:
        return {"value": [_version(kind, name, each) for each in reversed(versions)]}
    return {
        "id": _uri(kind, name),
        "name": name,
        "type": f"Microsoft.MachineLearningServices/registries/{kind}",
        "properties": {
            "latestVersion": versions[-1],
            "nextVersion": None,
            "isArchived": _archived(kind, name),
            "tags": {},
            "properties": {},
        },
    }


def _versions(kind: str, name: str) -> list[str]:
    if kind == "components":
        return [component()["version"]] if name == COMPONENT else []
    return list(BASE_MODELS.get(name, {}).get("versions", []))


def _archived(kind: str, name: str) -> bool:
    return kind == "models" and bool(BASE_MODELS[name]["archived"])


def _uri(kind: str, name: str, version: str | None = None) -> str:
    base = f"azureml://registries/{REGISTRY}/{kind}/{name}"
    return f"{base}/versions/{version}" if version else base


def _version(kind: str, name: str, version: str) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "isAnonymous": False,
        "isArchived": _archived(kind, name),
        "tags": {},
        "properties": {},
        "provisioningState": "Succeeded",
    }
    if kind == "components":
        properties["componentSpec"] = _component_spec(name, version)
    else:
        properties |= {
            "modelType": BASE_MODELS[name]["type"],
            "modelUri": f"azureml://registries/{REGISTRY}/models/{name}/versions/{version}/artifacts",
            "flavors": {},
            "tags": {
                "note": "a stand-in of the emulator, not the model of this name",
                "model_specific_defaults": str(DEFAULTS),  # as Azure keeps it: text, in Python's way of writing
                "inference_supported_envs": "['vllm']",
                **BASE_MODELS[name]["tags"],
            },
        }
    return {
        "id": _uri(kind, name, version),
        "name": version,
        "type": f"Microsoft.MachineLearningServices/registries/{kind}/versions",
        "properties": properties,
    }


def _component_spec(name: str, version: str) -> dict[str, Any]:
    return {
        "$schema": "https://azuremlschemas.azureedge.net/latest/pipelineComponent.schema.json",
        "name": name,
        "version": version,
        "type": "pipeline",
        "display_name": "Chat Completion Pipeline",
        "is_deterministic": True,
        "inputs": component()["inputs"],
        "outputs": component()["outputs"],
        "jobs": {},
    }
