"""Azure ML's own types, through the client that azure-ai-ml is generated with, and what a subscription tells."""

from __future__ import annotations

from emulator.machine.home import SUBSCRIPTION_ID
from tests.contract.official import Action, Driven
from tests.contract.official_made import (
    ACCOUNT,
    BASE_MODEL,
    ENDPOINT,
    FAMILY,
    GROUP,
    ML,
    MODELS,
    NO_PATCH,
    PLACE,
    QUOTAS,
    SIZE,
    TAGS,
    VAULT,
    WORKSPACE,
    W,
    a_job,
    a_registry,
    a_workspace,
    asset,
    code,
    upload_place,
    uploaded,
)

THEN = (
    Driven(
        "Microsoft.MachineLearningServices/registries",
        create=lambda c: c.ml.registries.begin_create_or_update(GROUP, MODELS, a_registry()),
        get=lambda c: c.ml.registries.get(GROUP, MODELS),
        lists=(
            lambda c: c.ml.registries.list(GROUP),
            lambda c: c.ml.registries.list_by_subscription(),
        ),
        update=lambda c: c.ml.registries.update(GROUP, MODELS, TAGS),
        delete=lambda c: c.ml.registries.begin_delete(GROUP, MODELS),
    ),
    Driven(
        ML,
        create=lambda c: c.ml.workspaces.begin_create_or_update(GROUP, W, a_workspace()),
        get=lambda c: c.ml.workspaces.get(GROUP, W),
        lists=(
            lambda c: c.ml.workspaces.list_by_resource_group(GROUP),
            lambda c: c.ml.workspaces.list_by_subscription(),
        ),
        update=lambda c: c.ml.workspaces.begin_update(GROUP, W, {**TAGS, "properties": {"friendlyName": "another"}}),
        delete=lambda c: c.ml.workspaces.begin_delete(GROUP, W, force_to_purge=True),
    ),
    Driven(
        f"{ML}/datastores",
        get=lambda c: c.ml.datastores.get(GROUP, W, "workspaceblobstore"),
        lists=(
            lambda c: c.ml.datastores.list(GROUP, W),
            lambda c: c.ml.datastores.list(GROUP, W, is_default=True),
        ),
        actions={
            "listSecrets": Action(
                lambda c: c.ml.datastores.list_secrets(GROUP, W, "workspaceblobstore", {"expirableSecret": False}),
                "key",
            )
        },
        lacks=dict.fromkeys(("create", "update", "delete"), "the program uses those that a workspace comes with"),
    ),
    Driven(
        f"{ML}/computes",
        create=lambda c: c.ml.compute.begin_create_or_update(
            GROUP,
            W,
            "official",
            {
                "location": PLACE,
                "properties": {
                    "computeType": "AmlCompute",
                    "properties": {"vmSize": SIZE, "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 1}},
                },
            },
        ),
        get=lambda c: c.ml.compute.get(GROUP, W, "official"),
        lists=(lambda c: c.ml.compute.list(GROUP, W),),
        update=lambda c: c.ml.compute.begin_update(
            GROUP, W, "official", {"properties": {"properties": {"scaleSettings": {"maxNodeCount": 2}}}}
        ),
        delete=lambda c: c.ml.compute.begin_delete(GROUP, W, "official", underlying_resource_action="Delete"),
    ),
    Driven(
        f"{ML}/connections",
        create=lambda c: c.ml.workspace_connections.create(
            GROUP,
            W,
            "official",
            {
                "properties": {
                    "category": "CustomKeys",
                    "authType": "CustomKeys",
                    "target": "https://example.com/",
                    "credentials": {"keys": {"key": "a-made-up-key-of-no-use"}},
                }
            },
        ),
        get=lambda c: c.ml.workspace_connections.get(GROUP, W, "official"),
        lists=(lambda c: c.ml.workspace_connections.list(GROUP, W),),
        update=lambda c: c.ml.workspace_connections.update(
            GROUP, W, "official", {"properties": {"authType": "CustomKeys", "metadata": {"a": "b"}}}
        ),
        delete=lambda c: c.ml.workspace_connections.delete(GROUP, W, "official"),
        actions={
            "listsecrets": Action(lambda c: c.ml.workspace_connections.list_secrets(GROUP, W, "official"), "properties")
        },
    ),
    *asset(
        "data",
        "data",
        lambda c: c.ml.data_versions.create_or_update(
            GROUP, W, "data", "1", {"properties": {"dataType": "uri_file", "dataUri": uploaded(c)}}
        ),
        "data",
    ),
    *asset(
        "model",
        "models",
        lambda c: c.ml.model_versions.create_or_update(
            GROUP, W, "model", "1", {"properties": {"modelType": "custom_model", "modelUri": uploaded(c)}}
        ),
        "model",
    ),
    *asset(
        "code", "codes", code, "code", {"startPendingUpload": Action(upload_place, "blob_reference_for_consumption")}
    ),
    *asset(
        "environment",
        "environments",
        lambda c: c.ml.environment_versions.create_or_update(
            GROUP, W, "environment", "1", {"properties": {"image": "mcr.microsoft.com/azureml/curated/base:1"}}
        ),
        "environment",
    ),
    *asset(
        "component",
        "components",
        lambda c: c.ml.component_versions.create_or_update(
            GROUP,
            W,
            "component",
            "1",
            {"properties": {"componentSpec": {"type": "command", "command": "true", "environment": "environment:1"}}},
        ),
        "component",
    ),
    Driven(
        f"{ML}/jobs",
        create=lambda c: c.ml.jobs.create_or_update(GROUP, W, "official", a_job()),
        get=lambda c: c.ml.jobs.get(GROUP, W, "official"),
        lists=(lambda c: c.ml.jobs.list(GROUP, W),),
        actions={"cancel": Action(lambda c: c.ml.jobs.begin_cancel(GROUP, W, "official"))},
        delete=lambda c: c.ml.jobs.begin_delete(GROUP, W, "official"),
        lacks={"update": NO_PATCH},
    ),
    Driven(
        f"{ML}/onlineEndpoints",
        create=lambda c: c.ml.online_endpoints.begin_create_or_update(
            GROUP,
            W,
            ENDPOINT,
            {"location": PLACE, "identity": {"type": "SystemAssigned"}, "properties": {"authMode": "Key"}},
        ),
        get=lambda c: c.ml.online_endpoints.get(GROUP, W, ENDPOINT),
        lists=(lambda c: c.ml.online_endpoints.list(GROUP, W),),
        update=lambda c: c.ml.online_endpoints.begin_update(GROUP, W, ENDPOINT, TAGS),
        delete=lambda c: c.ml.online_endpoints.begin_delete(GROUP, W, ENDPOINT),
        actions={
            "listKeys": Action(lambda c: c.ml.online_endpoints.list_keys(GROUP, W, ENDPOINT), "primary_key"),
            "regenerateKeys": Action(
                lambda c: c.ml.online_endpoints.begin_regenerate_keys(GROUP, W, ENDPOINT, {"keyType": "Primary"})
            ),
        },
    ),
    Driven(
        f"{ML}/onlineEndpoints/deployments",
        create=lambda c: c.ml.online_deployments.begin_create_or_update(
            GROUP,
            W,
            ENDPOINT,
            "blue",
            {
                "location": PLACE,
                "sku": {"name": "Default", "capacity": 1},
                "properties": {"endpointComputeType": "Managed", "instanceType": SIZE, "model": BASE_MODEL},
            },
        ),
        get=lambda c: c.ml.online_deployments.get(GROUP, W, ENDPOINT, "blue"),
        lists=(lambda c: c.ml.online_deployments.list(GROUP, W, ENDPOINT),),
        update=lambda c: c.ml.online_deployments.begin_update(GROUP, W, ENDPOINT, "blue", TAGS),
        delete=lambda c: c.ml.online_deployments.begin_delete(GROUP, W, ENDPOINT, "blue"),
        actions={
            "getLogs": Action(
                lambda c: c.ml.online_deployments.get_logs(GROUP, W, ENDPOINT, "blue", {"tail": 10}), "content"
            )
        },
    ),
    Driven(
        "Microsoft.Insights/metrics",
        get=lambda c: c.monitor.metrics.list(
            f"{WORKSPACE}/onlineEndpoints/{ENDPOINT}",
            metricnames="RequestsPerMinute",
            interval="PT1M",
            aggregation="Average",
        ),
        lacks=dict.fromkeys(("create", "list", "update", "delete"), "Azure measures; nobody writes"),
    ),
)
"""After the group's, in the order in which they are made."""

LAST = (
    Driven(
        "Microsoft.KeyVault/locations/deletedVaults",
        get=lambda c: c.vaults.vaults.get_deleted(VAULT, PLACE),
        lists=(lambda c: c.vaults.vaults.list_deleted(),),
        actions={"purge": Action(lambda c: c.vaults.vaults.begin_purge_deleted(VAULT, PLACE))},
        lacks=dict.fromkeys(("create", "update", "delete"), "deleting the vault makes it, the purge ends it"),
    ),
    Driven(
        "Microsoft.CognitiveServices/locations/resourceGroups/deletedAccounts",
        get=lambda c: c.cognitive.deleted_accounts.get(PLACE, GROUP, ACCOUNT),
        lists=(lambda c: c.cognitive.deleted_accounts.list(),),
        delete=lambda c: c.cognitive.deleted_accounts.begin_purge(PLACE, GROUP, ACCOUNT),
        lacks=dict.fromkeys(("create", "update"), "deleting the account makes it"),
    ),
)
"""What is there only once others are gone."""

SUBSCRIPTIONS = {
    "subscription": Action(lambda c: c.subscriptions.subscriptions.get(SUBSCRIPTION_ID), "subscription_policies"),
    "providers": Action(lambda c: c.resources.providers.list()),
    "provider": Action(lambda c: c.resources.providers.get("Microsoft.Cdn"), "registration_state"),
    "register": Action(lambda c: c.resources.providers.register("Microsoft.Cdn"), "registration_state"),
    "Microsoft.MachineLearningServices/locations/usages": Action(lambda c: c.ml.usages.list(PLACE)),
    "Microsoft.MachineLearningServices/locations/quotas": Action(lambda c: c.ml.quotas.list(PLACE)),
    "Microsoft.MachineLearningServices/locations/vmSizes": Action(
        lambda c: c.ml.virtual_machine_sizes.list(PLACE), "value"
    ),
    "Microsoft.Authorization/permissions": Action(lambda c: c.authorization.permissions.list_for_resource_group(GROUP)),
    "Microsoft.KeyVault/deletedVaults": Action(lambda c: c.vaults.vaults.list_deleted()),
    "Microsoft.CognitiveServices/deletedAccounts": Action(lambda c: c.cognitive.deleted_accounts.list()),
    "Microsoft.OperationalInsights/deletedWorkspaces": Action(lambda c: c.logs.deleted_workspaces.list()),
    "Microsoft.Quota/quotas": Action(lambda c: c.quota.quota.list(QUOTAS)),
    "quota": Action(lambda c: c.quota.quota.get(FAMILY, QUOTAS), "properties"),
    "quota raised": Action(
        lambda c: c.quota.quota.begin_create_or_update(
            FAMILY,
            QUOTAS,
            {"properties": {"limit": {"limitObjectType": "LimitValue", "value": 120}, "name": {"value": FAMILY}}},
        ),
        "properties",
    ),
    "Microsoft.Quota/quotaRequests": Action(lambda c: c.quota.quota_request_status.list(QUOTAS)),
}
"""Questions about the subscription itself; those with a type's name are of the emulator's own list."""
