"""The provider's calls, as the engine makes them, and what they are about."""

from __future__ import annotations

from typing import Any

from pulumi.provider.experimental import provider as protocol

from emulator.provider.provider import AzureNative
from emulator.provider.values import map_from_plain, map_to_plain
from tests.provided import run

SUB = "00000000-0000-0000-0000-000000000001"
GROUP = f"/subscriptions/{SUB}/resourceGroups/phi-rg"
STORE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/phistore"
ENDPOINT = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/phi-ws/onlineEndpoints/phi-ep"
INPUTS = {"resourceGroupName": "phi-rg", "accountName": "phistore", "kind": "StorageV2", "location": "eastus2"}
STORAGE = "urn:pulumi:t::p::p:infra:Foundation$azure-native:storage:StorageAccount::store"


def check(provider: AzureNative, urn: str, new: dict[str, Any], old: dict[str, Any] | None = None) -> Any:
    request = protocol.CheckRequest(urn, map_from_plain(old or {}), map_from_plain(new), b"seed")
    answer = run(provider.check(request))
    return map_to_plain(answer.inputs or {}), [(f.property, f.reason) for f in answer.failures or []]


def create(provider: AzureNative, inputs: dict[str, Any], preview: bool = False, urn: str = STORAGE) -> Any:
    return run(provider.create(protocol.CreateRequest(urn, map_from_plain(inputs), 0, preview)))
