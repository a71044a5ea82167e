"""One operator at a time: a lease on a blob of the workspace's storage, for whoever changes something.

Pulumi locks its state, and nothing else: a command beside it, or a second backend, would undo what the first one does.
What is changed has a blob of its own, so that a fine-tune of hours holds up no release. The lease runs out a minute
after its holder's end, however that came; the blob says who holds it, for what and since when. Broken on purpose, it
tells the holder to stop.
"""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import re
import socket
import threading
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cloud.arm import Arm
from cloud.errors import NotFinished, StageError, azure_errors
from cloud.report import WARNING, Report
from cloud.services.blobs import of_datastore
from cloud.target import Target
from cloud.waiting import Stopped, TooLong, minutely, wait

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, BlobLeaseClient

DATA, TRAINING, ENDPOINT, FLOW = "data", "training", "endpoint", "flow"
SCOPES = (DATA, TRAINING, ENDPOINT, FLOW)
"""What is changed by one operator at a time."""
STORE = "workspaceblobstore"
"""The datastore that each workspace has from the start."""
SECONDS = 60
"""As long as Azure lets a lease be that runs out at all."""
_RENEW_SECONDS, _POLL_SECONDS = 15.0, 5.0
_RUN = re.compile(r"https://[\w.-]+/[\w./-]+")


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Who does what. Times are UTC in ISO format; ``seen`` is that of the last renewal.

    ``machine`` tells a process number from that of another machine, or container, of the same name.
    """

    who: str
    host: str
    pid: int
    command: str
    since: str
    seen: str
    machine: str = ""

    @classmethod
    def me(cls, command: str) -> Holder:
        now, pid, host = _now(), os.getpid(), socket.gethostname()
        return cls(who=_who(), host=host, pid=pid, command=command, since=now, seen=now, machine=_machine())

    @property
    def gone(self) -> bool:
        """Whether it was a process of this machine that is there no more."""
        return (self.host, self.machine) == (socket.gethostname(), _machine()) and not runs(self.pid)

    def __str__(self) -> str:
        age, silent = _ago(self.since), _ago(self.seen)
        where = f"process {self.pid} on {self.host}"
        return f"{self.who} ({where}) does `{self.command}` since {age}; its last sign of life came {silent} ago"


@contextlib.contextmanager
def held(
    target: Target, scope: str, command: str, report: Report, stop: threading.Event, *, breaking: bool = False
) -> Iterator[None]:
    """Lets nobody else change the same while the block runs; ``breaking`` takes the lease from who has it.

    Where the lease is lost meanwhile, ``stop`` is set and the block has to end. Who may not write into the storage, or
    has no connection to it, goes on without: that is said, and refuses nobody. Raises StageError where somebody else
    holds it, and NotFinished where ``stop`` is set while that is found out.
    """
    try:
        lease = _taken(target, scope, Holder.me(command), report, stop, breaking)
    except StageError as error:
        if error.__cause__ is None or isinstance(error, NotFinished):
            raise
        why = error.why.rstrip(".")
        report(f"{WARNING}nobody else is kept from changing the same meanwhile ({scope}): {why}")
        yield
        return
    over = threading.Event()
    keeper = threading.Thread(target=lease.keep, args=(over, stop, report), name=f"lease-{scope}", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join(_RENEW_SECONDS)
        lease.give_back()


def break_all(target: Target, report: Report) -> None:
    """Breaks every lease of the workspace, whoever holds it, and says who did. Raises StageError."""
    for scope in SCOPES:
        lease = _Lease(target, scope, None)
        with azure_errors("the leases could not be looked at", f"workspace {target.workspace}"):
            blob = lease.blob()
            holder = lease.holder(blob)
            if holder is not None:
                lease.free(blob)
        report(f"{scope} of {target.workspace}: {f'taken from {holder}' if holder else 'nobody holds it'}")


class _Lease:
    """The blob of one scope, and the lease on it where that is ours."""

    def __init__(self, target: Target, scope: str, me: Holder | None) -> None:
        self._target, self._scope, self._me = target, scope, me
        self._lease: BlobLeaseClient | None = None
        self._held: BlobClient | None = None

    def blob(self) -> BlobClient:
        """The blob, which is made where it is not there."""
        from azure.core.exceptions import ResourceExistsError
        from azure.storage.blob import BlobClient

        url, container, access = of_datastore(Arm(retries=2), self._target, STORE)
        blob = BlobClient(url, container, f"finetune-phi/leases/{self._scope}.json", credential=access, retry_total=2)
        with contextlib.suppress(ResourceExistsError):
            blob.upload_blob(b"{}", overwrite=False)
        return blob

    def holder(self, blob: BlobClient) -> Holder | None:
        """Who holds it now, None where nobody does."""
        found = blob.get_blob_properties()
        if found.lease.state not in ("leased", "breaking"):
            return None
        try:
            return Holder(**json.loads(bytes(blob.download_blob().readall())))
        except (ValueError, TypeError):
            moment = found.last_modified.isoformat(timespec="seconds")
            return Holder(who="somebody", host="?", pid=0, command="?", since=moment, seen=moment)

    def free(self, blob: BlobClient) -> None:
        """Nobody's from here on."""
        from azure.core.exceptions import ResourceExistsError
        from azure.storage.blob import BlobLeaseClient

        with contextlib.suppress(ResourceExistsError):  # nobody holds it any more
            BlobLeaseClient(blob).break_lease(lease_break_period=0)

    def acquire(self, blob: BlobClient) -> bool:
        """Whether it is ours."""
        from azure.core.exceptions import ResourceExistsError
        from azure.storage.blob import BlobLeaseClient

        lease = BlobLeaseClient(blob, lease_id=str(uuid.uuid4()))
        try:
            lease.acquire(lease_duration=SECONDS)
        except ResourceExistsError:
            return False
        self._lease, self._held = lease, blob
        self._sign()
        return True

    def keep(self, over: threading.Event, stop: threading.Event, report: Report) -> None:
        """Renews it until it is ``over``; sets ``stop`` where it is somebody else's, or nobody's."""
        from azure.core.exceptions import AzureError

        assert self._lease is not None
        while not over.wait(_RENEW_SECONDS):
            try:
                self._lease.renew()
                self._sign()
            except AzureError as error:
                if getattr(error, "status_code", None) not in (404, 409, 412):
                    continue  # no answer now: it is tried again, and a lease that ran out can still be renewed
                if not over.is_set():
                    report(f"{WARNING}the lease for {self._scope} was taken away: this ends where it can be taken up")
                    stop.set()
                return

    def give_back(self) -> None:
        """Frees it; one that is lost, or out of reach, runs out by itself."""
        from azure.core.exceptions import AzureError

        if self._lease is not None and self._held is not None:
            with contextlib.suppress(AzureError):
                self._lease.release()
            self._held.close()

    def _sign(self) -> None:
        assert self._me is not None and self._held is not None
        text = json.dumps({**asdict(self._me), "seen": _now()})
        self._held.upload_blob(text.encode(), overwrite=True, lease=self._lease)


