"""The check of the preflight of what somebody else has made: it is there, and good for what it is used for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cloud.adoption import MADE_BY
from cloud.catalogue import AZURES, ML_VERSION, ResourceType
from jobs.preflight.findings import Finding, State
from jobs.preflight.locked.own_key import by_roles
from jobs.preflight.spec import CLUSTER, DATA_CLUSTER, PreflightSpec
from settings.estate.existing import USABLE, AzureId
from settings.naming import PROJECT

if TYPE_CHECKING:
    from cloud.arm import Arm

NAME = "existing"
_ANYWHERE = ("group", "logs", "identity")
"""What may be in another region: the rest is read and written by whatever runs in the stack's."""
_BOUND = ("workspace", "hub")
"""What Azure has in the region of what is made in it."""
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
        if key in _BOUND and not (key == "hub" and "project" in spec.existing):
            says = f"{what}: is in {region}, and the stack would make in {spec.location} what Azure has in its region"
            yield Finding(check=NAME, state=State.REFUSED, found=says, fix=fix)
        else:
            yield Finding(check=NAME, state=State.WARNING, found=says, fix=fix)
    for state, says, fix in _OBJECTIONS.get(key, _none)(spec, found):
        yield Finding(check=NAME, state=state, found=f"{what}: {says}", fix=fix)
    taken = {"workspace": _taken, "project": _connected}
    for says, fix in taken[key](spec, arm, id_) if key in taken else ():
        yield Finding(check=NAME, state=State.REFUSED, found=f"{what}: {says}", fix=fix)


def _taken(spec: PreflightSpec, arm: Arm, workspace: str) -> Iterator[tuple[str, str]]:
    """Names of what the stack makes in it that something of somebody else's has: tags tell the stack's own."""
    uses = {each.use for each in spec.machines}
    made = {
        "cluster": f"computes/{spec.cluster_name}" if CLUSTER in uses and "cluster" not in spec.existing else "",
        "dataCluster": f"computes/{spec.data_cluster_name}" if DATA_CLUSTER in uses else "",
        "endpoint": f"onlineEndpoints/{spec.endpoint}",
    }
    own = {"project": PROJECT, "stack": spec.origin.stack if spec.origin else spec.stack}
    for key, path in made.items():
        there = arm.find(f"{workspace}/{path}", ML_VERSION) if path else None
        tags = (there or {}).get("tags") or {}
        if there is not None and any(tags.get(name) != value for name, value in own.items()):
            name = path.rsplit("/", 1)[1]
            kind = "an endpoint" if key == "endpoint" else "a cluster"
            says = f"has {kind} {name} already, which this stack has not made"
            yield says, f"set finetune-phi:names.{key} to another name"


def _connected(spec: PreflightSpec, arm: Arm, project: str) -> Iterator[tuple[str, str]]:
    """The same of the connection in it, which has no tags."""
    there = arm.find(f"{project}/connections/{spec.connection}", ML_VERSION) if spec.connection else None
    metadata = ((there or {}).get("properties") or {}).get("metadata") or {}
    if there is not None and metadata.get(MADE_BY) != (spec.origin.stack if spec.origin else spec.stack):
        says = f"has a connection {spec.connection} already, which this stack has not made"
        yield says, "set finetune-phi:names.connection to another name"


def _none(_: PreflightSpec, __: Mapping[str, Any]) -> Iterator[Objection]:
    yield from ()


def _storage(spec: PreflightSpec, found: Mapping[str, Any]) -> Iterator[Objection]:
    """What Azure ML asks of a workspace's default storage account."""
    own = found.get("properties") or {}
    kind, sku = str(found.get("kind", "")), str((found.get("sku") or {}).get("name", ""))
    if kind not in ("StorageV2", "Storage") or sku.startswith("Premium"):
        what = f"{kind or 'of no known kind'} {sku}".rstrip()
        says = f"is {what}, which cannot be a workspace's default storage"
        yield State.REFUSED, says, "take a general-purpose account, StorageV2 and no Premium"
    if own.get("isHnsEnabled"):
        says = "has a hierarchical namespace, which a workspace's default storage cannot have"
        yield State.REFUSED, says, "take an account without one"
    if spec.shared_access and own.get("allowSharedKeyAccess") is False:
        says = "does not take its keys, and the stack counts on them"
        yield State.REFUSED, says, "set finetune-phi:storage.sharedKeys to false"
    yield from _closed(spec, own)


