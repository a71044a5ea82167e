"""Who holds a lease: what is said of a person, a run, a machine and of how long ago."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError
from lease_fake import NOW, OTHER, TARGET, Blob, held_by

from cloud.errors import NotFinished, StageError
from cloud.services import lease
from cloud.services.lease import Holder


def test_all_are_broken_and_each_holder_is_named(blob: Blob) -> None:
    held_by(blob, OTHER)
    said: list[str] = []
    lease.break_all(TARGET, said.append)
    assert said[0] == f"data of mlw-phi: taken from {OTHER}"
    assert said[1:] == [f"{scope} of mlw-phi: nobody holds it" for scope in ("training", "endpoint", "flow")]


def test_a_holder_that_left_no_name_is_somebody(blob: Blob) -> None:
    blob.owner, blob.written = "theirs", b"{}"
    found = lease._Lease(TARGET, "endpoint", None).holder(blob)  # type: ignore[arg-type]
    assert found == Holder(who="somebody", host="?", pid=0, command="?", since=NOW.isoformat(), seen=NOW.isoformat())


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (3_599, "59 min"), (-5, "0 s")]
)
def test_ages(seconds: int, words: str) -> None:
    # The moment lies between two readings of the clock.
    moment = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
    assert lease._ago(moment) in (words, words.replace("119 s", "2 min"))


@pytest.mark.parametrize("moment", ["", "?", "2026-11-23T09:00:00"])
def test_an_age_that_cannot_be_read(moment: str) -> None:
    assert lease._ago(moment) == "an unknown time"


@pytest.mark.parametrize(
    ("environment", "who"),
    [
        (
            {
                "GITHUB_RUN_ID": "12",
                "GITHUB_ACTOR": "ada",
                "GITHUB_SERVER_URL": "https://github.com",
                "GITHUB_REPOSITORY": "a/b",
            },
            "ada, https://github.com/a/b/actions/runs/12",
        ),
        ({"GITHUB_RUN_ID": "12", "GITHUB_SERVER_URL": "javascript:", "GITHUB_REPOSITORY": "a/b"}, "GitHub, a workflow"),
        ({"LOGNAME": "grace"}, "grace"),
    ],
)
def test_who_is_at_work(environment: dict[str, str], who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_RUN_ID", "GITHUB_ACTOR", "GITHUB_SERVER_URL", "GITHUB_REPOSITORY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert lease._who() == who


def test_this_process_runs_and_a_number_nobody_has_does_not() -> None:
    assert lease.runs(os.getpid())
    assert not lease.runs(2**22 + 1)


def test_how_long_a_lease_lasts_and_how_often_it_is_renewed_and_asked_for() -> None:
    assert (lease.SECONDS, lease._RENEW_SECONDS, lease.SCOPES) == (60, 15, ("data", "training", "endpoint", "flow"))
    assert lease.STORE == "workspaceblobstore"


def test_a_stop_and_a_silence_are_told_whole(blob: Blob, monkeypatch: pytest.MonkeyPatch) -> None:
    held_by(blob, OTHER)
    stop = threading.Event()
    stop.set()
    with pytest.raises(NotFinished) as stopped, lease.held(TARGET, "endpoint", "x", print, stop):
        pass
    assert str(stopped.value) == ("nothing was begun (endpoint of workspace mlw-phi): you asked to stop. Run it again.")
    monkeypatch.setattr(lease, "SECONDS", 0)
    monkeypatch.setattr(lease, "_ago", lambda moment: "9 s")
    with pytest.raises(StageError) as busy, lease.held(TARGET, "endpoint", "x", print, threading.Event()):
        pass
    assert str(busy.value) == (
        "somebody else is at work (endpoint of workspace mlw-phi): ada (process 7 on laptop) does `pulumi up` since "
        "9 s; its last sign of life came 9 s ago. Wait for its end, or ask them. If you know that it does nothing any "
        "more, `python -m jobs recover --break-lease` takes all leases of the stack from whoever has them."
    )
    nobody = str(lease._busy("x", None))
    assert nobody.startswith("somebody else is at work (x): the lease is not given back. Wait for its end")


def test_the_lease_is_waited_for_by_the_clock(blob: Blob, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(lease, "_POLL_SECONDS", 5.0)
    monkeypatch.setattr(lease, "minutely", lambda report, what: f"tells {what}")
    monkeypatch.setattr(lease, "wait", lambda until, **how: asked.append((until(), how)))
    stop = threading.Event()
    lease._taken(TARGET, "flow", Holder.me("x"), print, stop, False)
    how = {"every": 5.0, "most": 120.0, "tell": "tells still waiting for the lease for flow", "stop": stop}
    assert asked == [(True, how)]


def test_a_user_without_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def unnamed() -> str:
        raise KeyError("uid")

    monkeypatch.delenv("GITHUB_RUN_ID", raising=False)
    monkeypatch.setattr(lease.getpass, "getuser", unnamed)
    monkeypatch.setattr(lease.os, "getuid", lambda: 1234)
    assert lease._who() == "user 1234"


@pytest.mark.parametrize(("error", "there"), [(ProcessLookupError, False), (PermissionError, True), (None, True)])
def test_whether_a_process_is_there(
    error: type[Exception] | None, there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def kill(pid: int, signal: int) -> None:
        asked.append((pid, signal))
        if error:
            raise error

    monkeypatch.setattr(lease.os, "kill", kill)
    assert lease.runs(7) is there and asked == [(7, 0)]


def test_a_broken_answer_names_nobody(blob: Blob) -> None:
    blob.owner, blob.written = "theirs", b"{"
    found = lease._Lease(TARGET, "endpoint", None).holder(blob)  # type: ignore[arg-type]
    assert found is not None and (found.who, found.machine) == ("somebody", "")
    blob.owner = ""
    assert lease._Lease(TARGET, "endpoint", None).holder(blob) is None  # type: ignore[arg-type]


def test_a_machine_by_its_boot_and_its_space_of_process_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    class Proc:
        def __init__(self, path: str) -> None:
            self.path = path

        def read_text(self, encoding: str) -> str:
            if self.path == gone:
                raise FileNotFoundError(self.path)
            assert (self.path, encoding) == ("/proc/sys/kernel/random/boot_id", "ascii")
            return "boot\n"

        def readlink(self) -> str:
            assert self.path == "/proc/self/ns/pid"
            return "pid:[1]"

    monkeypatch.setattr(lease, "Path", Proc)
    gone = ""
    assert lease._machine() == "boot pid:[1]"
    gone = "/proc/sys/kernel/random/boot_id"
    assert lease._machine() == ""


def test_leases_that_cannot_be_looked_at(blob: Blob) -> None:
    blob.refuses = [ServiceRequestError("no route")]
    with pytest.raises(StageError) as raised:
        lease.break_all(TARGET, print)
    assert str(raised.value) == (
        "the leases could not be looked at (workspace mlw-phi): Azure could not be reached (no route). Check the "
        "network. Run `pulumi up` again: it goes on where it stopped."
    )
