"""Data prepared by a command job: the same bytes as here, and a reason where it fails."""

from __future__ import annotations

import dataclasses
import json
import threading
import time
from pathlib import Path

import pytest

from cloud import client
from cloud.errors import StageError
from cloud.target import Target
from data_prep import fingerprint
from data_prep.asked import request_fingerprint
from data_prep.prepare import Request, prepare
from data_prep.stack import DECIDING
from emulator.machine.home import SUBSCRIPTION_ID, Home
from jobs.dataset import prepare as stage
from jobs.dataset import upload
from jobs.dataset.image import ROOT
from jobs.dataset.spec import DatasetSpec, PreparationSpec
from jobs.training.joblog import JobLog
from tests.contract.arm import Arm, Refusal
from tests.contract.bodies import cluster_body
from tests.contract.conftest import GROUP

CLUSTER = "cpu-cluster"
CPU = "Standard_D4s_v3"


@pytest.fixture(scope="module")
def target(arm: Arm, workspace: str) -> Target:
    """The session's workspace, with a CPU cluster."""
    arm.put(f"{workspace}/computes/{CLUSTER}", "2025-12-01", cluster_body(CPU))
    return Target(SUBSCRIPTION_ID, GROUP, workspace.rsplit("/", 1)[1])


def asked(target: Target, name: str, request: Request, attempts: int = 1) -> PreparationSpec:
    """The stage's spec for a request."""
    options = {key: getattr(request, key) for key in (*DECIDING, "model")}
    options["repairs"] = ",".join(request.repairs)
    version = request_fingerprint(request)
    return PreparationSpec(
        target=target,
        name=name,
        fingerprint=version,
        directory="data",
        source=request.source,
        options=options,
        cluster=CLUSTER,
        vm_size=CPU,
        experiment="prepare",
        max_attempts=attempts,
        validation=request.three,
        own={"test": request.test} if request.test else {},
    )


def fetched(target: Target, spec: PreparationSpec, directory: Path) -> Path:
    """The files of the assets, under their own names."""
    from azure.ai.ml._artifacts import _artifact_utilities

    azure = client.ml_client(target)
    for asset in spec.files:
        _artifact_utilities.download_artifact_from_aml_uri(
            uri=str(azure.data.get(asset, version=spec.fingerprint).path),
            destination=str(directory),
            datastore_operation=azure.datastores,
        )
    return directory


def test_the_sample_gets_the_same_bytes_from_the_job_as_here(target: Target, tmp_path: Path) -> None:
    here = prepare(Request(source="sample", directory=tmp_path / "here"), lambda _: None)
    spec = asked(target, "clustered", Request(source="sample"))
    said: list[str] = []
    stage.run(spec, said.append, threading.Event())

    assert fingerprint(fetched(target, spec, tmp_path / "there")) == here.card.fingerprint == "93576abe594d"
    tags = client.ml_client(target).data.get("clustered-train", version=spec.fingerprint).tags
    assert tags["fingerprint"] == here.card.fingerprint
    assert (tags["request"], tags["job"], tags["source"]) == (spec.fingerprint, spec.job_name(1), "sample")
    assert any("183 rows of sample: 151 train, 32 test" in line for line in said), said

    again: list[str] = []
    stage.run(spec, again.append, threading.Event())
    assert again == [f"data assets clustered-train and clustered-test:{spec.fingerprint} are there already"]


