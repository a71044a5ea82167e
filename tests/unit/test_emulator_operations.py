from __future__ import annotations

import threading
from pathlib import Path

import pytest

from emulator.arm.errors import AzureError
from emulator.machine.home import EmulatorError
from emulator.machine.store import Store
from emulator.manager.operations import Operations, Transitions


def run(tmp_path: Path, transitions: Transitions, error: Exception | None = None) -> tuple[Operations, str]:
    done = threading.Event()

    def work(kind: str, resource_id: str) -> None:
        assert (kind, resource_id) == ("apply", "/s/a")
        done.set()
        if error:
            raise error

    operations = Operations(Store(tmp_path / "state.sqlite"), transitions, work, lambda _: None)
    operation = operations.begin("apply", "/s/a")
    assert done.wait(5)
    operations._pool.shutdown(wait=True)
    return operations, operation


def status(operations: Operations, operation: str) -> str:
    found = operations.poll(operation)
    assert found is not None
    return found[1]


def test_an_operation_ends_with_its_work(tmp_path: Path) -> None:
    operations, operation = run(tmp_path, Transitions())
    assert status(operations, operation) == "Succeeded"


def test_a_state_can_wait_for_reads(tmp_path: Path) -> None:
    operations, operation = run(tmp_path, Transitions(reads=2))
    assert [status(operations, operation) for _ in range(3)] == ["InProgress", "InProgress", "Succeeded"]


def test_a_state_can_wait_for_the_clock(tmp_path: Path) -> None:
    operations, operation = run(tmp_path, Transitions(seconds=3600))
    assert status(operations, operation) == "InProgress"


def test_a_refusal_of_the_work_is_the_operations_error(tmp_path: Path) -> None:
    operations, operation = run(tmp_path, Transitions(), AzureError(400, "OutOfQuota", "no cores"))
    found = operations.poll(operation)
    assert found is not None
    assert found[1:] == ("Failed", {"code": "OutOfQuota", "message": "no cores"})


def test_the_switch_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, expected in (
        ("", Transitions()),
        ("reads:3", Transitions(reads=3)),
        ("seconds:1.5", Transitions(seconds=1.5)),
        ("azure:0.02", Transitions(azure=0.02)),
    ):
        monkeypatch.setenv("EMULATOR_TRANSITIONS", text)
        assert Transitions.from_environment() == expected
    monkeypatch.setenv("EMULATOR_TRANSITIONS", "slowly")
    with pytest.raises(EmulatorError, match="immediate, reads:N, seconds:S or azure:SHARE"):
        Transitions.from_environment()


def test_a_share_of_azures_time_depends_on_the_type() -> None:
    workspace = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
    deployment = f"{workspace}/onlineEndpoints/e/deployments/d"
    vault = "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v"
    least = Transitions(azure=0.1).least
    assert [least(each) for each in (workspace, deployment, vault)] == [6.0, 90.0, 0.0]
    assert Transitions(seconds=2).least(deployment) == 2
