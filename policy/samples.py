"""Resources that break no rule, for examples to change, and the configuration that the examples are made for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cloud import catalogue
from cloud.roles import Role
from policy.example import Declared

PROJECT, STACK = "policies", "checked"
TAGS = {"project": PROJECT, "stack": STACK, "owner": "team", "cost-center": "42"}
PROTECTED = (
    catalogue.STORAGE.type,
    catalogue.VAULT.type,
    catalogue.REGISTRY.type,
    catalogue.LOG_WORKSPACE.type,
    catalogue.WORKSPACE.type,
    catalogue.ENDPOINT.type,
)
GROUP = "rg-phi-dev-abcdef"
SUBSCRIPTION = "00000000-0000-4000-8000-0000000000a1"
SCOPE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"
IDENTITIES = "providers/Microsoft.ManagedIdentity/userAssignedIdentities"
SEARCH = "azure-native:search:Service"
KEY = "key-that-nobody-may-read"

CONFIG: dict[str, Any] = {
    "all": "mandatory",
    "tags-present": {"enforcementLevel": "remediate", "required": ["project", "stack", "owner"]},
    "tags-true": "remediate",
    "connection-secrets": "remediate",  # pragma: allowlist secret
    "workspace-customer-tags": {"enforcementLevel": "mandatory", "tags": ["cost-center"]},
    "diagnostics-on": {"enforcementLevel": "mandatory", "types": [catalogue.AI_SERVICES.type]},
    "private-endpoints": {"enforcementLevel": "mandatory", "types": [SEARCH]},
    "release-in-steps": {"enforcementLevel": "mandatory", "maximumFirstStep": 50},
}
"""The configuration the examples are made for."""


def ref(name: str) -> dict[str, str]:
    return {"$ref": name}


def located(type_name: str, name: str, **inputs: Any) -> Declared:
    return Declared(
        type=type_name,
        name=name,
        inputs={"resourceGroupName": GROUP, "location": "eastus2", "tags": TAGS, **inputs},
        protect=type_name in PROTECTED,
    )


def group(name: str) -> Declared:
    return located(catalogue.RESOURCE_GROUP.type, name)


def log_analytics(name: str) -> Declared:
    return located(catalogue.LOG_WORKSPACE.type, name, workspaceName="log-phi-dev", retentionInDays=30)


def storage(name: str) -> Declared:
    return located(
        catalogue.STORAGE.type,
        name,
        accountName="stphidevabcdef",
        kind="StorageV2",
        sku={"name": "Standard_LRS"},
        minimumTlsVersion="TLS1_2",
        allowBlobPublicAccess=False,
        allowSharedKeyAccess=False,
        enableHttpsTrafficOnly=True,
        publicNetworkAccess="Disabled",
    )


def vault(name: str) -> Declared:
    properties = {
        "sku": {"family": "A", "name": "standard"},
        "tenantId": "00000000-0000-4000-8000-0000000000b2",
        "enableRbacAuthorization": True,
        "enableSoftDelete": True,
        "softDeleteRetentionInDays": 30,
        "enablePurgeProtection": True,
        "publicNetworkAccess": "disabled",
    }
    return located(catalogue.VAULT.type, name, vaultName="kvphidevabcdef", properties=properties)


def registry(name: str) -> Declared:
    return located(
        catalogue.REGISTRY.type,
        name,
        registryName="crphidevabcdef",
        sku={"name": "Premium"},
        adminUserEnabled=False,
        anonymousPullEnabled=False,
        publicNetworkAccess="Disabled",
        policies={"exportPolicy": {"status": "disabled"}},
    )


def workspace(name: str, kind: str = "Default") -> Declared:
    prefix = {"Default": "mlw", "Hub": "hub", "Project": "proj"}[kind]
    return located(
        catalogue.WORKSPACE.type,
        name,
        workspaceName=f"{prefix}-phi-dev-abcdef",
        kind=kind,
        identity={"type": "UserAssigned", "userAssignedIdentities": [f"{SCOPE}/{IDENTITIES}/id-phi-dev"]},
        encryption={"status": "Enabled", "keyVaultProperties": {"keyIdentifier": "https://kv.vault.azure.net/keys/k"}},
        managedNetwork={"isolationMode": "AllowInternetOutbound"},
        publicNetworkAccess="Disabled",
    )


def project(name: str, hub: str) -> Declared:
    return workspace(name, "Project").but(hubResourceId=ref(hub), managedNetwork=None)


def cluster(name: str) -> Declared:
    properties = {
        "vmSize": "Standard_NC24ads_A100_v4",
        "vmPriority": "Dedicated",
        "remoteLoginPortPublicAccess": "Disabled",
        "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": "PT120S"},
    }
    return located(
        catalogue.CLUSTER.type,
        name,
        workspaceName="mlw-phi-dev-abcdef",
        computeName="gpu-cluster",
        properties={"computeType": "AmlCompute", "disableLocalAuth": True, "properties": properties},
    )


def endpoint(name: str) -> Declared:
    return located(
        catalogue.ENDPOINT.type,
        name,
        workspaceName="mlw-phi-dev-abcdef",
        endpointName="phi-dev-abcdef",
        identity={"type": "SystemAssigned"},
        properties={"authMode": "Key", "publicNetworkAccess": "Disabled"},
    ).having(ignore_changes=("tags", "properties"))


def ai_services(name: str) -> tuple[Declared, Declared]:
    """With the setting that sends its logs somewhere."""
    account = located(
        catalogue.AI_SERVICES.type,
        name,
        accountName="ais-phi-dev-abcdef",
        kind="AIServices",
        sku={"name": "S0"},
        properties={"disableLocalAuth": True, "publicNetworkAccess": "Disabled"},
    )
    return account, diagnostics(f"{name}-logs", name)


def diagnostics(name: str, of: str) -> Declared:
    logs = [{"categoryGroup": "audit", "enabled": True}]
    return Declared(
        type=catalogue.DIAGNOSTICS.type, name=name, inputs={"name": name, "resourceUri": ref(of), "logs": logs}
    )


def search(name: str) -> Declared:
    """Of a type that no other rule looks at."""
    return Declared(type=SEARCH, name=name, inputs={"searchServiceName": name, "tags": TAGS})


def private_endpoint(name: str, to: str) -> Declared:
    connection = {"name": name, "privateLinkServiceId": ref(to), "groupIds": ["blob"]}
    return located(
        catalogue.PRIVATE_ENDPOINT.type, name, privateEndpointName=name, privateLinkServiceConnections=[connection]
    )


def identity(name: str) -> Declared:
    return located(catalogue.IDENTITY.type, name, resourceName="id-phi-dev")


def trust(name: str) -> Declared:
    inputs = {
        "federatedIdentityCredentialResourceName": f"github-{STACK}",
        "resourceGroupName": "rg-checked",
        "resourceName": "id-checked",
        "issuer": "https://token.actions.githubusercontent.com",
        "audiences": ["api://AzureADTokenExchange"],
        "subject": f"repo:someone/finetune-phi:environment:{STACK}",
    }
    return Declared(type=catalogue.FEDERATED_CREDENTIAL.type, name=name, inputs=inputs)


def assignment(name: str, principal: str, role: Role = Role.ACR_PULL, condition: str = "") -> Declared:
    inputs = {
        "roleAssignmentName": "d7bd6c1a-9f51-5538-baa6-db1f201d3864",
        "roleDefinitionId": role.definition(SUBSCRIPTION),
        "principalId": ref(principal),
        "principalType": "ServicePrincipal",
        "scope": SCOPE,
    }
    if condition:
        inputs |= {"condition": condition, "conditionVersion": "2.0"}
    return Declared(type=catalogue.ROLE_ASSIGNMENT.type, name=name, inputs=inputs)


def connection(name: str, workspace_name: str = "") -> Declared:
    properties = {
        "authType": "CustomKeys",
        "category": "CustomKeys",
        "target": "https://phi.eastus2.inference.ml.azure.com/score",
        "credentials": {"keys": {"key": {"$secret": KEY}}},
    }
    inputs = {
        "resourceGroupName": GROUP,
        "workspaceName": workspace_name or f"proj-{name}",
        "connectionName": "phi-connection",
        "properties": properties,
    }
    return Declared(type=catalogue.CONNECTION.type, name=name, inputs=inputs, secret_outputs=("properties",))


def budget(name: str) -> Declared:
    notice = {
        "contactEmails": ["owner@example.org"],
        "enabled": True,
        "operator": "GreaterThan",
        "threshold": 80,
    }
    inputs = {
        "scope": SCOPE,
        "budgetName": name,
        "amount": 100,
        "category": "Cost",
        "timeGrain": "Monthly",
        "timePeriod": {"startDate": "2026-11-01T00:00:00Z"},
        "notifications": {"most": notice},
    }
    return Declared(type=catalogue.BUDGET.type, name=name, inputs=inputs)


def alert(name: str) -> Declared:
    inputs = {
        "resourceGroupName": GROUP,
        "ruleName": name,
        "enabled": True,
        "severity": 1,
        "scopes": [f"{SCOPE}/providers/Microsoft.MachineLearningServices/workspaces/w/onlineEndpoints/e"],
        "evaluationFrequency": "PT1M",
        "windowSize": "PT5M",
        "actions": [{"actionGroupId": f"{SCOPE}/providers/Microsoft.Insights/actionGroups/a"}],
        "criteria": {"odataType": "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria"},
    }
    return Declared(type=catalogue.METRIC_ALERT.type, name=name, inputs=inputs)


_MODEL = {"registry": "azureml", "name": "Phi-4-mini-instruct", "version": "1"}


def finetune(name: str) -> Declared:
    spec = {
        "base_model": _MODEL,
        "recipe": {"learning_rate": 0.00002, "num_train_epochs": 1},
        "cluster": "gpu-cluster",
        "gpus_per_node": 1,
        "max_attempts": 3,
    }
    return Declared(type=catalogue.STAGE.type, name=name, inputs={"input": spec})


def preflight(name: str) -> Declared:
    return Declared(type=catalogue.STAGE.type, name=name, inputs={"input": {"stack": STACK, "location": "eastus2"}})


def release(name: str) -> Declared:
    spec = {
        "base_model": _MODEL,
        "instance_type": "Standard_NC24ads_A100_v4",
        "instance_count": 1,
        "traffic_steps": [10, 50, 100],
        "soak_seconds": 60,
        "compare_with_base": False,
    }
    return Declared(type=catalogue.STAGE.type, name=name, inputs={"input": spec})


def without_tag(make: Callable[[str], Declared], name: str, tag: str) -> Declared:
    """What ``make`` makes, without one of its tags."""
    return make(name).but(tags={key: value for key, value in TAGS.items() if key != tag})
