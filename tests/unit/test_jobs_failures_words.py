"""Why a job failed, in words, and what is read of it: each sentence whole."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from jobs.training.failures.cause import Cause
from jobs.training.failures.component_error import split
from jobs.training.failures.explain import Failure, explained, failure
from jobs.training.joblog import JobLog, Run, RunError, failing
from tests.unit import arm_fake
from tests.unit.arm_fake import blob

CAUSE = Cause(name="heat", pattern="hot", means="it is too hot", todo="Cool it.", source="seen")
PLAIN: dict[str, Any] = {
    "step": "",
    "status": "Failed",
    "codes": (),
    "reason": "",
    "exit_code": None,
    "said": "",
    "lines": (),
    "cause": None,
}


@pytest.mark.parametrize(
    ("known", "why"),
    [
        ({}, "it ended Failed"),
        ({"step": "train", "exit_code": 0}, "step train ended Failed with exit code 0"),
        ({"reason": "It broke."}, "it ended Failed. Azure says: It broke"),
        ({"reason": "It broke.", "codes": ("User", "Inner")}, "it ended Failed. Azure says: Inner: It broke"),
        ({"reason": "It broke.", "said": "It broke"}, "it ended Failed. Azure says: It broke"),
        ({"said": "Too few."}, "it ended Failed. The component says: Too few"),
        ({"said": "x" * 600}, f"it ended Failed. The component says: {'x' * 600}"),
        ({"said": "x" * 601}, f"it ended Failed. The component says: {'x' * 599}…"),
        ({"lines": ("one", "two")}, "it ended Failed. Last lines of its log:\n  one\n  two\n"),
        (
            {"lines": ("one.",), "cause": CAUSE},
            "it ended Failed. Last lines of its log:\n  one.\nLikely cause: heat, it is too hot",
        ),
        (
            {"reason": "It broke.", "cause": CAUSE},
            "it ended Failed. Azure says: It broke. Likely cause: heat, it is too hot",
        ),
    ],
)
def test_why_it_failed(known: dict[str, Any], why: str) -> None:
    assert Failure(**{**PLAIN, **known}).why == why


class Log:
    """A job's log, and what its runs report."""

    job_name = "job"

    def __init__(self, runs: list[Run], errors: dict[str, RunError], lines: dict[str, list[str]]) -> None:
        self.runs, self.errors, self.lines = runs, errors, lines

    def children(self) -> list[Run]:
        return self.runs

    def error(self, run: str) -> RunError:
        return self.errors.get(run, RunError())

    def tail(self, run: str, lines: int) -> list[str]:
        assert lines == 2000
        return self.lines.get(run, [])


STEP = Run(name="step", parent="job", title="train", status="Failed")


def test_what_is_known_of_a_failure_whole() -> None:
    lines = [f"line {number}" for number in range(60)]
    log: Any = Log(
        [STEP],
        {"job": RunError(("User",), "exited with code\n -9. "), "step": RunError(("Inner",), "")},
        {"step": lines},
    )
    found = failure(log, "Failed")
    assert found.cause is not None and found.cause.name == "machine memory"
    assert found == Failure(
        step="train",
        status="Failed",
        codes=("User",),
        reason="exited with code -9.",
        exit_code=-9,
        said="",
        lines=tuple(lines[45:]),
        cause=found.cause,
    )
    log = Log([], {"job": RunError((), "x")}, {"job": ["CUDA out of memory", *lines[:40]]})
    assert failure(log, "Failed").cause is None, "so far from the end it is not the cause"
    log = Log([], {}, {"job": ["CUDA out of memory", *lines[:39]]})
    its = failure(log, "Failed").cause
    assert its is not None and its.name == "GPU memory"
    assert failure(log, "Canceled") == Failure(**{**PLAIN, "status": "Canceled", "lines": tuple(lines[24:39])}), (
        "by hand"
    )
    assert explained(log, "Failed").splitlines()[:2] == [
        "Why: it ended Failed",
        "Likely cause: GPU memory, the GPU's memory does not hold model, batch and optimizer",
    ]
    quiet: Any = Log([], {"job": RunError((), "see https://x?sig=SECRET")}, {})
    assert explained(quiet, "Failed") == "Why: it ended Failed. Azure says: see https://x?sig=***"


def error_json(code: str, message: str) -> list[str]:
    return ["ErrorResponse", "{", f'  "error": {{"code": "{code}", "message": "{message}"}}', "}"]


