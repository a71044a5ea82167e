"""Each fault as Azure's own clients see it, with their retries and without."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
import pytest
from azure.core.exceptions import (
    AzureError,
    DecodeError,
    HttpResponseError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.identity import EnvironmentCredential
from azure.mgmt.core import ARMPipelineClient
from azure.storage.blob import BlobClient

from cloud import arm as jobs_arm
from cloud import client as azure
from cloud.errors import StageError
from cloud.target import Target
from emulator.__main__ import main
from emulator.access import rbac
from emulator.faults.causes import CAUSES
from emulator.faults.rules import KINDS, REQUEST
from emulator.front import admin
from emulator.machine.home import CLIENT_OBJECT_ID, SUBSCRIPTION_ID, Home
from emulator.machine.processes import Processes
from jobs.training import stack_jobs
from jobs.training.failures.explain import failure
from jobs.training.following import Following
from jobs.training.joblog import JobLog
from jobs.training.limits import Limit
from tests.chaos.kills import wait_for_indexes
from tests.contract.arm import Refusal
from tests.contract.lab import GROUP, Lab
from tests.contract.test_refusals_serving import serving_as

VERSION = "2025-12-01"
IMPATIENT = 0.5
"""Seconds a client waits for an answer here."""


@contextmanager
def fault(home: Home, kind: str, **rule: Any) -> Iterator[str]:
    """A rule for as long as the block lasts; its name."""
    (added,) = admin.call(home, "POST", "faults", {"kind": kind, **rule})
    try:
        yield added["id"]
    finally:
        admin.call(home, "DELETE", f"faults/{added['id']}")


def hits(home: Home, name: str) -> int:
    return next(each.get("hits", 0) for each in admin.call(home, "GET", "faults") if each["id"] == name)


def client(monkeypatch: pytest.MonkeyPatch, retries: int) -> jobs_arm.Arm:
    """The stages' own ARM pipeline, made impatient."""
    quick = {**azure.RETRIES, "retry_backoff_factor": 0.05, "read_timeout": IMPATIENT}
    monkeypatch.setattr(azure, "RETRIES", quick)
    return jobs_arm.Arm(retries=retries)


LOST = (ServiceRequestError, ServiceResponseError, IncompleteReadError)
REQUESTS: dict[str, tuple[dict[str, Any], type[Exception] | tuple[type[Exception], ...], str]] = {
    "throttled": ({"retry_after": 0}, HttpResponseError, "TooManyRequests"),
    "error": ({}, HttpResponseError, "InternalServerError"),
    "unavailable": ({"retry_after": 0}, HttpResponseError, "ServiceUnavailable"),
    "no-answer": ({}, LOST, "timed out"),
    "reset": ({}, LOST, "reset by peer|closed connection"),
    "truncated": ({}, LOST, "IncompleteRead|reset by peer"),
}
"""Kind → its options, what a client without retries raises, and what that says."""


