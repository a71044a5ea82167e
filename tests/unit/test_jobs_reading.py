"""What is only read: the growing log of a job, the state of a stack, Azure's refusals."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from jobs_fake import FakeMl, install

from cloud.errors import azure_errors, refusal
from jobs.training.joblog import JobLog
from tests.unit import arm_fake
from tests.unit.arm_fake import ArmFake, blob


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    return install(monkeypatch)


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> ArmFake:
    return arm_fake.install(monkeypatch)


def test_only_new_and_complete_lines_are_told(ml: FakeMl, storage: ArmFake) -> None:
    one, other = blob("std_log"), blob("cap")
    storage.blobs.update({one: b"", other: b"secret file\n"})
    details = SimpleNamespace(
        start_time_utc=None,
        end_time_utc=None,
        log_files={"user_logs/std_log.txt": one, "system_logs/cap.log": other},
        error=None,
    )
    ml.jobs._runs_operations.get_run_details = lambda run: details
    log = JobLog(client=ml, job_name="job")  # type: ignore[arg-type]
    told = []
    for more in (b"epoch 1\nepo", b"ch 2\n\n", b"", b"\xff end\n"):
        storage.blobs[one] += more
        told.append(log.new_lines())
    assert told == [["epoch 1"], ["epoch 2"], [], ["\ufffd end"]]
    assert log.tail("job", 2) == ["epoch 2", "\ufffd end"]
    assert log.refused == {}


def test_logs_of_the_steps_are_found_and_refused_ones_told(ml: FakeMl, storage: ArmFake) -> None:
    def run(name: str) -> Any:
        return SimpleNamespace(name=name, display_name=name, status="Running")

    def details(run: str) -> Any:
        if run == "job":
            raise HttpResponseError("This request is not authorized")
        return SimpleNamespace(
            start_time_utc=None, end_time_utc=None, log_files={"user_logs/std_log.txt": blob(run)}, error=None
        )

    ml.jobs.children = {"job": [run("a"), None, run("early")], "a": [run("b"), run("walled")]}
    ml.jobs._runs_operations.get_run_details = details
    storage.blobs.update({blob("a"): b"from a\n", blob("b"): b"from b\n"})
    storage.refuse("GET", blob("walled"), 403, "AuthorizationFailure")
    log = JobLog(client=ml, job_name="job")  # type: ignore[arg-type]
    assert log.new_lines() == ["from a", "from b"]
    # The log of the run that is early is not there yet.
    assert sorted(log.refused) == ["job", "walled"] and log.refused["job"] == "This request is not authorized"
    storage.blobs[blob("walled")] = b"open now\n"
    assert log.new_lines() == ["open now"] and list(log.refused) == ["job"]


def _error(body: Any, code: int = 400) -> HttpResponseError:
    from azure.core.exceptions import ODataV4Format

    error = HttpResponseError("Operation returned an invalid status 'Bad Request'\nContent: lots")
    error.status_code, error.error = code, ODataV4Format(body)
    return error


def test_the_text_inside_an_endpoint_refusal_is_dug_out() -> None:
    inner = '{{"errors":{{"VmSize":["Not enough quota available for X. Current usage/limit: 0/6."]}},"title":"One"}}'
    details = [{"code": "InferencingClientCallFailed", "message": inner}]
    error = _error({"code": "BadRequest", "message": "The request is invalid.", "details": details})
    assert refusal(error) == ("BadRequest", "Not enough quota available for X. Current usage/limit: 0/6.")
    with pytest.raises(Exception, match="Ask for quota"), azure_errors("refused", "deployment m"):
        raise error


def test_other_refusals_keep_their_code_and_one_line() -> None:
    error = _error({"code": "AuthorizationFailed", "message": "The client has no right.\nMore."}, 403)
    assert refusal(error) == ("AuthorizationFailed", "The client has no right.")
