"""The resource types and functions of azure-native 3.29.0 that this project uses, as a table.

API versions, argument names and paths are the SDK's; names that differ between the SDK and the
wire (``x-ms-client-name``) come from Azure/azure-rest-api-specs. tests/unit checks both columns
against the installed SDK.
"""

from __future__ import annotations

from collections.abc import Mapping

from .rows import Function, ResourceType

GROUP = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/{{workspaceName}}"
ACCOUNT = f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/{{accountName}}"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/{{accountName}}"


def _provider(type_path: str) -> str:
    return f"{GROUP}/providers/{type_path}"


_IDENTITY_NAMES = {
    "encryption.encryptionIdentity": "identity",
    "encryption.encryptionIdentity.encryptionFederatedIdentityClientId": "federatedIdentityClientId",
    "encryption.encryptionIdentity.encryptionUserAssignedIdentity": "userAssignedIdentity",
}

_PLACED = frozenset({"location"})
"""Of types whose specification says of the region that only a create may set it.

The provider has a list of its own for groups and storage accounts. The specifications of vaults, of AI Services, and
of Azure ML's workspaces and computes say nothing: another region is an update there, which Azure refuses.
"""

_ROWS = (
    ResourceType("resources:ResourceGroup", "2024-03-01", GROUP, takes_properties=True, replaces=_PLACED),
    ResourceType(
        "operationalinsights:Workspace",
        "2023-09-01",
        _provider("Microsoft.OperationalInsights/workspaces/{workspaceName}"),
        nested=frozenset({"sku"}),
        replaces=_PLACED,
    ),
    ResourceType(
        "applicationinsights:Component",
        "2020-02-02",
        _provider("Microsoft.Insights/components/{resourceName}"),
        wire_names={
            "applicationType": "Application_Type",
            "flowType": "Flow_Type",
            "requestSource": "Request_Source",
            "hockeyAppId": "HockeyAppId",
            "hockeyAppToken": "HockeyAppToken",
            "samplingPercentage": "SamplingPercentage",
            "retentionInDays": "RetentionInDays",
            "disableIpMasking": "DisableIpMasking",
            "immediatePurgeDataOn30Days": "ImmediatePurgeDataOn30Days",
            "workspaceResourceId": "WorkspaceResourceId",
            "ingestionMode": "IngestionMode",
            "disableLocalAuth": "DisableLocalAuth",
            "forceCustomerStorageForProfiler": "ForceCustomerStorageForProfiler",
            "appId": "AppId",
            "applicationId": "ApplicationId",
            "instrumentationKey": "InstrumentationKey",
            "connectionString": "ConnectionString",
            "creationDate": "CreationDate",
            "laMigrationDate": "LaMigrationDate",
            "tenantId": "TenantId",
            "privateLinkScopedResources": "PrivateLinkScopedResources",
            "privateLinkScopedResources.resourceId": "ResourceId",
            "privateLinkScopedResources.scopeId": "ScopeId",
        },
        replaces=_PLACED,
    ),
    ResourceType(
        "storage:StorageAccount",
        "2024-01-01",
        STORAGE,
        wire_names={
            "enableHttpsTrafficOnly": "supportsHttpsTrafficOnly",
            "enableNfsV3": "isNfsV3Enabled",
            "networkRuleSet": "networkAcls",
            "networkRuleSet.ipRules.iPAddressOrRange": "value",
            "networkRuleSet.virtualNetworkRules.virtualNetworkResourceId": "id",
            "encryption.keyVaultProperties": "keyvaultproperties",
            "encryption.keyVaultProperties.keyVaultUri": "keyvaulturi",
            "encryption.keyVaultProperties.keyName": "keyname",
            "encryption.keyVaultProperties.keyVersion": "keyversion",
            **_IDENTITY_NAMES,
        },
        replaces=_PLACED | {"isHnsEnabled"},
        defaults={
            "networkRuleSet": {
                "bypass": "AzureServices",
                "defaultAction": "Allow",
                "ipRules": [],
                "virtualNetworkRules": [],
            }
        },
    ),
    ResourceType(
        "storage:BlobContainer",
        "2024-01-01",
        f"{STORAGE}/blobServices/default/containers/{{containerName}}",
        default_location=False,
    ),
    ResourceType(
        "keyvault:Vault",
        "2024-11-01",
        _provider("Microsoft.KeyVault/vaults/{vaultName}"),
        takes_properties=True,
    ),
    ResourceType(
        "containerregistry:Registry",
        "2023-01-01-preview",
        _provider("Microsoft.ContainerRegistry/registries/{registryName}"),
        wire_names={"networkRuleSet.ipRules.iPAddressOrRange": "value"},
        replaces=_PLACED,
    ),
    ResourceType(
        "managedidentity:UserAssignedIdentity",
        "2023-01-31",
        _provider("Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}"),
        replaces=_PLACED,
    ),
    ResourceType(
        "managedidentity:FederatedIdentityCredential",
        "2023-01-31",
        _provider(
            "Microsoft.ManagedIdentity/userAssignedIdentities/{resourceName}"
            "/federatedIdentityCredentials/{federatedIdentityCredentialResourceName}"
        ),
        default_location=False,
    ),
    ResourceType(
        "authorization:RoleAssignment",
        "2022-04-01",
        "/{scope}/providers/Microsoft.Authorization/roleAssignments/{roleAssignmentName}",
        replaces=frozenset({"principalId"}),
        default_location=False,
    ),
    ResourceType("machinelearningservices:Workspace", "2025-12-01", WORKSPACE),
    ResourceType(
        "machinelearningservices:Registry",
        "2025-12-01",
        _provider("Microsoft.MachineLearningServices/registries/{registryName}"),
        replaces=_PLACED,
    ),
    ResourceType(
        "machinelearningservices:Compute",
        "2025-12-01",
        f"{WORKSPACE}/computes/{{computeName}}",
        takes_properties=True,
    ),
    ResourceType(
        "machinelearningservices:OnlineEndpoint",
        "2025-12-01",
        f"{WORKSPACE}/onlineEndpoints/{{endpointName}}",
        takes_properties=True,
        replaces=_PLACED,
    ),
    ResourceType(
        "machinelearningservices:OnlineDeployment",
        "2025-12-01",
        f"{WORKSPACE}/onlineEndpoints/{{endpointName}}/deployments/{{deploymentName}}",
        takes_properties=True,
        replaces=_PLACED,
    ),
    ResourceType(
        "machinelearningservices:WorkspaceConnection",
        "2025-12-01",
        f"{WORKSPACE}/connections/{{connectionName}}",
        takes_properties=True,
        default_location=False,
    ),
    ResourceType("cognitiveservices:Account", "2025-06-01", ACCOUNT, takes_properties=True),
    ResourceType(
        "cognitiveservices:Deployment",
        "2025-06-01",
        f"{ACCOUNT}/deployments/{{deploymentName}}",
        takes_properties=True,
        default_location=False,
    ),
    ResourceType(
        "monitor:DiagnosticSetting",
        "2021-05-01-preview",
        "/{resourceUri}/providers/Microsoft.Insights/diagnosticSettings/{name}",
        default_location=False,
    ),
    ResourceType(
        "monitor:ActionGroup",
        "2024-10-01-preview",
        _provider("Microsoft.Insights/actionGroups/{actionGroupName}"),
        replaces=_PLACED,
        default_location=False,
    ),
    ResourceType(
        "monitor:MetricAlert",
        "2018-03-01",
        _provider("Microsoft.Insights/metricAlerts/{ruleName}"),
        replaces=_PLACED,
        # "odata.type" is the discriminator of criteria and cannot be an SDK name.
        wire_names={"criteria.odataType": "odata.type"},
        default_location=False,
    ),
    ResourceType(
        "network:PrivateEndpoint",
        "2024-05-01",
        _provider("Microsoft.Network/privateEndpoints/{privateEndpointName}"),
        nests=frozenset({"privateLinkServiceConnections", "subnet"}),
    ),
    ResourceType(
        "network:PrivateDnsZoneGroup",
        "2024-05-01",
        _provider(
            "Microsoft.Network/privateEndpoints/{privateEndpointName}/privateDnsZoneGroups/{privateDnsZoneGroupName}"
        ),
        nests=frozenset({"privateDnsZoneConfigs"}),
        default_location=False,
    ),
    ResourceType(
        "privatedns:PrivateZone", "2024-06-01", _provider("Microsoft.Network/privateDnsZones/{privateZoneName}")
    ),
    ResourceType(
        "privatedns:VirtualNetworkLink",
        "2024-06-01",
        _provider("Microsoft.Network/privateDnsZones/{privateZoneName}/virtualNetworkLinks/{virtualNetworkLinkName}"),
    ),
    ResourceType(
        "consumption:Budget",
        "2024-08-01",
        "/{scope}/providers/Microsoft.Consumption/budgets/{budgetName}",
        default_location=False,
    ),
)