def _vault(spec: PreflightSpec, found: Mapping[str, Any]) -> Iterator[Objection]:
    own = found.get("properties") or {}
    if not by_roles(found):
        says = "grants by access policies, of which the workspace needs one"
        fix = "let its owner switch it to roles: az keyvault update --enable-rbac-authorization true"
        yield State.WARNING, says, fix
    yield from _closed(spec, own)


def _registry(spec: PreflightSpec, found: Mapping[str, Any]) -> Iterator[Objection]:
    yield from _closed(spec, found.get("properties") or {})


def _insights(_: PreflightSpec, found: Mapping[str, Any]) -> Iterator[Objection]:
    if not (found.get("properties") or {}).get("WorkspaceResourceId"):
        says = "is a classic one, which Azure has retired"
        yield State.WARNING, says, "let its owner move it to a Log Analytics workspace"


def _workspace(spec: PreflightSpec, found: Mapping[str, Any]) -> Iterator[Objection]:
    """Azure ML's own, with what the stack trains on, and a registry for the images of its deployments."""
    own = found.get("properties") or {}
    yield from _ready(found, "default", "Azure ML workspace")
    yield from _closed(spec, own)
    if own.get("v1LegacyMode"):
        yield State.REFUSED, "is in v1LegacyMode, without the API that the program uses", "let its owner switch it off"
    for key, name in (("storage", "storageAccount"), ("registry", "containerRegistry")):
        there, given = str(own.get(name) or ""), spec.existing.get(key, "")
        if key == "registry" and not there:
            says = f"has no {USABLE[key].words}, which a deployment's image goes to"
            where = AzureId.of(str(found.get("id") or ""))
            group = where.group if where else spec.resource_group
            fix = (
                f"az ml workspace update --name {found.get('name')} --resource-group {group} "
                f"--container-registry {given} --update-dependent-resources"
            )
            yield State.REFUSED, says, fix
        elif not _same(there, given):
            says = f"stands on {USABLE[key].words} {there}, and existing.{key} is {given or 'empty'}"
            yield State.REFUSED, says, f"set existing.{key} to its own"
    by_identity = str(own.get("systemDatastoresAuthMode") or "").lower() == "identity"
    if by_identity and spec.shared_access:
        says = "reaches its storage by identity, and the stack counts on keys"
        yield State.REFUSED, says, "set finetune-phi:storage.sharedKeys to false"
    elif not by_identity and not spec.shared_access:
        says = "reaches its storage with keys, though storage.sharedKeys is false"
        yield State.WARNING, says, "let its owner set systemDatastoresAuthMode to identity, or set sharedKeys to true"
    mode = str((own.get("managedNetwork") or {}).get("isolationMode") or "Disabled")
    clusters = "cluster" not in spec.existing or any(each.use == DATA_CLUSTER for each in spec.machines)
    if clusters and mode != "Disabled" and not spec.isolated:
        says = f"has a managed network ({mode}), in which a cluster may have no public address"
        yield State.REFUSED, says, "set finetune-phi:network to managed"
    elif clusters and mode == "Disabled" and spec.isolated:
        says = "has no managed network, and a cluster without one needs a public address"
        yield State.REFUSED, says, "set finetune-phi:network to public"


def _hub(spec: PreflightSpec, found: Mapping[str, Any]) -> Iterator[Objection]:
    yield from _ready(found, "hub", "hub")
    yield from _foundry(spec, found)


def _project(spec: PreflightSpec, found: Mapping[str, Any]) -> Iterator[Objection]:
    yield from _ready(found, "project", "project")
    yield from _foundry(spec, found)
    hub, given = str((found.get("properties") or {}).get("hubResourceId") or ""), spec.existing.get("hub", "")
    if given and not _same(hub, given):
        yield (
            State.REFUSED,
            f"is in hub {hub}, and existing.hub is another",
            "set existing.hub to its own, or to nothing",
        )


