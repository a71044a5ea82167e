"""Removes for good what Azure keeps soft-deleted after a destroy, so that its names are free again.

Called by the resource that is deleted last, and by `python -m jobs purge`. Only plain ARM calls: this must work
without the program, and without the seconds azure-ai-ml takes to import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from jobs.errors import azure_errors, refusal

if TYPE_CHECKING:
    from jobs.arm import Arm

KINDS = ("workspaces", "accounts", "vaults")
"""What can be purged, in the order it is done: a workspace still refers to its vault."""
VAULTS, ACCOUNTS, WORKSPACES = "2024-11-01", "2025-06-01", "2025-12-01"
"""API versions that document the calls."""


UNCONFIRMED = (
    "asked Azure to purge it, which Azure does not confirm; if its name stays taken, the setting `suffix` gives others"
)
"""204 is the answer for a workspace that is gone; whether it is one for a soft-deleted one that was purged, too, is
not documented."""


@dataclass(frozen=True)
class Remainder:
    """One name of a stack: `state` is "live", "soft-deleted", "gone", or "unknown" where Azure has no answer."""

    kind: str
    name: str
    state: str

    def __str__(self) -> str:
        return f"{self.kind.removesuffix('s')} {self.name}"


def purge(subscription_id: str, location: str, resource_group: str, names: Mapping[str, Sequence[str]]) -> list[str]:
    """Purges the soft-deleted resources in ``names``: kind ("vaults", "workspaces", "accounts") to names.

    What is not soft-deleted is fine, and so is what Azure lets nobody purge. What is live is left alone. Returns a
    line for each name that says what happened. Raises ValueError for an unknown kind, StageError for a purge that
    failed.
    """
    from jobs.arm import Arm

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

    A workspace that is not live may be soft-deleted: Azure has no list of those outside its portal.
    """
    from jobs import client as azure
    from jobs.arm import Arm

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
    live = f"{base}/resourceGroups/{group}/providers/Microsoft.MachineLearningServices/workspaces/{name}"
    return _Place(live, live, "DELETE", WORKSPACES)


def _state(arm: Arm, kind: str, place: _Place) -> str:
    if arm.find(place.live, place.version) is not None:
        return "live"
    if kind == "workspaces":
        return "unknown"
    return "gone" if arm.find(place.deleted, place.version) is None else "soft-deleted"


def _purge(arm: Arm, on: str, kind: str, place: _Place) -> str:
    from azure.core.exceptions import HttpResponseError

    with azure_errors("what was deleted could not be purged, its name stays taken for days", on):
        try:
            # The call that purges a deleted workspace deletes a live one, and this may run while the stack lives on:
            # when purgeOnDestroy is switched off.
            if kind == "workspaces" and arm.find(place.live, place.version) is not None:
                return f"{on}: is in use, left alone"
            if kind == "workspaces":
                if not arm.delete(place.deleted, place.version, forceToPurge="true"):
                    return f"{on}: {UNCONFIRMED}"
            elif kind == "vaults":
                arm.run(place.method, f"{place.deleted}/purge", {"api-version": place.version})
            else:
                arm.run(place.method, place.deleted, {"api-version": place.version})
        except HttpResponseError as error:
            code, why = refusal(error)
            if error.status_code == 404:
                return f"{on}: nothing to purge"
            if error.status_code == 405 or "purge protection" in why.lower():
                return f"{on}: stays soft-deleted until its retention ends, it may not be purged ({code}: {why})"
            raise
    return f"{on}: purged"
