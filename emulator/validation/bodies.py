"""Which of Azure's models describes the body of which request.

The models are of one API version, the newest that their package has. Bodies of older versions are checked against
them all the same: what Azure has removed since is not used here, and what it has added passes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from types import MappingProxyType

from emulator.validation import loading, tabled, typed
from emulator.validation.shapes import ANYTHING, BOOLEAN, INTEGER, STRING, Items, Member, Record

ML_PACKAGE = "azure.ai.ml._restclient.arm_ml_service"
_ML = "Microsoft.MachineLearningServices/workspaces"

ENVELOPE = ("id", "name", "type", "systemData", "etag")
"""Every resource carries these; clients that GET, change and PUT send them back, and Azure takes no notice."""


@dataclass(frozen=True)
class Body:
    """Where the model of a body is.

    Attributes:
        package: package with a ``models`` module, or empty for a shape written down here.
        model: class name in it.
        version: API version of the package's models.
        older: the package is of the generation with tables.
        required: members that Azure wants though the model says optional.
    """

    package: str
    model: str
    version: str
    older: bool = False
    required: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """The model in words, for the coverage page."""
        return f"`{self.package}.models.{self.model}` ({self.version})" if self.package else f"{self.model} (by hand)"


def _ml(model: str, *required: str) -> Body:
    return Body(ML_PACKAGE, model, "2025-12-01", required=required)


def _network(model: str, *required: str) -> Body:
    return Body("azure.mgmt.network", model, "2025-05-01", older=True, required=required)


def _policy(model: str) -> Body:
    return Body("azure.mgmt.resource.policy", model, "2026-06-01", required=("properties",))


def _cognitive(model: str, *required: str) -> Body:
    return Body("azure.mgmt.cognitiveservices", model, "2025-09-01", older=True, required=required)


BODIES: Mapping[str, Body] = MappingProxyType(
    {
        "Microsoft.Resources/resourceGroups": Body("azure.mgmt.resource.resources", "ResourceGroup", "2025-04-01"),
        "Microsoft.OperationalInsights/workspaces": Body("azure.mgmt.loganalytics", "Workspace", "2025-07-01"),
        "Microsoft.Insights/components": Body(
            "azure.mgmt.applicationinsights.v2020_02_02", "ApplicationInsightsComponent", "2020-02-02", older=True
        ),
        "Microsoft.Insights/metricAlerts": Body("azure.mgmt.monitor", "MetricAlertResource", "2018-03-01", older=True),
        "Microsoft.Insights/actionGroups": Body("azure.mgmt.monitor", "ActionGroupResource", "2023-01-01", older=True),
        "Microsoft.Insights/autoscaleSettings": Body(
            "azure.mgmt.monitor", "AutoscaleSettingResource", "2022-10-01", older=True
        ),
        "Microsoft.Insights/diagnosticSettings": Body("", "DiagnosticSettingsResource", "2021-05-01-preview"),
        "Microsoft.Storage/storageAccounts": Body("azure.mgmt.storage", "StorageAccountCreateParameters", "2026-09-01"),
        "Microsoft.Storage/storageAccounts/blobServices/containers": Body(
            "azure.mgmt.storage", "BlobContainer", "2026-09-01"
        ),
        "Microsoft.KeyVault/vaults": Body("azure.mgmt.keyvault", "VaultCreateOrUpdateParameters", "2026-05-15"),
        "Microsoft.KeyVault/vaults/keys": Body("azure.mgmt.keyvault", "KeyCreateParameters", "2026-05-15"),
        "Microsoft.ContainerRegistry/registries": Body("azure.mgmt.containerregistry", "Registry", "2025-11-01"),
        "Microsoft.ManagedIdentity/userAssignedIdentities": Body(
            "azure.mgmt.msi.v2024_11_30", "Identity", "2024-11-30", older=True
        ),
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials": Body(
            "azure.mgmt.msi.v2024_11_30", "FederatedIdentityCredential", "2024-11-30", older=True
        ),
        "Microsoft.Authorization/roleAssignments": Body(
            "azure.mgmt.authorization.v2022_04_01", "RoleAssignmentCreateParameters", "2022-04-01", older=True
        ),
        "Microsoft.Consumption/budgets": Body(
            "azure.mgmt.consumption", "Budget", "2024-08-01", required=("properties",)
        ),
        "Microsoft.Quota/quotas": Body("azure.mgmt.quota", "CurrentQuotaLimitBase", "2025-09-01"),
        "Microsoft.Authorization/policyDefinitions": _policy("PolicyDefinition"),
        "Microsoft.Authorization/policyAssignments": _policy("PolicyAssignment"),
        "Microsoft.Network/virtualNetworks": _network("VirtualNetwork"),
        "Microsoft.Network/virtualNetworks/subnets": _network("Subnet"),
        "Microsoft.Network/privateEndpoints": _network("PrivateEndpoint", "location", "properties"),
        "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": _network("PrivateDnsZoneGroup", "properties"),
        "Microsoft.Network/privateDnsZones": Body("azure.mgmt.privatedns", "PrivateZone", "2024-06-01"),
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks": Body(
            "azure.mgmt.privatedns", "VirtualNetworkLink", "2024-06-01"
        ),
        "Microsoft.CognitiveServices/accounts": _cognitive("Account", "location", "kind", "sku"),
        "Microsoft.CognitiveServices/accounts/deployments": _cognitive("Deployment"),
        "Microsoft.MachineLearningServices/registries": _ml("Registry", "location", "properties"),
        _ML: _ml("Workspace", "location"),
        f"{_ML}/datastores": _ml("Datastore"),
        f"{_ML}/computes": _ml("ComputeResource", "properties"),
        f"{_ML}/connections": _ml("WorkspaceConnectionPropertiesV2BasicResource"),
        f"{_ML}/data": _ml("DataContainer"),
        f"{_ML}/data/versions": _ml("DataVersionBase"),
        f"{_ML}/models": _ml("ModelContainer"),
        f"{_ML}/models/versions": _ml("ModelVersion"),
        f"{_ML}/codes": _ml("CodeContainer"),
        f"{_ML}/codes/versions": _ml("CodeVersion"),
        f"{_ML}/environments": _ml("EnvironmentContainer"),
        f"{_ML}/environments/versions": _ml("EnvironmentVersion"),
        f"{_ML}/components": _ml("ComponentContainer"),
        f"{_ML}/components/versions": _ml("ComponentVersion"),
        f"{_ML}/jobs": _ml("JobBase"),
        f"{_ML}/onlineEndpoints": _ml("OnlineEndpoint"),
        f"{_ML}/onlineEndpoints/deployments": _ml("OnlineDeployment"),
    }
)
"""Bodies of PUT, by type."""

ACTIONS: Mapping[tuple[str, str], Body] = MappingProxyType(
    {
        (_ML, "provisionManagedNetwork"): _ml("ManagedNetworkProvisionOptions"),
        (f"{_ML}/onlineEndpoints", "regenerateKeys"): _ml("RegenerateEndpointKeysRequest"),
        (f"{_ML}/onlineEndpoints/deployments", "getLogs"): _ml("DeploymentLogsRequest"),
        (f"{_ML}/data/versions", "startPendingUpload"): _ml("PendingUploadRequestDto"),
        (f"{_ML}/codes/versions", "startPendingUpload"): _ml("PendingUploadRequestDto"),
        (f"{_ML}/models/versions", "startPendingUpload"): _ml("PendingUploadRequestDto"),
    }
)
"""Bodies of POST, by type and action."""

_PUTS = {kind.lower(): body for kind, body in BODIES.items()}
_POSTS = {(kind.lower(), action.lower()): body for (kind, action), body in ACTIONS.items()}


def put_shape(kind: str) -> Record | None:
    """The shape of a type's PUT body, or None where there is no model. Loads the model at the first call."""
    body = _PUTS.get(kind.lower())
    return _shape(body, with_envelope=True) if body else None


