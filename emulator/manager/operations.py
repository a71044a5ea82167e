"""Long-running operations: begun by PUT or DELETE, polled by the client, finished by real work.

A state moves on ``immediate`` (as soon as the work is done), after ``reads:N`` polls, not before ``seconds:S``, or
after a share of what Azure takes for the type (``azure:0.02``); one switch for all, ``EMULATOR_TRANSITIONS``.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from emulator.arm.errors import AzureError
from emulator.faults.book import ARM_HOST, Faults
from emulator.faults.rules import OPERATION
from emulator.machine.home import EmulatorError
from emulator.machine.store import Store
from emulator.manager import durations

log = logging.getLogger(__name__)

POLL_MILLISECONDS = 100
HOLD_SECONDS = 0.1
"""How often an operation that hangs looks whether its rule is gone."""
METHODS = {"apply": "PUT", "remove": "DELETE"}
Work = Callable[[str, str], None]


@dataclass(frozen=True)
class Transitions:
    """When an operation whose work is done may say so."""

    reads: int = 0
    seconds: float = 0.0
    azure: float = 0.0
    """Share of what Azure takes."""

    @classmethod
    def from_environment(cls) -> Transitions:
        """``immediate`` (default), ``reads:3``, ``seconds:2.5`` or ``azure:0.02`` from ``EMULATOR_TRANSITIONS``."""
        text = os.environ.get("EMULATOR_TRANSITIONS") or "immediate"
        how, _, amount = text.partition(":")
        try:
            if how == "immediate" and not amount:
                return cls()
            if how == "reads":
                return cls(reads=int(amount))
            if how == "seconds":
                return cls(seconds=float(amount))
            if how == "azure":
                return cls(azure=float(amount))
        except ValueError:
            pass  # the message below covers it
        raise EmulatorError(
            f"EMULATOR_TRANSITIONS is {text!r}; it has to be immediate, reads:N, seconds:S or azure:SHARE, such as "
            "reads:3."
        )

    def least(self, resource_id: str) -> float:
        """Seconds that an operation on a resource takes at least."""
        return max(self.seconds, self.azure * durations.seconds(resource_id) if self.azure else 0.0)


class Operations:
    """Runs the work behind operations and answers polls.

    Args:
        work: called with (kind, resource id) in a thread; raises AzureError to fail the operation.
        failed: called with the resource id of an operation that failed.
    """

    def __init__(self, store: Store, transitions: Transitions, work: Work, failed: Callable[[str], None]) -> None:
        self._store = store
        self._transitions = transitions
        self._work = work
        self._failed = failed
        self._faults = Faults(store)
        self._closing = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=32, thread_name_prefix="operation")

    def begin(self, kind: str, resource_id: str) -> str:
        """Start the work of a kind (``apply`` or ``remove``) on a resource; returns the operation's id."""
        operation_id = str(uuid.uuid4())
        self._store.add_operation(operation_id, kind, resource_id)
        self._pool.submit(self._run, operation_id, kind, resource_id)
        return operation_id

    def resume(self) -> None:
        """Run again what an emulator that was killed had begun."""
        for operation_id, kind, resource_id in self._store.open_operations():
            self._pool.submit(self._run, operation_id, kind, resource_id)

    def poll(self, operation_id: str) -> tuple[str, str, dict[str, Any] | None] | None:
        """(resource id, status, error) as a client may see them now."""
        found = self._store.operation(operation_id)
        if found is None:
            return None
        resource_id, status, error, reads, started = found
        early = reads < self._transitions.reads or time.time() - started < self._transitions.least(resource_id)
        return resource_id, "InProgress" if early else status, error

    def close(self) -> None:
        self._closing.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self, operation_id: str, kind: str, resource_id: str) -> None:
        try:
            self._suffer(operation_id, kind, resource_id)
            if self._closing.is_set():
                return
            self._work(kind, resource_id)
        except AzureError as error:
            self._failed(resource_id)
            self._store.end_operation(operation_id, "Failed", error.body()["error"])
        except Exception as error:
            log.exception("operation %s on %s", kind, resource_id)
            self._failed(resource_id)
            message = f"The emulator failed: {type(error).__name__}: {error}"
            self._store.end_operation(operation_id, "Failed", {"code": "InternalServerError", "message": message})
        else:
            self._store.end_operation(operation_id, "Succeeded")

    def _suffer(self, operation_id: str, kind: str, resource_id: str) -> None:
        """Hang or fail where a fault rule says so.

        Raises:
            AzureError: the operation has to fail.
        """
        rule = self._faults.hit(OPERATION, METHODS[kind], ARM_HOST, resource_id, operation_id)
        if rule is None:
            return
        if rule.kind == "operation-fails":
            message = rule.message or "The operation failed: an internal server error occurred. Please try again."
            raise AzureError(500, rule.code or "InternalServerError", message)
        while self._faults.holds(rule.id) and not self._closing.wait(HOLD_SECONDS):
            continue