def _taken(target: Target, scope: str, me: Holder, report: Report, stop: threading.Event, breaking: bool) -> _Lease:
    """The lease, once it is ours: a holder of this machine that is gone loses it, another one has to show that it is
    alive. Raises StageError, with a cause where it could not be found out.
    """
    lease, on = _Lease(target, scope, me), f"{scope} of workspace {target.workspace}"
    first: Holder | None = None

    def ours() -> bool | None:
        nonlocal first
        if lease.acquire(blob):
            return True
        holder = lease.holder(blob)
        if holder is None:
            return None
        if breaking or holder.gone:
            lease.free(blob)
            report(f"{WARNING}the lease for {scope} is broken: {holder}")
            return None
        if first is None:
            report(f"waiting for a sign of life, {SECONDS} s at most: {holder}")
        elif holder.seen != first.seen:
            raise _busy(on, holder)
        first = first or holder
        return None

    try:
        with azure_errors("the lease could not be taken", on):
            blob = lease.blob()
            tell = minutely(report, f"still waiting for the lease for {scope}")
            wait(ours, every=_POLL_SECONDS, most=2.0 * SECONDS, tell=tell, stop=stop)
    except Stopped:
        raise NotFinished("nothing was begun", on=on, why="you asked to stop", todo="Run it again.") from None
    except TooLong:
        raise _busy(on, first) from None
    return lease


def _busy(on: str, holder: Holder | None) -> StageError:
    todo = (
        "Wait for its end, or ask them. If you know that it does nothing any more, "
        "`python -m jobs recover --break-lease` takes all leases of the stack from whoever has them."
    )
    return StageError("somebody else is at work", on=on, why=str(holder or "the lease is not given back"), todo=todo)


def _who() -> str:
    """The person or the run behind this process."""
    environment = os.environ
    run = "/".join(environment.get(key, "") for key in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY"))
    if number := environment.get("GITHUB_RUN_ID", ""):
        address = f"{run}/actions/runs/{number}"
        return f"{environment.get('GITHUB_ACTOR', 'GitHub')}, {address if _RUN.fullmatch(address) else 'a workflow'}"
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user without a name
        return f"user {os.getuid()}"


def _machine() -> str:
    """This boot of this machine, and the space of process numbers in it."""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    return ""


def runs(pid: int) -> bool:
    """Whether there is a process of this number on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _ago(moment: str) -> str:
    try:
        seconds = max(0, int((datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()))
    except (ValueError, TypeError):
        return "an unknown time"
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