def post_shape(kind: str, action: str) -> Record | None:
    """The shape of an action's body, or None where the action takes none that is known."""
    body = _POSTS.get((kind.lower(), action.lower()))
    return _shape(body, with_envelope=False) if body else None


@cache
def _shape(body: Body, *, with_envelope: bool) -> Record:
    if body.package:
        models = loading.models(body.package)
        reader = tabled if body.older else typed
        shape = reader.record(models, getattr(models, body.model))
    else:
        shape = Record(body.model, partial(dict, {"properties": Member(DIAGNOSTIC_SETTINGS, required=True)}))
    members = dict(shape.members)
    for name in body.required:
        members[name] = dataclasses.replace(members[name], required=True)
    if with_envelope:
        for name in ENVELOPE:
            members.setdefault(name, Member(ANYTHING, read_only=True))
    return Record(shape.name, partial(dict, members), shape.discriminator, lambda: shape.cases, shape.free)


# No package has diagnostic settings any more; this is Microsoft.Insights 2021-05-01-preview in azure-rest-api-specs.
_RETENTION = Record(
    "RetentionPolicy",
    partial(dict, {"enabled": Member(BOOLEAN, required=True), "days": Member(INTEGER, required=True)}),
)
_STREAM = {"enabled": Member(BOOLEAN, required=True), "category": Member(STRING), "retentionPolicy": Member(_RETENTION)}
DIAGNOSTIC_SETTINGS = Record(
    "DiagnosticSettings",
    partial(
        dict,
        {
            "storageAccountId": Member(STRING),
            "serviceBusRuleId": Member(STRING),
            "eventHubAuthorizationRuleId": Member(STRING),
            "eventHubName": Member(STRING),
            "workspaceId": Member(STRING),
            "marketplacePartnerId": Member(STRING),
            "logAnalyticsDestinationType": Member(STRING),
            "metrics": Member(Items(Record("MetricSettings", partial(dict, {**_STREAM, "timeGrain": Member(STRING)})))),
            "logs": Member(Items(Record("LogSettings", partial(dict, {**_STREAM, "categoryGroup": Member(STRING)})))),
        },
    ),
)
