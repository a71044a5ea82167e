"""Looks through a resource group for what the tutorial has one make by hand, whatever it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cloud.catalogue import AI_SERVICES, APPLICATION_INSIGHTS, ML_VERSION, RESOURCE_GROUP, WORKSPACE
from cloud.errors import StageError
from cloud.roles import Role
from jobs.preflight.grants import missing
from jobs.preflight.spec import Grant

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

    `sizes` are VM sizes by the settings that hold them, `lacking` what of the tutorial nobody has made, `granted`
    whether the identity has roles already, and `notes` what whoever goes on from here should know.
    """

    location: str
    existing: Mapping[str, str]
    beside: Mapping[str, str]
    granted: bool = False
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
    looked.one("hub", [each for each in kinds["hub"] if owner in ("", _id(each).lower())], "AI Foundry's hub")
    accounts = arm.items(f"{group}/providers/{AI_SERVICES.arm_type}", AI_SERVICES.version)
    looked.one("ai_services", [each for each in accounts if each.get("kind") == "AIServices"], "AI Services")
    if workspace:
        looked.foundation(workspace)
        looked.machines(_id(workspace))
    if project:
        looked.connections(_id(project))
    location = str((workspace or there).get("location", "")).replace(" ", "").lower()
    return Found(
        location=location,
        existing={"group": group, **looked.existing},
        beside=looked.beside,
        granted=looked.granted(),
        sizes=looked.sizes,
        lacking=tuple(looked.lacking),
        notes=tuple(looked.notes),
    )


class _Looked:
    """What is found while it is looked for."""

    def __init__(self, arm: Arm, group: str, choice: Choice) -> None:
        self._arm, self._group, self._choice = arm, group, choice
        self.existing: dict[str, str] = {}
        self.beside: dict[str, str] = {}
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

    def foundation(self, workspace: Row) -> None:
        """What the workspace stands on, in whatever group it is."""
        own = _own(workspace)
        parts = {"storage": "storageAccount", "vault": "keyVault", "registry": "containerRegistry"}
        for key, name in {**parts, "insights": "applicationInsights"}.items():
            if id_ := own.get(name):
                self.existing[key] = str(id_)
        if "registry" not in self.existing:
            self.notes.append("the workspace has no container registry yet: the stack makes one of its own")
        if insights := self.existing.get("insights"):
            there = self._arm.find(insights, APPLICATION_INSIGHTS.version) or {}
            if logs := _own(there).get("WorkspaceResourceId"):
                self.existing["logs"] = str(logs)

    def machines(self, workspace: str) -> None:
        """Cluster and endpoint, the identity they act as, and their sizes."""
        computes = self._arm.items(f"{workspace}/computes", ML_VERSION)
        clusters = [each for each in computes if _own(each).get("computeType") == "AmlCompute"]
        cluster = self.one("cluster", clusters, "the cluster that trains")
        endpoint = self.one("endpoint", self._arm.items(f"{workspace}/onlineEndpoints", ML_VERSION), "the endpoint")
        given = {id_ for each in (cluster, endpoint) if each for id_ in _identities(each)}
        if len(given) == 1:
            self.existing["identity"] = given.pop()
        elif given:
            self.notes.append(f"cluster and endpoint act as {len(given)} identities: the program makes one of its own")
        if cluster and (size := (_own(cluster).get("properties") or {}).get("vmSize")):
            self.sizes["compute"] = str(size)
        if endpoint is None:
            return
        deployments = self._arm.items(f"{_id(endpoint)}/deployments", ML_VERSION)
        sizes = {str(size) for each in deployments if (size := _own(each).get("instanceType"))}
        if len(sizes) == 1:
            self.sizes["serving"] = sizes.pop()
        for each in deployments:
            says = f"deployment {_name(each)} of endpoint {_name(endpoint)} goes on answering, and on billing"
            self.notes.append(f"{says}, until somebody deletes it")

    def connections(self, project: str) -> None:
        """The one with the endpoint's address and key."""
        found = self._arm.items(f"{project}/connections", ML_VERSION)
        custom = [each for each in found if _own(each).get("category") == "CustomKeys"]
        self.one("connection", custom, "the project's connection to the endpoint")

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


def _own(row: Mapping[str, Any]) -> Row:
    return row.get("properties") or {}


def _id(row: Mapping[str, Any]) -> str:
    return str(row.get("id") or "")


def _name(row: Mapping[str, Any]) -> str:
    return str(row.get("name") or "").rsplit("/", 1)[-1]


def _identities(row: Mapping[str, Any]) -> list[str]:
    return list((row.get("identity") or {}).get("userAssignedIdentities") or {})
