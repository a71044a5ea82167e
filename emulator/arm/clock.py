"""The emulator's clock: this machine's, and so far ahead of it as a test says, so that a week passes in a minute.

By it Azure Resource Manager says when things were made and changed, runs began and ended, and requests were counted.
Tokens, waits and certificates go by this machine's, as those who hold them do.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

SETTING = "clock"
_ahead = timedelta()


def now() -> datetime:
    """The emulator's time, in UTC."""
    return datetime.now(UTC) + _ahead


def put(value: Any) -> float:
    """Sets how many seconds the clock is ahead from now on; checks them first.

    Raises:
        ValueError: it would be behind.
    """
    global _ahead
    seconds = float(value or 0)
    if seconds < 0:
        raise ValueError(f"{seconds:g} seconds would be behind this machine's clock")
    _ahead = timedelta(seconds=seconds)
    return seconds
