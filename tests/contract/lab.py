"""A workspace to be refused in: bodies that pass, put on the session's emulator, and errors as values."""

from __future__ import annotations

import copy
import functools
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from azure.identity import DefaultAzureCredential

from emulator.access import rbac
from emulator.front import admin
from emulator.machine.home import SUBSCRIPTION_ID, Home
from emulator.machine.store import Resource, Store
from tests.contract.arm import Arm, Refusal
from tests.contract.bodies import A100, BASE_MODEL, COMPUTES, cluster_body, deployment_body, endpoint_body
from tests.contract.conftest import LOCATION, make_workspace

GROUP = "rg-refusals"
SCOPE = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{GROUP}"
COMPONENT = "azureml://registries/azureml/components/chat_completion_pipeline/versions/0.0.82"
JOB_SECONDS = 90.0
VERSIONS = {
    "microsoft.storage": "2024-01-01",
    "microsoft.keyvault": "2024-11-01",
    "microsoft.containerregistry": "2023-01-01-preview",
    "microsoft.managedidentity": "2023-01-31",
    "microsoft.authorization": "2022-04-01",
    "microsoft.machinelearningservices": "2025-12-01",
    "microsoft.cognitiveservices": "2025-06-01",
    "microsoft.network": "2024-05-01",
}
DEPLOYMENT_ROLES = ("AcrPull", "Storage Blob Data Reader", "AzureML Metrics Writer")
JOB_ROLES = ("Contributor", "AcrPull", "Storage Blob Data Reader", "Storage Blob Data Contributor")