RESOURCES: Mapping[str, ResourceType] = {f"azure-native:{row.token}": row for row in _ROWS}
"""Resource types by the token in their URN."""


def _getters() -> dict[str, Function]:
    """``module:getThing`` for every ``module:Thing`` of the table."""
    functions = {}
    for token, row in RESOURCES.items():
        module, _, name = token.rpartition(":")
        functions[f"{module}:get{name}"] = Function("GET", row.path, row.api_version, row)
    return functions


def _post(path: str, api_version: str) -> Function:
    return Function("POST", path, api_version)


_ML = "azure-native:machinelearningservices"
FUNCTIONS: Mapping[str, Function] = {
    **_getters(),
    f"{_ML}:listOnlineEndpointKeys": _post(f"{WORKSPACE}/onlineEndpoints/{{endpointName}}/listKeys", "2025-12-01"),
    f"{_ML}:getOnlineEndpointToken": _post(f"{WORKSPACE}/onlineEndpoints/{{endpointName}}/token", "2025-12-01"),
    f"{_ML}:listWorkspaceConnectionSecrets": _post(
        f"{WORKSPACE}/connections/{{connectionName}}/listsecrets", "2025-12-01"
    ),
    f"{_ML}:listWorkspaceKeys": _post(f"{WORKSPACE}/listKeys", "2025-12-01"),
    "azure-native:storage:listStorageAccountKeys": _post(f"{STORAGE}/listKeys", "2024-01-01"),
    "azure-native:cognitiveservices:listAccountKeys": _post(f"{ACCOUNT}/listKeys", "2025-06-01"),
    "azure-native:operationalinsights:getSharedKeys": _post(
        _provider("Microsoft.OperationalInsights/workspaces/{workspaceName}/sharedKeys"), "2023-09-01"
    ),
}
"""Functions by token; ``getClientConfig`` and ``getClientToken`` make no ARM call and are not here."""
