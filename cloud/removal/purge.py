"""Removes for good what Azure keeps soft-deleted after a destroy, so that its names are free again.

Called by the resource that is deleted last, and by `python -m jobs purge`. Only plain ARM calls: this must work
without the program, and without the seconds azure-ai-ml takes to import.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cloud.catalogue import PURGEABLE, ResourceType, SoftDelete
from cloud.errors import azure_errors, refusal
from cloud.report import Report
from cloud.waiting import Tell, minutely

if TYPE_CHECKING:
    from cloud.arm import Arm

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


def purge(
    subscription_id: str, location: str, resource_group: str, names: Mapping[str, Sequence[str]], report: Report
) -> list[str]:
    """Purges the soft-deleted resources in ``names``: a word of the catalogue for soft-deleted names, to names.

    What is not soft-deleted is fine, and so is what Azure lets nobody purge. What is live is left alone. ``report``
    hears each minute what is still waited for. Returns a line for each name that says what happened. Raises ValueError
    for an unknown kind, StageError for a purge that failed.
    """
    from cloud.arm import Arm

    if unknown := set(names) - set(PURGEABLE):
        raise ValueError(f"can purge {', '.join(PURGEABLE)}, not {', '.join(sorted(unknown))}")
    arm = Arm()
    lines: list[str] = []
    for kind, row in PURGEABLE.items():
        for name in names.get(kind, ()):
            on = f"{kind.removesuffix('s')} {name}"
            tell = minutely(report, f"{on}: still being purged")
            lines.append(_purge(arm, on, _place(row, subscription_id, location, resource_group, name), tell))
    return lines


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
            Remainder(kind, name, _state(arm, _place(row, subscription_id, location, resource_group, name)))
            for kind, row in PURGEABLE.items()
            for name in names.get(kind, ())
        ]


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where one name is, as a live resource and as a soft-deleted one, or the list of those."""

    row: ResourceType
    soft_delete: SoftDelete
    live: str
    deleted: str

    @property
    def listed(self) -> bool:
        """Whether Azure has no address for a soft-deleted one: its names are in a list."""
        return self.soft_delete.purge is None

    @property
    def unsure(self) -> bool:
        """Whether Azure's list need not hold a soft-deleted one, whose name is taken all the same."""
        return self.listed and not self.soft_delete.comes_back


def _place(row: ResourceType, subscription: str, location: str, group: str, name: str) -> _Place:
    live = row.id(quote(subscription), {"resourceGroupName": quote(group), row.name_input: quote(name)})
    assert live and row.soft_delete
    return _Place(
        row=row,
        soft_delete=row.soft_delete,
        live=live,
        deleted=row.soft_delete.place(subscription, location, group, name),
    )


def _state(arm: Arm, place: _Place) -> str:
    version = place.row.version
    if arm.find(place.live, version) is not None:
        return "live"
    if place.listed:
        listed = any(_same(each, place.live) for each in arm.items(place.deleted, version))
        return "soft-deleted" if listed else ("unknown" if place.unsure else "gone")
    return "gone" if arm.find(place.deleted, version) is None else "soft-deleted"


def _same(row: Mapping[str, Any], path: str) -> bool:
    return str(row.get("id", "")).lower() == path.lower()


def _purge(arm: Arm, on: str, place: _Place, tell: Tell) -> str:
    from azure.core.exceptions import HttpResponseError

    version = place.row.version
    with azure_errors("what was deleted could not be purged, its name stays taken for days", on):
        try:
            # The call that purges a deleted workspace deletes a live one, and this may run while the stack lives on:
            # when purgeOnDestroy is switched off.
            if place.listed and arm.find(place.live, version) is not None:
                return f"{on}: is in use, left alone"
            if place.soft_delete.comes_back:
                return f"{on}: {_logs(arm, place, tell)}"
            if place.soft_delete.purge:
                method, below = place.soft_delete.purge
                arm.run(method, f"{place.deleted}{below}", {"api-version": version}, tell=tell)
            elif not arm.delete(place.live, version, tell, **{place.soft_delete.for_good: "true"}):
                return f"{on}: {UNCONFIRMED}"
        except HttpResponseError as error:
            code, why = refusal(error)
            if error.status_code == 404:
                return f"{on}: {UNCONFIRMED if place.unsure else 'nothing to purge'}"
            if error.status_code == 405 or "purge protection" in why.lower():
                return f"{on}: stays soft-deleted until its retention ends, it may not be purged ({code}: {why})"
            raise
    return f"{on}: purged"


def _logs(arm: Arm, place: _Place, tell: Tell) -> str:
    """Azure has no call for a soft-deleted one: it is recovered, which a PUT in its place does, and then deleted."""
    from azure.core.exceptions import ResourceNotFoundError

    deleted = next((each for each in arm.items(place.deleted, place.row.version) if _same(each, place.live)), None)
    if deleted is None:
        return "nothing to purge"
    version = {"api-version": place.row.version}
    try:
        arm.run("PUT", place.live, version, {"location": deleted["location"], "properties": {}}, tell=tell)
    except ResourceNotFoundError:  # its resource group
        return KEPT
    arm.run("DELETE", place.live, {**version, place.soft_delete.for_good: "true"}, tell=tell)
    return "purged"
