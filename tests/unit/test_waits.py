"""Nothing in the product is waited for without a bound and without a word each minute: every wait there is, by name."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("cloud", "jobs", "infra", "chat", "flow", "data_prep", "policy", "review", "settings")
HOME = "cloud/waiting.py"

ELSEWHERE = {
    "cloud/client.py": "half a second of an operation of Azure's, until its bound; tells",
    "cloud/services/lease.py": "the thread that renews a lease for as long as it is held",
    "data_prep/card/digests.py": "a moment, for a file's times to settle",
    "data_prep/run/pool.py": "a worker that ends with its parent",
    "infra/lifecycle/together.py": "passes a stage's own waiting on",
    "jobs/commands/logs.py": "between two looks of somebody who watches, and ends it",
    "jobs/status/watch.py": "the same",
    "review/engine.py": "a preview's process, whose events are shown as they come",
}
"""Files that wait by other means than cloud/waiting.py, and what for."""

TELL_THEMSELVES = {
    "cloud/arm.py": "what is answered at once; for all else, the last test here",
    "jobs/golden/golden.py": "some seconds after a 429; each minute how many questions there were",
    "jobs/release/judging/smoke.py": "some seconds between two questions; each minute what is asked",
    "jobs/release/judging/watching.py": "half a minute between two looks; each minute what is measured",
    "jobs/release/operations.py": "a minute of an operation; then what is waited for",
    "jobs/training/following.py": "each minute that the job goes on, or that Azure has no answer",
}
"""Files that say what they wait for elsewhere than in `tell`, and when."""

AT_ONCE = ("listkeys", "listsecrets", "checknameavailability")
"""Ends of addresses of which Azure makes no operation."""
ANSWERED_AT_ONCE = {
    "cloud/services/models.py": "PUT of a version's tags",
    "cloud/services/registry.py": "where the files of a version are",
    "cloud/services/mlflow.py": "the run history, a service that has no operations",
    "jobs/keys.py": "PUT of a connection",
    "jobs/preflight/names.py": "a question whether a name is free",
    "jobs/preflight/locked/policies.py": "a question what policies would deny",
    "jobs/publishing/publish.py": "a flow, of a service that has no operations",
    "jobs/release/scaling.py": "an autoscale setting",
}
"""Files that send such requests to other addresses."""


@functools.cache
def calls() -> list[tuple[str, ast.Call]]:
    files = {path.relative_to(ROOT).as_posix(): path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))}
    return [
        (name, each)
        for name, path in files.items()
        if name != HOME
        for each in ast.walk(ast.parse(path.read_text()))
        if isinstance(each, ast.Call)
    ]


def called(call: ast.Call) -> str:
    """The last name of what is called."""
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def named(call: ast.Call) -> set[str]:
    return {str(keyword.arg) for keyword in call.keywords}


def test_who_waits_by_other_means_is_known() -> None:
    found = {
        name
        for name, call in calls()
        if called(call) == "sleep" or (called(call) == "wait" and isinstance(call.func, ast.Attribute))
    }
    assert found == set(ELSEWHERE)


OTHERS = {"jobs/pausing/by_hours.py"}
"""Where `pause` is another function: that of an endpoint."""


@pytest.mark.parametrize(("function", "needs"), [("wait", {"most", "tell"}), ("pause", {"tell", "stop"})])
def test_every_wait_has_a_bound_and_tells(function: str, needs: set[str]) -> None:
    waits = [
        (name, call)
        for name, call in calls()
        if isinstance(call.func, ast.Name) and call.func.id == function and name not in OTHERS
    ]
    assert len(waits) >= 6
    assert [(name, call.lineno) for name, call in waits if not needs <= named(call)] == []
    endless = [
        (name, call.lineno) for name, call in waits for keyword in call.keywords if "inf" in ast.unparse(keyword.value)
        and keyword.arg == "most"
    ]  # fmt: skip
    assert endless == []


def test_who_says_nothing_while_waiting_says_it_elsewhere() -> None:
    silent = {
        name
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if (name := path.relative_to(ROOT).as_posix()) != HOME and "tells_itself" in path.read_text()
    }
    assert silent == set(TELL_THEMSELVES)


def test_every_change_of_azure_that_may_take_a_while_tells() -> None:
    """Requests of `cloud.arm.Arm` that may begin an operation, which is followed to its end."""
    methods = ("'PUT'", "'POST'", "'PATCH'", "'DELETE'", "method")
    changes = [(name, call) for name, call in calls() if called(call) == "run" and call.args]
    changes = [(name, call) for name, call in changes if ast.unparse(call.args[0]) in methods]
    assert len(changes) > 15
    silent = {
        name
        for name, call in changes
        if "tell" not in named(call) and not ast.unparse(call.args[1]).lower().rstrip("'\"").endswith(AT_ONCE)
    }
    assert silent == set(ANSWERED_AT_ONCE)


def test_no_operation_of_the_sdk_is_waited_for_by_its_own_means() -> None:
    found = [
        (name, call.lineno)
        for name, call in calls()
        if called(call) in ("result", "wait")
        and isinstance(call.func, ast.Attribute)
        and "begin_" in ast.unparse(call.func.value)
    ]
    assert found == []
