"""A lease on a blob: whose it is, who loses it, and how it ends. The blob is one in memory."""

from __future__ import annotations

import json
import os
import socket
import threading
from types import SimpleNamespace

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError
from lease_fake import OTHER, TARGET, Blob, answer, held_by

from cloud.errors import NotFinished, StageError
from cloud.services import lease
from cloud.services.lease import Holder


def work(said: list[str], stop: threading.Event | None = None, scope: str = lease.ENDPOINT, **how: bool) -> None:
    with lease.held(TARGET, scope, "jobs rollback", said.append, stop or threading.Event(), **how):
        said.append("at work")


@pytest.mark.parametrize("scope", ["data", "training", "endpoint", "flow"])
def test_each_scope_has_a_blob_of_its_own_which_says_who_has_it(blob: Blob, scope: str) -> None:
    with lease.held(TARGET, scope, "pulumi up", lambda _: None, threading.Event()):
        assert blob.owner
        signed = json.loads(blob.written or b"")
        assert signed["command"] == "pulumi up"
        assert (signed["host"], signed["pid"]) == (socket.gethostname(), os.getpid())
        assert signed["since"] == signed["seen"] == "2026-11-23T09:00:30+00:00"
    assert not blob.owner
    assert blob.asked == ["acquire 60", "release", "close"]
    assert blob.places[0][2] == f"finetune-phi/leases/{scope}.json"  # type: ignore[attr-defined]


def test_who_shows_that_he_is_alive_keeps_it(blob: Blob) -> None:
    held_by(blob, OTHER)
    said: list[str] = []

    def tell(line: str) -> None:
        said.append(line)
        held_by(blob, Holder(**{**vars(OTHER), "seen": "2026-11-23T09:00:15+00:00"}))

    with pytest.raises(StageError) as caught, lease.held(TARGET, "endpoint", "x", tell, threading.Event()):
        said.append("at work")
    assert caught.value.what == "somebody else is at work"
    assert caught.value.on == "endpoint of workspace mlw-phi"
    assert caught.value.why.startswith("ada (process 7 on laptop) does `pulumi up` since ")
    assert "jobs recover --break-lease" in caught.value.todo
    (line,) = said
    assert line.startswith("waiting for a sign of life, 60 s at most: ada (process 7 on laptop)")
    assert blob.owner == "theirs"


def test_a_lease_that_runs_out_is_taken(blob: Blob) -> None:
    held_by(blob, OTHER)
    said: list[str] = []

    def tell(line: str) -> None:
        said.append(line)
        blob.owner = ""

    with lease.held(TARGET, "endpoint", "x", tell, threading.Event()):
        said.append("at work")
    assert said[1:] == ["at work"]


def test_a_holder_of_this_machine_that_is_gone_loses_it(blob: Blob, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Holder(**{**vars(Holder.me("pulumi up")), "pid": 4_000_000})
    monkeypatch.setattr(lease, "runs", lambda pid: pid != 4_000_000)
    held_by(blob, gone)
    said: list[str] = []
    work(said)
    assert said[0].startswith("warning: the lease for endpoint is broken: ")
    assert said[1:] == ["at work"]
    assert "break 0" in blob.asked


@pytest.mark.parametrize("elsewhere", [{"host": "laptop"}, {"machine": "another boot"}])
def test_a_process_of_another_machine_is_not_known_to_be_gone(
    elsewhere: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "runs", lambda pid: False)
    assert Holder.me("x").gone
    assert not Holder(**{**vars(Holder.me("x")), **elsewhere}).gone


def test_it_is_broken_on_purpose(blob: Blob) -> None:
    held_by(blob, OTHER)
    said: list[str] = []
    work(said, breaking=True)
    assert said == [f"warning: the lease for endpoint is broken: {OTHER}", "at work"]


def test_who_asks_to_stop_while_waiting_has_begun_nothing(blob: Blob) -> None:
    held_by(blob, OTHER)
    stop, said = threading.Event(), list[str]()
    stop.set()
    with pytest.raises(NotFinished, match="nothing was begun"):
        work(said, stop)
    assert "at work" not in said


def test_a_silent_holder_keeps_it_no_longer_than_two_leases(blob: Blob, monkeypatch: pytest.MonkeyPatch) -> None:
    held_by(blob, OTHER)
    monkeypatch.setattr(lease, "SECONDS", 0.0)
    said: list[str] = []
    with pytest.raises(StageError, match="somebody else is at work"):
        work(said)
    assert "at work" not in said


@pytest.mark.parametrize(
    "error", [answer(403), ServiceRequestError("no route to host")], ids=["no role on the storage", "no connection"]
)
def test_who_cannot_reach_the_storage_goes_on_and_says_so(blob: Blob, error: Exception) -> None:
    error.message = "no role."  # type: ignore[attr-defined]
    blob.refuses = [error]
    said: list[str] = []
    work(said)
    why = "403: no role" if isinstance(error, HttpResponseError) else "Azure could not be reached (no route to host)"
    assert said[0] == f"warning: nobody else is kept from changing the same meanwhile (endpoint): {why}"
    assert said[1:] == ["at work"]


def kept(blob: Blob, *refusals: Exception, rounds: int, taken: bool = False) -> tuple[bool, list[str]]:
    """Whether the work was told to stop, and what was said, after so many looks at a lease that is ours."""
    mine = lease._Lease(TARGET, "endpoint", Holder.me("pulumi up"))
    assert mine.acquire(blob)  # type: ignore[arg-type]
    if taken:
        blob.owner = "theirs"
    blob.refuses = list(refusals)
    stop, said, turns = threading.Event(), list[str](), iter([False] * rounds + [True] * 2)
    over = SimpleNamespace(wait=lambda seconds: next(turns), is_set=lambda: False)
    mine.keep(over, stop, said.append)  # type: ignore[arg-type]
    return stop.is_set(), said


def test_it_is_renewed_and_signed_again_until_the_work_is_over(blob: Blob) -> None:
    assert kept(blob, rounds=3) == (False, [])
    assert blob.asked.count("renew") == 3


def test_no_answer_is_no_loss(blob: Blob) -> None:
    assert kept(blob, ServiceRequestError("none"), answer(503), rounds=3) == (False, [])
    assert blob.asked.count("renew") == 3


def test_a_lease_that_was_taken_away_stops_the_work(blob: Blob) -> None:
    stopped, said = kept(blob, rounds=3, taken=True)
    assert stopped
    assert said == ["warning: the lease for endpoint was taken away: this ends where it can be taken up"]
    assert blob.asked.count("renew") == 1
