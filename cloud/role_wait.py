"""Waiting for a role that was granted in the same update: Azure takes minutes to let it count."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from cloud.errors import AGAIN, NotFinished
from cloud.report import Report
from cloud.waiting import Stopped, wait

T = TypeVar("T")

ROLE_SECONDS = 600.0  # how long Azure may take, by its documentation, to let a new role assignment count
ROLE_POLL_SECONDS = 10.0


def once_allowed(upload: Callable[[], T], on: str, report: Report, stop: threading.Event) -> T:
    """Uploads; where the storage takes no keys, waits until the caller's new role has reached it.

    `on` is what the upload is for. Raises NotFinished when ``stop`` was set meanwhile; an upload that fails for another
    reason raises its own error.
    """
    deadline, said = time.monotonic() + ROLE_SECONDS, False

    def uploaded() -> tuple[T] | None:
        nonlocal said
        try:
            return (upload(),)
        except Exception as error:
            # azure-ai-ml wraps a refused upload in a bare Exception, so the cause has to be looked for.
            if not _forbidden(error) or time.monotonic() > deadline:
                raise
        if not said:
            report("the storage refuses the upload: waiting for the role on it to take effect (minutes)")
            said = True
        return None

    try:
        (found,) = wait(uploaded, every=ROLE_POLL_SECONDS, stop=stop)
    except Stopped:
        raise NotFinished("the upload is not finished", on=on, why="you asked to stop", todo=AGAIN) from None
    return found


def _forbidden(error: BaseException | None) -> bool:
    while error is not None:
        if getattr(error, "status_code", None) == 403:
            return True
        error = error.__cause__
    return False
