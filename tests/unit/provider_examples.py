"""An example of each type: its inputs, and the path and body of the request that makes it."""

from __future__ import annotations

from typing import Any

SUB = "00000000-0000-0000-0000-000000000001"
G = f"/subscriptions/{SUB}/resourceGroups/phi-rg"
W = f"{G}/providers/Microsoft.MachineLearningServices/workspaces/phi-ws"
ID = f"{G}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/phi-id"
IN_GROUP = {"resourceGroupName": "phi-rg", "location": "eastus2"}
IN_P = {"resourceGroupName": "phi-rg", "privateEndpointName": "p"}
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
    (
        "network:PrivateEndpoint",
        {
            **IN_GROUP,
            "privateEndpointName": "pep",
            "subnet": {"id": "/subnet", "privateEndpointNetworkPolicies": "Disabled"},
            "privateLinkServiceConnections": [{"name": "i", "privateLinkServiceId": "/s", "groupIds": ["b"]}],
        },
        f"{G}/providers/Microsoft.Network/privateEndpoints/pep",
        {
            "location": "eastus2",
            "properties": {
                "subnet": {"id": "/subnet", "properties": {"privateEndpointNetworkPolicies": "Disabled"}},
                "privateLinkServiceConnections": [
                    {"name": "i", "properties": {"privateLinkServiceId": "/s", "groupIds": ["b"]}}
                ],
            },
        },
    ),
    (
        "network:PrivateDnsZoneGroup",
        {**IN_P, "privateDnsZoneGroupName": "d", "privateDnsZoneConfigs": [{"name": "z", "privateDnsZoneId": "/z"}]},
        f"{G}/providers/Microsoft.Network/privateEndpoints/p/privateDnsZoneGroups/d",
        {"properties": {"privateDnsZoneConfigs": [{"name": "z", "properties": {"privateDnsZoneId": "/z"}}]}},
    ),
    (
        "privatedns:PrivateZone",
        {**IN_GROUP, "privateZoneName": "privatelink.azurecr.io"},
        f"{G}/providers/Microsoft.Network/privateDnsZones/privatelink.azurecr.io",
        {"location": "eastus2"},
    ),
    (
        "privatedns:VirtualNetworkLink",
        {**IN_GROUP, "privateZoneName": "z", "virtualNetworkLinkName": "l", "virtualNetwork": {"id": "/vnet"}},
        f"{G}/providers/Microsoft.Network/privateDnsZones/z/virtualNetworkLinks/l",
        {"location": "eastus2", "properties": {"virtualNetwork": {"id": "/vnet"}}},
    ),
]
