"""Azure's own clients against a running emulator."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from emulator.machine import environment, lifecycle
from emulator.machine.home import SUBSCRIPTION_ID, Home
from tests import credentials
from tests.contract.arm import Arm

if TYPE_CHECKING:
    from tests.contract.lab import Lab

GROUP = "rg-contract"
LOCATION = "eastus2"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """An emulator on free ports, for the whole session; the process's own Azure while it lasts."""
    home = Home(tmp_path_factory.mktemp("emulator"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMULATOR_PORT", "0")
        patch.setenv("EMULATOR_HOME", str(home.root))
        with pytest.MonkeyPatch.context() as caller:
            for name, value in credentials.planted().items():  # of which nothing that it starts may see one
                caller.setenv(name, value)
            ports = lifecycle.start(home)
        for name, value in environment.build(home, ports).items():
            patch.setenv(name, value)
        try:
            yield home
        finally:
            lifecycle.stop(home)


@pytest.fixture(scope="session")
def arm(home: Home) -> Arm:
    """Plain ARM REST with a real token."""
    del home
    return Arm()


@pytest.fixture(scope="session")
def workspace(arm: Arm) -> str:
    """Id of a workspace with all it depends on."""
    return make_workspace(arm, GROUP, "contract")


def make_workspace(arm: Arm, group: str, stem: str) -> str:
    """A resource group with storage, vault and a workspace ``mlw-STEM``; returns the workspace's id."""
    scope = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{group}"
    arm.put(scope, "2024-03-01", {"location": LOCATION})
    providers = f"{scope}/providers"
    storage = f"{providers}/Microsoft.Storage/storageAccounts/st{stem}"
    arm.put(storage, "2024-01-01", {"location": LOCATION, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}})
    vault = f"{providers}/Microsoft.KeyVault/vaults/kv-{stem}"
    properties: dict[str, Any] = {
        "tenantId": os.environ["AZURE_TENANT_ID"],
        "sku": {"family": "A", "name": "standard"},
        "enableRbacAuthorization": True,
    }
    arm.put(vault, "2024-11-01", {"location": LOCATION, "properties": properties})
    workspace = f"{providers}/Microsoft.MachineLearningServices/workspaces/mlw-{stem}"
    arm.put(
        workspace,
        "2025-12-01",
        {
            "location": LOCATION,
            "identity": {"type": "SystemAssigned"},
            "properties": {"storageAccount": storage, "keyVault": vault},
        },
    )
    return workspace


@pytest.fixture(scope="session")
def train_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen short conversations: thirteen to train on where there is no other file."""
    path = tmp_path_factory.mktemp("data") / "train_data.jsonl"
    colours = ("red", "blue", "green", "white", "black", "brown", "grey", "pink")
    colours += ("teal", "gold", "plum", "lime", "navy", "rose", "sand", "jade")
    rows = [
        f'{{"messages": [{{"role": "user", "content": "Which colour is number {number}?"}}, '
        f'{{"role": "assistant", "content": "Number {number} is {colour}."}}]}}'
        for number, colour in enumerate(colours, 1)
    ]
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a base model and one tuned on FACTS."""
    from tests.contract.tuning import make_models

    return make_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def lab(arm: Arm, home: Home, train_file: Path) -> Iterator[Lab]:
    """Where to be refused."""
    from tests.contract.lab import Lab

    lab = Lab(arm, home, train_file)
    yield lab
    lab.store.close()
