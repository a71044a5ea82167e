"""Jobs, and the models registered from what they leave."""

from __future__ import annotations

import json
import tempfile
import uuid
from pathlib import Path
from typing import Any

import pytest

from emulator.machine.home import SUBSCRIPTION_ID
from emulator.machine.store import Resource
from tests.contract.arm import Refusal
from tests.contract.cases import Cases
from tests.contract.lab import GROUP, JOB_ROLES, Lab

CASES = Cases("jobs")


@pytest.mark.parametrize("name", CASES.rows)
def test_refused(name: str, lab: Lab) -> None:
    CASES.check_refused(name, lab)


@pytest.mark.parametrize("name", CASES.rows)
def test_way_through(name: str, lab: Lab) -> None:
    CASES.check_passes(name, lab)


LITERAL = {"job_input_type": "literal"}


@CASES.refused("compute")
def _(lab: Lab) -> None:
    lab.wait(lab.submit("no-compute", cluster="nowhere"), "Completed")


@CASES.refused("dataset")
def _(lab: Lab) -> None:
    missing = {"job_input_type": "uri_file", "uri": "azureml:colours:9"}
    lab.wait(lab.submit("no-dataset", train_file_path=missing), "Completed")


@CASES.refused("input-name")
def _(lab: Lab) -> None:
    lab.submit("bad-name", learning_rate_min={**LITERAL, "value": "0.1"})


@CASES.refused("input-type")
def _(lab: Lab) -> None:
    lab.submit("bad-type", train_file_path={"job_input_type": "mltable", "uri": lab.data})


@CASES.refused("input-value")
def _(lab: Lab) -> None:
    lab.submit("bad-value", apply_lora={**LITERAL, "value": "yes"})


@CASES.refused("recipe")
def _(lab: Lab) -> None:
    keys = {"apply_early_stopping": "true", "evaluation_strategy": "disable"}
    lab.wait(lab.submit("bad-keys", **{key: {**LITERAL, "value": value} for key, value in keys.items()}), "Completed")


@CASES.passes("recipe")
@CASES.passes("compute")
@CASES.passes("dataset")
@CASES.passes("input-name")
@CASES.passes("input-type")
@CASES.passes("input-value")
@CASES.passes("identity-runs")
@CASES.passes("identity-pull")
def _(lab: Lab) -> None:
    """The same job with everything right."""
    assert lab.get(lab.finished_job)["properties"]["status"] == "Completed"


@pytest.mark.parametrize("value", ["1.5", "one", "0"])
def test_a_number_of_epochs_is_a_whole_one_from_one(lab: Lab, value: str) -> None:
    with pytest.raises(Exception, match="num_train_epochs"):
        lab.submit("bad-epochs", num_train_epochs={**LITERAL, "value": value})


def run_without(lab: Lab, name: str, *roles: str) -> None:
    """A job on a cluster whose identity lacks some of the roles."""
    identity = lab.make_identity(f"id-{name}", tuple(role for role in JOB_ROLES if role not in roles))
    cluster = lab.make_cluster(name, identity=identity).rsplit("/", 1)[1]
    lab.wait(lab.submit(name, cluster), "Completed")


@CASES.refused("identity-runs")
def _(lab: Lab) -> None:
    run_without(lab, "no-runs", "Contributor")


@CASES.refused("identity-pull")
def _(lab: Lab) -> None:
    run_without(lab, "no-pull", "AcrPull")


@CASES.refused("identity-data")
def _(lab: Lab) -> None:
    with lab.state(lab.workspace, systemDatastoresAuthMode="identity"):
        run_without(lab, "no-data", "Storage Blob Data Reader", "Storage Blob Data Contributor")


@CASES.refused("identity-output")
def _(lab: Lab) -> None:
    with lab.state(lab.workspace, systemDatastoresAuthMode="identity"):
        run_without(lab, "no-output", "Storage Blob Data Contributor")


@CASES.passes("identity-data")
@CASES.passes("identity-output")
def _(lab: Lab) -> None:
    """Neither role is asked for while the datastores have keys; with both it runs without."""
    assert lab.finished_job
    with lab.state(lab.workspace, systemDatastoresAuthMode="identity"):
        job = lab.submit(f"keyless-{uuid.uuid4().hex[:6]}")
        lab.wait(job, "Running", "Finalizing", "Completed")
    lab.arm.post(f"{job}/cancel", "2025-12-01")


