"""What is only read: the growing log of a job, the state of a stack, Azure's refusals."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from jobs_fake import FakeMl, install

from cloud.errors import azure_errors, refusal
from jobs.training import joblog
from jobs.training.joblog import JobLog


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    return install(monkeypatch)


def test_only_new_and_complete_lines_are_told(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = {"sas-1": b"", "sas-2": b"secret file"}
    monkeypatch.setattr(joblog, "_download", lambda url, start: blobs[url][start:])
    files = {"user_logs/std_log.txt": "sas-1", "system_logs/cap.log": "sas-2"}
    details = SimpleNamespace(log_files=files, error=None)
    ml.jobs._runs_operations.get_run_details = lambda run: details
    log = JobLog(ml, "job")  # type: ignore[arg-type]
    told = []
    for more in (b"epoch 1\nepo", b"ch 2\n\n", b"", b"end\n"):
        blobs["sas-1"] += more
        told.append(log.new_lines())
    assert told == [["epoch 1"], ["epoch 2"], [], ["end"]]


def test_logs_of_the_steps_are_found_and_unreadable_ones_left_out(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(name: str) -> Any:
        return SimpleNamespace(name=name, display_name=name, status="Running")

    def details(run: str) -> Any:
        if run == "job":
            raise HttpResponseError("gone")
        return SimpleNamespace(log_files={"user_logs/std_log.txt": run}, error=None)

    ml.jobs.children = {"job": [run("a"), None], "a": [run("b")]}
    ml.jobs._runs_operations.get_run_details = details
    monkeypatch.setattr(joblog, "_download", lambda url, start: b"" if start else f"from {url}\n".encode())
    assert JobLog(ml, "job").new_lines() == ["from a", "from b"]  # type: ignore[arg-type]


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
