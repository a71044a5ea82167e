"""Bodies that the emulator refuses, and those of the program and of azure-ai-ml that it lets through."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from azure.ai.ml import Input, MLClient, Output, dsl
from azure.ai.ml.constants import AssetTypes
from azure.ai.ml.entities import AmlCompute, Data, ManagedOnlineDeployment, ManagedOnlineEndpoint, Model
from azure.identity import DefaultAzureCredential

from emulator.machine.home import SUBSCRIPTION_ID
from emulator.validation.bodies import put_shape
from emulator.validation.check import problems, read_only_members, required_members
from emulator.validation.shapes import Record
from tests.contract.arm import Arm
from tests.contract.conftest import GROUP
from tests.contract.recording import Put, Stopped, of_the_program, recording
from tests.program.conftest import project  # noqa: F401  (a directory to run the program in)

STACKS = ("local", "dev", "prod")
SCOPE = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/{GROUP}"
WITHHELD = ("jobs", "versions", "deployments")


@pytest.fixture(scope="module")
def client_puts(workspace: str, train_file: Path) -> list[Put]:
    """One PUT of every kind that azure-ai-ml makes for the stages; jobs, models and deployments never arrive."""
    client = MLClient(
        DefaultAzureCredential(), SUBSCRIPTION_ID, GROUP, workspace.rsplit("/", 1)[1], enable_telemetry=False
    )
    registry = MLClient(DefaultAzureCredential(), registry_name="azureml", enable_telemetry=False)
    component = registry.components.get("chat_completion_pipeline", label="latest")

    @dsl.pipeline()  # type: ignore[misc, call-overload]
    def finetune() -> Any:
        step = component(
            task_name="ChatCompletion",
            mlflow_model_path=Input(
                type=AssetTypes.MLFLOW_MODEL,
                path="azureml://registries/azureml/models/Phi-4-mini-instruct/versions/1",
            ),
            train_file_path=Input(type=AssetTypes.URI_FILE, path="azureml:bodies:1"),
            compute_finetune="bodies",
            learning_rate=1e-3,
        )
        return {"model": step.outputs.mlflow_model_folder}

    with recording() as puts:
        cluster = AmlCompute(name="bodies", size="Standard_NC24ads_A100_v4", max_instances=1)
        client.compute.begin_create_or_update(cluster).result()
        client.data.create_or_update(
            Data(name="bodies", version="1", path=str(train_file), type=AssetTypes.URI_FILE, tags={"a": "b"})
        )
        endpoint = ManagedOnlineEndpoint(name="bodies-contract", auth_mode="key")
        client.online_endpoints.begin_create_or_update(endpoint).result()
    with recording(WITHHELD) as withheld:
        pipeline = finetune()
        pipeline.name, pipeline.experiment_name = "bodies-1", "contract"
        pipeline.outputs.model = Output(type=AssetTypes.MLFLOW_MODEL)
        model = Model(name="bodies", version="1", path="azureml://jobs/bodies-1/outputs/model", type="mlflow_model")
        deployment = ManagedOnlineDeployment(
            name="blue",
            endpoint_name="bodies-contract",
            model=f"{workspace}/models/bodies/versions/1",
            instance_type="Standard_NC24ads_A100_v4",
            instance_count=1,
        )
        for create in (
            lambda: client.jobs.create_or_update(pipeline),
            lambda: client.models.create_or_update(model),
            lambda: client.online_deployments.begin_create_or_update(deployment),
        ):
            with pytest.raises(Stopped):
                create()
    return [*puts, *withheld]


@pytest.fixture
def puts(client_puts: list[Put], project: Path) -> list[Put]:  # noqa: F811
    """Every PUT of the program in every stack, and of the client."""
    del project
    return [*(put for stack in STACKS for put in of_the_program(stack)), *client_puts]


def _shape(put: Put) -> Record:
    shape = put_shape(put.kind)
    assert shape is not None, f"no model for {put.kind}"
    return shape


def _without(body: Any, path: tuple[str | int, ...]) -> Any:
    left = copy.deepcopy(body)
    at = left
    for part in path[:-1]:
        at = at[part]
    del at[path[-1]]
    return left


def test_all_that_is_put_is_here(puts: list[Put]) -> None:
    names = {put.label.partition(":")[2] for put in puts}
    assert {"computes", "versions", "jobs", "onlineEndpoints", "deployments"} <= names
    assert {"resource-group", "workspace", "hub", "project", "endpoint", "endpoint-connection"} <= names


def test_every_body_of_the_program_passes(puts: list[Put]) -> None:
    wrong = {put.label: [each.message for each in problems(_shape(put), put.body)] for put in puts}
    assert {label: messages for label, messages in wrong.items() if messages} == {}


def test_the_program_sends_no_read_only_property(puts: list[Put]) -> None:
    sent = {put.label: list(read_only_members(_shape(put), put.body)) for put in puts if ":" in put.label}
    assert {label: paths for label, paths in sent.items() if paths} == {}


def test_without_any_one_required_property_the_emulator_refuses(arm: Arm, puts: list[Put]) -> None:
    seen: set[str] = set()
    passed = []
    for put in puts:
        for path in required_members(_shape(put), put.body):
            case = f"{put.kind} {put.body.get('kind')} {path}"
            if case in seen:
                continue
            seen.add(case)
            answer = arm.call("PUT", _in_this_group(put.path), put.version, _without(put.body, path))
            if answer.status_code != 400:
                passed.append(f"{put.label} without {path}: {answer.status_code} {answer.text[:200]}")
    assert passed == []
    assert len(seen) > 50


def _in_this_group(path: str) -> str:
    """The path moved to the resource group that exists; a resource group's own path stays."""
    parts = path.split("/")
    if parts[1] != "subscriptions":  # a role assignment on what the mocks made
        return SCOPE + path[path.rindex("/providers/") :]
    return path if len(parts) <= 5 else "/".join([*parts[:4], GROUP, *parts[5:]])


