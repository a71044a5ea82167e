"""API versions: the table is what azure-native's aliases say, and refuses what is not in it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from emulator.arm.errors import AzureError
from emulator.validation.versions import check_version, supported

ML = "Microsoft.MachineLearningServices/workspaces"
CLASSES = {
    "Microsoft.Resources/resourceGroups": "resources/resource_group:ResourceGroup",
    "Microsoft.OperationalInsights/workspaces": "operationalinsights/workspace:Workspace",
    "Microsoft.Insights/components": "applicationinsights/component:Component",
    "Microsoft.Insights/diagnosticSettings": "monitor/diagnostic_setting:DiagnosticSetting",
    "Microsoft.Insights/metricAlerts": "monitor/metric_alert:MetricAlert",
    "Microsoft.Insights/actionGroups": "monitor/action_group:ActionGroup",
    "Microsoft.Storage/storageAccounts": "storage/storage_account:StorageAccount",
    "Microsoft.KeyVault/vaults": "keyvault/vault:Vault",
    "Microsoft.ContainerRegistry/registries": "containerregistry/registry:Registry",
    "Microsoft.ManagedIdentity/userAssignedIdentities": "managedidentity/user_assigned_identity:UserAssignedIdentity",
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials": (
        "managedidentity/federated_identity_credential:FederatedIdentityCredential"
    ),
    "Microsoft.Authorization/roleAssignments": "authorization/role_assignment:RoleAssignment",
    "Microsoft.Authorization/roleDefinitions": "authorization/role_definition:RoleDefinition",
    "Microsoft.Consumption/budgets": "consumption/budget:Budget",
    "Microsoft.CognitiveServices/accounts": "cognitiveservices/account:Account",
    "Microsoft.Authorization/policyDefinitions": "authorization/policy_definition:PolicyDefinition",
    "Microsoft.Authorization/policyAssignments": "authorization/policy_assignment:PolicyAssignment",
    "Microsoft.Network/virtualNetworks": "network/virtual_network:VirtualNetwork",
    "Microsoft.Network/virtualNetworks/subnets": "network/subnet:Subnet",
    "Microsoft.Network/privateEndpoints": "network/private_endpoint:PrivateEndpoint",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups": "network/private_dns_zone_group:PrivateDnsZoneGroup",
    "Microsoft.Network/privateDnsZones": "privatedns/private_zone:PrivateZone",
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": "privatedns/virtual_network_link:VirtualNetworkLink",
    ML: "machinelearningservices/workspace:Workspace",
    f"{ML}/computes": "machinelearningservices/compute:Compute",
    f"{ML}/connections": "machinelearningservices/workspace_connection:WorkspaceConnection",
    f"{ML}/datastores": "machinelearningservices/datastore:Datastore",
    f"{ML}/data": "machinelearningservices/data_container:DataContainer",
    f"{ML}/data/versions": "machinelearningservices/data_version:DataVersion",
    f"{ML}/models": "machinelearningservices/model_container:ModelContainer",
    f"{ML}/models/versions": "machinelearningservices/model_version:ModelVersion",
    f"{ML}/jobs": "machinelearningservices/job:Job",
    f"{ML}/onlineEndpoints": "machinelearningservices/online_endpoint:OnlineEndpoint",
    f"{ML}/onlineEndpoints/deployments": "machinelearningservices/online_deployment:OnlineDeployment",
}


@pytest.mark.parametrize("kind", CLASSES)
def test_the_table_is_what_azure_native_knows(kind: str) -> None:
    file, _, name = CLASSES[kind].partition(":")
    spec = importlib.util.find_spec("pulumi_azure_native")
    assert spec is not None and spec.origin is not None
    text = (Path(spec.origin).parent / f"{file}.py").read_text()
    found = {
        f"{year}-{month}-{day}{'-' if suffix else ''}{suffix}"
        for year, month, day, suffix in re.findall(rf'"azure-native:\w+/v(\d{{4}})(\d\d)(\d\d)(\w*):{name}"', text)
    }
    assert found
    assert list(supported(kind)) == sorted(found)


def test_a_supported_version_passes_whatever_its_case() -> None:
    check_version(ML, "2024-10-01-Preview", "eastus2")
    check_version("microsoft.resources/RESOURCEGROUPS", "2024-03-01", None)


def test_a_version_the_type_never_had_is_refused_by_its_provider() -> None:
    with pytest.raises(AzureError) as refused:
        check_version(ML, "2024-10-02", "eastus2")
    assert (refused.value.status, refused.value.code) == (400, "NoRegisteredProviderFound")
    assert "for location 'eastus2' and API version '2024-10-02' for type 'workspaces'" in refused.value.message
    assert "2025-12-01" in refused.value.message


@pytest.mark.parametrize(
    ("kind", "version"),
    [("Microsoft.Resources/resourceGroups", "2024-03-02"), (ML, "latest"), ("Microsoft.KeyVault/vaults", "2024")],
)
def test_arms_own_types_and_text_that_is_no_version_are_refused_by_arm(kind: str, version: str) -> None:
    with pytest.raises(AzureError) as refused:
        check_version(kind, version, None)
    assert (refused.value.status, refused.value.code) == (400, "InvalidApiVersionParameter")


def test_of_a_type_without_a_row_every_version_passes() -> None:
    check_version("Microsoft.Nothing/things", "2020-01-01", None)
