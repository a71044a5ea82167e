"""The one table of resource types: whatever this project registers, and what each of its parts has to know of it.

`python -m jobs recover` and `purge`, the program's protection, policies, reviews and the preflight read it; so a new
type is one row here and one component in `infra/`. A row's constant is what the parts call it by.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any
from urllib.parse import quote

_AZURE = "azure-native:"
_GROUP = "/subscriptions/{subscription}/resourceGroups/{resourceGroupName}"


class Priced(Enum):
    """What can be told of a type's price before it is used."""

    UNKNOWN = "nobody has looked it up"
    FREE = "nothing to pay for the resource itself"
    BY_USE = "billed by use, which no preview tells"
    BY_MACHINE = "an hour of each machine"
    BY_TIER = "an hour of the tier in `sku.name`, a meter of `ResourceType.service` in Azure's price list"
    BY_HOUR = "an hour of `ResourceType.meter` of `ResourceType.service`, the same in all regions"


@dataclass(frozen=True, kw_only=True)
class SoftDelete:
    """How Azure keeps a resource, and its name, for days after a deletion, and what frees the name: a request that
    purges it afterwards (`purge`), or a parameter of the DELETE of the live one alone (`for_good`)."""

    word: str
    """What states, settings/naming.py and `python -m jobs purge` call such names; states hold it, so it stays."""
    deleted: str
    """Below the subscription: where it is then, or the list of what is, or may be, soft-deleted."""
    purge: tuple[str, str] | None = None
    """The method, and what follows the path."""
    for_good: str = ""
    comes_back: bool = False
    """Whether one that is made again under the name is the old one, with what it held; else the name is refused."""

    def place(self, subscription: str, location: str, group: str, name: str) -> str:
        """The path of `deleted` for one name."""
        values = {"location": quote(location), "group": quote(group), "name": quote(name)}
        return f"/subscriptions/{quote(subscription)}/providers/{self.deleted.format_map(values)}"


@dataclass(frozen=True, kw_only=True)
class ResourceType:
    """One type: how Azure and Pulumi call it, and what becomes of it, in the words of whoever reads about it."""

    type: str
    """Pulumi's."""
    label: str
    """In plain words, as in `storage account stphidev`."""
    path: str = ""
    """The id on Azure from the inputs that name it; empty for work of the program that is no resource on Azure."""
    version: str = ""
    """Of Azure's API, where calls beside Pulumi speak of it: the one that azure-native uses by default."""
    kind: str = ""
    """The value of the input `kind`, in lower case, that tells it from the other rows of its type."""
    names: tuple[str, ...] = ()
    """Its names in settings/naming.py, each with Azure's rule and this project's convention."""
    has_name: bool = True
    """Whether its name on Azure says anything to a person."""
    priced: Priced = Priced.UNKNOWN
    service: str = ""
    meter: str = ""
    holds: str = ""
    """What is lost with it."""
    keys: str = ""
    """What others have to be told anew when it is replaced."""
    protect: bool = False
    """Whether a stack that is protected keeps it from being deleted: it holds data, models or an address."""
    soft_delete: SoftDelete | None = None
    region: bool = False
    """Whether it has a region and tags."""
    acts: bool = False
    """Whether it is, or can have, an identity that roles are granted to."""
    logs: bool = False
    """Whether somebody will want to read afterwards who did what in it."""
    reach: tuple[str, str] | None = None
    """Inputs that say who reaches it: a switch, and the rule for callers that no other rule names, if it has one."""
    by_stage: bool = False
    """Made by a stage of the program, not registered with Pulumi."""

    @property
    def name_input(self) -> str:
        """The input that holds its name on Azure."""
        found = re.findall(r"{(\w+)}", self.path)
        return found[-1] if found and self.has_name else ""

    @property
    def arm_type(self) -> str:
        """As Azure calls it: `Microsoft.KeyVault/vaults`."""
        if "/providers/" not in self.path:
            return "Microsoft.Resources/resourceGroups" if self.path else ""
        namespace, *rest = self.path.rsplit("/providers/", 1)[1].split("/")
        return "/".join([namespace, *rest[::2]])

    @property
    def namespace(self) -> str:
        """The resource provider that has to be registered."""
        return self.arm_type.partition("/")[0]

    def id(self, subscription: str, inputs: Mapping[str, Any]) -> str | None:
        """The id Azure gives a resource of these inputs; None while they do not name it, or it is not Azure's."""
        values = {key: str(value).strip("/") for key, value in inputs.items() if isinstance(value, str)}
        try:
            return self.path.format_map({"subscription": subscription, **values}) or None
        except KeyError:
            return None


