"""Every row of the provider's table: its request, its outputs, and that the SDK agrees with it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from emulator.provider import shapes
from emulator.provider.resources import FUNCTIONS, RESOURCES
from emulator.provider.values import UNKNOWN, map_from_plain, map_to_plain

SUB = "00000000-0000-0000-0000-000000000001"
G = f"/subscriptions/{SUB}/resourceGroups/phi-rg"
W = f"{G}/providers/Microsoft.MachineLearningServices/workspaces/phi-ws"
ID = f"{G}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/phi-id"
IN_GROUP = {"resourceGroupName": "phi-rg", "location": "eastus2"}
IN_WORKSPACE = {"resourceGroupName": "phi-rg", "workspaceName": "phi-ws"}
IDENTITY_IN = {"type": "UserAssigned", "userAssignedIdentities": [ID]}
IDENTITY_OUT = {"type": "UserAssigned", "userAssignedIdentities": {ID: {}}}

# token, inputs, path, body
REQUESTS: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "resources:ResourceGroup",
        {**IN_GROUP, "tags": {"a": "b"}},
        G,
        {"location": "eastus2", "tags": {"a": "b"}},
    ),
    (
        "operationalinsights:Workspace",
        {**IN_GROUP, "workspaceName": "phi-log", "sku": {"name": "PerGB2018"}, "retentionInDays": 30},
        f"{G}/providers/Microsoft.OperationalInsights/workspaces/phi-log",
        {"location": "eastus2", "properties": {"sku": {"name": "PerGB2018"}, "retentionInDays": 30}},
    ),
    (
        "applicationinsights:Component",
        {**IN_GROUP, "resourceName": "phi-ai", "kind": "web", "applicationType": "web", "workspaceResourceId": "/w"},
        f"{G}/providers/Microsoft.Insights/components/phi-ai",
        {
            "location": "eastus2",
            "kind": "web",
            "properties": {"Application_Type": "web", "WorkspaceResourceId": "/w"},
        },
    ),
    (
        "storage:StorageAccount",
        {
            **IN_GROUP,
            "accountName": "phistore",
            "kind": "StorageV2",
            "sku": {"name": "Standard_LRS"},
            "enableHttpsTrafficOnly": True,
            "networkRuleSet": {
                "defaultAction": "Deny",
                "ipRules": [{"iPAddressOrRange": "10.0.0.1", "action": "Allow"}],
                "virtualNetworkRules": [{"virtualNetworkResourceId": "/v"}],
            },
            "encryption": {
                "encryptionIdentity": {"encryptionUserAssignedIdentity": ID},
                "keyVaultProperties": {"keyVaultUri": "https://v", "keyName": "k"},
            },
        },
        f"{G}/providers/Microsoft.Storage/storageAccounts/phistore",
        {
            "location": "eastus2",
            "kind": "StorageV2",
            "sku": {"name": "Standard_LRS"},
            "properties": {
                "supportsHttpsTrafficOnly": True,
                "networkAcls": {
                    "defaultAction": "Deny",
                    "ipRules": [{"value": "10.0.0.1", "action": "Allow"}],
                    "virtualNetworkRules": [{"id": "/v"}],
                },
                "encryption": {
                    "identity": {"userAssignedIdentity": ID},
                    "keyvaultproperties": {"keyvaulturi": "https://v", "keyname": "k"},
                },
            },
        },
    ),
    (
        "storage:BlobContainer",
        {"resourceGroupName": "phi-rg", "accountName": "phistore", "containerName": "c", "publicAccess": "None"},
        f"{G}/providers/Microsoft.Storage/storageAccounts/phistore/blobServices/default/containers/c",
        {"properties": {"publicAccess": "None"}},
    ),
    (
        "keyvault:Vault",
        {**IN_GROUP, "vaultName": "phi-kv", "properties": {"tenantId": "t", "enableRbacAuthorization": True}},
        f"{G}/providers/Microsoft.KeyVault/vaults/phi-kv",
        {"location": "eastus2", "properties": {"tenantId": "t", "enableRbacAuthorization": True}},
    ),
    (
        "containerregistry:Registry",
        {**IN_GROUP, "registryName": "phiacr", "sku": {"name": "Standard"}, "adminUserEnabled": False},
        f"{G}/providers/Microsoft.ContainerRegistry/registries/phiacr",
        {"location": "eastus2", "sku": {"name": "Standard"}, "properties": {"adminUserEnabled": False}},
    ),
    (
        "machinelearningservices:Registry",
        {**IN_GROUP, "registryName": "mlr-phi", "publicNetworkAccess": "Enabled"},
        f"{G}/providers/Microsoft.MachineLearningServices/registries/mlr-phi",
        {"location": "eastus2", "properties": {"publicNetworkAccess": "Enabled"}},
    ),
    (
        "managedidentity:UserAssignedIdentity",
        {**IN_GROUP, "resourceName": "phi-id"},
        ID,
        {"location": "eastus2"},
    ),
    (
        "managedidentity:FederatedIdentityCredential",
        {
            "resourceGroupName": "phi-rg",
            "resourceName": "phi-id",
            "federatedIdentityCredentialResourceName": "github",
            "issuer": "https://issuer",
            "subject": "s",
            "audiences": ["a"],
        },
        f"{ID}/federatedIdentityCredentials/github",
        {"properties": {"issuer": "https://issuer", "subject": "s", "audiences": ["a"]}},
    ),
    (
        "authorization:RoleAssignment",
        {
            "scope": G,
            "roleAssignmentName": "11111111-2222-4333-8444-555555555555",
            "principalId": "p",
            "principalType": "ServicePrincipal",
            "roleDefinitionId": "/r",
        },
        f"{G}/providers/Microsoft.Authorization/roleAssignments/11111111-2222-4333-8444-555555555555",
        {"properties": {"principalId": "p", "principalType": "ServicePrincipal", "roleDefinitionId": "/r"}},
    ),
    (
        "machinelearningservices:Workspace",
        {
            **IN_WORKSPACE,
            "location": "eastus2",
            "kind": "Hub",
            "identity": IDENTITY_IN,
            "friendlyName": "hub",
            "storageAccount": "/s",
            "keyVault": "/k",
        },
        W,
        {
            "location": "eastus2",
            "kind": "Hub",
            "identity": IDENTITY_OUT,
            "properties": {"friendlyName": "hub", "storageAccount": "/s", "keyVault": "/k"},
        },
    ),
    (
        "machinelearningservices:Compute",
        {
            **IN_WORKSPACE,
            "computeName": "gpu",
            "location": "eastus2",
            "identity": IDENTITY_IN,
            "properties": {"computeType": "AmlCompute", "properties": {"vmSize": "Standard_NC24ads_A100_v4"}},
        },
        f"{W}/computes/gpu",
        {
            "location": "eastus2",
            "identity": IDENTITY_OUT,
            "properties": {"computeType": "AmlCompute", "properties": {"vmSize": "Standard_NC24ads_A100_v4"}},
        },
    ),
    (
        "machinelearningservices:OnlineEndpoint",
        {**IN_WORKSPACE, "endpointName": "phi-ep", "location": "eastus2", "properties": {"authMode": "Key"}},
        f"{W}/onlineEndpoints/phi-ep",
        {"location": "eastus2", "properties": {"authMode": "Key"}},
    ),
    (
        "machinelearningservices:OnlineDeployment",
        {
            **IN_WORKSPACE,
            "endpointName": "phi-ep",
            "deploymentName": "blue",
            "location": "eastus2",
            "sku": {"name": "Default", "capacity": 1},
            "properties": {"endpointComputeType": "Managed", "model": "/m"},
        },
        f"{W}/onlineEndpoints/phi-ep/deployments/blue",
        {
            "location": "eastus2",
            "sku": {"name": "Default", "capacity": 1},
            "properties": {"endpointComputeType": "Managed", "model": "/m"},
        },
    ),
    (
        "machinelearningservices:WorkspaceConnection",
        {
            **IN_WORKSPACE,
            "connectionName": "phi",
            "properties": {"authType": "CustomKeys", "credentials": {"keys": {"key": "k"}}},
        },
        f"{W}/connections/phi",
        {"properties": {"authType": "CustomKeys", "credentials": {"keys": {"key": "k"}}}},
    ),
    (
        "cognitiveservices:Account",
        {
            **IN_GROUP,
            "accountName": "phi-ai",
            "kind": "AIServices",
            "sku": {"name": "S0"},
            "properties": {"customSubDomainName": "phi"},
        },
        f"{G}/providers/Microsoft.CognitiveServices/accounts/phi-ai",
        {
            "location": "eastus2",
            "kind": "AIServices",
            "sku": {"name": "S0"},
            "properties": {"customSubDomainName": "phi"},
        },
    ),
    (
        "cognitiveservices:Deployment",
        {
            "resourceGroupName": "phi-rg",
            "accountName": "phi-ai",
            "deploymentName": "d",
            "sku": {"name": "Standard", "capacity": 1},
            "properties": {"model": {"name": "m"}},
        },
        f"{G}/providers/Microsoft.CognitiveServices/accounts/phi-ai/deployments/d",
        {"sku": {"name": "Standard", "capacity": 1}, "properties": {"model": {"name": "m"}}},
    ),
    (
        "monitor:DiagnosticSetting",
        {"resourceUri": W, "name": "logs", "workspaceId": "/l", "logs": [{"category": "c", "enabled": True}]},
        f"{W}/providers/Microsoft.Insights/diagnosticSettings/logs",
        {"properties": {"workspaceId": "/l", "logs": [{"category": "c", "enabled": True}]}},
    ),
    (
        "monitor:ActionGroup",
        {"resourceGroupName": "phi-rg", "actionGroupName": "a", "location": "Global", "groupShortName": "a"},
        f"{G}/providers/Microsoft.Insights/actionGroups/a",
        {"location": "Global", "properties": {"groupShortName": "a"}},
    ),
    (
        "monitor:MetricAlert",
        {
            "resourceGroupName": "phi-rg",
            "ruleName": "errors",
            "location": "global",
            "severity": 2,
            "criteria": {"odataType": "T", "allOf": []},
        },
        f"{G}/providers/Microsoft.Insights/metricAlerts/errors",
        {"location": "global", "properties": {"severity": 2, "criteria": {"odata.type": "T", "allOf": []}}},
    ),
    (
        "consumption:Budget",
        {"scope": G, "budgetName": "b", "amount": 100, "category": "Cost", "eTag": "1"},
        f"{G}/providers/Microsoft.Consumption/budgets/b",
        {"eTag": "1", "properties": {"amount": 100, "category": "Cost"}},
    ),
]


@pytest.mark.parametrize(("token", "inputs", "path", "body"), REQUESTS, ids=[r[0] for r in REQUESTS])
def test_request_and_back(token: str, inputs: dict[str, Any], path: str, body: dict[str, Any]) -> None:
    row = RESOURCES[f"azure-native:{token}"]
    checked = {**inputs, "azureApiVersion": row.api_version, "__createBeforeDelete": True}
    assert shapes.fill_path(row.path, checked, SUB) == path
    assert shapes.body(row, checked) == body
    named = {k: v for k, v in inputs.items() if k in row.path_parameters}
    assert shapes.parse_id(row.path, path.upper().replace("PHI", "phi")).keys() == named.keys()
    assert shapes.parse_id(row.path, path) == named
    answer = {"id": path, "name": "n", "type": "T", **body}
    shaped = shapes.outputs(row, answer)
    expected = {k: v for k, v in inputs.items() if k not in row.path_parameters}
    if "identity" in expected:
        expected["identity"] = IDENTITY_OUT
    assert shaped == {**expected, "id": path, "name": "n", "type": "T", "azureApiVersion": row.api_version}


def test_every_type_has_an_example() -> None:
    assert {f"azure-native:{r[0]}" for r in REQUESTS} == set(RESOURCES)


def _sdk_source(token: str, prefix: str = "") -> str:
    _, module, name = token.split(":")
    spec = importlib.util.find_spec("pulumi_azure_native")
    assert spec is not None and spec.submodule_search_locations
    stem = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    return Path(spec.submodule_search_locations[0], module, f"{prefix}{stem}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("token", RESOURCES)
def test_table_agrees_with_the_sdk(token: str) -> None:
    row, source = RESOURCES[token], _sdk_source(token)
    version = re.search(r"Uses Azure REST API version ([\w-]+)\.", source)
    assert version and version[1] == row.api_version
    resource = re.search(r"class \w+Args:(.*?)\nclass ", source, re.S)
    assert resource
    getter = r'@pulumi\.getter(?:\(name="(\w+)"\))?\s+def (\w+)'
    arguments = {a or b for a, b in re.findall(getter, resource[1].split("@pulumi.type_token")[0])}
    outputs = {a or b for a, b in re.findall(getter, source[source.index("def get(resource_name") :])}
    assert set(row.path_parameters) <= arguments
    assert row.takes_properties == ("properties" in outputs)
    assert row.default_location <= ("location" in arguments)
    assert {n for n in row.wire_names if "." not in n} <= arguments | outputs


@pytest.mark.parametrize("token", FUNCTIONS)
def test_functions_agree_with_the_sdk(token: str) -> None:
    function, source = FUNCTIONS[token], _sdk_source(token)
    sent = set(re.findall(r"__args__\['(\w+)'\]", source))
    version = re.search(r"Uses Azure REST API version ([\w-]+)\.", source)
    assert version and version[1] == function.api_version
    assert set(re.findall(r"\{(\w+)\}", function.path)) - {"subscriptionId"} <= sent


def test_path_refuses_a_missing_parameter() -> None:
    row = RESOURCES["azure-native:machinelearningservices:OnlineEndpoint"]
    with pytest.raises(ValueError, match="missing required property 'workspaceName'"):
        shapes.fill_path(row.path, {"resourceGroupName": "g", "endpointName": "e"}, SUB)


def test_id_of_another_type_is_refused() -> None:
    row = RESOURCES["azure-native:storage:StorageAccount"]
    with pytest.raises(ValueError, match="is not an id of the form"):
        shapes.parse_id(row.path, W)


def test_outputs_flatten_without_nulls_and_keep_the_envelope() -> None:
    row = RESOURCES["azure-native:applicationinsights:Component"]
    answer = {
        "name": "phi-ai",
        "etag": None,
        "properties": {"Name": "other", "name": "inner", "ConnectionString": "c", "TenantId": "t"},
    }
    shaped = shapes.outputs(row, answer)
    assert shaped["name"] == "phi-ai"
    assert shaped["connectionString"] == "c"
    assert shaped["tenantId"] == "t"
    assert "etag" not in shaped and "properties" not in shaped


def test_preview_hides_objects_that_azure_adds_to() -> None:
    row = RESOURCES["azure-native:machinelearningservices:OnlineEndpoint"]
    inputs = {
        **IN_WORKSPACE,
        "endpointName": "e",
        "location": "eastus2",
        "tags": {"a": "b"},
        "properties": {"authMode": "Key"},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": [UNKNOWN]},
    }
    assert shapes.preview_outputs(row, inputs) == {
        "location": "eastus2",
        "tags": {"a": "b"},
        "properties": UNKNOWN,
        "identity": UNKNOWN,
        "azureApiVersion": row.api_version,
    }


def test_values_round_trip() -> None:
    plain = {"s": "x", "n": 3, "f": 0.5, "b": False, "l": [1, {"k": UNKNOWN}], "m": {}}
    assert map_to_plain(map_from_plain({**plain, "gone": None})) == plain
    assert isinstance(map_to_plain(map_from_plain({"n": 3}))["n"], int)