def _foundry(spec: PreflightSpec, found: Mapping[str, Any]) -> Iterator[Objection]:
    """The flow's files go to the storage that it stands on."""
    own = found.get("properties") or {}
    yield from _closed(spec, own)
    storage = str(own.get("storageAccount") or "")
    if storage and not _same(storage, spec.existing.get("storage", "")):
        says = f"keeps the flow on {storage}, which is not the stack's storage account"
        fix = "whoever runs the program needs that account's keys, or Storage File Data Privileged Contributor on it"
        yield State.WARNING, says, fix


def _cluster(spec: PreflightSpec, found: Mapping[str, Any]) -> Iterator[Objection]:
    """Its machines are those that the settings count on, and it acts as the identity that has the roles."""
    own = found.get("properties") or {}
    inner = own.get("properties") or {}
    if (kind := str(own.get("computeType") or "of no known kind")) != "AmlCompute":
        yield State.REFUSED, f"is {kind}, which trains nothing here", "take a compute cluster, AmlCompute"
        return
    if own.get("provisioningState") == "Failed":
        yield State.REFUSED, "has failed", "let its owner mend it, or take another"
    size, scale = str(inner.get("vmSize") or ""), inner.get("scaleSettings") or {}
    wanted = next((each for each in spec.machines if each.use == CLUSTER), None)
    if wanted and size.lower() != wanted.vm_size.lower():
        yield State.REFUSED, f"has machines of {size}", f"set finetune-phi:compute.vmSize to {size}, or take another"
    most = int(scale.get("maxNodeCount") or 0)
    if wanted and most < wanted.count:
        says = f"grows to {most} machines, and compute.maxNodes is {wanted.count}"
        yield State.REFUSED, says, f"set finetune-phi:compute.maxNodes to {most}, or let its owner let it grow"
    if least := int(scale.get("minNodeCount") or 0):
        yield State.WARNING, f"keeps {least} machines that bill without a job", "let its owner set its least to 0"
    acts = [*((found.get("identity") or {}).get("userAssignedIdentities") or {})]
    if not any(_same(each, spec.existing.get("identity", "")) for each in acts):
        says = f"acts as {', '.join(acts) or 'no identity of its own'}, and not as existing.identity"
        yield State.REFUSED, says, "set existing.identity to its own, or take another cluster"


def _ready(found: Mapping[str, Any], kind: str, words: str) -> Iterator[Objection]:
    """Workspace, hub and project are one type of Azure's."""
    there = str(found.get("kind") or "Default")
    if there.lower() != kind:
        yield State.REFUSED, f"is of the kind {there}, and no {words}", "give the id of one"
    if (found.get("properties") or {}).get("provisioningState") == "Failed":
        yield State.REFUSED, "has failed", "let its owner mend it, or take another"


def _same(one: str, other: str) -> bool:
    """Whether two ids are of one thing: Azure ignores case in them."""
    return one.rstrip("/").lower() == other.rstrip("/").lower()


def _closed(spec: PreflightSpec, own: Mapping[str, Any]) -> Iterator[Objection]:
    if own.get("publicNetworkAccess") != "Disabled":
        return
    if spec.private is None:
        says = "answers to nobody outside its network, in which neither this machine nor the workspace is"
        yield State.REFUSED, says, "take one that is reachable, or set finetune-phi:network to private"
    elif not own.get("privateEndpointConnections"):
        says = "answers to nobody outside its network, and Azure shows no private endpoint that leads to it"
        yield State.WARNING, says, "let its owner make one where this machine is; the program makes none to it"


_OBJECTIONS: dict[str, Callable[[PreflightSpec, Mapping[str, Any]], Iterator[Objection]]] = {
    "storage": _storage,
    "vault": _vault,
    "registry": _registry,
    "insights": _insights,
    "workspace": _workspace,
    "cluster": _cluster,
    "hub": _hub,
    "project": _project,
}
