"""What is read of Azure's answers for a status: each field of a job, a deployment, a use."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from status_azure import A100, HISTORY, MLFLOW, NOW, STACK, WANTED, WORKSPACE, Azure, book, read
from test_jobs_specs import FINETUNE, RELEASE

from cloud.errors import StageError
from jobs.paused import Served
from jobs.status.progress import Progress
from jobs.status.reader import Reader
from jobs.status.spending import Use
from jobs.status.status import Deployment, Job

NAME = FINETUNE.job_name(1)


def ago(hours: float, micro: int = 0) -> datetime:
    return NOW - timedelta(hours=hours) + timedelta(microseconds=micro)


def test_a_job_as_azure_tells_of_it(azure: Azure, tmp_path: Path) -> None:
    azure.job(NAME, "Completed", 3, ended=1, machine="big", num_train_epochs="4")
    azure.jobs[0]["properties"]["tags"]["recipe_name"] = "gentle"
    azure.job("prepare-eeeeeeeeeeee-1", "", 2)
    found = read(tmp_path)
    assert (
        found.jobs
        == found.attempts
        == (
            Job(
                name=NAME,
                version="994526542",
                status="Completed",
                url=f"https://ml.azure.com/runs/{NAME}",
                created=ago(3, 123456),
                inputs={"num_train_epochs": "4"},
                machine="big",
                recipe="gentle",
                fingerprint=FINETUNE.fingerprint,
                started=ago(3),
                ended=ago(1),
            ),
        )
    )
    (prepares,) = found.others
    assert (prepares.name, prepares.version, prepares.fingerprint, prepares.status) == (
        "prepare-eeeeeeeeeeee-1",
        "",
        "",
        "Unknown",
    )


def test_a_deployment_as_azure_tells_of_it(azure: Azure, tmp_path: Path) -> None:
    azure.deployment("b", traffic=10, hours_ago=2)
    azure.deployment("c", traffic=90)
    azure.deployment("a", traffic=10, state="Creating")
    asset = {"assetId": "azureml://registries/r/models/phi/versions/3"}
    azure.deployments += [
        {"name": "d", "tags": {}, "properties": {"model": asset, "instanceType": "s"}},
        {"name": "e", "properties": {"model": "azureml:phi:1"}, "sku": {}, "systemData": None},
    ]
    found = read(tmp_path).deployments
    assert [(each.name, each.traffic) for each in found] == [("c", 90), ("a", 10), ("b", 10), ("d", 0), ("e", 0)]
    assert found[2] == Deployment(
        name="b",
        state="Succeeded",
        traffic=10,
        model="phi:b",
        vm_size=A100,
        count=2,
        since=ago(2),
        tags={"model": "phi:b"},
    )
    assert found[1].state == "Creating"
    assert found[3] == Deployment(
        name="d", state="Unknown", traffic=0, model=asset["assetId"], vm_size="s", count=1, since=None
    )
    assert found[4].model == "azureml:phi:1" and found[4].vm_size == "None"


def test_what_has_cost_something(azure: Azure, tmp_path: Path) -> None:
    azure.job(NAME, "Completed", 3, ended=1, num_nodes_finetune="2")
    azure.job("prepare-eeeeeeeeeeee-1", "NotResponding", 2)
    azure.job("finetune-dddddddddddd-1", "Queued", 1)
    azure.get(f"{HISTORY}/finetune-dddddddddddd-1/details", {})
    azure.deployment("m1", hours_ago=5)
    azure.deployment("m0", hours_ago=30)
    azure.deployments.append({"name": "x", "properties": {"instanceType": "other"}})
    served = Served(ago(10), {"old": 1.5})
    azure.get(STACK.endpoint_path, {"properties": {}, "tags": served.tags()})
    uses = [line.use for line in read(tmp_path).spending.lines]
    assert sorted(uses, key=lambda use: use.what) == [
        Use(what="deployment m0", vm_size=A100, count=2, hours=10, now=True),
        Use(what="deployment m1", vm_size=A100, count=2, hours=5, now=True),
        Use(what="deployment x", vm_size="other", count=1, hours=0, now=True),
        Use(what="deployments until the last pause", vm_size="old", count=1, hours=1.5, now=False),
        Use(what=f"job {NAME}", vm_size=A100, count=2, hours=2, now=False),
        Use(what="job prepare-eeeeeeeeeeee-1", vm_size="Standard_D4s_v3", count=1, hours=2, now=False),
    ]


def test_the_attempts_are_at_the_model_in_question(azure: Azure, tmp_path: Path) -> None:
    """The wanted one's where it is there or tried; else the newest job's."""
    azure.job("finetune-aaaaaaaaaaaa-1", "Completed", 9, ended=8)
    azure.job("finetune-bbbbbbbbbbbb-1", "Completed", 7, ended=6)
    azure.job("finetune-bbbbbbbbbbbb-2", "Running", 5)
    azure.job("finetune-aaaaaaaaaaaa-2", "Failed", 4, ended=3)
    found = read(tmp_path)
    assert [job.name for job in found.attempts] == ["finetune-aaaaaaaaaaaa-2", "finetune-aaaaaaaaaaaa-1"]
    assert found.job is found.attempts[0] and [job.name for job in found.others] == ["finetune-bbbbbbbbbbbb-2"]
    assert (found.model, found.model_state) == ("phi-ultrachat:715915264", "not there")
    azure.get(
        f"{WORKSPACE}/models/{RELEASE.model_name}/versions",
        {"value": [{"name": "9", "properties": {"tags": {"fingerprint": "aaaaaaaaaaaa"}}}]},
    )
    found = read(tmp_path)
    assert (found.model, found.model_state) == ("phi-ultrachat:9", "registered")
    azure.registered()
    found = read(tmp_path)
    assert (found.attempts, found.job, found.model) == ((), None, "phi-ultrachat:994526542")
    assert len(found.jobs) == 4


def test_of_an_endpoint_what_there_is(azure: Azure, tmp_path: Path) -> None:
    assert read(tmp_path).endpoint_state == "not there"
    azure.get(STACK.endpoint_path, {"properties": None})
    found = read(tmp_path)
    assert (found.endpoint, found.endpoint_state, found.pause) == ("phi", "Unknown", None)
    azure.get(STACK.endpoint_path, {"properties": {"provisioningState": "Updating", "traffic": None}, "tags": None})
    found = read(tmp_path)
    assert found.endpoint_state == "Updating" and found.moving
    azure.refuse("GET", STACK.endpoint_path, 403, "Forbidden", "not yours")
    found = read(tmp_path, dataclasses.replace(STACK, hours="Mon-Fri 08:00-18:00 UTC"))
    assert (found.endpoint_state, found.hours) == ("unknown", "Mon-Fri 08:00-18:00 UTC")
    assert found.not_read == ("Not read just now: the endpoint (Forbidden: not yours)",)


def test_a_stack_that_is_not_up_and_one_that_is_silent(azure: Azure, tmp_path: Path) -> None:
    azure.refuse("GET", WORKSPACE, 404, "ResourceNotFound")
    with pytest.raises(StageError) as gone:
        read(tmp_path)
    assert str(gone.value) == (
        "stack dev is not up (workspace ws): there is no such workspace. Run `make up STACK=dev` first."
    )
    azure.refuse("GET", WORKSPACE, 403, "Forbidden", "not yours")
    for path in (
        f"{WORKSPACE}/jobs",
        STACK.endpoint_path,
        f"{STACK.endpoint_path}/deployments",
        f"{WORKSPACE}/models/{STACK.model_name}/versions/{FINETUNE.model_version}",
    ):
        azure.refuse("GET", path, 403, "Forbidden", "not yours")
    with pytest.raises(StageError) as silent:
        read(tmp_path)
    assert str(silent.value) == ("the state could not be read (stack dev): Forbidden: not yours. Run it again.")


def test_what_has_ended_is_asked_once(azure: Azure, tmp_path: Path) -> None:
    azure.job(NAME, "Completed", 3, ended=1)
    azure.job(FINETUNE.job_name(2), "Completed", 1)  # of which Azure does not know the end yet
    azure.job(FINETUNE.job_name(3), "Running", 1)
    reader = Reader(STACK, book(tmp_path), lambda: NOW)
    for _ in range(3):
        assert reader.read().attempts[-1].ended == ago(1)
    asked = [url.split("/runs/")[1].split("/")[0] for _, url in azure.sent if "/history/" in url]
    assert {name: asked.count(name) for name in set(asked)} == {
        NAME: 1,
        FINETUNE.job_name(2): 3,
        FINETUNE.job_name(3): 3,
    }


def test_how_far_it_is_is_told_of_a_job_under_way(azure: Azure, tmp_path: Path) -> None:
    azure.job("finetune-cccccccccccc-1", "Failed", 60, ended=59)
    azure.job("finetune-bbbbbbbbbbbb-1", "Completed", 40, ended=30)
    azure.job("finetune-aaaaaaaaaaaa-1", "Completed", 30, ended=27)
    azure.job(NAME, "Running", 1)
    assert read(tmp_path).progress == Progress(None, 7200.0, "estimated from finetune-aaaaaaaaaaaa-1")
    azure.refuse("GET", f"{HISTORY}/finetune-aaaaaaaaaaaa-1/details", 404, "NotFound")
    assert read(tmp_path).progress == Progress(None, 9 * 3600.0, "estimated from finetune-bbbbbbbbbbbb-1")
    points = [
        {"key": "epoch", "value": value, "timestamp": str(int((NOW.timestamp() - at) * 1000)), "step": str(step)}
        for value, at, step in ((0.5, 1000, 5), (1.0, 0, 10))
    ]
    azure.get(f"{MLFLOW}/metrics/get-history", {"metrics": points})
    found = read(tmp_path).progress
    assert found is not None and (found.share, found.left) == (1.0, 0.0)
    asked = [url for _, url in azure.sent if "get-history" in url]
    assert f"run_id={NAME}" in asked[-1] and "metric_key=epoch" in asked[-1]
    azure.jobs[-1]["properties"]["status"] = "NotResponding"
    assert read(tmp_path).progress is None


def test_the_data_and_the_model_are_looked_for_under_their_names(azure: Azure, tmp_path: Path) -> None:
    azure.registered()
    azure.deployment(WANTED.deployment_name, traffic=100)
    found = read(tmp_path)
    assert [stage.state for stage in found.stages] == ["done", "done", "done"] and found.recipe == ""
    asked = [url.split("?")[0].split("/workspaces/ws")[1] for _, url in azure.sent if "/workspaces/ws/" in url]
    assert {
        "/data/ultrachat-train/versions/0123456789ab",
        "/models/phi-ultrachat/versions/994526542",
        "/onlineEndpoints/phi/deployments",
        "/jobs",
    } <= set(asked)
    azure.refuse("GET", f"{WORKSPACE}/data/ultrachat-train/versions/0123456789ab", 404, "NotFound")
    assert [stage.state for stage in read(tmp_path).stages] == ["to do", "done", "done"]


def test_a_stack_that_has_nothing_is_told_with_the_models_name(azure: Azure, tmp_path: Path) -> None:
    found = read(tmp_path, dataclasses.replace(STACK, stages=None))
    assert (found.model, found.model_state, found.recipe, found.progress) == ("phi-ultrachat", "not there", None, None)
    assert read(tmp_path).model == "phi-ultrachat:994526542"


def test_without_a_moment_nobody_is_asked_who_asks(azure: Azure, tmp_path: Path) -> None:
    azure.deployment("m1")
    azure.deployments[0]["systemData"] = {}
    found: Any = read(tmp_path)
    assert found.usage.since is None and not any("Insights" in url for _, url in azure.sent)
    azure.deployments[0]["systemData"] = {"createdAt": ago(3).isoformat()}
    azure.deployment("m0", hours_ago=5)
    assert read(tmp_path).usage.since == ago(5), "since the first of them"
