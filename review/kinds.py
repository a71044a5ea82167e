"""What the reviewer should know about each type of resource: its name in words and what is lost with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

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

ROLES = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168": "Role Based Access Control Administrator",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "69566ab7-960f-475b-8e7c-b3118f30c6bd": "Storage File Data Privileged Contributor",
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
    "8311e382-0749-4cb8-b61a-304f252e45ec": "AcrPush",
    "635dd51f-9968-44d3-b7fb-6d9a6bd613ae": "AzureML Metrics Writer",
    "f6c7c914-8db3-469d-8ca1-694a8f32e121": "AzureML Data Scientist",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "00482a5a-887f-4fb3-b363-3b7fe8e74483": "Key Vault Administrator",
}
"""Azure's built-in roles by the GUID of their definition."""

POWERFUL_ROLES = {"Owner", "User Access Administrator", "Role Based Access Control Administrator"}
"""With them one can give oneself every other role."""

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


def role_of(inputs: dict[str, Any]) -> str:
    """A role assignment's role, by name if it is a known one."""
    guid = str(inputs.get("roleDefinitionId", "")).rsplit("/", 1)[-1].lower()
    return ROLES.get(guid, f"role {guid}")


def gpus(vm_size: str, count: int) -> str:
    """`1× A100` for Standard_NC24ads_A100_v4; the size itself where it says nothing."""
    found = GPU.search(vm_size)
    return f"{count}× {found.group(1) if found else vm_size}"


def _in_words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
