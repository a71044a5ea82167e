"""What the program creates around Azure ML, through the clients of its namespaces."""

from __future__ import annotations

from emulator.machine.home import TENANT_ID
from tests.contract.official import Action, Driven
from tests.contract.official_made import (
    ACCOUNT,
    ASSIGNMENT,
    GROUP,
    IDENTITY,
    INSIGHTS,
    LOGS,
    NO_PATCH,
    PLACE,
    READER,
    REGISTRY,
    SCOPE,
    SETTING,
    SETTINGS_VERSION,
    STORAGE,
    TAGS,
    VAULT,
    a_budget,
    a_scale,
    an_alert,
    path_of,
    principal,
)

FIRST = (
    Driven(
        "Microsoft.Resources/resourceGroups",
        create=lambda c: c.resources.resource_groups.create_or_update(GROUP, {"location": PLACE}),
        get=lambda c: c.resources.resource_groups.get(GROUP),
        lists=(lambda c: c.resources.resource_groups.list(),),
        update=lambda c: c.resources.resource_groups.update(GROUP, TAGS),
        delete=lambda c: c.resources.resource_groups.begin_delete(GROUP),
        actions={"exists": Action(lambda c: c.resources.resource_groups.check_existence(GROUP))},
    ),
    Driven(
        "Microsoft.OperationalInsights/workspaces",
        create=lambda c: c.logs.workspaces.begin_create_or_update(
            GROUP, LOGS, {"location": PLACE, "properties": {"sku": {"name": "PerGB2018"}, "retentionInDays": 30}}
        ),
        get=lambda c: c.logs.workspaces.get(GROUP, LOGS),
        lists=(lambda c: c.logs.workspaces.list_by_resource_group(GROUP), lambda c: c.logs.workspaces.list()),
        update=lambda c: c.logs.workspaces.update(GROUP, LOGS, TAGS),
        delete=lambda c: c.logs.workspaces.begin_delete(GROUP, LOGS),
    ),
    Driven(
        "Microsoft.Insights/components",
        create=lambda c: c.insights.components.create_or_update(
            GROUP,
            INSIGHTS,
            {
                "location": PLACE,
                "kind": "web",
                "properties": {
                    "Application_Type": "web",
                    "WorkspaceResourceId": path_of("Microsoft.OperationalInsights/workspaces", LOGS),
                },
            },
        ),
        get=lambda c: c.insights.components.get(GROUP, INSIGHTS),
        lists=(
            lambda c: c.insights.components.list_by_resource_group(GROUP),
            lambda c: c.insights.components.list(),
        ),
        update=lambda c: c.insights.components.update_tags(GROUP, INSIGHTS, TAGS),
        delete=lambda c: c.insights.components.delete(GROUP, INSIGHTS),
    ),
    Driven(
        "Microsoft.Storage/storageAccounts",
        create=lambda c: c.storage.storage_accounts.begin_create(
            GROUP, STORAGE, {"location": PLACE, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
        ),
        get=lambda c: c.storage.storage_accounts.get_properties(GROUP, STORAGE),
        lists=(
            lambda c: c.storage.storage_accounts.list_by_resource_group(GROUP),
            lambda c: c.storage.storage_accounts.list(),
        ),
        update=lambda c: c.storage.storage_accounts.update(
            GROUP, STORAGE, {**TAGS, "properties": {"minimumTlsVersion": "TLS1_2"}}
        ),
        delete=lambda c: c.storage.storage_accounts.delete(GROUP, STORAGE),
        actions={
            "listKeys": Action(lambda c: c.storage.storage_accounts.list_keys(GROUP, STORAGE), "keys_property"),
        },
    ),
    Driven(
        "Microsoft.KeyVault/vaults",
        create=lambda c: c.vaults.vaults.begin_create_or_update(
            GROUP,
            VAULT,
            {
                "location": PLACE,
                "properties": {
                    "tenantId": TENANT_ID,
                    "sku": {"family": "A", "name": "standard"},
                    "enableRbacAuthorization": True,
                },
            },
        ),
        get=lambda c: c.vaults.vaults.get(GROUP, VAULT),
        lists=(
            lambda c: c.vaults.vaults.list_by_resource_group(GROUP),
            lambda c: c.vaults.vaults.list_by_subscription(),
        ),
        update=lambda c: c.vaults.vaults.update(GROUP, VAULT, {**TAGS, "properties": {"enabledForDeployment": False}}),
        delete=lambda c: c.vaults.vaults.delete(GROUP, VAULT),
    ),
    Driven(
        "Microsoft.KeyVault/vaults/keys",
        create=lambda c: c.vaults.keys.create_if_not_exist(
            GROUP, VAULT, "state", {"properties": {"kty": "RSA", "keySize": 2048}}
        ),
        get=lambda c: c.vaults.keys.get(GROUP, VAULT, "state"),
        lists=(lambda c: c.vaults.keys.list(GROUP, VAULT),),
        lacks={"update": NO_PATCH, "delete": "Resource Manager deletes no key; the vault itself does"},
    ),
    Driven(
        "Microsoft.ContainerRegistry/registries",
        create=lambda c: c.registries.registries.begin_create(
            GROUP, REGISTRY, {"location": PLACE, "sku": {"name": "Standard"}, "properties": {"adminUserEnabled": False}}
        ),
        get=lambda c: c.registries.registries.get(GROUP, REGISTRY),
        lists=(
            lambda c: c.registries.registries.list_by_resource_group(GROUP),
            lambda c: c.registries.registries.list(),
        ),
        update=lambda c: c.registries.registries.begin_update(GROUP, REGISTRY, TAGS),
        delete=lambda c: c.registries.registries.begin_delete(GROUP, REGISTRY),
    ),
    Driven(
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        create=lambda c: c.identities.user_assigned_identities.create_or_update(GROUP, IDENTITY, {"location": PLACE}),
        get=lambda c: c.identities.user_assigned_identities.get(GROUP, IDENTITY),
        lists=(
            lambda c: c.identities.user_assigned_identities.list_by_resource_group(GROUP),
            lambda c: c.identities.user_assigned_identities.list_by_subscription(),
        ),
        update=lambda c: c.identities.user_assigned_identities.update(GROUP, IDENTITY, TAGS),
        delete=lambda c: c.identities.user_assigned_identities.delete(GROUP, IDENTITY),
    ),
    Driven(
        "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
        create=lambda c: c.identities.federated_identity_credentials.create_or_update(
            GROUP,
            IDENTITY,
            "github",
            {
                "properties": {
                    "issuer": "https://token.actions.githubusercontent.com",
                    "subject": "repo:someone/finetune-phi:environment:dev",
                    "audiences": ["api://AzureADTokenExchange"],
                }
            },
        ),
        get=lambda c: c.identities.federated_identity_credentials.get(GROUP, IDENTITY, "github"),
        lists=(lambda c: c.identities.federated_identity_credentials.list(GROUP, IDENTITY),),
        delete=lambda c: c.identities.federated_identity_credentials.delete(GROUP, IDENTITY, "github"),
        lacks={"update": NO_PATCH},
    ),
    Driven(
        "Microsoft.Authorization/roleAssignments",
        create=lambda c: c.authorization.role_assignments.create(
            SCOPE,
            ASSIGNMENT,
            {
                "properties": {
                    "roleDefinitionId": READER,
                    "principalId": principal(c),
                    "principalType": "ServicePrincipal",
                }
            },
        ),
        get=lambda c: c.authorization.role_assignments.get(SCOPE, ASSIGNMENT),
        lists=(
            lambda c: c.authorization.role_assignments.list_for_scope(SCOPE),
            lambda c: c.authorization.role_assignments.list_for_resource_group(GROUP),
        ),
        delete=lambda c: c.authorization.role_assignments.delete(SCOPE, ASSIGNMENT),
        lacks={"update": NO_PATCH},
    ),
    Driven(
        "Microsoft.CognitiveServices/accounts",
        create=lambda c: c.cognitive.accounts.begin_create(
            GROUP,
            ACCOUNT,
            {
                "location": PLACE,
                "kind": "AIServices",
                "sku": {"name": "S0"},
                "properties": {"customSubDomainName": ACCOUNT},
            },
        ),
        get=lambda c: c.cognitive.accounts.get(GROUP, ACCOUNT),
        lists=(
            lambda c: c.cognitive.accounts.list_by_resource_group(GROUP),
            lambda c: c.cognitive.accounts.list(),
        ),
        update=lambda c: c.cognitive.accounts.begin_update(
            GROUP, ACCOUNT, {**TAGS, "properties": {"publicNetworkAccess": "Enabled"}}
        ),
        delete=lambda c: c.cognitive.accounts.begin_delete(GROUP, ACCOUNT),
        actions={"listKeys": Action(lambda c: c.cognitive.accounts.list_keys(GROUP, ACCOUNT), "key1")},
    ),
    Driven(
        "Microsoft.Insights/diagnosticSettings",
        # No client of today's has them; the one for every resource does.
        create=lambda c: c.resources.resources.begin_create_or_update_by_id(
            SETTING,
            {
                "properties": {
                    "workspaceId": path_of("Microsoft.OperationalInsights/workspaces", LOGS),
                    "logs": [{"categoryGroup": "allLogs", "enabled": True}],
                }
            },
            api_version=SETTINGS_VERSION,
        ),
        get=lambda c: c.resources.resources.get_by_id(SETTING, api_version=SETTINGS_VERSION),
        delete=lambda c: c.resources.resources.begin_delete_by_id(SETTING, api_version=SETTINGS_VERSION),
        lacks={
            "update": NO_PATCH,
            "list": "the client for every resource lists by group, where no setting is listed",
        },
    ),
    Driven(
        "Microsoft.Insights/actionGroups",
        create=lambda c: c.monitor.action_groups.create_or_update(
            GROUP, "ag-official", {"location": "Global", "properties": {"groupShortName": "official", "enabled": True}}
        ),
        get=lambda c: c.monitor.action_groups.get(GROUP, "ag-official"),
        lists=(
            lambda c: c.monitor.action_groups.list_by_resource_group(GROUP),
            lambda c: c.monitor.action_groups.list_by_subscription_id(),
        ),
        update=lambda c: c.monitor.action_groups.update(
            GROUP, "ag-official", {**TAGS, "properties": {"enabled": False}}
        ),
        delete=lambda c: c.monitor.action_groups.delete(GROUP, "ag-official"),
    ),
    Driven(
        "Microsoft.Insights/metricAlerts",
        create=lambda c: c.monitor.metric_alerts.create_or_update(GROUP, "alert-official", an_alert()),
        get=lambda c: c.monitor.metric_alerts.get(GROUP, "alert-official"),
        lists=(
            lambda c: c.monitor.metric_alerts.list_by_resource_group(GROUP),
            lambda c: c.monitor.metric_alerts.list_by_subscription(),
        ),
        update=lambda c: c.monitor.metric_alerts.update(
            GROUP, "alert-official", {**TAGS, "properties": {**an_alert()["properties"], "enabled": False}}
        ),
        delete=lambda c: c.monitor.metric_alerts.delete(GROUP, "alert-official"),
    ),
    Driven(
        "Microsoft.Insights/autoscaleSettings",
        create=lambda c: c.monitor.autoscale_settings.create_or_update(GROUP, "scale-official", a_scale()),
        get=lambda c: c.monitor.autoscale_settings.get(GROUP, "scale-official"),
        lists=(
            lambda c: c.monitor.autoscale_settings.list_by_resource_group(GROUP),
            lambda c: c.monitor.autoscale_settings.list_by_subscription(),
        ),
        update=lambda c: c.monitor.autoscale_settings.update(
            GROUP, "scale-official", {**TAGS, "properties": {**a_scale()["properties"], "enabled": False}}
        ),
        delete=lambda c: c.monitor.autoscale_settings.delete(GROUP, "scale-official"),
    ),
    Driven(
        "Microsoft.Consumption/budgets",
        create=lambda c: c.consumption.budgets.create_or_update(SCOPE, "budget-official", a_budget()),
        get=lambda c: c.consumption.budgets.get(SCOPE, "budget-official"),
        lists=(lambda c: c.consumption.budgets.list(SCOPE),),
        delete=lambda c: c.consumption.budgets.delete(SCOPE, "budget-official"),
        lacks={"update": NO_PATCH},
    ),
)
"""In the order in which they are made; they are deleted in the other."""
