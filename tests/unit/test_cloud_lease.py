"""A lease on a blob: whose it is, who loses it, what is said of it, and how it ends. The blob is one in memory."""

from __future__ import annotations

import json
import os
import socket
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ServiceRequestError

from cloud.errors import NotFinished, StageError
from cloud.services import lease
from cloud.services.lease import Holder
from cloud.target import Target

TARGET = Target("sub", "rg-phi", "mlw-phi")
NOW = datetime(2026, 11, 23, 9, 0, 30, tzinfo=UTC)
HELD = lease.held  # which other unit tests do without
OTHER = Holder(
    who="ada", host="laptop", pid=7, command="pulumi up", since="2026-11-23T08:55:00+00:00", seen="2026-11-23T09:00:00"
)


@dataclass
class Blob:
    """One blob with its lease, as Azure's client shows it."""

    written: bytes | None = None
    owner: str = ""
    asked: list[str] = field(default_factory=list)
    refuses: list[Exception] = field(default_factory=list)
    """What the next calls fail with."""

    def upload_blob(self, content: bytes, *, overwrite: bool, lease: Any = None) -> None:
        self._may_fail()
        if not overwrite and self.written is not None:
            raise ResourceExistsError("there already")
        if self.owner and (lease is None or lease.id != self.owner):
            raise _answer(412)
        self.written = content

    def get_blob_properties(self) -> Any:
        state = "leased" if self.owner else "available"
        return SimpleNamespace(lease=SimpleNamespace(state=state), last_modified=NOW)

    def download_blob(self) -> Any:
        return SimpleNamespace(readall=lambda: self.written)

    def close(self) -> None:
        self.asked.append("close")

    def _may_fail(self) -> None:
        if self.refuses:
            raise self.refuses.pop(0)


class Leased:
    """Azure's client of the lease."""

    def __init__(self, blob: Blob, lease_id: str = "") -> None:
        self._blob, self.id = blob, lease_id

    def acquire(self, lease_duration: int) -> None:
        self._blob.asked.append(f"acquire {lease_duration}")
        if self._blob.owner:
            raise ResourceExistsError("leased")
        self._blob.owner = self.id

    def renew(self) -> None:
        self._blob.asked.append("renew")
        self._blob._may_fail()
        if self._blob.owner != self.id:
            raise _answer(409)

    def release(self) -> None:
        self._blob.asked.append("release")
        self._blob.owner = ""

    def break_lease(self, lease_break_period: int) -> None:
        self._blob.asked.append(f"break {lease_break_period}")
        if not self._blob.owner:
            raise ResourceExistsError("none")
        self._blob.owner = ""


def _answer(status: int) -> HttpResponseError:
    error = HttpResponseError(f"status {status}")
    error.status_code = status
    return error


@pytest.fixture
def blob(monkeypatch: pytest.MonkeyPatch) -> Blob:
    made = Blob()
    places: list[tuple[Any, ...]] = []

    def client(url: str, container: str, name: str, *, credential: str, retry_total: int) -> Blob:
        places.append((url, container, name, credential, retry_total))
        assert places[-1][:2] == ("https://st.blob.core.windows.net", "azureml")
        assert (credential, retry_total) == ("a key", 2)
        return made

    monkeypatch.setattr("azure.storage.blob.BlobClient", client)
    monkeypatch.setattr("azure.storage.blob.BlobLeaseClient", Leased)
    monkeypatch.setattr(lease, "Arm", lambda retries: retries)
    monkeypatch.setattr(lease, "of_datastore", _datastore)
    monkeypatch.setattr(lease, "_POLL_SECONDS", 0.0)
    monkeypatch.setattr(lease, "_now", NOW.isoformat)
    monkeypatch.setattr(lease, "held", HELD)
    made.places = places  # type: ignore[attr-defined]
    return made


def _datastore(arm: int, target: Target, name: str) -> tuple[str, str, str]:
    assert (arm, target, name) == (2, TARGET, "workspaceblobstore")
    return "https://st.blob.core.windows.net", "azureml", "a key"


def held_by(blob: Blob, holder: Holder) -> None:
    blob.owner, blob.written = "theirs", json.dumps(vars(holder)).encode()


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
    "error", [_answer(403), ServiceRequestError("no route to host")], ids=["no role on the storage", "no connection"]
)
def test_who_cannot_reach_the_storage_goes_on_and_says_so(blob: Blob, error: Exception) -> None:
    blob.refuses = [error]
    said: list[str] = []
    work(said)
    assert said[0].startswith("warning: nobody else is kept from changing the same meanwhile (endpoint): ")
    assert not said[0].endswith("..")
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
    assert kept(blob, ServiceRequestError("none"), _answer(503), rounds=3) == (False, [])
    assert blob.asked.count("renew") == 3


def test_a_lease_that_was_taken_away_stops_the_work(blob: Blob) -> None:
    stopped, said = kept(blob, rounds=3, taken=True)
    assert stopped
    assert said == ["warning: the lease for endpoint was taken away: this ends where it can be taken up"]
    assert blob.asked.count("renew") == 1


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
