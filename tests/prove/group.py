"""The resource group that everything is tried in, what the probes share in it, and its removal."""

from __future__ import annotations

import secrets
import string
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.prove.azure import ML, Azure, Stopped

TAG = "finetune-phi-prove"
GROUPS, STORAGE, VAULTS, IDENTITIES = "2024-03-01", "2024-01-01", "2024-11-01", "2023-01-31"
SMALL, LARGER, SERVING = "Standard_D2s_v3", "Standard_D4s_v3", "Standard_DS3_v2"
"""Two sizes of one family for clusters, with 2 and 4 cores, and one of another family for an endpoint, so that the
usages tell them apart."""
PROVIDERS = "providers/Microsoft"


def run_name() -> str:
    """Six letters that tell one run's names from another's."""
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(6))


@dataclass
class Group:
    """One run's resource group. `quietly` makes what probes share, unrecorded; each thing is made at first use."""

    subscription: str
    location: str
    run: str
    quietly: Azure
    report: Callable[[str], None]
    model: Path | None = None
    """A folder of an MLflow chat model to deploy in place of the tiny one."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _locks: dict[str, threading.RLock] = field(default_factory=dict)
    _made: dict[str, Any] = field(default_factory=dict)
    _undo: list[tuple[str, Callable[[], object]]] = field(default_factory=list)

    @property
    def id(self) -> str:
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.name}"

    @property
    def name(self) -> str:
        return f"rg-prove-{self.run}"

    @property
    def ml(self) -> str:
        """What the ids of workspaces begin with."""
        return f"{self.id}/{PROVIDERS}.MachineLearningServices/workspaces"

    def once(self, what: str, make: Callable[[], Any]) -> Any:
        """What `make` returned, or raised, when it was first asked for; probes run side by side."""
        with self._lock:
            own = self._locks.setdefault(what, threading.RLock())
        with own:  # one of each kind: what waits for half an hour must not hold up the other lanes
            if what not in self._made:
                self.report(f"making {what}")
                try:
                    self._made[what] = make()
                except Exception as error:  # noqa: BLE001 - what failed once is not tried by every probe again
                    self._made[what] = error
            found = self._made[what]
        if isinstance(found, Exception):
            raise found
        return found

    def undo(self, what: str, remove: Callable[[], object]) -> None:
        """Remembers how to remove something, to be done in the opposite order."""
        self._undo.append((what, remove))

    def group(self) -> str:
        """The group itself, with a tag by which a later run finds it if this one is killed."""

        def make() -> str:
            self.made(self.id, GROUPS, {"location": self.location, "tags": {TAG: self.run}})
            self.undo(f"resource group {self.name}", lambda: self.quietly.call("", "DELETE", self.id, GROUPS))
            return self.id

        return str(self.once("a resource group", make))

    def storage(self) -> str:
        def make() -> str:
            id_ = f"{self.group()}/{PROVIDERS}.Storage/storageAccounts/stprove{self.run}"
            body = {"location": self.location, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
            return self.made(id_, STORAGE, body)

        return str(self.once("a storage account", make))

    def vault(self) -> str:
        def make() -> str:
            name = f"kv-prove-{self.run}"
            id_ = f"{self.group()}/{PROVIDERS}.KeyVault/vaults/{name}"
            tenant = self.quietly.get(f"/subscriptions/{self.subscription}", "2022-12-01")["tenantId"]
            properties = {
                "tenantId": tenant,
                "sku": {"family": "A", "name": "standard"},
                "enableRbacAuthorization": True,
                "softDeleteRetentionInDays": 7,
            }
            deleted = f"/subscriptions/{self.subscription}/{PROVIDERS}.KeyVault/locations/{self.location}/deletedVaults"
            # Undone in the opposite order: the vault's purge comes after the group's deletion, which deletes it.
            self._undo.insert(
                0, (f"purge of vault {name}", lambda: self.quietly.call("", "POST", f"{deleted}/{name}/purge", VAULTS))
            )
            return self.made(id_, VAULTS, {"location": self.location, "properties": properties})

        return str(self.once("a key vault", make))

    def workspace(self, name: str = "mlw-prove") -> str:
        """A workspace that is made once under this name, and purged when the run ends."""

        def make() -> str:
            id_, body = f"{self.ml}/{name}-{self.run}", self.workspace_body()
            self.purged(id_)
            return self.made(id_, ML, body)

        return str(self.once(f"workspace {name}", make))

    def workspace_body(self, kind: str = "Default", **properties: Any) -> dict[str, Any]:
        """What a workspace, hub or project is made of; a project has its hub's storage and vault."""
        parts = {} if kind == "Project" else {"storageAccount": self.storage(), "keyVault": self.vault()}
        return {
            "location": self.location,
            "kind": kind,
            "identity": {"type": "SystemAssigned"},
            "properties": {**parts, **properties},
        }

    def purged(self, workspace: str) -> None:
        """Has a workspace deleted for good at the end, which frees its name; to be called once the group is there."""
        name = workspace.rsplit("/", 1)[1]
        self.undo(
            f"workspace {name}",
            lambda: self.quietly.call("", "DELETE", workspace, query={"forceToPurge": "true"}),
        )

    def made(self, id_: str, version: str, body: dict[str, Any]) -> str:
        """PUT, waited for. Raises RuntimeError where Azure refuses: nothing can be tried then."""
        answer = self.quietly.call("", "PUT", id_, version, body)
        if answer.status >= 400 or answer.ended.startswith("Failed"):
            raise RuntimeError(f"{id_.rsplit('/', 1)[1]} could not be made: {answer.outcome} {answer.message}")
        return id_

    def remove(self) -> list[str]:
        """Removes what was made, the last first, whatever fails on the way. Returns a line for each that stays."""
        left = []
        for what, remove in reversed(self._undo):
            self.report(f"removing {what}")
            try:
                remove()
            except (requests.RequestException, Stopped, RuntimeError) as error:
                left.append(f"{what}: {type(error).__name__}")
        if self._made and self.quietly.get(self.id, GROUPS):
            left.append(f"resource group {self.name}: az group delete --name {self.name}")
        self._undo.clear()
        return left


def leftovers(azure: Azure, subscription: str) -> list[str]:
    """Resource groups of earlier runs that were killed."""
    groups: list[str] = []
    with suppress(requests.RequestException):
        found = azure.get(f"/subscriptions/{subscription}/resourcegroups", GROUPS)
        groups = [each["name"] for each in found.get("value", ()) if TAG in (each.get("tags") or {})]
    return groups
