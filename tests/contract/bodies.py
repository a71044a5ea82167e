"""Bodies that the emulator takes, to be changed into those it refuses."""

from __future__ import annotations

from typing import Any

from tests.contract.conftest import LOCATION

A100 = "Standard_NC24ads_A100_v4"
BASE_MODEL = "azureml://registries/azureml/models/Phi-4-mini-instruct/versions/1"
COMPUTES = ("compute_model_import", "compute_preprocess", "compute_finetune")


def identity_body(identity: str) -> dict[str, Any]:
    if not identity:
        return {"type": "SystemAssigned"}
    return {"type": "UserAssigned", "userAssignedIdentities": {identity: {}}}


def cluster_body(size: str = A100, identity: str = "", nodes: int = 0, priority: str = "Dedicated") -> dict[str, Any]:
    scale = {"minNodeCount": nodes, "maxNodeCount": max(nodes, 1), "nodeIdleTimeBeforeScaleDown": "PT120S"}
    inner = {"vmSize": size, "vmPriority": priority, "scaleSettings": scale}
    body = {"location": LOCATION, "properties": {"computeType": "AmlCompute", "properties": inner}}
    return {**body, "identity": identity_body(identity)} if identity else body


def endpoint_body(identity: str = "") -> dict[str, Any]:
    return {"location": LOCATION, "identity": identity_body(identity), "properties": {"authMode": "Key"}}


def deployment_body(size: str = A100, capacity: int = 1, **properties: Any) -> dict[str, Any]:
    always = {"endpointComputeType": "Managed", "instanceType": size, "model": BASE_MODEL}
    return {
        "location": LOCATION,
        "sku": {"name": "Default", "capacity": capacity},
        "properties": {**always, "scaleSettings": {"scaleType": "Default"}, **properties},
    }
