"""MLClient, which people use, through the operations of the kinds that the emulator has.

A table of calls in the order in which they are made; every public operation is in it, or in `UNUSED` with the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from azure.ai.ml import MLClient
from azure.ai.ml.constants import AssetTypes
from azure.ai.ml.entities import (
    AmlCompute,
    ApiKeyConfiguration,
    Data,
    Environment,
    ManagedOnlineDeployment,
    ManagedOnlineEndpoint,
    Model,
    WorkspaceConnection,
)
from azure.identity import DefaultAzureCredential

from emulator.machine.home import SUBSCRIPTION_ID
from tests.contract.conftest import GROUP
from tests.contract.official import finish

SIZE = "Standard_NC24ads_A100_v4"
BASE_MODEL = "azureml://registries/azureml/models/Phi-4-mini-instruct/versions/1"
NAME, ENDPOINT = "mlclient", "mlclient-endpoint"
KINDS = (
    "connections",
    "datastores",
    "compute",
    "data",
    "models",
    "environments",
    "online_endpoints",
    "online_deployments",
)


def _connection() -> WorkspaceConnection:
    key = ApiKeyConfiguration(key="a-made-up-key-of-no-use")
    return WorkspaceConnection(name=NAME, type="api_key", target="https://example.com/", credentials=key)


def _data(file: str) -> Data:
    return Data(name=NAME, version="1", path=file, type=AssetTypes.URI_FILE)


def _model(file: str) -> Model:
    return Model(name=NAME, version="1", path=file, type=AssetTypes.CUSTOM_MODEL)


def _deployment() -> ManagedOnlineDeployment:
    return ManagedOnlineDeployment(
        name="blue", endpoint_name=ENDPOINT, model=BASE_MODEL, instance_type=SIZE, instance_count=1
    )


def _endpoint() -> ManagedOnlineEndpoint:
    return ManagedOnlineEndpoint(name=ENDPOINT, auth_mode="key")


def _cluster(most: int) -> AmlCompute:
    return AmlCompute(name=NAME, size=SIZE, max_instances=most)


Call = Callable[[MLClient, str], Any]
CALLS: dict[str, Call] = {
    "connections.create_or_update": lambda c, _: c.connections.create_or_update(_connection()),
    "connections.get": lambda c, _: c.connections.get(NAME),
    "connections.list": lambda c, _: c.connections.list(),
    "connections.delete": lambda c, _: c.connections.delete(NAME),
    "datastores.list": lambda c, _: c.datastores.list(),
    "datastores.get": lambda c, _: c.datastores.get("workspaceblobstore", include_secrets=True),
    "datastores.get_default": lambda c, _: c.datastores.get_default(),
    "compute.list_sizes": lambda c, _: c.compute.list_sizes(location="eastus2"),
    "compute.list_usage": lambda c, _: c.compute.list_usage(location="eastus2"),
    "compute.begin_create_or_update": lambda c, _: c.compute.begin_create_or_update(_cluster(1)),
    "compute.begin_update": lambda c, _: c.compute.begin_update(_cluster(2)),
    "compute.get": lambda c, _: c.compute.get(NAME),
    "compute.list": lambda c, _: c.compute.list(),
    "data.create_or_update": lambda c, file: c.data.create_or_update(_data(file)),
    "data.get": lambda c, _: c.data.get(NAME, version="1"),
    "data.list": lambda c, _: c.data.list(name=NAME),
    "data.archive": lambda c, _: c.data.archive(NAME, version="1"),
    "data.restore": lambda c, _: c.data.restore(NAME, version="1"),
    "models.create_or_update": lambda c, file: c.models.create_or_update(_model(file)),
    "models.get": lambda c, _: c.models.get(NAME, version="1"),
    "models.list": lambda c, _: c.models.list(name=NAME),
    "models.archive": lambda c, _: c.models.archive(NAME, version="1"),
    "models.restore": lambda c, _: c.models.restore(NAME, version="1"),
    "environments.create_or_update": lambda c, _: c.environments.create_or_update(
        Environment(name=NAME, version="1", image="mcr.microsoft.com/azureml/curated/base:1")
    ),
    "environments.get": lambda c, _: c.environments.get(NAME, version="1"),
    "environments.list": lambda c, _: c.environments.list(name=NAME),
    "environments.archive": lambda c, _: c.environments.archive(NAME, version="1"),
    "environments.restore": lambda c, _: c.environments.restore(NAME, version="1"),
    "online_endpoints.begin_create_or_update": lambda c, _: c.online_endpoints.begin_create_or_update(_endpoint()),
    "online_endpoints.get": lambda c, _: c.online_endpoints.get(ENDPOINT),
    "online_endpoints.list": lambda c, _: c.online_endpoints.list(),
    "online_endpoints.get_keys": lambda c, _: c.online_endpoints.get_keys(ENDPOINT),
    "online_endpoints.begin_regenerate_keys": lambda c, _: c.online_endpoints.begin_regenerate_keys(
        ENDPOINT, key_type="secondary"
    ),
    "online_deployments.begin_create_or_update": lambda c, _: c.online_deployments.begin_create_or_update(
        _deployment()
    ),
    "online_deployments.get": lambda c, _: c.online_deployments.get("blue", ENDPOINT),
    "online_deployments.list": lambda c, _: c.online_deployments.list(ENDPOINT),
    "online_deployments.get_logs": lambda c, _: c.online_deployments.get_logs("blue", ENDPOINT, lines=10),
    "online_deployments.begin_delete": lambda c, _: c.online_deployments.begin_delete("blue", ENDPOINT),
    "online_endpoints.begin_delete": lambda c, _: c.online_endpoints.begin_delete(ENDPOINT),
    "compute.begin_delete": lambda c, _: c.compute.begin_delete(NAME),
}
UNUSED = {
    "online_endpoints.invoke": "tests/contract/test_machine_learning.py asks the scoring URL",
    "models.download": "tests/contract/test_machine_learning.py does",
    **dict.fromkeys(
        ("datastores.create_or_update", "datastores.delete"), "the program uses those that a workspace comes with"
    ),
    **dict.fromkeys(
        (
            *("compute.list_nodes", "compute.begin_attach", "compute.enable_sso"),
            *("compute.begin_start", "compute.begin_stop", "compute.begin_restart"),
        ),
        "of other kinds of compute, or of nodes, which the emulator has none of",
    ),
    **dict.fromkeys(
        (
            *("data.import_data", "data.list_materialization_status", "data.mount", "data.share"),
            *("datastores.mount", "models.share", "models.package", "environments.share"),
        ),
        "the program does not use it",
    ),
}


@pytest.fixture(scope="module")
def client(workspace: str) -> MLClient:
    name = workspace.rsplit("/", 1)[1]
    return MLClient(DefaultAzureCredential(), SUBSCRIPTION_ID, GROUP, name, enable_telemetry=False)


def test_no_operation_is_forgotten(client: MLClient) -> None:
    there = {
        f"{kind}.{name}"
        for kind in KINDS
        for name in dir(getattr(client, kind))
        if not name.startswith("_") and callable(getattr(type(getattr(client, kind)), name, None))
    }
    assert there == set(CALLS) | set(UNUSED)


@pytest.mark.parametrize("name", CALLS)
def test_mlclient_takes_the_answer(client: MLClient, train_file: Path, name: str) -> None:
    answer = finish(CALLS[name](client, str(train_file)))
    if name.endswith((".list", "list_sizes", "list_usage")):
        answer = list(answer)
    assert answer or name.endswith(("delete", "archive", "restore", "regenerate_keys")), name