def test_the_components_errors_are_taken_out_of_the_log() -> None:
    ranks = [f"[rank1]: {line}" for line in error_json("SystemError", "later")]
    lines = ["before", *error_json("UserError", "mend  it"), "between", *ranks, "after"]
    assert split(lines) == ("mend it", ["before", "between", "after"]), "what a user can mend goes before the rest"
    lines = [*error_json("SystemError", "first"), *error_json("SystemError", "second")]
    assert split(lines) == ("second", [])
    odd = ["ErrorResponse", "no JSON", "ErrorResponse", "[1]", "ErrorResponse", '{"error": {"code": "x"}}']
    assert split([*odd, *error_json("UserError", "it")]) == ("it", odd)
    assert split(["ErrorResponse"]) == ("", ["ErrorResponse"]) and split([]) == ("", [])


def run(name: str, parent: str, status: str) -> Run:
    return Run(name=name, parent=parent, title=name, status=status)


@pytest.mark.parametrize(
    ("runs", "name"),
    [
        ([], None),
        ([run("a", "job", "Completed")], None),
        ([run("a", "job", "Failed"), run("b", "a", "Failed"), run("c", "a", "Canceled")], "b"),
        ([run("a", "job", "Canceled"), run("b", "job", "NotResponding")], "b"),
        ([run("a", "job", "Canceled"), run("b", "a", "Completed")], "a"),
    ],
)
def test_the_run_that_a_job_failed_of(runs: list[Run], name: str | None) -> None:
    found = failing(runs)
    assert (found.name if found else None) == name


def log_of(details: Any, children: Any = None) -> JobLog:
    operations = SimpleNamespace(get_run_details=details, get_run_children=children)
    client: Any = SimpleNamespace(jobs=SimpleNamespace(_runs_operations=operations))
    return JobLog(client=client, job_name="job")


def raising(error: Exception) -> Any:
    def raises(_: str) -> Any:
        raise error

    return raises


def test_what_a_run_reports_as_its_error() -> None:
    inner = SimpleNamespace(code="Inner", inner_error=SimpleNamespace(code=None))
    details = [SimpleNamespace(code="Detail"), SimpleNamespace(code=None)]
    root = SimpleNamespace(code="User", message=" it broke ", inner_error=inner, details=details)

    def error(its: Any) -> RunError:
        return log_of(lambda _: SimpleNamespace(error=its)).error("x")

    assert error(SimpleNamespace(error=root)) == RunError(("User", "Inner", "Detail"), "it broke")
    assert error(SimpleNamespace(error=SimpleNamespace(message=None))) == RunError()
    assert error(None) == error(SimpleNamespace(error=None)) == RunError()
    assert log_of(raising(HttpResponseError("no"))).error("x") == RunError()


def test_runs_below_a_job_are_read_to_the_third_level() -> None:
    def child(name: str) -> Any:
        return SimpleNamespace(name=name, display_name=None, status=None)

    below = {"job": [child("a"), None], "a": [child("b")], "b": [child("c")], "c": [child("d")]}
    log = log_of(None, lambda parent: below.get(parent, []))
    assert log.children() == [
        Run(name="a", parent="job", title="a", status=""),
        Run(name="b", parent="a", title="b", status=""),
        Run(name="c", parent="b", title="c", status=""),
    ]
    log = log_of(None, raising(HttpResponseError("not you\nat all")))
    assert log.children() == [] and log.refused == {"job": "not you"}
    log = log_of(None, raising(ResourceNotFoundError("not yet")))
    assert log.children() == [] and log.refused == {}


def test_what_cannot_be_read_is_kept_with_its_reason() -> None:
    log = log_of(raising(HttpResponseError("not you")), lambda _: [])
    assert (log.tail("job", 5), log.ran(), log.new_lines()) == ([], 0.0, [])
    assert log.refused == {"job": "not you"}


def test_a_log_is_read_on_from_its_last_whole_line(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = arm_fake.install(monkeypatch)
    files = {
        "user_logs/std_log.txt": blob("a"),
        "logs/azureml/executionlogs.txt": blob("b"),
        "system_logs/x": blob("c"),
    }
    details = SimpleNamespace(start_time_utc=None, end_time_utc=None, log_files=files, error=None)
    log = log_of(lambda _: details, lambda _: [])
    storage.blobs.update({blob("a"): b"one\ntwo\n\nthr", blob("b"): b"zero\n", blob("c"): b"secret\n"})
    assert log.news() == [("job", ["zero", "one", "two"])]
    storage.blobs[blob("a")] += b"ee\n"
    assert (log.news(), log.news()) == ([("job", ["three"])], [])
    assert log.tail("job", 2) == ["two", "three"] and log.tail("job", 0) == ["zero", "one", "two", "three"]