VAULT = f"{SCOPE}/providers/Microsoft.KeyVault/vaults/kv-bodies"
GOOD_VAULT: dict[str, Any] = {
    "location": "eastus2",
    "properties": {
        "tenantId": "00000000-0000-0000-0000-000000000002",
        "sku": {"family": "A", "name": "standard"},
    },
}


def test_each_service_refuses_in_its_own_envelope(arm: Arm, workspace: str) -> None:
    bad = copy.deepcopy(GOOD_VAULT)
    bad["properties"]["purgeProtected"] = True
    answer = arm.call("PUT", VAULT, "2024-11-01", bad)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "InvalidRequestContent")
    assert "Could not find member 'purgeProtected' on object of type 'VaultProperties'" in error["message"]

    del bad["location"]
    error = arm.call("PUT", VAULT, "2024-11-01", bad).json()["error"]
    assert error["code"] == "LocationRequired"

    body = {"properties": {"computeType": "AmlCompute", "properties": {"size": "Standard_NC24ads_A100_v4"}}}
    error = arm.call("PUT", f"{workspace}/computes/bad", "2025-12-01", body).json()["error"]
    assert error["code"] == "UserError"
    assert "'size'" in error["message"]
    assert {"type": "ComponentName", "info": {"value": "managementfrontend"}} in error["additionalInfo"]

    body = {"location": "eastus2", "properties": {"authMode": "Password", "trafic": {}}}
    error = arm.call("PUT", f"{workspace}/onlineEndpoints/bad-bodies", "2025-12-01", body).json()["error"]
    assert (error["code"], error["message"]) == ("BadRequest", "The request is invalid.")
    assert error["details"][0]["code"] == "InferencingClientCallFailed"
    inner = json.loads(error["details"][0]["message"].replace("{{", "{").replace("}}", "}"))
    assert set(inner["errors"]) == {"properties.authMode", "properties.trafic"}


def test_several_mistakes_are_told_at_once(arm: Arm, workspace: str) -> None:
    del workspace  # made the group
    body = {"location": "eastus2", "properties": {"sku": {"family": "A", "name": "free"}}, "tags": {"a": 1}}
    error = arm.call("PUT", VAULT, "2024-11-01", body).json()["error"]
    assert [error["target"], *(each["target"] for each in error["details"])] == [
        "properties.tenantId",
        "properties.sku.name",
        "tags.a",
    ]


def test_an_api_version_the_type_does_not_have_is_refused(arm: Arm, workspace: str) -> None:
    answer = arm.call("GET", workspace, "2024-10-02")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "NoRegisteredProviderFound")
    assert "for type 'workspaces'" in error["message"]
    assert arm.call("GET", workspace, "2024-10-01").status_code == 200
