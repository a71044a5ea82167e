"""Looks through a resource group for what the tutorial has one make by hand, whatever it is called."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cloud.catalogue import AI_SERVICES, APPLICATION_INSIGHTS, ML_VERSION, RESOURCE_GROUP, STORAGE, WORKSPACE
from cloud.errors import StageError
from cloud.roles import Role
from jobs.preflight.grants import missing
from jobs.preflight.spec import Grant
from settings.estate.existing import USABLE

if TYPE_CHECKING:
    from cloud.arm import Arm

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which one is meant where a group has several, by what `jobs adopt` calls them; empty for the only one."""

    workspace: str = ""
    hub: str = ""
    project: str = ""
    cluster: str = ""
    endpoint: str = ""
    connection: str = ""
    ai_services: str = ""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What of a stack is there: `existing` by the keys of that setting, which a stack can use; `beside` are names of
    what the stack leaves alone and makes anew beside it, by what `jobs adopt` calls them.

    `sizes` are VM sizes by the settings that hold them, `taken` names of what lies where the stack makes its own, by
    attributes of `Names`, `lacking` what of the tutorial nobody has made, `granted` whether the identity has roles
    already, `by_keys` whether the storage account takes its keys, `managed` whether the workspace has a network of its
    own, and `notes` what whoever goes on from here should know.
    """

    location: str
    existing: Mapping[str, str]
    beside: Mapping[str, str]
    granted: bool = False
    by_keys: bool = True
    managed: bool = False
    taken: Mapping[str, Collection[str]] = field(default_factory=dict)
    sizes: Mapping[str, str] = field(default_factory=dict)
    lacking: Sequence[str] = ()
    notes: Sequence[str] = ()


def look(arm: Arm, group: str, choice: Choice) -> Found:
    """What there is in the group of an id. Raises StageError where it is not there, or has several of one kind."""
    there = arm.find(group, RESOURCE_GROUP.version)
    if there is None:
        todo = "Give another --group, or --subscription; `az group list --output table` shows them."
        raise StageError("the resource group was not found", on=group, why="it is not there, or hidden", todo=todo)
    looked = _Looked(arm, group, choice)
    every = arm.items(f"{group}/providers/{WORKSPACE.arm_type}", ML_VERSION)
    kinds: dict[str, list[Row]] = {"default": [], "hub": [], "project": []}
    for each in every:
        kinds.setdefault(str(each.get("kind") or "Default").lower(), []).append(each)
    workspace = looked.one("workspace", kinds["default"], "the Azure ML workspace")
    project = looked.one("project", kinds["project"], "AI Foundry's project")
    owner = str(_own(project).get("hubResourceId") or "").lower() if project else ""
    hub = looked.one("hub", [each for each in kinds["hub"] if owner in ("", _id(each).lower())], "AI Foundry's hub")
    accounts = arm.items(f"{group}/providers/{AI_SERVICES.arm_type}", AI_SERVICES.version)
    looked.one("ai_services", [each for each in accounts if each.get("kind") == "AIServices"], "AI Services")
    location = region(workspace or project or hub or there)
    if workspace:
        looked.foundation(workspace)
        looked.machines(workspace)
    if hub:
        looked.hub(hub, location, in_use=project is not None)
    if project:
        looked.project(project)
    if {"hub", "project"} & looked.existing.keys():
        looked.beside.pop("ai_services", None)  # a hub has those that its owner chose, and the stack makes none
    return Found(
        location=location,
        existing={"group": group, **looked.existing},
        beside=looked.beside,
        granted=looked.granted(),
        by_keys=looked.by_keys(workspace),
        managed=bool(looked.existing.get("workspace")) and _isolated(workspace),
        taken=looked.taken,
        sizes=looked.sizes,
        lacking=tuple(looked.lacking),
        notes=tuple(looked.notes),
    )


def region(row: Row) -> str:
    """As settings have it."""
    return str(row.get("location", "")).replace(" ", "").lower()


class _Looked:
    """What is found while it is looked for."""

    def __init__(self, arm: Arm, group: str, choice: Choice) -> None:
        self._arm, self._group, self._choice = arm, group, choice
        self.existing: dict[str, str] = {}
        self.beside: dict[str, str] = {}
        self.taken: dict[str, list[str]] = {}
        self.sizes: dict[str, str] = {}
        self.lacking: list[str] = []
        self.notes: list[str] = []

    def one(self, what: str, candidates: Sequence[Row], words: str) -> Row | None:
        """The only one, or the chosen one, whose name is kept. Raises StageError for none of that name, or several."""
        wanted = str(getattr(self._choice, what))
        names = sorted(_name(each) for each in candidates)
        if wanted:
            candidates = [each for each in candidates if _name(each).lower() == wanted.lower()]
        option = f"--{what.replace('_', '-')}"
        if wanted and not candidates:
            why = f"{option} is {wanted}, and there are {', '.join(names) or 'none'}"
            raise StageError(f"{words} was not found", on=self._group, why=why, todo=f"Give {option} one of those.")
        if len(candidates) > 1:
            why = f"there are {len(candidates)}: {', '.join(names)}"
            raise StageError(f"{words} could be one of several", on=self._group, why=why, todo=f"Say which: {option}.")
        if not candidates:
            self.lacking.append(words)
            return None
        self.beside[what] = _name(candidates[0])
        return candidates[0]

    def use(self, what: str, row: Row) -> None:
        """The stack uses it: it is not one of those that are made beside."""
        self.existing[what] = _id(row)
        self.beside.pop(what, None)

    def foundation(self, workspace: Row) -> None:
        """What the workspace stands on, in whatever group it is; and the workspace, where it has all of it."""
        own, name = _own(workspace), _name(workspace)
        parts = {"storage": "storageAccount", "vault": "keyVault", "registry": "containerRegistry"}
        for key, part in {**parts, "insights": "applicationInsights"}.items():
            if id_ := own.get(part):
                self.existing[key] = str(id_)
        if insights := self.existing.get("insights"):
            there = self._arm.find(insights, APPLICATION_INSIGHTS.version) or {}
            if logs := _own(there).get("WorkspaceResourceId"):
                self.existing["logs"] = str(logs)
        group = self._group.rsplit("/", 1)[1]
        lacking = [key for key in ("registry", "insights") if key not in self.existing]
        for key in lacking:
            option = {"registry": "container-registry", "insights": "application-insights"}[key]
            says = f"workspace {name} has no {USABLE[key].words}, so the stack makes a workspace of its own beside it"
            mends = f"az ml workspace update --name {name} --resource-group {group} --{option} <id>"
            self.notes.append(f"{says}, unless you give it one and adopt again: {mends} --update-dependent-resources")
        if not lacking:
            self.use("workspace", workspace)

    def machines(self, workspace: Row) -> None:
        """Cluster and endpoint, the identity they act as, and their sizes."""
        computes = self._arm.items(f"{_id(workspace)}/computes", ML_VERSION)
        clusters = [each for each in computes if _own(each).get("computeType") == "AmlCompute"]
        cluster = self.one("cluster", clusters, "the cluster that trains")
        every = self._arm.items(f"{_id(workspace)}/onlineEndpoints", ML_VERSION)
        endpoint = self.one("endpoint", every, "the endpoint")
        if "workspace" in self.existing:
            self.taken = {"cluster": [_name(each) for each in computes], "endpoint": [_name(each) for each in every]}
            self.taken["data_cluster"] = self.taken["cluster"]
        # The cluster's counts: it trains as the identity that the stack grants its roles to.
        for each in filter(None, (cluster, endpoint)):
            if len(acts := _identities(each)) == 1:
                self.existing.setdefault("identity", acts[0])
            if acts and acts != [self.existing.get("identity")]:
                says = f"{_name(each)} acts as {', '.join(acts)}"
                self.notes.append(f"{says}: not as the identity that the stack uses, so the stack makes its own")
        if cluster and (size := (_own(cluster).get("properties") or {}).get("vmSize")):
            self.sizes["compute"] = str(size)
        if cluster and "workspace" in self.existing:
            if len(_identities(cluster)) == 1:
                self.use("cluster", cluster)
            elif not _identities(cluster):
                says = f"cluster {_name(cluster)} acts as no user-assigned identity"
                self.notes.append(f"{says}, which training here needs: the stack makes a cluster of its own")
        if endpoint is None:
            return
        deployments = self._arm.items(f"{_id(endpoint)}/deployments", ML_VERSION)
        sizes = {str(size) for each in deployments if (size := _own(each).get("instanceType"))}
        if len(sizes) == 1:
            self.sizes["serving"] = sizes.pop()
        for each in deployments:
            says = f"deployment {_name(each)} of endpoint {_name(endpoint)} goes on answering, and on billing"
            self.notes.append(f"{says}, until somebody deletes it")

    def hub(self, hub: Row, location: str, *, in_use: bool) -> None:
        """A project is made in the region of its hub; one that is there has what it has."""
        if in_use or region(hub) == location:
            self.use("hub", hub)
        else:
            says = f"hub {_name(hub)} is in {region(hub)}, the workspace in {location}"
            self.notes.append(f"{says}: the stack makes a hub of its own")

    def project(self, project: Row) -> None:
        """The project, and the one of its connections with the endpoint's address and key."""
        self.use("project", project)
        found = self._arm.items(f"{_id(project)}/connections", ML_VERSION)
        custom = [each for each in found if _own(each).get("category") == "CustomKeys"]
        self.taken["connection"] = [_name(each) for each in found]
        self.one("connection", custom, "the project's connection to the endpoint")

    def by_keys(self, workspace: Row | None) -> bool:
        """Whether the storage account, and the workspace's way to it, are by keys."""
        there = self._arm.find(storage, STORAGE.version) if (storage := self.existing.get("storage")) else None
        mode = str(_own(workspace or {}).get("systemDatastoresAuthMode") or "").lower()
        return _own(there or {}).get("allowSharedKeyAccess") is not False and mode != "identity"

    def granted(self) -> bool:
        """Whether the identity has one of its roles: Azure refuses to grant a role twice."""
        identity = self.existing.get("identity", "")
        on = ((Role.STORAGE_BLOB_DATA_READER, "storage"), (Role.ACR_PULL, "registry"))
        wanted = [
            Grant(role=role.name, scope=self.existing[key], identity=identity)
            for role, key in on
            if key in self.existing
        ]
        return bool(identity and wanted) and len(missing(self._arm, wanted)) < len(wanted)


def _isolated(workspace: Row | None) -> bool:
    mode = (_own(workspace or {}).get("managedNetwork") or {}).get("isolationMode")
    return mode not in (None, "Disabled")


def _own(row: Mapping[str, Any]) -> Row:
    return row.get("properties") or {}


def _id(row: Mapping[str, Any]) -> str:
    return str(row.get("id") or "")


def _name(row: Mapping[str, Any]) -> str:
    return str(row.get("name") or "").rsplit("/", 1)[-1]


def _identities(row: Mapping[str, Any]) -> list[str]:
    return list((row.get("identity") or {}).get("userAssignedIdentities") or {})