def trains_on(lab: Lab, name: str, *rows: object, **inputs: str) -> None:
    """A job whose training file has these rows, beside sound ones for validation and test."""
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Data
    from azure.identity import DefaultAzureCredential

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.jsonl"
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        workspace = lab.workspace.rsplit("/", 1)[1]
        client = MLClient(DefaultAzureCredential(), SUBSCRIPTION_ID, GROUP, workspace, enable_telemetry=False)
        client.data.create_or_update(Data(name=name, version="1", path=str(file), type="uri_file"))
    held_out = {"job_input_type": "uri_file", "uri": lab.data}
    given = {key: {**LITERAL, "value": value} for key, value in inputs.items()}
    job = lab.submit(
        name,
        train_file_path={"job_input_type": "uri_file", "uri": f"azureml:{name}:1"},
        validation_file_path=held_out,
        test_file_path=held_out,
        **given,
    )
    lab.wait(job, "Completed")


def turns(question: str, answer: str | None) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


@CASES.refused("data-few")
def _(lab: Lab) -> None:
    trains_on(lab, "data-few", *[turns("Who?", "Me.")] * 9)


@CASES.refused("data-null")
def _(lab: Lab) -> None:
    trains_on(lab, "data-null", *[turns("Who?", "Me.")] * 10, turns("Why?", None))


@CASES.refused("data-first")
def _(lab: Lab) -> None:
    trains_on(lab, "data-first", turns("Why? " * 100, "So."), *[turns("Who?", "Me.")] * 10, max_seq_length="64")


@CASES.refused("data-answers")
def _(lab: Lab) -> None:
    trains_on(lab, "data-answers", *[turns("Why? " * 100, "So.")] * 10, max_seq_length="64")


@CASES.refused("data-load")
def _(lab: Lab) -> None:
    trains_on(lab, "data-load", *[turns("Who?", "Me.")] * 10, {"messages": "Who? Me."})


@CASES.passes("data-few")
@CASES.passes("data-null")
@CASES.passes("data-first")
@CASES.passes("data-answers")
@CASES.passes("data-load")
def _(lab: Lab) -> None:
    """Ten sound rows, and one without an answer left that is not the first."""
    trains_on(lab, "data-right", *[turns("Who?", "Me.")] * 10, turns("Why? " * 100, "So."), max_seq_length="64")


def test_a_job_without_quota_waits_in_the_queue(lab: Lab) -> None:
    with lab.setting("quota", {"StandardNCADSA100v4Family": 0}):
        job = lab.submit("waits")
        lab.wait(job, "Queued")
        stored = lab.store.get(job)
        while stored is not None and not stored.internal.get("waiting"):
            stored = lab.store.get(job)
        assert stored is not None and stored.internal["waiting"] == "ClusterCoreQuotaReached"
    lab.wait(job, "Running", "Finalizing", "Completed")
    lab.arm.post(f"{job}/cancel", "2025-12-01")


def register(lab: Lab, version: str, uri: str) -> dict[str, Any]:
    path = f"{lab.workspace}/models/refusals/versions/{version}"
    return lab.put(path, {"properties": {"modelUri": uri, "modelType": "mlflow_model"}})


@CASES.refused("model-version")
def _(lab: Lab) -> None:
    uri = f"azureml://jobs/{lab.finished_job.rsplit('/', 1)[1]}/outputs/model"
    for version in ("0", "1.0", "-1", "2147483648", "34cf49b64a26"):
        with pytest.raises(Refusal, match="must be a positive integer"):
            register(lab, version, uri)
    register(lab, "one", uri)


@CASES.refused("model-running")
def _(lab: Lab) -> None:
    path = f"{lab.workspace}/jobs/half-way"
    body = {"id": path, "name": "half-way", "type": "Microsoft.MachineLearningServices/workspaces/jobs"}
    outputs = {"model": {"jobOutputType": "mlflow_model"}}
    lab.store.put(Resource({**body, "properties": {"outputs": outputs, "jobs": {"n": {}}}}, {"status": "Running"}))
    try:
        register(lab, "2", "azureml://jobs/half-way/outputs/model")
    finally:
        lab.store.remove(path)


@CASES.refused("model-output")
def _(lab: Lab) -> None:
    register(lab, "3", f"azureml://jobs/{lab.finished_job.rsplit('/', 1)[1]}/outputs/weights")


@CASES.refused("model-path")
def _(lab: Lab) -> None:
    register(lab, "4", "azureml://datastores/workspaceblobstore/paths/nowhere/")


@CASES.passes("model-version")
@CASES.passes("model-running")
@CASES.passes("model-output")
@CASES.passes("model-path")
def _(lab: Lab) -> None:
    job = lab.finished_job.rsplit("/", 1)[1]
    assert register(lab, "1", f"azureml://jobs/{job}/outputs/model")["properties"]["jobName"] == job
