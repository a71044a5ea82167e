"""Removes for good what Azure keeps soft-deleted after a destroy, so that its names are free again.

Called by the resource that is deleted last, and by `python -m jobs purge`. Only plain ARM calls: this must work
without the program, and without the seconds azure-ai-ml takes to import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cloud.errors import azure_errors, refusal

if TYPE_CHECKING:
    from cloud.arm import Arm

KINDS = ("workspaces", "accounts", "vaults", "logs")
"""What can be purged, in the order it is done: a workspace still refers to its vault."""
VAULTS, ACCOUNTS, WORKSPACES, LOGS = "2024-11-01", "2025-06-01", "2025-12-01", "2023-09-01"
"""API versions that document the calls."""
LOGS_NAMESPACE = "Microsoft.OperationalInsights"

UNCONFIRMED = (
    "asked Azure to purge it, which Azure does not confirm; while its name stays taken (14 days from its deletion), "
    "purge it in the portal (Azure Machine Learning, Recently deleted), or let the setting `suffix` give others"
)
"""Both 404 and 204 say only that there is no live one: only the call that deletes a workspace frees its name."""
KEPT = (
    "kept for 14 days with its logs, and comes back with them when it is made again; to be rid of it, make its "
    "resource group again and run this command again"
)


@dataclass(frozen=True)
class Remainder:
    """One name of a stack: `state` is "live", "soft-deleted", "gone", or "unknown" where Azure has no answer."""

    kind: str
    name: str
    state: str

    def __str__(self) -> str:
        return f"{self.kind.removesuffix('s')} {self.name}"


def purge(subscription_id: str, location: str, resource_group: str, names: Mapping[str, Sequence[str]]) -> list[str]:
    """Purges the soft-deleted resources in ``names``: kind (one of ``KINDS``) to names.

    What is not soft-deleted is fine, and so is what Azure lets nobody purge. What is live is left alone. Returns a
    line for each name that says what happened. Raises ValueError for an unknown kind, StageError for a purge that
    failed.
    """
    from cloud.arm import Arm

    if unknown := set(names) - set(KINDS):
        raise ValueError(f"can purge {', '.join(KINDS)}, not {', '.join(sorted(unknown))}")
    arm = Arm()
    return [
        _purge(
            arm, f"{kind.removesuffix('s')} {name}", kind, _place(kind, subscription_id, location, resource_group, name)
        )
        for kind in KINDS
        for name in names.get(kind, ())
    ]


def remainders(
    subscription_id: str, location: str, resource_group: str, names: Mapping[str, Sequence[str]]
) -> list[Remainder]:
    """What is left under the names, live or soft-deleted. Raises StageError when Azure cannot be asked.

    The subscription's list of workspaces was seen to hold soft-deleted ones, too (Azure/azure-powershell#28286). As
    that is written down nowhere, one that is not in it may still be there: "unknown".
    """
    from cloud import client as azure
    from cloud.arm import Arm

    arm = Arm(retries=azure.PROMPT_RETRIES)
    with azure_errors("what is left could not be listed", f"resource group {resource_group}"):
        return [
            Remainder(kind, name, _state(arm, kind, _place(kind, subscription_id, location, resource_group, name)))
            for kind in KINDS
            for name in names.get(kind, ())
        ]


@dataclass(frozen=True)
class _Place:
    """Where one name is, as a live resource and as a soft-deleted one."""

    live: str
    deleted: str
    """Of workspaces and logs the list of what is, or may be, soft-deleted."""
    method: str
    version: str


def _place(kind: str, subscription: str, location: str, group: str, name: str) -> _Place:
    base = f"/subscriptions/{quote(subscription)}"
    name, group, location = quote(name), quote(group), quote(location)
    if kind == "vaults":
        live = f"{base}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}"
        deleted = f"{base}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/{name}"
        return _Place(live, deleted, "POST", VAULTS)
    if kind == "accounts":
        live = f"{base}/resourceGroups/{group}/providers/Microsoft.CognitiveServices/accounts/{name}"
        deleted = (
            f"{base}/providers/Microsoft.CognitiveServices/locations/{location}/resourceGroups/{group}"
            f"/deletedAccounts/{name}"
        )
        return _Place(live, deleted, "DELETE", ACCOUNTS)
    if kind == "logs":
        live = f"{base}/resourceGroups/{group}/providers/{LOGS_NAMESPACE}/workspaces/{name}"
        return _Place(live, f"{base}/providers/{LOGS_NAMESPACE}/deletedWorkspaces", "DELETE", LOGS)
    machine_learning = "providers/Microsoft.MachineLearningServices/workspaces"
    live = f"{base}/resourceGroups/{group}/{machine_learning}/{name}"
    return _Place(live, f"{base}/{machine_learning}", "DELETE", WORKSPACES)


def _state(arm: Arm, kind: str, place: _Place) -> str:
    if arm.find(place.live, place.version) is not None:
        return "live"
    if kind in ("workspaces", "logs"):
        kept = any(_same(each, place.live) for each in arm.items(place.deleted, place.version))
        return "soft-deleted" if kept else ("unknown" if kind == "workspaces" else "gone")
    return "gone" if arm.find(place.deleted, place.version) is None else "soft-deleted"


def _same(row: Mapping[str, Any], path: str) -> bool:
    return str(row.get("id", "")).lower() == path.lower()


def _purge(arm: Arm, on: str, kind: str, place: _Place) -> str:
    from azure.core.exceptions import HttpResponseError

    with azure_errors("what was deleted could not be purged, its name stays taken for days", on):
        try:
            # The call that purges a deleted workspace deletes a live one, and this may run while the stack lives on:
            # when purgeOnDestroy is switched off.
            if kind in ("workspaces", "logs") and arm.find(place.live, place.version) is not None:
                return f"{on}: is in use, left alone"
            if kind == "logs":
                return f"{on}: {_logs(arm, place)}"
            if kind == "workspaces":
                if not arm.delete(place.live, place.version, forceToPurge="true"):
                    return f"{on}: {UNCONFIRMED}"
            elif kind == "vaults":
                arm.run(place.method, f"{place.deleted}/purge", {"api-version": place.version})
            else:
                arm.run(place.method, place.deleted, {"api-version": place.version})
        except HttpResponseError as error:
            code, why = refusal(error)
            if error.status_code == 404:
                return f"{on}: {UNCONFIRMED if kind == 'workspaces' else 'nothing to purge'}"
            if error.status_code == 405 or "purge protection" in why.lower():
                return f"{on}: stays soft-deleted until its retention ends, it may not be purged ({code}: {why})"
            raise
    return f"{on}: purged"


def _logs(arm: Arm, place: _Place) -> str:
    """Azure has no call for a soft-deleted one: it is recovered, which a PUT in its place does, and then deleted."""
    from azure.core.exceptions import ResourceNotFoundError

    kept = next((each for each in arm.items(place.deleted, place.version) if _same(each, place.live)), None)
    if kept is None:
        return "nothing to purge"
    version = {"api-version": place.version}
    try:
        arm.run("PUT", place.live, version, {"location": kept["location"], "properties": {}})
    except ResourceNotFoundError:  # its resource group
        return KEPT
    arm.run("DELETE", place.live, {**version, "force": "true"})
    return "purged"
