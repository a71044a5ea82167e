"""The state of a stack as it changes: a dashboard in a terminal, lines elsewhere."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from cloud.errors import StageError
from jobs.status.status import Status
from jobs.status.view import cost_line, lines, view
from settings import plain_text

if TYPE_CHECKING:
    from rich.console import Console, Group

SECONDS = 5.0
_QUIET_SECONDS = 60.0  # after which a log gets a line even if nothing has changed
_FAILURES = 5  # in a row; a network that comes and goes should not end a watch of hours

Read = Callable[[], Status]


def watch(read: Read, stop: threading.Event, console: Console | None = None) -> None:
    """Looks every SECONDS until `stop`; a log also ends once all is done, or nothing has been under way for a minute.

    Raises StageError when the state cannot be read at first, or too often in a row.
    """
    console = console or plain_text.console()
    if console.is_terminal:
        _dashboard(read, stop, console)
    else:
        _log(read, stop, lambda line: print(line, file=sys.stdout, flush=True))


def stream(read: Read, stop: threading.Event) -> None:
    """The same for programs: a line of JSON for each look, until all is done. Raises StageError."""
    failures = 0
    while True:
        try:
            status, failures = read(), 0
        except StageError as error:
            failures += 1
            if failures == _FAILURES:
                raise
            print(f"could not be read just now ({error.why}); trying again", file=sys.stderr, flush=True)
        else:
            print(json.dumps(status.to_json()), flush=True)
            if status.done:
                return
        if stop.wait(SECONDS):
            return


def _dashboard(read: Read, stop: threading.Event, console: Console) -> None:
    from rich.live import Live

    latest, failures = read(), 0
    with (
        contextlib.suppress(KeyboardInterrupt),
        Live(dashboard(latest, ""), console=console, screen=True, auto_refresh=False) as live,
    ):
        live.refresh()
        while not stop.wait(SECONDS):
            trouble = ""
            try:
                latest, failures = read(), 0
            except StageError as error:
                failures += 1
                if failures == _FAILURES:
                    raise
                trouble = f"could not be read just now ({error.why}); trying again"
            live.update(dashboard(latest, trouble), refresh=True)
    console.print(view(latest))


def dashboard(status: Status, trouble: str) -> Group:
    """One screen."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    parts: list[object] = [view(status)]
    if status.progress is not None:
        bar = Table.grid(padding=(0, 1))
        share = status.progress.share
        bar.add_row(
            "job", ProgressBar(100, 100 * (share or 0), width=40, pulse=share is None), Text(str(status.progress))
        )
        parts.insert(0, bar)
    seen = f"{status.at.astimezone():%H:%M:%S}, again every {SECONDS:g} s; Ctrl-C ends this view, nothing else"
    parts.append(Text(trouble or seen, style="red" if trouble else "dim"))
    return Group(*parts)  # type: ignore[arg-type]


def _log(read: Read, stop: threading.Event, say: Callable[[str], None]) -> None:
    told: list[str] = []
    at = time.monotonic()
    failures = 0
    while True:
        try:
            status, failures = read(), 0
        except StageError as error:
            failures += 1
            if failures == _FAILURES:
                raise
            print(f"could not be read just now ({error.why}); trying again", file=sys.stderr, flush=True)
        else:
            now = lines(status)
            news = [line for line in now if line not in told]
            quiet = not news and time.monotonic() - at > _QUIET_SECONDS
            if status.done or (quiet and not status.moving):
                news.append(f"{'all done' if status.done else 'nothing is under way'}; {cost_line(status)}")
            elif quiet:
                job = status.job.name if status.job else ""
                news.append(f"job {job}: {status.progress}" if status.progress else "as before")
            for line in news:
                say(f"{status.at:%H:%M:%S} {line}")
                at = time.monotonic()
            told = now
            if status.done or (quiet and not status.moving):
                return
        if stop.wait(SECONDS):
            return