def _in_group(rest: str) -> str:
    return f"{_GROUP}/providers/{rest}"


_ML = _in_group("Microsoft.MachineLearningServices/workspaces/{workspaceName}")
ML_VERSION = "2025-12-01"
"""Of everything in an Azure ML workspace, its jobs, models, data and datastores too."""

RESOURCE_GROUP = ResourceType(
    type=f"{_AZURE}resources:ResourceGroup", label="resource group", path=_GROUP, version="2024-03-01",
    names=("resource_group",), holds="everything in it", region=True, priced=Priced.FREE,
)  # fmt: skip
LOG_WORKSPACE = ResourceType(
    type=f"{_AZURE}operationalinsights:Workspace", label="log workspace", version="2023-09-01",
    path=_in_group("Microsoft.OperationalInsights/workspaces/{workspaceName}"),
    names=("log_analytics",), priced=Priced.BY_USE, holds="its logs", keys="its shared keys", protect=True, region=True,
    soft_delete=SoftDelete(
        word="logs", deleted="Microsoft.OperationalInsights/deletedWorkspaces", for_good="force", comes_back=True
    ),
)  # fmt: skip
APPLICATION_INSIGHTS = ResourceType(
    type=f"{_AZURE}applicationinsights:Component", label="application insights", version="2020-02-02",
    path=_in_group("Microsoft.Insights/components/{resourceName}"),
    names=("application_insights",), priced=Priced.BY_USE, holds="its telemetry", keys="its instrumentation key",
    region=True,
)  # fmt: skip
STORAGE = ResourceType(
    type=f"{_AZURE}storage:StorageAccount", label="storage account", version="2024-01-01",
    path=_in_group("Microsoft.Storage/storageAccounts/{accountName}"),
    names=("storage_account",), priced=Priced.BY_USE, holds="its blobs: training data, job outputs and models",
    keys="its access keys", protect=True, region=True, acts=True,
    reach=("publicNetworkAccess", "networkRuleSet.defaultAction"),
)  # fmt: skip
VAULT = ResourceType(
    type=f"{_AZURE}keyvault:Vault", label="key vault", version="2024-11-01",
    path=_in_group("Microsoft.KeyVault/vaults/{vaultName}"),
    names=("key_vault",), priced=Priced.BY_USE, holds="its secrets", protect=True, region=True, logs=True,
    soft_delete=SoftDelete(
        word="vaults", deleted="Microsoft.KeyVault/locations/{location}/deletedVaults/{name}", purge=("POST", "/purge")
    ),
    reach=("properties.publicNetworkAccess", "properties.networkAcls.defaultAction"),
)  # fmt: skip
REGISTRY = ResourceType(
    type=f"{_AZURE}containerregistry:Registry", label="container registry", version="2023-01-01-preview",
    path=_in_group("Microsoft.ContainerRegistry/registries/{registryName}"),
    names=("container_registry",), priced=Priced.BY_TIER, service="Container Registry", holds="its images",
    protect=True, region=True, logs=True, reach=("publicNetworkAccess", "networkRuleSet.defaultAction"),
)  # fmt: skip
AI_SERVICES = ResourceType(
    type=f"{_AZURE}cognitiveservices:Account", label="AI Services account", version="2025-06-01",
    path=_in_group("Microsoft.CognitiveServices/accounts/{accountName}"),
    names=("ai_services",), priced=Priced.BY_USE, keys="its keys", region=True, acts=True, logs=True,
    soft_delete=SoftDelete(
        word="accounts", purge=("DELETE", ""),
        deleted="Microsoft.CognitiveServices/locations/{location}/resourceGroups/{group}/deletedAccounts/{name}",
    ),
    reach=("properties.publicNetworkAccess", "properties.networkAcls.defaultAction"),
)  # fmt: skip
IDENTITY = ResourceType(
    type=f"{_AZURE}managedidentity:UserAssignedIdentity", label="identity", version="2023-01-31",
    path=_in_group("Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}"),
    names=("identity",), keys="its principal id", region=True, acts=True, priced=Priced.FREE,
)  # fmt: skip
FEDERATED_CREDENTIAL = ResourceType(
    type=f"{_AZURE}managedidentity:FederatedIdentityCredential", label="federated credential", version="2023-01-31",
    path=f"{IDENTITY.path}/federatedIdentityCredentials/{{federatedIdentityCredentialResourceName}}",
    priced=Priced.FREE,
)  # fmt: skip
ROLE_ASSIGNMENT = ResourceType(
    type=f"{_AZURE}authorization:RoleAssignment", label="role assignment", version="2022-04-01", has_name=False,
    path="/{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}", priced=Priced.FREE,
)  # fmt: skip
WORKSPACE = ResourceType(
    type=f"{_AZURE}machinelearningservices:Workspace", label="workspace", version=ML_VERSION, path=_ML,
    names=("workspace",), holds="its jobs, models and data assets", protect=True, region=True, acts=True, logs=True,
    # The list of all, which may hold soft-deleted ones.
    soft_delete=SoftDelete(
        word="workspaces", deleted="Microsoft.MachineLearningServices/workspaces", for_good="forceToPurge"
    ),
    reach=("publicNetworkAccess", ""), priced=Priced.FREE,
)  # fmt: skip
HUB = replace(WORKSPACE, kind="hub", label="hub", names=("hub",), holds="its connections")
PROJECT = replace(
    WORKSPACE, kind="project", label="project", names=("project",), holds="its flows and connections",
    reach=None,  # as public as its hub
)  # fmt: skip
MODEL_REGISTRY = ResourceType(
    type=f"{_AZURE}machinelearningservices:Registry", label="model registry", version=ML_VERSION,
    path=_in_group("Microsoft.MachineLearningServices/registries/{registryName}"), priced=Priced.BY_USE,
    holds="the models that stacks share", protect=True, region=True, acts=True, reach=("publicNetworkAccess", ""),
)  # fmt: skip
CLUSTER = ResourceType(
    type=f"{_AZURE}machinelearningservices:Compute", label="cluster", version=ML_VERSION,
    path=f"{_ML}/computes/{{computeName}}", names=("cluster", "data_cluster"), priced=Priced.BY_MACHINE,
    region=True, acts=True,
)  # fmt: skip
ENDPOINT = ResourceType(
    type=f"{_AZURE}machinelearningservices:OnlineEndpoint", label="endpoint", version=ML_VERSION,
    path=f"{_ML}/onlineEndpoints/{{endpointName}}", names=("endpoint",), keys="its keys", protect=True, region=True,
    acts=True, logs=True, reach=("properties.publicNetworkAccess", ""), priced=Priced.FREE,
)  # fmt: skip
DEPLOYMENT = ResourceType(
    type=f"{_AZURE}machinelearningservices:OnlineDeployment", label="deployment", version=ML_VERSION,
    path=f"{ENDPOINT.path}/deployments/{{deploymentName}}", priced=Priced.BY_MACHINE, region=True, by_stage=True,
)  # fmt: skip
CONNECTION = ResourceType(
    type=f"{_AZURE}machinelearningservices:WorkspaceConnection", label="connection", version=ML_VERSION,
    path=f"{_ML}/connections/{{connectionName}}", names=("connection", "ai_services_connection"), priced=Priced.FREE,
)  # fmt: skip
DIAGNOSTICS = ResourceType(
    type=f"{_AZURE}monitor:DiagnosticSetting", label="diagnostic setting", version="2021-05-01-preview",
    path="/{resourceUri}/providers/Microsoft.Insights/diagnosticSettings/{name}", priced=Priced.FREE,
)  # fmt: skip
ACTION_GROUP = ResourceType(
    type=f"{_AZURE}monitor:ActionGroup", label="action group", version="2024-10-01-preview",
    path=_in_group("Microsoft.Insights/actionGroups/{actionGroupName}"), names=("action_group",), priced=Priced.FREE,
)  # fmt: skip
METRIC_ALERT = ResourceType(
    type=f"{_AZURE}monitor:MetricAlert", label="alert", version="2018-03-01",
    path=_in_group("Microsoft.Insights/metricAlerts/{ruleName}"),
    names=("error_alert", "model_alert", "latency_alert"), priced=Priced.BY_USE,
)  # fmt: skip
AUTOSCALE = ResourceType(
    type=f"{_AZURE}monitor:AutoscaleSetting", label="autoscale of a deployment", version="2022-10-01",
    path=_in_group("Microsoft.Insights/autoscaleSettings/{autoscaleSettingName}"), priced=Priced.FREE, region=True,
    by_stage=True,
)  # fmt: skip
PRIVATE_ENDPOINT = ResourceType(
    type=f"{_AZURE}network:PrivateEndpoint", label="private endpoint", version="2024-05-01", region=True,
    path=_in_group("Microsoft.Network/privateEndpoints/{privateEndpointName}"),
    priced=Priced.BY_HOUR, service="Virtual Network", meter="Standard Private Endpoint",
)  # fmt: skip
DNS_ZONE_GROUP = ResourceType(
    type=f"{_AZURE}network:PrivateDnsZoneGroup", label="names of a private endpoint", version="2024-05-01",
    path=f"{PRIVATE_ENDPOINT.path}/privateDnsZoneGroups/{{privateDnsZoneGroupName}}", priced=Priced.FREE,
)  # fmt: skip
DNS_ZONE = ResourceType(
    type=f"{_AZURE}privatedns:PrivateZone", label="private DNS zone", version="2024-06-01", priced=Priced.BY_USE,
    path=_in_group("Microsoft.Network/privateDnsZones/{privateZoneName}"),
)  # fmt: skip
DNS_LINK = ResourceType(
    type=f"{_AZURE}privatedns:VirtualNetworkLink", label="link of a private DNS zone", version="2024-06-01",
    path=f"{DNS_ZONE.path}/virtualNetworkLinks/{{virtualNetworkLinkName}}", priced=Priced.FREE,
)  # fmt: skip
BUDGET = ResourceType(
    type=f"{_AZURE}consumption:Budget", label="budget", version="2024-08-01", names=("budget",),
    path="/{scope}/providers/Microsoft.Consumption/budgets/{budgetName}", priced=Priced.FREE,
)  # fmt: skip
STAGE = ResourceType(type="pulumi:index:Stash", label="stage", priced=Priced.FREE)
PURGE = ResourceType(type="pulumi-python:dynamic:Purge", label="purge on destroy", priced=Priced.FREE)
CHOICE = ResourceType(type="pulumi-python:dynamic:Choice", label="choice of the best recipe", priced=Priced.FREE)
CLUSTER_SIZE = ResourceType(type="pulumi-python:dynamic:ClusterSize", label="machines of a cluster", priced=Priced.FREE)

