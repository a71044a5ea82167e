"""Faults of tokens, operations, jobs and deployments."""

from __future__ import annotations

import functools
import threading
import time
from typing import Any

import jwt
import pytest
from azure.core.exceptions import (
    HttpResponseError,
)
from azure.identity import EnvironmentCredential
from azure.mgmt.core import ARMPipelineClient

from cloud import arm as jobs_arm
from cloud import client as azure
from cloud.errors import StageError
from cloud.target import Target
from emulator.access import rbac
from emulator.faults.causes import CAUSES
from emulator.machine.home import CLIENT_OBJECT_ID, SUBSCRIPTION_ID
from jobs.training import stack_jobs
from jobs.training.failures.explain import failure
from jobs.training.following import Following
from jobs.training.joblog import JobLog
from jobs.training.limits import Limit
from tests.contract.arm import Refusal
from tests.contract.faulty import VERSION, client, fault, hits
from tests.contract.lab import GROUP, Lab
from tests.contract.serving_cases import serving_as


def test_an_expired_token_in_mid_run_is_refused_as_azure_does(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    with fault(lab.home, "token-expired", path=lab.workspace, count=1):
        arm = client(monkeypatch, retries=2)
        with pytest.raises(HttpResponseError, match="ExpiredAuthenticationToken"):
            arm.get(lab.workspace, VERSION)
        assert arm.get(lab.workspace, VERSION)


def test_for_a_revoked_token_the_client_gets_itself_another(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    arm = client(monkeypatch, retries=0)
    arm.get(lab.workspace, VERSION)
    with fault(lab.home, "token-revoked", path=lab.workspace, count=1) as rule:
        assert arm.get(lab.workspace, VERSION)["name"] == "mlw-refusals"
        assert hits(lab.home, rule) == 1


def test_short_tokens_are_renewed_and_refused_once_they_are_over(lab: Lab) -> None:
    with fault(lab.home, "token-short", seconds=1, count=2):
        token = EnvironmentCredential().get_token("https://management.azure.com/.default").token
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 1
    pipeline: ARMPipelineClient[Any, Any] = ARMPipelineClient("https://management.azure.com", policies=[])
    from azure.core.rest import HttpRequest

    deadline = time.monotonic() + 5
    request = HttpRequest("GET", "https://management.azure.com" + lab.workspace, params={"api-version": VERSION})
    request.headers["Authorization"] = f"Bearer {token}"
    while (answer := pipeline.send_request(request)).status_code == 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert answer.json()["error"]["code"] == "ExpiredAuthenticationToken"


def test_an_operation_fails_and_its_resource_with_it(lab: Lab) -> None:
    path = f"{lab.workspace}/onlineEndpoints/faults-fails"
    with fault(lab.home, "operation-fails", method="PUT", path=path, count=1, code="Conflict", message="no machine"):
        with pytest.raises(Refusal) as refused:
            lab.make_endpoint("faults-fails")
        assert (refused.value.code, refused.value.message) == ("Conflict", "no machine")
        assert lab.get(path)["properties"]["provisioningState"] == "Failed"
        with pytest.raises(Refusal, match="BadRequest"):  # no PUT mends what never came to life
            lab.make_endpoint("faults-fails")
        lab.delete(path)
        lab.make_endpoint("faults-fails")
    with fault(lab.home, "operation-fails", method="DELETE", path=path, count=1):
        with pytest.raises(Refusal):
            lab.delete(path)
        assert lab.get(path)["properties"]["provisioningState"] == "Failed"
        lab.delete(path)


def test_an_operation_hangs_until_its_rule_is_cleared(lab: Lab) -> None:
    from tests.contract.bodies import endpoint_body

    path = f"{lab.workspace}/onlineEndpoints/faults-hangs"
    with fault(lab.home, "operation-hangs", path=path, count=1) as rule:
        answer = lab.arm.call("PUT", path, VERSION, endpoint_body())
        arm = jobs_arm.Arm()
        poll = answer.headers["Azure-AsyncOperation"]
        assert [arm.get(poll, VERSION)["status"] for _ in range(3)] == ["InProgress"] * 3
        assert hits(lab.home, rule) == 1
    deadline = time.monotonic() + 10
    while arm.get(poll, VERSION)["status"] != "Succeeded":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    lab.delete(path)


def test_a_role_counts_late(lab: Lab) -> None:
    group = lab.group("rg-late")
    with fault(lab.home, "role-late", reads=2, count=1):
        assignment = lab.assign("Contributor", CLIENT_OBJECT_ID, group)
    known = rbac.Rbac(lab.store)
    with lab.setting("roles", []):
        action = "Microsoft.Storage/storageAccounts/write"
        assert [known.allowed(CLIENT_OBJECT_ID, action, group) for _ in range(3)] == [False, False, True]
    lab.delete(assignment)


TOLD = {
    "": "",
    "out-of-memory": "GPU memory",
    "killed": "machine memory",
    "bad-row": "data row",
    "image-pull": "image pull",
    "quota": "quota",
    "node-lost": "eviction",
}
"""What a user is told is the likely cause."""


def without_json(log: tuple[str, ...]) -> tuple[str, ...]:
    """A log up to the component's error as JSON, with which it ends."""
    return log[: next((at for at, line in enumerate(log) if line.strip() == "ErrorResponse"), len(log))]


@pytest.mark.parametrize("cause", CAUSES)
def test_a_failed_job_tells_its_step_exit_code_and_log_as_azure_does(cause: str, lab: Lab) -> None:
    options = {"cause": cause} if cause else {"step": "chat_completion_datapreprocess", "exit_code": 3}
    name = f"faults-{cause or 'plain'}"
    with fault(lab.home, "job-fails", path=f"*/jobs/{name}", count=1, **options):
        lab.wait(lab.submit(name), "Failed")
    known = CAUSES[cause]
    step = options.get("step") or known.step
    exit_code = options.get("exit_code", known.exit_code)
    log = JobLog(client=azure.ml_client(Target(SUBSCRIPTION_ID, GROUP, "mlw-refusals")), job_name=name)
    runs = {run.title: run.status for run in log.children()}
    assert runs.pop("finetune") == runs.pop(step) == "Failed"
    assert set(runs.values()) <= {"Completed", "NotStarted"}, "the steps before and after"
    told = failure(log, "Failed")
    assert (told.step, told.exit_code) == (step, exit_code)
    assert told.lines == without_json(known.log)[-15:]
    assert (told.said != "") == ("ErrorResponse" in "".join(known.log))
    assert (told.cause.name if told.cause else "") == TOLD[cause], told.why


def test_a_deployment_crashes_with_its_container_s_log_and_can_be_made_again(lab: Lab) -> None:
    with serving_as(lab, "crash") as endpoint:
        crash = fault(lab.home, "deployment-crashes", count=1, message="no module named numpy")
        with crash, pytest.raises(Refusal) as refused:
            lab.deploy(endpoint, "blue")
        assert refused.value.code == "ResourceNotReady"
        assert "User container has crashed or terminated: Liveness probe failed" in refused.value.message
        logs = lab.arm.post(f"{endpoint}/deployments/blue/getLogs", VERSION, {"tail": 50})["content"]
        assert logs.count("RuntimeError: no module named numpy") == 3
        lab.delete(f"{endpoint}/deployments/blue")
        lab.deploy(endpoint, "blue")


def test_a_killed_inference_server_comes_back_by_itself(lab: Lab) -> None:
    lab.score(lab.live)
    with fault(lab.home, "server-killed", path=f"{lab.live}/*", count=1) as rule:
        with pytest.raises(Refusal) as refused:
            lab.score(lab.live)
        assert refused.value.status == 503
        assert hits(lab.home, rule) == 1
        assert "output" in lab.score(lab.live)


def test_a_job_that_hangs_is_ended_by_its_limit(lab: Lab) -> None:
    with fault(lab.home, "job-hangs", path="*/jobs/hangs"):
        path = lab.submit("hangs")
        lab.wait(path, "Running")
        target = Target(SUBSCRIPTION_ID, GROUP, "mlw-refusals")
        log = JobLog(client=(client := azure.ml_client(target)), job_name="hangs")
        assert [run.title for run in log.children() if run.status == "Running"][-1] == "chat_completion_finetune"
        follow = Following(
            client=client,
            work="fine-tuning",
            cancel=functools.partial(stack_jobs.cancel, jobs_arm.Arm(), target, report=print),
            limit=Limit.of_hours(0.0001, "finetune.maxHours"),
        )
        with pytest.raises(StageError, match="reached its limit and was cancelled"):
            follow.to_end("hangs", lambda _: None, threading.Event())
    assert lab.get(path)["properties"]["status"] == "Canceled"