class Lab:
    """Shared by all tests of refusals; whatever a case changes for others it puts back."""

    def __init__(self, arm: Arm, home: Home, train_file: Path) -> None:
        self.arm = arm
        self.home = home
        self.store = Store(home.database)
        self._train_file = train_file
        self.workspace = make_workspace(arm, GROUP, "refusals")
        self.storage = f"{SCOPE}/providers/Microsoft.Storage/storageAccounts/strefusals"
        self.registry = self.make_registry("crrefusals")
        self.put(self.workspace, self.workspace_body(containerRegistry=self.registry))

    # --- calls

    def put(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self.arm.put(path, _version(path), body)

    def get(self, path: str) -> dict[str, Any]:
        return self.arm.get(path, _version(path))

    def delete(self, path: str, query: str = "") -> None:
        self.arm.delete(path + query, _version(path))

    @contextmanager
    def setting(self, name: str, value: Any) -> Iterator[None]:
        """An admin setting for as long as the block lasts."""
        admin.call(self.home, "POST", name, value)
        try:
            yield
        finally:
            admin.call(self.home, "DELETE", name)

    @contextmanager
    def state(self, resource_id: str, internal: dict[str, Any] | None = None, **properties: Any) -> Iterator[None]:
        """A resource caught in a state that it is in for too short a time to meet it there."""
        before = self.store.get(resource_id)
        assert before is not None
        changed = Resource(copy.deepcopy(before.body), {**before.internal, **(internal or {})})
        changed.properties.update(properties)
        self.store.put(changed)
        try:
            yield
        finally:
            self.store.put(before)

    # --- resources

    def group(self, name: str) -> str:
        scope = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{name}"
        self.arm.put(scope, "2024-03-01", {"location": LOCATION})
        return scope

    def make_storage(self, name: str, scope: str = SCOPE) -> str:
        path = f"{scope}/providers/Microsoft.Storage/storageAccounts/{name}"
        self.put(path, {"location": LOCATION, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}})
        return path

    def make_vault(self, name: str, scope: str = SCOPE, **properties: Any) -> str:
        path = f"{scope}/providers/Microsoft.KeyVault/vaults/{name}"
        always = {"tenantId": os.environ["AZURE_TENANT_ID"], "sku": {"family": "A", "name": "standard"}}
        self.put(path, {"location": LOCATION, "properties": {**always, "accessPolicies": [], **properties}})
        return path

    def make_registry(self, name: str, scope: str = SCOPE) -> str:
        path = f"{scope}/providers/Microsoft.ContainerRegistry/registries/{name}"
        self.put(path, {"location": LOCATION, "sku": {"name": "Standard"}, "properties": {"adminUserEnabled": False}})
        return path

    def make_account(self, name: str, **properties: Any) -> str:
        path = f"{SCOPE}/providers/Microsoft.CognitiveServices/accounts/{name}"
        self.put(path, {"location": LOCATION, "kind": "AIServices", "sku": {"name": "S0"}, "properties": properties})
        return path

    def workspace_body(self, kind: str = "Default", **properties: Any) -> dict[str, Any]:
        vault = self.storage.replace("Microsoft.Storage/storageAccounts/st", "Microsoft.KeyVault/vaults/kv-")
        own = {"storageAccount": self.storage, "keyVault": vault} if kind != "Project" else {}
        return {
            "location": LOCATION,
            "kind": kind,
            "identity": {"type": "SystemAssigned"},
            "properties": {**own, **properties},
        }

    def make_workspace(self, name: str, kind: str = "Default", scope: str = SCOPE, **properties: Any) -> str:
        path = f"{scope}/providers/Microsoft.MachineLearningServices/workspaces/{name}"
        self.put(path, self.workspace_body(kind, **properties))
        return path

    def make_identity(self, name: str, roles: tuple[str, ...]) -> str:
        """A user-assigned identity with roles, each where it is usually given; Contributor on the workspace only."""
        path = f"{SCOPE}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
        principal = self.put(path, {"location": LOCATION})["properties"]["principalId"]
        for role in roles:
            scope = {"Stor": self.storage, "AcrP": self.registry}.get(role[:4], self.workspace)
            stable = uuid.uuid5(uuid.NAMESPACE_URL, f"{scope}/{role}/{principal}")
            self.assign(role, principal, scope, stable)
        return path

    def assign(self, role: str, principal: str, scope: str, name: uuid.UUID | None = None, **changes: Any) -> str:
        """A role assignment, under a new name if none is given; returns its id."""
        found = rbac.find(role)
        assert found is not None
        definition = f"/subscriptions/{SUBSCRIPTION_ID}/providers/Microsoft.Authorization/roleDefinitions/{found.guid}"
        path = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name or uuid.uuid4()}"
        properties = {"roleDefinitionId": definition, "principalId": principal, "principalType": "ServicePrincipal"}
        self.put(path, {"properties": {**properties, **changes}})
        return path

    def make_cluster(self, name: str, size: str = A100, identity: str = "", workspace: str = "", **more: Any) -> str:
        path = f"{workspace or self.workspace}/computes/{name}"
        self.put(path, cluster_body(size, identity, **more))
        return path

    def make_endpoint(self, name: str, identity: str = "", workspace: str = "") -> str:
        path = f"{workspace or self.workspace}/onlineEndpoints/{name}"
        self.put(path, endpoint_body(identity))
        return path

    def set_traffic(self, endpoint: str, traffic: dict[str, int]) -> None:
        body = endpoint_body()
        self.put(endpoint, {**body, "properties": {**body["properties"], "traffic": traffic}})

    def deploy(self, endpoint: str, name: str, size: str = A100, capacity: int = 1, **properties: Any) -> str:
        """A deployment of the base model that answers."""
        path = f"{endpoint}/deployments/{name}"
        self.put(path, deployment_body(size, capacity, **properties))
        return path

    @functools.cached_property
    def live(self) -> str:
        """An endpoint with all traffic on its one deployment ``blue``."""
        endpoint = self.make_endpoint("refusals-live")
        self.deploy(endpoint, "blue")
        self.set_traffic(endpoint, {"blue": 100})
        return endpoint

    @functools.cached_property
    def tuned(self) -> str:
        """An endpoint with all traffic on a fine-tuned model, which MLflow's generic scoring serves."""
        model = f"{self.workspace}/models/tuned/versions/1"
        uri = f"azureml://jobs/{self.finished_job.rsplit('/', 1)[1]}/outputs/model"
        self.put(model, {"properties": {"modelType": "mlflow_model", "modelUri": uri}})
        endpoint = self.make_endpoint("refusals-tuned")
        self.deploy(endpoint, "blue", model=model)
        self.set_traffic(endpoint, {"blue": 100})
        return endpoint

    @functools.cached_property
    def idle(self) -> str:
        """An endpoint without deployments."""
        return self.make_endpoint("refusals-idle")

    def score(
        self, endpoint: str, body: Any = None, authorization: str = "", deployment: str = "", route: str = "/score"
    ) -> str:
        """The answer to a question; raises Refusal with the text as body, and the container's status as its code."""
        if not authorization:
            authorization = f"Bearer {self.arm.post(f'{endpoint}/listKeys', _version(endpoint))['primaryKey']}"
        headers = {"Authorization": authorization}
        if deployment:
            headers["azureml-model-deployment"] = deployment
        question = {"input_data": {"input_string": [{"role": "user", "content": "Who are you?"}]}}
        url = self.get(endpoint)["properties"]["scoringUri"].removesuffix("/score") + route
        answer = requests.post(url, json=body or question, headers=headers, timeout=60)
        if answer.status_code != 200:
            code = answer.headers.get("ms-azureml-model-error-statuscode", "")
            raise Refusal(answer.status_code, code, answer.text, {"text": answer.text})
        return answer.text

    # --- data and jobs

    @functools.cached_property
    def data(self) -> str:
        """Id of a data asset whose file is in storage."""
        from azure.ai.ml import MLClient
        from azure.ai.ml.entities import Data

        name = self.workspace.rsplit("/", 1)[1]
        client = MLClient(DefaultAzureCredential(), SUBSCRIPTION_ID, GROUP, name, enable_telemetry=False)
        client.data.create_or_update(Data(name="colours", version="1", path=str(self._train_file), type="uri_file"))
        return "azureml:colours:1"

    @functools.cached_property
    def cluster(self) -> str:
        """Name of a cluster whose identity has every role a job needs."""
        identity = self.make_identity("id-trains", JOB_ROLES)
        return self.make_cluster("trains", identity=identity).rsplit("/", 1)[1]

    def submit(self, name: str, cluster: str = "", **inputs: dict[str, str]) -> str:
        """A fine-tuning of one epoch, submitted; returns the job's id."""
        literals = {"num_train_epochs": "1", **dict.fromkeys(COMPUTES, cluster or self.cluster)}
        given = {
            "mlflow_model_path": {"job_input_type": "mlflow_model", "uri": BASE_MODEL},
            "train_file_path": {"job_input_type": "uri_file", "uri": self.data},
            **{key: {"job_input_type": "literal", "value": value} for key, value in literals.items()},
        }
        node = {
            "name": "finetune",
            "type": "pipeline",
            "componentId": COMPONENT,
            "inputs": {**given, **inputs},
            "outputs": {"mlflow_model_folder": {"value": "${{parent.outputs.model}}", "type": "literal"}},
        }
        path = f"{self.workspace}/jobs/{name}"
        outputs = {"model": {"jobOutputType": "mlflow_model"}}
        self.put(path, {"properties": {"jobType": "Pipeline", "jobs": {"finetune": node}, "outputs": outputs}})
        return path

    def wait(self, job: str, *states: str) -> None:
        """Until a job is in a state; raises Refusal if it fails."""
        deadline = time.monotonic() + JOB_SECONDS
        while (status := self.get(job)["properties"]["status"]) not in states:
            if status == "Failed":
                error = self._error(job)
                raise Refusal(200, error["code"], error["message"], error)
            assert time.monotonic() < deadline, status
            time.sleep(0.1)

    def _error(self, job: str) -> dict[str, Any]:
        workspace, name = job.split("/jobs/")
        token = DefaultAzureCredential().get_token("https://ml.azure.com/.default").token
        # A pipeline's own error only names the node; the reason is the step's.
        runs, headers = (
            f"https://{LOCATION}.api.azureml.ms/history/v1.0{workspace}/runs",
            {"Authorization": f"Bearer {token}"},
        )
        steps = requests.get(f"{runs}/{name}-finetune/children", headers=headers, timeout=30).json()["value"]
        failed = [step for step in steps if step["status"] == "Failed"]
        answer = requests.get(f"{runs}/{failed[0]['runId']}/details", headers=headers, timeout=30)
        error: dict[str, Any] = answer.json()["error"]["error"]
        return error

    @functools.cached_property
    def finished_job(self) -> str:
        """Id of a job that did everything right."""
        job = self.submit("right-1")
        self.wait(job, "Completed")
        return job


def _version(path: str) -> str:
    namespace = path.lower().rsplit("/providers/", 1)[1].split("/")[0]
    return VERSIONS[namespace]
