"""429 on demand: the next so many requests, or more than so many a second."""

from __future__ import annotations

import threading
import time
from collections import deque

from emulator.arm.errors import AzureError
from emulator.machine.home import CLIENT_OBJECT_ID, SUBSCRIPTION_ID
from emulator.machine.store import Store

THROTTLE = "throttle"
KINDS = {"GET": "read", "HEAD": "read", "DELETE": "delete"}


class Throttle:
    """Applies the admin setting ``throttle``: ``{"requests": 3, "retryAfter": 1, "kind": "write", "rate": 20}``.

    ``requests`` is counted down; ``rate`` is requests a second; ``kind`` (read, write, delete) limits both to some.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recent: deque[float] = deque()
        self._lock = threading.Lock()

    def check(self, method: str) -> None:
        """Refuse a request that is one too many.

        Raises:
            AzureError: 429 with ``Retry-After``.
        """
        with self._lock:
            setting = self._store.setting(THROTTLE, None)
            kind = KINDS.get(method, "write")
            if not setting or setting.get("kind", kind) != kind:
                return
            left = int(setting.get("requests", 0))
            if left > 0:
                self._store.set_setting(THROTTLE, {**setting, "requests": left - 1})
            elif not self._too_fast(float(setting.get("rate", 0))):
                return
        seconds = int(setting.get("retryAfter", 1))
        raise AzureError(
            429,
            "SubscriptionRequestsThrottled",
            f"Number of '{kind}' requests for subscription '{SUBSCRIPTION_ID}' actor '{CLIENT_OBJECT_ID}' exceeded. "
            f"Please try again after '{seconds}' seconds.",
            headers={"Retry-After": str(seconds)},
        )

    def _too_fast(self, rate: float) -> bool:
        if not rate:
            return False
        at = time.monotonic()
        while self._recent and self._recent[0] <= at - 1:
            self._recent.popleft()
        if len(self._recent) >= rate:
            return True
        self._recent.append(at)
        return False
