"""Requests to deployments: those under way, and those of the last hours as Azure Monitor counts them.

Kept in memory: they are gone when the emulator ends, as is whoever had asked.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from datetime import datetime

from emulator.arm import clock

KEPT = 100_000
"""Requests of an endpoint that are remembered."""
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Sample:
    """One answered request; ``model_status`` is the container's own, None where none was reached."""

    moment: datetime
    deployment: str
    status: int
    milliseconds: float
    model_status: int | None = None


class Traffic:
    """Counts requests; safe to use from several threads."""

    def __init__(self) -> None:
        self._under_way: Counter[str] = Counter()
        self._samples: defaultdict[str, deque[Sample]] = defaultdict(lambda: deque(maxlen=KEPT))
        self._lock = threading.Lock()

    def enter(self, deployment_id: str, most: int) -> bool:
        """Count a request as under way, unless there are ``most`` already."""
        with self._lock:
            if self._under_way[deployment_id.lower()] >= most:
                return False
            self._under_way[deployment_id.lower()] += 1
            return True

    def leave(self, deployment_id: str) -> None:
        with self._lock:
            self._under_way[deployment_id.lower()] -= 1

    def drained(self, deployment_id: str, seconds: float) -> bool:
        """Whether no request is under way any more, waiting for it so long at most."""
        deadline = time.monotonic() + seconds
        while self._under_way[deployment_id.lower()] > 0:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def record(
        self, endpoint_id: str, deployment: str, status: int, seconds: float, model_status: int | None = None
    ) -> None:
        """Remember an answered request."""
        with self._lock:
            sample = Sample(clock.now(), deployment, status, seconds * 1000, model_status)
            self._samples[endpoint_id.lower()].append(sample)

    def samples(self, endpoint_id: str, since: datetime, until: datetime) -> list[Sample]:
        """Those of an endpoint from ``since`` to before ``until``, oldest first."""
        with self._lock:
            return [each for each in self._samples[endpoint_id.lower()] if since <= each.moment < until]