CATALOGUE = tuple(row for row in tuple(globals().values()) if isinstance(row, ResourceType))
AZURES = tuple(row for row in CATALOGUE if row.path)
"""Without the work that the program does beside its resources."""
PURGEABLE = {row.soft_delete.word: row for row in reversed(CATALOGUE) if row.soft_delete}
"""By the word for their names. What is made later is purged first: a workspace still refers to its vault."""

_VERSIONED = re.compile(r"azure-native(?:_\w+_v\w+)?:(\w+)(?:/v\w+)?:(\w+)")


@functools.cache
def canonical(type_: str) -> str:
    """A type without the API version that some programs put into it."""
    found = _VERSIONED.fullmatch(type_)
    return f"{_AZURE}{found[1]}:{found[2]}" if found else type_


def find(type_: str, inputs: Mapping[str, Any] | None = None) -> ResourceType | None:
    """The row of a resource, by its input `kind` where several have its type; None for a type that is not ours."""
    own = canonical(type_)
    rows = [row for row in CATALOGUE if row.type == own]
    kind = str((inputs or {}).get("kind", "")).lower()
    return next((row for row in rows if row.kind == kind), rows[0] if rows else None)


def types_of(*rows: ResourceType) -> tuple[str, ...]:
    """Of rows, each once."""
    return tuple(dict.fromkeys(row.type for row in rows))
