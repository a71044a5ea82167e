"""The resource types the rules speak about."""

from __future__ import annotations

from typing import Any

from policy.rules import Resource

RESOURCE_GROUP = "azure-native:resources:ResourceGroup"
LOG_ANALYTICS = "azure-native:operationalinsights:Workspace"
APPLICATION_INSIGHTS = "azure-native:applicationinsights:Component"
STORAGE = "azure-native:storage:StorageAccount"
VAULT = "azure-native:keyvault:Vault"
REGISTRY = "azure-native:containerregistry:Registry"
IDENTITY = "azure-native:managedidentity:UserAssignedIdentity"
FEDERATED_CREDENTIAL = "azure-native:managedidentity:FederatedIdentityCredential"
ROLE_ASSIGNMENT = "azure-native:authorization:RoleAssignment"
WORKSPACE = "azure-native:machinelearningservices:Workspace"
COMPUTE = "azure-native:machinelearningservices:Compute"
ENDPOINT = "azure-native:machinelearningservices:OnlineEndpoint"
DEPLOYMENT = "azure-native:machinelearningservices:OnlineDeployment"
CONNECTION = "azure-native:machinelearningservices:WorkspaceConnection"
AI_SERVICES = "azure-native:cognitiveservices:Account"
DIAGNOSTICS = "azure-native:monitor:DiagnosticSetting"
METRIC_ALERT = "azure-native:monitor:MetricAlert"
BUDGET = "azure-native:consumption:Budget"
STAGE = "pulumi:index:Stash"

LOCATED = (
    RESOURCE_GROUP,
    LOG_ANALYTICS,
    APPLICATION_INSIGHTS,
    STORAGE,
    VAULT,
    REGISTRY,
    IDENTITY,
    WORKSPACE,
    COMPUTE,
    ENDPOINT,
    DEPLOYMENT,
    AI_SERVICES,
)
"""Types with a region; they also take tags."""


def finetune(resource: Resource) -> bool:
    """Whether a stage trains: its input is a jobs.training.spec.FinetuneSpec."""
    return resource.type == STAGE and isinstance(resource.peek("input.recipe"), dict)


def release(resource: Resource) -> bool:
    """Whether a stage puts a model in service: its input is a jobs.release.spec.ReleaseSpec."""
    return resource.type == STAGE and resource.peek("input.traffic_steps") is not None


def vm_size(resource: Resource) -> Any:
    """The machines a cluster, a deployment or a release runs on; None for anything else. Raises UndecidedError."""
    path = {COMPUTE: "properties.properties.vmSize", DEPLOYMENT: "properties.instanceType"}.get(
        resource.type, "input.instance_type"
    )
    return resource.at(path)


def workspace_kind(resource: Resource) -> str:
    """Default, Hub or Project, for a workspace."""
    return str(resource.at("kind", "Default"))
