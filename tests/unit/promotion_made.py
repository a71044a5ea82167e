"""A version that one stack has proved and another one takes, in a registry of ARM's fake."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from arm_fake import ArmFake

from cloud.services import modelfiles
from cloud.services.modelfiles import File
from cloud.target import RegistryAsset, Target

DISCOVERY = "https://eastus.api.azureml.ms/registrymanagement/v1.0/registries/mlr-phi/discovery"
SHELF = (
    "https://eastus.api.azureml.ms/mferp/managementfrontend/subscriptions/s/resourceGroups/r/providers"
    "/Microsoft.MachineLearningServices/registries/mlr-phi/models/phi-ultrachat/versions"
)
FILES = "3 files, 76 bytes, "
BASE = RegistryAsset("azureml", "Phi-4-mini-instruct", "1")
NUMBER, FINGERPRINT = "994526542", "7b963b464e21"
LINEAGE = {
    "fingerprint": FINGERPRINT,
    "job": "finetune-7b963b464e21-1",
    "dataset": "ultrachat",
    "dataset_fingerprint": "0123456789ab",
    "base_model": BASE.model_uri,
    "recipe": "seed=42",
}


class Shelf:
    """The files of versions: which were asked for, and what they are."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.found = [File("MLmodel", 12, "ab"), File("data/weights", 64), File("empty", 0)]

    @contextlib.contextmanager
    def of_workspace(self, arm: Any, target: Target, name: str, version: str) -> Iterator[Any]:
        assert arm is not None
        self.asked.append((target, name, version))
        yield SimpleNamespace(files=lambda: self.found)

    @contextlib.contextmanager
    def of_registry(self, arm: Any, asset: RegistryAsset) -> Iterator[Any]:
        assert arm is not None
        self.asked.append(asset)
        yield SimpleNamespace(files=lambda: self.found)

    @property
    def digest(self) -> str:
        return modelfiles.digest(self.found)


def install(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Puts the files where both stages look for them."""
    shelf = Shelf()
    monkeypatch.setattr(modelfiles, "of_workspace", shelf.of_workspace)
    monkeypatch.setattr(modelfiles, "of_registry", shelf.of_registry)
    return shelf


def has_registry(arm: ArmFake) -> None:
    front = {"primaryRegionResourceProviderUri": "https://eastus.api.azureml.ms/"}
    arm.get(DISCOVERY, {**front, "subscriptionId": "s", "resourceGroup": "r"})


def version(tags: dict[str, str], name: str = NUMBER) -> dict[str, Any]:
    return {"name": name, "properties": {"modelUri": "azureml://of/it", "description": "mine", "tags": tags}}
