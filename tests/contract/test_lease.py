"""One operator at a time, with leases of the emulator's storage: two operators, and a holder that is killed."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from cloud.errors import StageError
from cloud.services import lease
from cloud.target import Target
from emulator.machine.home import SUBSCRIPTION_ID
from tests.contract.arm import Arm
from tests.contract.conftest import make_workspace

GROUP = "rg-lease"
OTHER = """
import sys, threading
from cloud.services import lease
from cloud.target import Target

stop = threading.Event()
with lease.held(Target(*sys.argv[1:4]), "endpoint", "pulumi up, endpoint", print, stop):
    print("at work", flush=True)
    stop.wait(300)
    print("told to stop", flush=True)
"""


@pytest.fixture(scope="module")
def target(arm: Arm) -> Target:
    make_workspace(arm, GROUP, "lease")
    return Target(SUBSCRIPTION_ID, GROUP, "mlw-lease")


@pytest.fixture
def other(target: Target, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    """Another operator at work on the endpoint."""
    monkeypatch.setattr(lease, "_POLL_SECONDS", 0.2)
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    lease.break_all(target, lambda _: None)  # of the one that the test before has killed
    quick = OTHER.replace("stop = ", "lease._RENEW_SECONDS, lease.SECONDS = 0.5, 15\nstop = ")
    arguments = [target.subscription_id, target.resource_group, target.workspace]
    with subprocess.Popen([sys.executable, "-c", quick, *arguments], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "at work\n"
            yield process
        finally:
            process.kill()


def work(target: Target, scope: str = lease.ENDPOINT, **how: bool) -> list[str]:
    """What is said while nothing is done with the lease."""
    said: list[str] = []
    with lease.held(target, scope, "python -m jobs rollback", said.append, threading.Event(), **how):
        pass
    return said


def test_somebody_at_work_is_named_in_the_refusal_and_holds_up_nothing_else(
    target: Target, other: subprocess.Popen[str]
) -> None:
    with pytest.raises(StageError) as refused:
        work(target)
    told = str(refused.value)
    assert re.match(
        rf"somebody else is at work \(endpoint of workspace mlw-lease\): \S+ \(process {other.pid} on \S+\) does "
        r"`pulumi up, endpoint` since \d+ s; its last sign of life came \d+ s ago",
        told,
    )
    assert "recover --break-lease" in told
    assert work(target, lease.TRAINING) == []


def test_a_holder_that_was_killed_is_followed_at_once_on_its_own_machine(
    target: Target, other: subprocess.Popen[str]
) -> None:
    other.kill()
    other.wait()
    (told,) = work(target)
    assert told.startswith("warning: the lease for endpoint is broken: ")
    assert work(target) == [], "given back"


def test_one_that_is_taken_away_on_purpose_tells_its_holder_to_stop(
    target: Target, other: subprocess.Popen[str]
) -> None:
    said: list[str] = []
    lease.break_all(target, said.append)
    assert [line.split(" (")[0].split(": ")[0] for line in said] == [f"{scope} of mlw-lease" for scope in lease.SCOPES]
    assert f"process {other.pid}" in said[2] and said[0].endswith("nobody holds it")
    assert other.stdout is not None
    assert "was taken away" in other.stdout.readline() and other.stdout.readline() == "told to stop\n"
    assert other.wait(30) == 0


def test_a_command_may_break_it(target: Target, other: subprocess.Popen[str]) -> None:
    (told,) = work(target, breaking=True)
    assert f"process {other.pid}" in told


def test_a_holder_elsewhere_that_was_killed_is_waited_for_until_its_lease_has_run_out(
    target: Target, other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    other.kill()
    other.wait()
    monkeypatch.setattr(lease, "_machine", lambda: "another")
    began = time.monotonic()
    (told,) = work(target)
    assert told.startswith("waiting for a sign of life, 60 s at most: ") and time.monotonic() - began < 70
