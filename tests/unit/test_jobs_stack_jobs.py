"""The stack's jobs as REST answers them: each whole, what is asked for them, and how one is cancelled."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from test_jobs_specs import FINETUNE, TARGET

from cloud.arm import Arm
from cloud.errors import StageError
from jobs.training import queueing, stack_jobs
from jobs.training.stack_jobs import StackJob
from tests.unit.arm_fake import ArmFake, install

WS = "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"
HOST = "https://management.azure.com"
VERSION = "api-version=2025-12-01"
NAME = f"finetune-{FINETUNE.fingerprint}-12"


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> ArmFake:
    return install(monkeypatch)


def job(name: str = NAME, **properties: Any) -> dict[str, Any]:
    tags = {"stack": "dev", "fingerprint": FINETUNE.fingerprint}
    return {
        "name": name,
        "properties": {"status": "Running", "tags": tags, **properties},
        "systemData": {"createdAt": "2026-11-22T10:00:00Z"},
    }


def listed(azure: ArmFake, *jobs: dict[str, Any]) -> list[StackJob]:
    azure.get(f"{WS}/jobs", {"value": list(jobs)})
    return stack_jobs.of_stack(Arm(), TARGET, "dev")


PLAIN = StackJob(
    name=NAME,
    work="fine-tuning",
    fingerprint="7b963b464e21",
    attempt=12,
    status="Running",
    created="2026-11-22T10:00:00Z",
    display_name=NAME,
    url="",
    machine="",
    inputs={},
    recipe="",
)


def test_a_job_is_read_whole(azure: ArmFake) -> None:
    told = job(
        displayName="phi: Phi-4 on chats",
        services={"Studio": {"endpoint": "https://ml.azure.com/runs/1"}},
        tags={
            "stack": "dev",
            "fingerprint": FINETUNE.fingerprint,
            "vmSize": "Standard_NC24ads_A100_v4",
            "recipe_name": "gentle",
        },
        jobs={
            "node": {"inputs": {"learning_rate": {"value": 2e-5}, "file": {"uri": "azureml:x"}, "off": {"value": 0}}},
            "other": {"inputs": {"never": {"value": 1}}},
        },
    )
    assert listed(azure, told) == [
        StackJob(
            name=NAME,
            work="fine-tuning",
            fingerprint="7b963b464e21",
            attempt=12,
            status="Running",
            created="2026-11-22T10:00:00Z",
            display_name="phi: Phi-4 on chats",
            url="https://ml.azure.com/runs/1",
            machine="Standard_NC24ads_A100_v4",
            inputs={"learning_rate": "2e-05", "off": "0"},
            recipe="gentle",
        )
    ]
    assert azure.sent == [("GET", f"{HOST}{WS}/jobs?{VERSION}&tag=stack&listViewType=All")]


def test_what_a_job_does_not_say_is_empty(azure: ArmFake) -> None:
    assert listed(azure, job()) == [PLAIN]
    bare = {"name": NAME, "properties": {"tags": {"stack": "dev", "fingerprint": FINETUNE.fingerprint}, "jobs": {}}}
    (found,) = listed(azure, bare)
    assert (found.status, found.created, found.inputs, found.ended) == ("", "", {}, False)
    (found,) = listed(azure, job(jobs={"node": {}}, services={"Studio": {}}, status="Completed"))
    assert (found.inputs, found.url, found.ended) == ({}, "", True)


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        (NAME, {"stack": "prod", "fingerprint": FINETUNE.fingerprint}),
        (NAME, {"stack": "dev"}),
        (NAME, {"stack": "dev", "fingerprint": "0123456789ab"}),
        (f"{NAME}-copy", {"stack": "dev", "fingerprint": FINETUNE.fingerprint}),
        (f"evaluate-{FINETUNE.fingerprint}-1", {"stack": "dev", "fingerprint": FINETUNE.fingerprint}),
        (f"finetune-{FINETUNE.fingerprint}-0", {"stack": "dev", "fingerprint": FINETUNE.fingerprint}),
    ],
)
def test_what_is_not_the_stacks_is_left_out(azure: ArmFake, name: str, tags: dict[str, str]) -> None:
    assert listed(azure, job(name, tags=tags), {}, {"name": NAME, "properties": None}) == []


def test_a_preparation_is_named_by_more_than_its_fingerprint_and_the_newest_is_first(azure: ArmFake) -> None:
    prepared = {**job("prepare-0123456789ab-3"), "systemData": {"createdAt": "2026-11-22T11:00:00Z"}}
    later, earlier = job(f"finetune-{FINETUNE.fingerprint}-2"), job(f"finetune-{FINETUNE.fingerprint}-1")
    found = listed(azure, earlier, prepared, later)
    assert [(each.work, each.fingerprint, each.attempt) for each in found] == [
        ("preparation of the data", FINETUNE.fingerprint, 3),
        ("fine-tuning", FINETUNE.fingerprint, 2),
        ("fine-tuning", FINETUNE.fingerprint, 1),
    ]


def test_no_workspace_is_no_stack(azure: ArmFake) -> None:
    with pytest.raises(StageError) as missing:
        stack_jobs.of_stack(Arm(), TARGET, "dev")
    assert str(missing.value) == (
        "stack dev is not up (workspace ws): there is no such workspace. Run `make up STACK=dev` first."
    )


def test_what_a_cluster_runs_on_and_one_job(azure: ArmFake) -> None:
    path = f"{WS}/computes/gpu"
    assert stack_jobs.machine_of(Arm(), TARGET, "gpu") == {}
    azure.get(path, {"properties": {"properties": {}}})
    assert stack_jobs.machine_of(Arm(), TARGET, "gpu") == {}
    azure.get(path, {"properties": {"properties": {"vmSize": "STANDARD_NC24ADS_A100_V4"}}})
    assert stack_jobs.machine_of(Arm(), TARGET, "gpu") == {"vmSize": "Standard_NC24ads_A100_v4"}
    azure.get(f"{WS}/jobs/x", {"name": "x", "properties": {"status": "Queued"}})
    found = stack_jobs.one(Arm(), TARGET, "x")
    assert found == {"name": "x", "properties": {"status": "Queued"}} and stack_jobs.status_of(found) == "Queued"
    assert stack_jobs.one(Arm(), TARGET, "y") is None
    assert (stack_jobs.status_of(None), stack_jobs.status_of({}), stack_jobs.status_of({"properties": {}})) == ("",) * 3


def cancelled(stop: threading.Event | None = None) -> str:
    return stack_jobs.cancel(Arm(), TARGET, "x", lambda _: None, stop)


def test_a_job_is_cancelled_and_its_end_waited_for(azure: ArmFake, monkeypatch: pytest.MonkeyPatch) -> None:
    azure.then("POST", f"{WS}/jobs/x/cancel", (200, {}, None))
    azure.get(f"{WS}/jobs/x", {"properties": {"status": "Canceled"}})
    assert cancelled() == "Canceled"
    assert azure.sent == [("POST", f"{HOST}{WS}/jobs/x/cancel?{VERSION}"), ("GET", f"{HOST}{WS}/jobs/x?{VERSION}")]
    azure.refuse("GET", f"{WS}/jobs/x", 404, "ResourceNotFound")
    assert cancelled() == "", "it is gone"
    azure.get(f"{WS}/jobs/x", {"properties": {"status": "CancelRequested"}})
    monkeypatch.setattr(stack_jobs, "_PATIENCE", 0.0)
    assert cancelled() == "CancelRequested", "it takes its time"


@pytest.mark.parametrize("status", ["Completed", "Failed", "Canceled"])
def test_what_ended_just_now_need_not_be_cancelled(azure: ArmFake, status: str) -> None:
    azure.refuse("POST", f"{WS}/jobs/x/cancel", 400, "BadRequest", "it has ended")
    azure.get(f"{WS}/jobs/x", {"properties": {"status": status}})
    assert cancelled() == status
    azure.refuse("GET", f"{WS}/jobs/x", 404, "ResourceNotFound")
    assert cancelled() == ""
    azure.get(f"{WS}/jobs/x", {"properties": {"status": "Running"}})
    with pytest.raises(Exception, match="it has ended"):
        cancelled()


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        ({}, ""),
        ({"errors": None}, ""),
        ({"errors": [{}]}, "cluster gpu says"),
        ({"errors": [{"error": {"code": "Novel"}}]}, "cluster gpu says Novel"),
        ({"errors": [{"error": {"message": "two\n words"}}]}, "cluster gpu says : two words"),
        (
            {"errors": [{"error": {"code": "OutOfCapacity", "message": "none"}}, {"error": {"code": "Other"}}]},
            "cluster gpu says OutOfCapacity: none. Wait and run `pulumi up` again, or choose another compute.vmSize or "
            "region.",
        ),
    ],
)
def test_why_a_job_stays_queued(azure: ArmFake, inner: dict[str, Any], said: str) -> None:
    azure.get(f"{WS}/computes/gpu", {"properties": {"properties": inner}})
    assert queueing.reason(Arm(), TARGET, "gpu") == said
    assert azure.sent == [("GET", f"{HOST}{WS}/computes/gpu?{VERSION}")]
    azure.refuse("GET", f"{WS}/computes/gpu", 403, "AuthorizationFailed")
    assert queueing.reason(Arm(), TARGET, "gpu") == ""
    azure.refuse("GET", f"{WS}/computes/gpu", 404, "ResourceNotFound")
    assert queueing.reason(Arm(), TARGET, "gpu") == ""
