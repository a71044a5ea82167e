"""What the tests of Azure's own clients make: names, bodies, and how an asset is driven."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from typing import Any

from azure.ai.ml.entities import Data

from emulator.machine.home import SUBSCRIPTION_ID
from jobs.release import scaling
from settings.sections.serving import ScaleSettings
from tests.contract.official import Action, Clients, Driven

GROUP = "rg-official"
PLACE = "eastus2"
SUBSCRIPTION = f"/subscriptions/{SUBSCRIPTION_ID}"
SCOPE = f"{SUBSCRIPTION}/resourceGroups/{GROUP}"
TAGS = {"tags": {"owner": "somebody"}}
STORAGE, VAULT, REGISTRY = "stofficial", "kv-official", "crofficial"
IDENTITY, LOGS, INSIGHTS, ACCOUNT = "id-official", "log-official", "appi-official", "ais-official"
ASSIGNMENT = str(uuid.uuid5(uuid.NAMESPACE_URL, "official"))
READER = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
SETTING = (
    f"{SCOPE}/providers/Microsoft.KeyVault/vaults/{VAULT}/providers/Microsoft.Insights/diagnosticSettings/official"
)
SETTINGS_VERSION = "2021-05-01-preview"
NO_PATCH = "Azure has no PATCH of it"


def path_of(kind: str, name: str) -> str:
    return f"{SCOPE}/providers/{kind}/{name}"


def principal(clients: Clients) -> str:
    return str(clients.identities.user_assigned_identities.get(GROUP, IDENTITY).principal_id)


def a_scale() -> dict[str, Any]:
    """Of a vault, whose metrics are not checked."""
    return scaling.body(ScaleSettings(min=1, max=3), path_of("Microsoft.KeyVault/vaults", VAULT), 1, "eastus2")


def an_alert() -> dict[str, Any]:
    """An alert on a vault, whose metrics are not checked."""
    criterion = {
        "criterionType": "StaticThresholdCriterion",
        "name": "busy",
        "metricName": "ServiceApiHit",
        "operator": "GreaterThan",
        "threshold": 0,
        "timeAggregation": "Count",
    }
    return {
        "location": "global",
        "properties": {
            "severity": 2,
            "enabled": True,
            "scopes": [path_of("Microsoft.KeyVault/vaults", VAULT)],
            "evaluationFrequency": "PT5M",
            "windowSize": "PT5M",
            "criteria": {
                "odata.type": "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria",
                "allOf": [criterion],
            },
        },
    }


def a_budget() -> dict[str, Any]:
    month = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-01T00:00:00Z")
    told = {"enabled": True, "operator": "GreaterThan", "threshold": 80, "contactEmails": ["a@example.com"]}
    return {
        "properties": {
            "category": "Cost",
            "amount": 100,
            "timeGrain": "Monthly",
            "timePeriod": {"startDate": month},
            "notifications": {"actual80": told},
        }
    }


MODELS = "mlr-official"
W, ENDPOINT, SIZE = "mlw-official", "official-endpoint", "Standard_NC24ads_A100_v4"
WORKSPACE = f"{SCOPE}/providers/Microsoft.MachineLearningServices/workspaces/{W}"
BASE_MODEL = "azureml://registries/azureml/models/Phi-4-mini-instruct/versions/1"
ML = "Microsoft.MachineLearningServices/workspaces"
QUOTAS = f"{SUBSCRIPTION}/providers/Microsoft.MachineLearningServices/locations/{PLACE}"
FAMILY = "StandardNCADSA100v4Family"


def a_workspace() -> dict[str, Any]:
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


def uploaded(clients: Clients) -> str:
    """Where a file lies that a data asset and a model can be made of."""
    client = clients.workspace(GROUP, W)
    asset = client.data.create_or_update(Data(name="uploaded", version="1", path=clients.data_file, type="uri_file"))
    return str(asset.path)


def upload_place(clients: Clients) -> Any:
    body = {"pendingUploadType": "TemporaryBlobReference"}
    return clients.ml.code_versions.create_or_get_start_pending_upload(GROUP, W, "code", "1", body)


def code(clients: Clients) -> Any:
    uri = f"https://{STORAGE}.blob.core.windows.net/code-official/code"
    body = {"properties": {"codeUri": uri, "properties": {"hash_sha256": "0"}}}
    return clients.ml.code_versions.create_or_update(GROUP, W, "code", "1", body)


def a_job() -> dict[str, Any]:
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


def asset(
    kind: str, folder: str, create: Any, client: str, actions: Mapping[str, Action] | None = None
) -> tuple[Driven, Driven]:
    """The version of an asset, and the container that comes with it; the version is deleted first."""

    def of(clients: Clients, part: str) -> Any:
        return getattr(clients.ml, f"{client}_{part}")

    container = Driven(
        f"{ML}/{folder}",
        get=lambda c: of(c, "containers").get(GROUP, W, kind),
        lists=(lambda c: of(c, "containers").list(GROUP, W),),
        create=lambda c: of(c, "containers").create_or_update(GROUP, W, kind, {"properties": of_data(folder)}),
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


def of_data(folder: str) -> dict[str, Any]:
    return {"description": "made by hand", **({"dataType": "uri_file"} if folder == "data" else {})}


def a_registry() -> dict[str, Any]:
    made_by_azure = {
        "acrDetails": [{"systemCreatedAcrAccount": {"acrAccountSku": "Premium"}}],
        "storageAccountDetails": [{"systemCreatedStorageAccount": {"storageAccountType": "Standard_LRS"}}],
    }
    return {
        "location": PLACE,
        "identity": {"type": "SystemAssigned"},
        "properties": {"regionDetails": [{"location": PLACE, **made_by_azure}]},
    }
