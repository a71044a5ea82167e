"""Azure ML's own types, through the client that azure-ai-ml is generated with, and what a subscription tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azure.ai.ml.entities import Data

from emulator.machine.home import SUBSCRIPTION_ID
from tests.contract.official import Action, Clients, Driven
from tests.contract.official_arm import (
    ACCOUNT,
    GROUP,
    INSIGHTS,
    NO_PATCH,
    PLACE,
    REGISTRY,
    SCOPE,
    STORAGE,
    SUBSCRIPTION,
    TAGS,
    VAULT,
)

MODELS = "mlr-official"
W, ENDPOINT, SIZE = "mlw-official", "official-endpoint", "Standard_NC24ads_A100_v4"
WORKSPACE = f"{SCOPE}/providers/Microsoft.MachineLearningServices/workspaces/{W}"
BASE_MODEL = "azureml://registries/azureml/models/Phi-4-mini-instruct/versions/1"
ML = "Microsoft.MachineLearningServices/workspaces"
QUOTAS = f"{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices/locations/{PLACE}"
FAMILY = "StandardNCADSA100v4Family"


def _workspace() -> dict[str, Any]:
    return {
        "location": PLACE,
        "identity": {"type": "SystemAssigned"},
        "properties": {
            "friendlyName": W,
            "storageAccount": f"{SCOPE}/providers/Microsoft.Storage/storageAccounts/{STORAGE}",
            "keyVault": f"{SCOPE}/providers/Microsoft.KeyVault/vaults/{VAULT}",
            "applicationInsights": f"{SCOPE}/providers/Microsoft.Insights/components/{INSIGHTS}",
            "containerRegistry": f"{SCOPE}/providers/Microsoft.ContainerRegistry/registries/{REGISTRY}",
        },
    }


def _uploaded(clients: Clients) -> str:
    """Where a file lies that a data asset and a model can be made of."""
    client = clients.workspace(GROUP, W)
    asset = client.data.create_or_update(Data(name="uploaded", version="1", path=clients.data_file, type="uri_file"))
    return str(asset.path)


def _upload_place(clients: Clients) -> Any:
    body = {"pendingUploadType": "TemporaryBlobReference"}
    return clients.ml.code_versions.create_or_get_start_pending_upload(GROUP, W, "code", "1", body)


def _code(clients: Clients) -> Any:
    uri = f"https://{STORAGE}.blob.core.windows.net/code-official/code"
    body = {"properties": {"codeUri": uri, "properties": {"hash_sha256": "0"}}}
    return clients.ml.code_versions.create_or_update(GROUP, W, "code", "1", body)


def _job() -> dict[str, Any]:
    """A fine-tune that queues for a cluster and is cancelled."""
    given = {
        "mlflow_model_path": {"job_input_type": "mlflow_model", "uri": BASE_MODEL},
        "train_file_path": {"job_input_type": "uri_file", "uri": "azureml:uploaded:1"},
        **{
            f"compute_{step}": {"job_input_type": "literal", "value": "official"}
            for step in ("model_import", "preprocess", "finetune")
        },
    }
    node = {
        "name": "finetune",
        "type": "pipeline",
        "componentId": "azureml://registries/azureml/components/chat_completion_pipeline/versions/0.0.82",
        "inputs": given,
        "outputs": {"mlflow_model_folder": {"value": "${{parent.outputs.model}}", "type": "literal"}},
    }
    outputs = {"model": {"jobOutputType": "mlflow_model"}}
    return {"properties": {"jobType": "Pipeline", "jobs": {"finetune": node}, "outputs": outputs}}


def _asset(
    kind: str, folder: str, create: Any, client: str, actions: Mapping[str, Action] | None = None
) -> tuple[Driven, Driven]:
    """The version of an asset, and the container that comes with it; the version is deleted first."""

    def of(clients: Clients, part: str) -> Any:
        return getattr(clients.ml, f"{client}_{part}")

    container = Driven(
        f"{ML}/{folder}",
        get=lambda c: of(c, "containers").get(GROUP, W, kind),
        lists=(lambda c: of(c, "containers").list(GROUP, W),),
        create=lambda c: of(c, "containers").create_or_update(GROUP, W, kind, {"properties": _of_data(folder)}),
        delete=lambda c: of(c, "containers").delete(GROUP, W, kind),
        lacks={"update": NO_PATCH},
    )
    version = Driven(
        f"{ML}/{folder}/versions",
        create=create,
        get=lambda c: of(c, "versions").get(GROUP, W, kind, "1"),
        lists=(lambda c: of(c, "versions").list(GROUP, W, kind),),
        delete=lambda c: of(c, "versions").delete(GROUP, W, kind, "1"),
        actions=actions or {},
        lacks={"update": NO_PATCH},
    )
    return container, version


def _of_data(folder: str) -> dict[str, Any]:
    return {"description": "made by hand", **({"dataType": "uri_file"} if folder == "data" else {})}


def _registry() -> dict[str, Any]:
    made_by_azure = {
        "acrDetails": [{"systemCreatedAcrAccount": {"acrAccountSku": "Premium"}}],
        "storageAccountDetails": [{"systemCreatedStorageAccount": {"storageAccountType": "Standard_LRS"}}],
    }
    return {
        "location": PLACE,
        "identity": {"type": "SystemAssigned"},
        "properties": {"regionDetails": [{"location": PLACE, **made_by_azure}]},
    }


THEN = (
    Driven(
        "Microsoft.MachineLearningServices/registries",
        create=lambda c: c.ml.registries.begin_create_or_update(GROUP, MODELS, _registry()),
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
        create=lambda c: c.ml.workspaces.begin_create_or_update(GROUP, W, _workspace()),
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
    *_asset(
        "data",
        "data",
        lambda c: c.ml.data_versions.create_or_update(
            GROUP, W, "data", "1", {"properties": {"dataType": "uri_file", "dataUri": _uploaded(c)}}
        ),
        "data",
    ),
    *_asset(
        "model",
        "models",
        lambda c: c.ml.model_versions.create_or_update(
            GROUP, W, "model", "1", {"properties": {"modelType": "custom_model", "modelUri": _uploaded(c)}}
        ),
        "model",
    ),
    *_asset(
        "code", "codes", _code, "code", {"startPendingUpload": Action(_upload_place, "blob_reference_for_consumption")}
    ),
    *_asset(
        "environment",
        "environments",
        lambda c: c.ml.environment_versions.create_or_update(
            GROUP, W, "environment", "1", {"properties": {"image": "mcr.microsoft.com/azureml/curated/base:1"}}
        ),
        "environment",
    ),
    *_asset(
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
        create=lambda c: c.ml.jobs.create_or_update(GROUP, W, "official", _job()),
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
