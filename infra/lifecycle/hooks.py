"""How a hook does a stage's work: beside the program's event loop, heard in the console, and stopped by a Ctrl-C."""

from __future__ import annotations

import asyncio
import dataclasses
import importlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pulumi

from cloud.errors import StageError
from cloud.report import WARNING, Report
from cloud.target import Target
from infra.lifecycle import together
from jobs.spec import Spec
from settings.redaction import redact

ROOT = str(Path(__file__).resolve().parent.parent.parent)
HookFunction = Callable[[pulumi.ResourceHookArgs], Awaitable[None]]


def working(kind: type[Spec], module: str, **between: Any) -> HookFunction:
    """The hook that rebuilds the spec from what it is given and does the work beside the program's event loop.

    A hook that blocks the loop would hold up every other resource. `between` are the spec's fields of that kind.
    """

    async def work(args: pulumi.ResourceHookArgs) -> None:
        spec = kind.from_inputs((args.new_inputs or {})["input"])
        spec = dataclasses.replace(spec, **between) if between else spec  # type: ignore[type-var]
        stop, report = threading.Event(), reporting(args.name)
        _waiting.add(stop)
        if _asked_to_stop.is_set():
            stop.set()
        try:
            await asyncio.get_running_loop().run_in_executor(_threads, _run, module, spec, report, stop)
        except StageError:
            raise
        # What a hook raises is shown by its text alone, which for a KeyError is just the key.
        except Exception as error:
            pulumi.log.debug(redact(traceback.format_exc()))
            raise RuntimeError(f"stage {args.name}: {type(error).__name__}: {redact(str(error))}") from error
        finally:
            _waiting.discard(stop)
            # If the engine gives up on the hook, its thread has to as well.
            stop.set()

    return work


def reporting(name: str) -> Report:
    """Shows lines of what is done for the resource of that name."""

    def report(line: str) -> None:
        line = redact(line)  # whatever it is made of
        if line.startswith(WARNING):
            return pulumi.log.warn(f"{name}: {line.removeprefix(WARNING)}")
        return pulumi.log.info(f"{name}: {line}", ephemeral=True)

    return report


def _run(module: str, spec: Spec, report: Report, stop: threading.Event) -> None:
    project_importable()
    # This import alone takes seconds.
    work = importlib.import_module(module).run
    if not type(spec).CHANGES:
        work(spec, report, stop)
        return
    target: Target = spec.target  # type: ignore[attr-defined]
    with together.held(target, type(spec).CHANGES, f"pulumi up, {type(spec).CHANGES}", report, stop):
        work(spec, report, stop)


def project_importable() -> None:
    """Lets a hook import: the language host takes the program's directory off the path before any hook runs."""
    if ROOT not in sys.path:
        sys.path.insert(0, ROOT)


_threads = ThreadPoolExecutor(64, thread_name_prefix="stage")
"""As many as stages may wait for Azure at a time: asyncio's own have one for each core and four."""
_waiting: set[threading.Event] = set()
_asked_to_stop = threading.Event()
"""Set by the first signal: a hook that begins after it has to know, too."""
_SAME_PRESS_SECONDS = 30.0


def heed_interrupts() -> None:
    """Makes the first signal tell the stages at work to stop, and nothing else; one long after it ends the program.

    SIGINT comes with a Ctrl-C, and from the language host when the engine ends an update early. The engine waits for
    running hooks and then ends the program itself, so a KeyboardInterrupt would only add its traceback. SIGTERM is how
    CI ends a job that takes too long, SIGHUP a terminal that is closed.
    """
    if threading.current_thread() is threading.main_thread():
        loop, heard = asyncio.get_running_loop(), Interrupts()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, heard)


def stop_all() -> None:
    """Tells the stages at work, and those that begin later, to stop."""
    _asked_to_stop.set()
    for stop in list(_waiting):
        stop.set()


class Interrupts:
    """What each SIGINT, SIGTERM and SIGHUP does.

    One Ctrl-C, or an engine that ends an update early, sends several: the terminal's, and those with which the language
    host passes on that the engine was cancelled and then ends, which a busy engine may do late. So only one long after
    the first is another Ctrl-C; of one that comes sooner the engine takes care, which then ends the program itself.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: float | None = None

    def __call__(self) -> None:
        now = self._clock()
        if self._first is None:
            self._first = now
        if now - self._first > _SAME_PRESS_SECONDS:
            leave()
        stop_all()


def leave() -> None:
    """Ends the program without waiting for what its threads ask Azure: all of it can be taken up again."""
    print("interrupted twice: not waiting any more. What runs on Azure goes on.", file=sys.stderr, flush=True)
    os._exit(130)
