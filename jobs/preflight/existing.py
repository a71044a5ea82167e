"""The check of the preflight of what somebody else has made: it is there, and good for what it is used for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cloud.catalogue import AZURES, ResourceType
from jobs.preflight.findings import Finding, State
from jobs.preflight.own_key import by_roles
from jobs.preflight.spec import PreflightSpec
from settings.estate.existing import USABLE, AzureId

if TYPE_CHECKING:
    from cloud.arm import Arm

NAME = "existing"
_ANYWHERE = ("group", "logs", "identity")
"""What may be in another region: the rest is read and written by whatever runs in the stack's."""
Objection = tuple[State, str, str]
"""How bad it is, what is wrong, and what mends it."""


def usable(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """Each that is given is there and as it has to be; nothing of it is changed to that end."""
    findings = [finding for key, id_ in spec.existing.items() for finding in _look(spec, arm, key, id_)]
    if findings:
        return findings
    kinds = ", ".join(USABLE[key].words for key in spec.existing)
    return [Finding(check=NAME, state=State.OK, found=f"{kinds}: used as they are" if kinds else "nothing is given")]


def row_of(key: str) -> ResourceType:
    """The type of a key of the setting."""
    return next(row for row in AZURES if USABLE[key].attribute in row.names)


def _look(spec: PreflightSpec, arm: Arm, key: str, id_: str) -> Iterator[Finding]:
    what, parts = f"existing.{key}, {id_}", AzureId.of(id_)
    found = arm.find(id_, row_of(key).version)
    if found is None:
        says = f"{what}: is not there, or you may not see it"
        yield Finding(check=NAME, state=State.REFUSED, found=says, fix=f"az resource show --ids {id_}")
        return
    if key == "group" and parts and parts.subscription_id != spec.subscription_id.lower():
        says = f"{what}: is in another subscription than the stack, {spec.subscription_id}"
        yield Finding(check=NAME, state=State.REFUSED, found=says, fix="set azure-native:subscriptionId to its own")
    region = str(found.get("location", "")).replace(" ", "").lower()
    if key not in _ANYWHERE and region and region != spec.location:
        says = f"{what}: is in {region}, the stack in {spec.location}, so traffic between them is slow and billed"
        fix = f"take one in {spec.location}, or set azure-native:location to {region}"
        yield Finding(check=NAME, state=State.WARNING, found=says, fix=fix)
    for state, says, fix in _OBJECTIONS.get(key, _none)(spec, found):
        yield Finding(check=NAME, state=state, found=f"{what}: {says}", fix=fix)


def _none(_: PreflightSpec, __: Mapping[str, Any]) -> Iterator[Objection]:
    yield from ()


def _storage(spec: PreflightSpec, found: Mapping[str, Any]) -> Iterator[Objection]:
    """What Azure ML asks of a workspace's default storage account."""
    own = found.get("properties") or {}
    kind, sku = str(found.get("kind", "")), str((found.get("sku") or {}).get("name", ""))
    if kind not in ("StorageV2", "Storage") or sku.startswith("Premium"):
        says = f"is {kind or 'of no known kind'} {sku}, which cannot be a workspace's default storage"
        yield State.REFUSED, says, "take a general-purpose account, StorageV2 and no Premium"
    if own.get("isHnsEnabled"):
        says = "has a hierarchical namespace, which a workspace's default storage cannot have"
        yield State.REFUSED, says, "take an account without one"
    if spec.shared_access and own.get("allowSharedKeyAccess") is False:
        says = "does not take its keys, and the stack counts on them"
        yield State.REFUSED, says, "set finetune-phi:storage.sharedKeys to false"
    yield from _closed(own)


def _vault(_: PreflightSpec, found: Mapping[str, Any]) -> Iterator[Objection]:
    own = found.get("properties") or {}
    if not by_roles(found):
        says = "grants by access policies, of which the workspace needs one"
        fix = "let its owner switch it to roles: az keyvault update --enable-rbac-authorization true"
        yield State.WARNING, says, fix
    yield from _closed(own)


def _registry(_: PreflightSpec, found: Mapping[str, Any]) -> Iterator[Objection]:
    yield from _closed(found.get("properties") or {})


def _insights(_: PreflightSpec, found: Mapping[str, Any]) -> Iterator[Objection]:
    if not (found.get("properties") or {}).get("WorkspaceResourceId"):
        says = "is a classic one, which Azure has retired"
        yield State.WARNING, says, "let its owner move it to a Log Analytics workspace"


def _closed(own: Mapping[str, Any]) -> Iterator[Objection]:
    if own.get("publicNetworkAccess") == "Disabled":
        says = "answers to nobody outside its network, in which neither this machine nor the workspace is"
        yield State.REFUSED, says, "take one that is reachable, as the program makes no private endpoints"


_OBJECTIONS: dict[str, Callable[[PreflightSpec, Mapping[str, Any]], Iterator[Objection]]] = {
    "storage": _storage,
    "vault": _vault,
    "registry": _registry,
    "insights": _insights,
}
