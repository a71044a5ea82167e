"""Waiting for something on Azure: asked again and again, told of, never for ever, and ended by who asks to stop."""

from __future__ import annotations

import itertools
import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from cloud.errors import AGAIN, NotFinished
from cloud.report import Report

T = TypeVar("T")
Tell = Callable[[float], object]
"""Hears before each pause how many seconds there were."""

ROLE_SECONDS = 600.0  # how long Azure may take, by its documentation, to let a new role assignment count
ROLE_POLL_SECONDS = 10.0
SAID_SECONDS = 60.0
"""After so long somebody wants to hear again what is waited for."""


LEAVE_AT = "FINETUNE_PHI_LEAVE_AT"
"""Variable: the second since 1970 from which on nobody should be waited for any more, as the machine goes away then."""


class Stopped(Exception):
    """Who waits was asked to stop."""


class TooLong(Exception):
    """It takes longer than it may."""


def wait(
    until: Callable[[], T | None],
    *,
    every: float | Iterator[float],
    most: float,
    tell: Tell,
    stop: threading.Event | None = None,
) -> T:
    """The first answer of ``until`` that is not None.

    It is asked at once, then after each pause: of ``every`` seconds, or of one number of ``every`` after the other.
    ``tell`` hears before each pause how many seconds there were. Raises TooLong where ``most`` seconds are over,
    Stopped where ``stop`` is set; an ``until`` that raises ends the waiting, too.

    Nothing is waited for without a bound and without a word: tests/unit/test_waits.py looks for what does.
    """
    since = time.monotonic()
    for pause in every if isinstance(every, Iterator) else itertools.repeat(every):
        if (found := until()) is not None:
            return found
        took = time.monotonic() - since
        if took >= most:
            raise TooLong
        tell(took)
        if stop is None:
            time.sleep(pause)
        elif stop.wait(pause):
            raise Stopped
    raise AssertionError("pauses never end")


def pause(seconds: float, *, tell: Tell, stop: threading.Event) -> None:
    """Waits so long; ``tell`` hears each minute how many seconds there were. Raises Stopped where ``stop`` is set."""
    took = 0.0
    while took < seconds:
        if took:
            tell(took)
        step = min(seconds - took, SAID_SECONDS)
        if stop.wait(step):
            raise Stopped
        took += step


def minutely(report: Report, what: str | Callable[[], str], *, at_once: bool = False) -> Tell:
    """Reports each minute ``what`` is waited for, and for how long by then; the first time ``at_once``, or then."""
    said = -SAID_SECONDS if at_once else 0.0

    def tell(took: float) -> None:
        nonlocal said
        if took < said:  # another wait has begun
            said = 0.0
        if took - said >= SAID_SECONDS:
            said = took
            report(f"{what if isinstance(what, str) else what()} after {in_words(took)}")

    return tell


def tells_itself(_took: float) -> None:
    """For what tells of itself while it is asked."""


def seconds_here() -> float:
    """How long this process may still wait for something that goes on without it; for ever where nobody says."""
    text = os.environ.get(LEAVE_AT, "")
    return max(float(text) - time.time(), 0.0) if text.isdecimal() else math.inf


def rising(first: float, last: float, factor: float = 1.2) -> Iterator[float]:
    """Pauses that grow to the last."""
    pause = first
    while True:
        yield pause
        pause = min(pause * factor, last)


def once_allowed(upload: Callable[[], T], on: str, report: Report, stop: threading.Event) -> T:
    """Uploads; where the storage takes no keys, waits until the caller's new role has reached it.

    `on` is what the upload is for. Raises NotFinished when ``stop`` was set meanwhile; an upload that fails for another
    reason raises its own error.
    """
    deadline = time.monotonic() + ROLE_SECONDS

    def uploaded() -> tuple[T] | None:
        try:
            return (upload(),)
        except Exception as error:
            # azure-ai-ml wraps a refused upload in a bare Exception, so the cause has to be looked for.
            if not _forbidden(error) or time.monotonic() > deadline:
                raise
        return None

    last = -SAID_SECONDS

    def tell(took: float) -> None:
        nonlocal last
        if took - last >= SAID_SECONDS:
            last, left = took, in_words(ROLE_SECONDS - took)
            report(f"the storage refuses the upload: waiting for the role on it to take effect, for {left} at most")

    try:
        # What is refused after that raises its own error.
        (found,) = wait(uploaded, every=ROLE_POLL_SECONDS, most=2 * ROLE_SECONDS, tell=tell, stop=stop)
    except Stopped:
        raise NotFinished("the upload is not finished", on=on, why="you asked to stop", todo=AGAIN) from None
    return found


def _forbidden(error: BaseException | None) -> bool:
    while error is not None:
        if getattr(error, "status_code", None) == 403:
            return True
        error = error.__cause__
    return False


def elapsed(since: float) -> str:
    """Time since ``since`` (of time.monotonic) in words."""
    return in_words(time.monotonic() - since)


def in_words(seconds: float) -> str:
    """42 s, 3 min 20 s or 2 h 05 min."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, left = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {left:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"
