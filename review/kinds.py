"""What the reviewer should know about each type of resource: its name in words and what is lost with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from cloud.roles import role_of
from review.events import Step


@dataclass(frozen=True)
class Kind:
    """`name` is the input that holds the Azure name; `holds` what is lost with the resource; `keys` what gets new."""

    label: str
    name: str = ""
    holds: str = ""
    keys: str = ""
    kept_deleted: bool = False
    """Whether Azure keeps it, and its name, soft-deleted for a while."""


KINDS = {
    "resources:ResourceGroup": Kind("resource group", "resourceGroupName", "everything in it"),
    "operationalinsights:Workspace": Kind("log workspace", "workspaceName", "its logs", "its shared keys"),
    "applicationinsights:Component": Kind(
        "application insights", "resourceName", "its telemetry", "its instrumentation key"
    ),
    "storage:StorageAccount": Kind(
        "storage account", "accountName", "its blobs: training data, job outputs and models", "its access keys"
    ),
    "keyvault:Vault": Kind("key vault", "vaultName", "its secrets", "", kept_deleted=True),
    "containerregistry:Registry": Kind("container registry", "registryName", "its images"),
    "managedidentity:UserAssignedIdentity": Kind("identity", "resourceName", "", "its principal id"),
    "authorization:RoleAssignment": Kind("role assignment"),
    "machinelearningservices:Workspace": Kind(
        "workspace", "workspaceName", "its jobs, models and data assets", "", kept_deleted=True
    ),
    "machinelearningservices:Compute": Kind("cluster", "computeName"),
    "machinelearningservices:OnlineEndpoint": Kind("endpoint", "endpointName", "", "its keys"),
    "machinelearningservices:WorkspaceConnection": Kind("connection", "connectionName"),
    "cognitiveservices:Account": Kind("AI Services account", "accountName", "", "its keys", kept_deleted=True),
    "monitor:DiagnosticSetting": Kind("diagnostic setting", "name"),
    "monitor:MetricAlert": Kind("alert", "ruleName"),
    "consumption:Budget": Kind("budget", "budgetName"),
    "managedidentity:FederatedIdentityCredential": Kind(
        "federated credential", "federatedIdentityCredentialResourceName"
    ),
    "index:Stash": Kind("stage"),
    "dynamic:Purge": Kind("purge on destroy"),
    "dynamic:ClusterSize": Kind("machines of a cluster"),
}
"""By the end of the type token. Keys of an endpoint, an identity's principal: what others have to be told anew."""

NO_RESOURCE = (":Stash", ":Purge", ":ClusterSize")
"""Ends of the types that are nothing on Azure, but work that the program does there."""

_WORKSPACE_KINDS = {
    "hub": Kind("hub", "workspaceName", "its connections", "", kept_deleted=True),
    "project": Kind("project", "workspaceName", "its flows and connections", "", kept_deleted=True),
}

GPU = re.compile(r"_(A100|H100|H200|A10|T4|V100)_")


def kind_of(step: Step) -> Kind:
    """Types this table does not know go by the last part of their token."""
    short = step.type.split(":", 1)[-1]
    if short == "machinelearningservices:Workspace":
        return _WORKSPACE_KINDS.get(str(step.state.inputs.get("kind", "")).lower(), KINDS[short])
    return KINDS.get(short) or Kind(_in_words(step.type.rsplit(":", 1)[-1]))


def shown(step: Step) -> str:
    """Kind and name, as a person would call it: `storage account stphidev`."""
    kind = kind_of(step)
    name = step.state.inputs.get(kind.name) if kind.name else None
    return f"{kind.label} {name if isinstance(name, str) else step.name}"


def role_named(definition: Any) -> str:
    """The role of a definition's id, by name if it is a known one."""
    role = role_of(str(definition))
    return role.title if role else f"role {str(definition).rsplit('/', 1)[-1].lower()}"


def gpus(vm_size: str, count: int) -> str:
    """`1× A100` for Standard_NC24ads_A100_v4; the size itself where it says nothing."""
    found = GPU.search(vm_size)
    return f"{count}× {found.group(1) if found else vm_size}"


def _in_words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
