"""azure-ai-ml, unmodified, through data, fine-tune, model, endpoint, deployment and traffic."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.ai.ml import Input, MLClient, Output, dsl
from azure.ai.ml.constants import AssetTypes
from azure.ai.ml.entities import AmlCompute, Data, ManagedOnlineDeployment, ManagedOnlineEndpoint, Model
from azure.core.exceptions import ResourceNotFoundError
from azure.identity import DefaultAzureCredential

from cloud.arm import Arm
from cloud.services.mlflow import RunHistory
from cloud.services.prices import PriceBook
from cloud.target import Target
from emulator.machine.home import SUBSCRIPTION_ID
from jobs.evaluation import gather
from jobs.release import contracts
from jobs.status.reader import Reader
from jobs.status.stack import Stack
from settings.sections.evaluation import EvaluationSettings
from tests.contract.conftest import GROUP

BASE_MODEL = "azureml://registries/azureml/models/Phi-4-mini-instruct/versions/1"
JOB_SECONDS = 120
FINGERPRINT = "0123456789ab"
VERSION = "1164413938"
"""The number that the fingerprint stands for."""


@pytest.fixture(scope="module")
def client(workspace: str) -> MLClient:
    name = workspace.rsplit("/", 1)[1]
    return MLClient(DefaultAzureCredential(), SUBSCRIPTION_ID, GROUP, name, enable_telemetry=False)


@pytest.fixture(scope="module")
def cluster(client: MLClient) -> str:
    size = "Standard_NC24ads_A100_v4"
    client.compute.begin_create_or_update(AmlCompute(name="gpu", size=size, max_instances=1)).result()
    return "gpu"


@pytest.fixture(scope="module")
def data(client: MLClient, train_file: Path) -> Data:
    asset = Data(name="colours", version="1", path=str(train_file), type=AssetTypes.URI_FILE)
    return client.data.create_or_update(asset)


@pytest.fixture(scope="module")
def finished_job(client: MLClient, cluster: str, data: Data) -> Any:
    registry = MLClient(DefaultAzureCredential(), registry_name="azureml", enable_telemetry=False)
    component = registry.components.get("chat_completion_pipeline", label="latest")

    @dsl.pipeline()  # type: ignore[misc, call-overload]
    def finetune() -> Any:
        step = component(
            task_name="ChatCompletion",
            mlflow_model_path=Input(type=AssetTypes.MLFLOW_MODEL, path=BASE_MODEL),
            train_file_path=Input(type=AssetTypes.URI_FILE, path=f"azureml:{data.name}:{data.version}"),
            compute_model_import=cluster,
            compute_preprocess=cluster,
            compute_finetune=cluster,
            learning_rate=3e-3,
            num_train_epochs=30,
            per_device_train_batch_size=8,
        )
        return {"model": step.outputs.mlflow_model_folder}

    pipeline = finetune()
    pipeline.name = (
        f"finetune-{FINGERPRINT}-1"  # as jobs.training.finetune names and tags the first attempt at that model
    )
    pipeline.tags = {"stack": "contract", "fingerprint": FINGERPRINT}
    pipeline.experiment_name = "contract"
    pipeline.outputs.model = Output(type=AssetTypes.MLFLOW_MODEL)
    job = client.jobs.create_or_update(pipeline)
    deadline = time.monotonic() + JOB_SECONDS
    while job.status not in ("Completed", "Failed", "Canceled") and time.monotonic() < deadline:
        time.sleep(0.3)
        job = client.jobs.get(job.name)
    assert job.status == "Completed"
    return job


def test_data_is_registered_and_stored(client: MLClient, data: Data) -> None:
    assert client.data.get("colours", version="1").path == data.path
    with pytest.raises(ResourceNotFoundError):
        client.data.get("colours", version="2")


def test_the_job_tells_its_steps(client: MLClient, finished_job: Any) -> None:
    (node,) = client.jobs.list(parent_job_name=finished_job.name)
    assert node.name.startswith(f"{finished_job.name}-")


def test_mlflow_reads_what_the_job_logged_and_logs_more(finished_job: Any, workspace: str) -> None:
    from mlflow.entities import Metric
    from mlflow.store.tracking.rest_store import RestStore
    from mlflow.utils.rest_utils import MlflowHostCreds

    token = DefaultAzureCredential().get_token("https://ml.azure.com/.default").token
    host = f"https://eastus2.api.azureml.ms/mlflow/v2.0{workspace}"
    store = RestStore(lambda: MlflowHostCreds(host, token=token))

    run = store.get_run(finished_job.name)
    assert run.info.status == "FINISHED" and run.info.end_time > run.info.start_time
    assert set(run.data.metrics) >= {"loss", "eval_loss", "learning_rate", "epoch", "train_loss", "train_runtime"}
    assert run.data.metrics["epoch"] == 30
    held_out = store.get_metric_history(finished_job.name, "eval_loss")
    assert [point.step for point in held_out] == list(
        range(2, 61, 2)
    )  # two steps an epoch: 13 rows of the 16, by eights
    assert held_out[-1].value < held_out[0].value
    logged = store.get_metric_history(finished_job.name, "loss")
    assert [point.step for point in logged] == [10, 20, 30, 40, 50, 60]  # logging_steps
    assert logged[0].timestamp <= logged[-1].timestamp

    store.log_batch(finished_job.name, [Metric("score", 0.5, 1_700_000_000_000, 3)], [], [])
    store.log_metric(finished_job.name, Metric("score", 0.75, 1_700_000_000_001, 4))
    assert [(point.value, point.step) for point in store.get_metric_history(finished_job.name, "score")] == [
        (0.5, 3),
        (0.75, 4),
    ]
    assert store.get_run(finished_job.name).data.metrics["score"] == 0.75


def test_the_model_is_registered_from_the_job_and_serves(client: MLClient, finished_job: Any, tmp_path: Path) -> None:
    path = f"azureml://jobs/{finished_job.name}/outputs/model"
    model = client.models.create_or_update(Model(name="colours", version=VERSION, path=path, type="mlflow_model"))
    client.models.download(model.name, version=VERSION, download_path=tmp_path)
    assert next(tmp_path.rglob("MLmodel")).exists()
    said: list[str] = []
    target = Target(SUBSCRIPTION_ID, GROUP, client.workspace_name)
    served = contracts.of_version(target, "colours", VERSION, said.append)
    assert served.tags == {"contract": "mlflow"}
    assert said == [f"model colours:{VERSION} is served by MLflow's generic scoring: /score alone, whole answers"]
    tagged = client.models.get("colours", version=VERSION)
    assert tagged.tags == {"contract": "mlflow"} and tagged.path == model.path

    endpoint = ManagedOnlineEndpoint(name="colours-contract", auth_mode="key")
    client.online_endpoints.begin_create_or_update(endpoint).result()
    deployment = ManagedOnlineDeployment(
        name="blue",
        endpoint_name="colours-contract",
        model=f"azureml:colours:{VERSION}",
        instance_type="Standard_NC24ads_A100_v4",
        instance_count=1,
        tags={"model": f"colours:{VERSION}", **served.tags},
    )
    client.online_deployments.begin_create_or_update(deployment).result()
    key = client.online_endpoints.get_keys("colours-contract").primary_key
    live = client.online_endpoints.get("colours-contract")
    payload = {"input_data": {"input_string": [{"role": "user", "content": "Which colour is number 3?"}]}}
    headers = {"Authorization": f"Bearer {key}"}
    assert live.scoring_uri is not None
    unrouted = requests.post(live.scoring_uri, json=payload, headers=headers, timeout=60)
    assert unrouted.status_code == 404
    assert "No valid deployments to route to" in unrouted.text

    live.traffic = {"blue": 100}
    client.online_endpoints.begin_create_or_update(live).result()
    answer = requests.post(live.scoring_uri, json=payload, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    assert json.loads(answer.text)[0]["0"]
    assert answer.headers["azureml-model-deployment"] == "blue"
    denied = requests.post(live.scoring_uri, json=payload, headers={"Authorization": "Bearer no"}, timeout=60)
    assert (denied.status_code, denied.text) == (401, "key_auth_access_denied")

    _evaluate(client, finished_job.name, tmp_path)

    client.online_endpoints.begin_delete("colours-contract").result()
    with pytest.raises(ResourceNotFoundError):
        client.online_endpoints.get("colours-contract")


def _evaluate(client: MLClient, job: str, folder: Path) -> None:
    """The project's own readers, on the same workspace."""
    questions = folder / "golden.jsonl"
    questions.write_text(json.dumps({"question": "Which colour is number 3?", "answers": ["green"]}))
    target = Target(SUBSCRIPTION_ID, GROUP, client.workspace_name)
    stack = Stack(
        name="contract",
        target=target,
        location="eastus2",
        endpoint="colours-contract",
        model_name="colours",
        cluster_size="Standard_NC24ads_A100_v4",
        data_cluster_size="Standard_D4s_v3",
        hourly_price=0,
        request_timeout_seconds=60,
        system_prompt="",
        evaluation=EvaluationSettings.model_construct(
            questions=str(questions), minimum_score=0, maximum_drop=1, latency_seconds=60
        ),
        stages=None,
    )
    book = PriceBook(folder / "prices.json")
    found = gather.evaluate(stack, book, print, threading.Event(), None)
    (tuned,) = found.candidates
    assert (tuned.role, tuned.model, tuned.scores.deployment) == ("fine-tuned", f"colours:{VERSION}", "blue")
    (sample,) = tuned.scores.results[0].samples
    assert sample.answer and not sample.error
    assert len(found.losses.held_out) == 30 and len(found.losses.training) == 6
    gather.log(stack, found)
    assert RunHistory(target, Arm()).metrics(job)["golden_score"] == tuned.scores.score

    told = Reader(stack, book).read().to_json()
    assert (told["job"], told["job_status"], told["model"], told["model_state"]) == (
        job,
        "Completed",
        f"colours:{VERSION}",
        "registered",
    )
    assert [(one["name"], one["traffic"]) for one in told["deployments"]] == [("blue", 100)]
    # The question before and the golden one, whose route the deployment's tag names. What was refused, or had nowhere
    # to go, reached no deployment.
    assert told["requests"]["trouble"] == ""
    assert told["requests"]["last_hour"]["blue"]["requests"] == 2
    assert told["requests"]["last_hour"]["blue"]["failed"] == 0
    assert told["cost"]["so_far"] > 0 and told["cost"]["hourly"] == 4
    assert "made-up price" in told["cost"]["prices"]["Standard_NC24ads_A100_v4"]["source"]
