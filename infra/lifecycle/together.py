"""Stages of one update that change the same at the same time are one operator, and hold one lease."""

from __future__ import annotations

import contextlib
import importlib
import threading
from collections.abc import Iterator
from contextlib import ExitStack

from cloud.report import Report
from cloud.target import Target


class _Held:
    """A lease, and the stages that work under it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.stops: list[threading.Event] = []
        self.lost = threading.Event()
        self.lease = ExitStack()


_lock = threading.Lock()
_by_scope: dict[tuple[Target, str], _Held] = {}


@contextlib.contextmanager
def held(target: Target, scope: str, command: str, report: Report, stop: threading.Event) -> Iterator[None]:
    """As `cloud.services.lease.held`, which the first takes and the last gives back."""
    with _lock:
        found = _by_scope.setdefault((target, scope), _Held())
    with found.lock:
        if not found.stops:
            found.lost = _Lost(found, stop)
            found.lease.enter_context(_take(target, scope, command, report, found.lost))
        found.stops.append(stop)
    try:
        yield
    finally:
        with found.lock:
            found.stops.remove(stop)
            if not found.stops:
                found.lease.close()


class _Lost(threading.Event):
    """Stops every stage under the lease where that is lost; who is still waiting for it is stopped by its own."""

    def __init__(self, held_: _Held, first: threading.Event) -> None:
        super().__init__()
        self._held, self._first = held_, first

    def set(self) -> None:
        super().set()
        for each in (self._first, *self._held.stops):
            each.set()

    def is_set(self) -> bool:
        return super().is_set() or (not self._held.stops and self._first.is_set())

    def wait(self, timeout: float | None = None) -> bool:
        return self._first.wait(timeout) or self.is_set()


def _take(
    target: Target, scope: str, command: str, report: Report, stop: threading.Event
) -> contextlib.AbstractContextManager[None]:
    # Imported here, with the first stage: what it needs of Azure takes its time.
    taken: contextlib.AbstractContextManager[None] = importlib.import_module("cloud.services.lease").held(
        target, scope, command, report, stop
    )
    return taken
