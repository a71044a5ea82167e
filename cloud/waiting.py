"""Waiting for something on Azure: asked again and again, told of, never for ever, and ended by who asks to stop."""

from __future__ import annotations

import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")


class Stopped(Exception):
    """Who waits was asked to stop."""


class TooLong(Exception):
    """It takes longer than it may."""


def wait(
    until: Callable[[], T | None],
    *,
    every: float | Iterator[float],
    most: float = math.inf,
    stop: threading.Event | None = None,
    tell: Callable[[float], object] | None = None,
) -> T:
    """The first answer of ``until`` that is not None.

    It is asked at once, then after each pause: of ``every`` seconds, or of one number of ``every`` after the other.
    ``tell`` hears before each pause how many seconds there were. Raises TooLong where ``most`` seconds are over,
    Stopped where ``stop`` is set; an ``until`` that raises ends the waiting, too.
    """
    since = time.monotonic()
    for pause in every if isinstance(every, Iterator) else itertools.repeat(every):
        if (found := until()) is not None:
            return found
        took = time.monotonic() - since
        if took >= most:
            raise TooLong
        if tell is not None:
            tell(took)
        if stop is None:
            time.sleep(pause)
        elif stop.wait(pause):
            raise Stopped
    raise AssertionError("pauses never end")


def rising(first: float, last: float, factor: float = 1.2) -> Iterator[float]:
    """Pauses that grow to the last."""
    pause = first
    while True:
        yield pause
        pause = min(pause * factor, last)


def elapsed(since: float) -> str:
    """Time since ``since`` (of time.monotonic) as 42 s, 3 min 20 s or 2 h 05 min."""
    whole = int(time.monotonic() - since)
    if whole < 60:
        return f"{whole} s"
    minutes, left = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {left:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"