@pytest.mark.parametrize("kind", REQUESTS)
def test_a_client_without_retries_sees_the_fault_and_one_with_them_gets_through(
    kind: str, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    options, error, says = REQUESTS[kind]
    with fault(lab.home, kind, path=lab.workspace, count=2, **options) as rule:
        with pytest.raises(error, match=says):
            client(monkeypatch, retries=0).get(lab.workspace, VERSION)
        assert client(monkeypatch, retries=2).get(lab.workspace, VERSION)["name"] == "mlw-refusals"
        assert hits(lab.home, rule) == 2


def test_every_fault_of_requests_has_a_test_here() -> None:
    others = {"slow", "empty", "nonsense", "token-expired", "token-revoked"}
    assert {name for name, kind in KINDS.items() if kind.point == REQUEST} == REQUESTS.keys() | others


def test_a_slow_body_arrives_whole_after_its_time(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    arm = client(monkeypatch, retries=0)
    arm.get(lab.workspace, VERSION)
    with fault(lab.home, "slow", path=lab.workspace, count=1, seconds=0.6):
        since = time.monotonic()
        assert arm.get(lab.workspace, VERSION)["name"] == "mlw-refusals"
        assert time.monotonic() - since > 0.5


def test_an_answer_without_anything_in_it_and_one_that_is_none(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    arm = client(monkeypatch, retries=0)
    with fault(lab.home, "empty", path=lab.workspace, count=1):
        assert arm.get(lab.workspace, VERSION) == {}
    with fault(lab.home, "nonsense", path=lab.workspace, count=1), pytest.raises(DecodeError, match="200 text/html"):
        arm.get(lab.workspace, VERSION)
    assert arm.get(lab.workspace, VERSION)["name"] == "mlw-refusals"


def test_an_answer_that_is_lost_was_worth_the_work_all_the_same(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"{lab.group('rg-lost')}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-lost"
    with fault(lab.home, "reset", path=path, method="PUT", count=1, answered=True), pytest.raises(LOST):
        query = {"api-version": "2023-01-31"}
        client(monkeypatch, retries=0).run("PUT", path, query, {"location": "eastus2"})
    assert lab.get(path)["name"] == "id-lost"


def test_a_rate_with_a_seed_hits_the_same_requests_each_time(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> list[bool]:
        seen = []
        with fault(lab.home, "error", path=lab.workspace, rate=0.4, seed=11, after=1):
            for _ in range(8):
                try:
                    client(monkeypatch, retries=0).get(lab.workspace, VERSION)
                    seen.append(True)
                except HttpResponseError:
                    seen.append(False)
        return seen

    first = run()
    assert 0 < first.count(False) < 8
    assert first[0], "the first match is let through"
    assert run() == first


# --- blobs


@pytest.fixture
def blob(lab: Lab) -> BlobClient:
    """A blob of 100,000 bytes under Azure's host name, for a client that retries once."""
    storage = lab.store.get(lab.storage)
    assert storage is not None
    blob = BlobClient(
        f"https://{storage.name}.blob.core.windows.net",
        "azureml-blobstore-faults",
        "file",
        credential={"account_name": storage.name, "account_key": storage.internal["keys"][0]},
        retry_total=1,
        initial_backoff=0,
        increment_base=0,
        connection_data_block_size=4096,
    )
    container = blob._get_container_client()
    if not container.exists():
        container.create_container()
    blob.upload_blob(b"x" * 100_000, overwrite=True)
    return blob


BLOBS = "*.blob.core.windows.net"


@pytest.mark.parametrize(("kind", "method"), [("error", "GET"), ("unavailable", "PUT"), ("reset", "PUT")])
def test_blob_traffic_is_led_through_the_emulator_while_a_rule_is_about_it(
    kind: str, method: str, lab: Lab, blob: BlobClient
) -> None:
    def use() -> None:
        with BlobClient.from_blob_url(blob.url, credential=blob.credential, retry_total=0) as once:
            if method == "PUT":
                once.upload_blob(b"y" * 100_000, overwrite=True)
            else:
                once.download_blob().readall()

    with fault(lab.home, kind, host=BLOBS, method=method, count=1) as rule:
        with pytest.raises((*LOST, HttpResponseError)):
            use()
        assert hits(lab.home, rule) == 1
    use()
    assert blob.download_blob().readall() == (b"y" if method == "PUT" else b"x") * 100_000


def test_the_storage_client_reads_a_truncated_blob_again(lab: Lab, blob: BlobClient) -> None:
    with fault(lab.home, "truncated", host=BLOBS, method="GET", count=1, bytes=1000) as rule:
        with BlobClient.from_blob_url(blob.url, credential=blob.credential, initial_backoff=0) as again:
            assert again.download_blob().readall() == b"x" * 100_000
        assert hits(lab.home, rule) == 1


def test_a_killed_azurite_comes_back_by_itself(lab: Lab, blob: BlobClient) -> None:
    (azurite,) = Processes(lab.store).family("azurite")
    wait_for_indexes(lab.home)
    azurite.kill()
    azurite.wait(5)
    deadline = time.monotonic() + 60
    while True:
        try:
            assert blob.download_blob().readall() == b"x" * 100_000
            return
        except (AzureError, *LOST):
            assert time.monotonic() < deadline
            time.sleep(0.2)


# --- tokens


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


# --- long-running operations and roles


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
    from tests.contract.lab import endpoint_body

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


# --- jobs and deployments


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


# --- the rules themselves


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"kind": "thunder"}, "there is no fault 'thunder'; there are throttled"),
    ({"kind": "error", "seconds": 3}, "seconds means nothing to error"),
    ({"kind": "slow"}, "slow needs seconds"),
    ({"kind": "role-late"}, "role-late needs seconds or reads"),
    ({"kind": "error", "rate": 1.5}, "rate: "),
    ({"kind": "job-fails", "cause": "bad luck"}, "cause: "),
    ({"kind": "error", "often": 3}, "often: "),
)


@pytest.mark.parametrize(("rule", "says"), WRONG)
def test_a_wrong_rule_is_refused_with_its_reason(rule: dict[str, Any], says: str, home: Home) -> None:
    with pytest.raises(admin.EmulatorError, match=says):
        admin.call(home, "POST", "faults", rule)


def test_the_command_line_adds_lists_and_clears(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    del home

    def faults(*arguments: str) -> tuple[int, str, str]:
        return main(["faults", *arguments]), *capsys.readouterr()

    code, added, error = faults("add", "throttled", "--id", "mine", "--path", "*/no/*", "--count", "3", "--seed", "7")
    assert (code, error) == (0, "")
    assert added.split() == ["mine", "throttled", "*", "*", "*/no/*", "next", "3", "hit", "0", "of", "0"]
    assert faults("list") == (0, added, "")
    code, _, error = faults("add", "throttled", "--id", "mine")
    assert code == 1
    assert "there is a rule mine already" in error
    assert faults("clear") == (0, added, "")
    assert faults("list") == (0, "no rules: everything goes well\n", "")


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