def test_files_of_this_machine_are_uploaded_and_read_in_their_order(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    folder.mkdir()
    sample = (ROOT / "data_prep/sample/conversations.jsonl").read_text().splitlines(keepends=True)
    (folder / "b.jsonl").write_text("".join(sample[:50]))
    (folder / "a.jsonl").write_text("".join(sample[50:170]))
    own = tmp_path / "mine.jsonl"
    own.write_text("".join(sample[170:]))
    request = Request(
        source=str(folder), directory=tmp_path / "here", test=str(own), validation_ratio=0.4, seed=7, processes=1
    )
    here = prepare(request, lambda _: None)
    assert (here.card.rows["test"], here.card.rows["in"]) == (13, 183)
    spec = asked(target, "uploaded", request)
    stage.run(spec, lambda _: None, threading.Event())
    assert fingerprint(fetched(target, spec, tmp_path / "there")) == here.card.fingerprint


def test_two_nodes_make_the_bytes_of_one(
    arm: Arm, workspace: str, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arm.put(f"{workspace}/computes/{CLUSTER}", "2025-12-01", cluster_body(CPU, nodes=2))
    folder = tmp_path / "chats"
    folder.mkdir()
    sample = (ROOT / "data_prep/sample/conversations.jsonl").read_text().splitlines(keepends=True)
    (folder / "b.jsonl").write_text("".join(sample[:90]))
    (folder / "a.jsonl").write_text("".join(sample[60:183]))
    request = Request(source=str(folder), directory=tmp_path / "here", duplicates="drop", processes=1)
    here = prepare(request, lambda _: None)
    assert here.card.rows["dropped"] >= 30
    spec = dataclasses.replace(asked(target, "divided", request), nodes=2)
    said: list[str] = []
    stage.run(spec, said.append, threading.Event())

    assert fingerprint(fetched(target, spec, tmp_path / "there")) == here.card.fingerprint
    assert any("the rows are divided among 2 nodes of Standard_D4s_v3" in line for line in said), said
    log = "\n".join(said)
    assert "part 1/2 of " in log and "part 2/2 of " in log and " of its 2 pieces" in log
    job = client.ml_client(target).jobs.get(spec.job_name(1))
    assert job.type == "pipeline" and set(job.jobs) == {"part_1", "part_2", "join"}
    runs = {run.title: run.status for run in JobLog(client=client.ml_client(target), job_name=job.name).children()}
    assert runs == {"part_1": "Completed", "part_2": "Completed", "join": "Completed"}

    again: list[str] = []
    stage.run(spec, again.append, threading.Event())
    assert again == [f"data assets divided-train and divided-test:{spec.fingerprint} are there already"]


def test_a_part_that_fails_is_the_one_that_is_named(target: Target, tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    folder.mkdir()
    (folder / "a.jsonl").write_text((ROOT / "data_prep/sample/conversations.jsonl").read_text())
    (folder / "b.jsonl").write_text('{"messages": [{"role": "user", "content": "Who?"}]}\n' * 30)
    spec = dataclasses.replace(asked(target, "half", Request(source=str(folder))), nodes=2)
    with pytest.raises(StageError) as caught:
        stage.run(spec, lambda _: None, threading.Event())
    assert "the preparation of the data did not succeed" in str(caught.value)
    assert "b.jsonl:1" in str(caught.value) and "part_" in str(caught.value)
    assert not upload.exists(client.ml_client(target), spec.train_asset, spec.fingerprint)


def test_an_asset_is_read_where_it_is(target: Target, tmp_path: Path) -> None:
    made = prepare(Request(source="sample", directory=tmp_path / "data"), lambda _: None)
    registered = DatasetSpec(
        target=target, name="origin", fingerprint=made.card.fingerprint, directory=str(tmp_path / "data")
    )
    upload.run(registered, lambda _: None, threading.Event())
    here = prepare(Request(source=str(made.train), directory=tmp_path / "here", seed=3), lambda _: None)
    spec = asked(target, "from-asset", Request(source=f"azureml:origin-train:{made.card.fingerprint}", seed=3))
    stage.run(spec, lambda _: None, threading.Event())
    assert fingerprint(fetched(target, spec, tmp_path / "there")) == here.card.fingerprint


def test_a_job_that_fails_says_why_and_leaves_no_asset(target: Target, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text(json.dumps({"messages": [{"role": "user", "content": "Who?"}]}) + "\n")
    spec = asked(target, "failing", Request(source=str(bad)))
    with pytest.raises(StageError) as caught:
        stage.run(spec, lambda _: None, threading.Event())
    assert "the preparation of the data did not succeed" in str(caught.value)
    assert "with exit code 1" in str(caught.value) and "error: " in str(caught.value)
    assert "bad.jsonl:1" in str(caught.value)
    assert not upload.exists(client.ml_client(target), spec.train_asset, spec.fingerprint)

    with pytest.raises(StageError, match="all 1 attempts at this preparation of the data failed"):
        stage.run(spec, lambda _: None, threading.Event())


def test_a_source_that_changed_meanwhile_is_not_prepared(target: Target, tmp_path: Path) -> None:
    file = tmp_path / "chats.jsonl"
    file.write_text("{}\n")
    spec = asked(target, "changed", Request(source=str(file)))
    file.write_text("{ }\n")
    with pytest.raises(StageError, match="it changed since this run began"):
        stage.run(spec, lambda _: None, threading.Event())


def submit_command(arm: Arm, workspace: str, environment: str, name: str, **properties: object) -> str:
    body = {"jobType": "Command", "command": "true", "environmentId": environment, **properties}
    arm.put(f"{workspace}/jobs/{name}", "2025-12-01", {"properties": body})
    return f"{workspace}/jobs/{name}"


def test_a_command_job_is_ended_by_its_limit(arm: Arm, workspace: str, home: Home) -> None:
    del home
    environment = f"{workspace}/environments/limited/versions/1"
    arm.put(environment, "2025-12-01", {"properties": {"image": "mcr.microsoft.com/any"}})
    limits = {"jobLimitsType": "Command", "timeout": "PT2S"}
    path = submit_command(arm, workspace, environment, "sleeps", command="sleep 600", limits=limits)
    deadline = time.monotonic() + 60
    while (status := arm.get(path, "2025-12-01")["properties"]["status"]) not in ("Canceled", "Failed", "Completed"):
        assert time.monotonic() < deadline, status
        time.sleep(0.2)
    assert status == "Canceled"
    with pytest.raises(Refusal, match="no duration"):
        submit_command(arm, workspace, environment, "odd", limits={"jobLimitsType": "Command", "timeout": "PT0S"})


def test_what_a_command_job_lacks_is_refused(arm: Arm, workspace: str, home: Home) -> None:
    del home
    environment = f"{workspace}/environments/any/versions/1"
    arm.put(environment, "2025-12-01", {"properties": {"image": "mcr.microsoft.com/any"}})

    def submit(name: str, **properties: object) -> None:
        submit_command(arm, workspace, environment, name, **properties)

    with pytest.raises(Refusal, match="the job has no such input"):
        submit("no-input", command="cat ${{inputs.nosuch}}")
    with pytest.raises(Refusal, match="on one node"):
        submit("two-nodes", resources={"instanceCount": 2})
    with pytest.raises(Refusal, match="needs an image"):
        arm.put(f"{workspace}/environments/none/versions/1", "2025-12-01", {"properties": {}})
    with pytest.raises(Refusal, match="cannot change"):
        arm.put(environment, "2025-12-01", {"properties": {"image": "mcr.microsoft.com/other"}})
    with pytest.raises(Refusal, match="needs codeUri"):
        arm.put(f"{workspace}/codes/none/versions/1", "2025-12-01", {"properties": {}})
