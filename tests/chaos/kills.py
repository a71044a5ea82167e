"""The processes of a stack's commands and of its emulator: which one a kill hits, and when it may."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from emulator.machine import lifecycle
from emulator.machine.home import Home

POLL_SECONDS = 0.01
INDEX_SECONDS = 8.0
"""Azurite writes its index every five."""
IN_FLIGHT_SECONDS = 0.5
"""For what Azurite was sent before the emulator was held still."""


def victim_of(home: Home, root: int, target: str) -> psutil.Process | None:
    """The process that a kill of ``target`` hits, where it runs; ``root`` is the command's."""
    if target == "emulator":
        running = home.running()
        return psutil.Process(running[0]) if running and lifecycle.alive(home) else None
    if target == "azurite":
        running = home.running()
        started = family(running[0]) if running else []
        return next((each for each in started if "azurite" in " ".join(_line(each))), None)
    for each in family(root):
        line = _line(each)
        if target == "engine" and line[:1] and Path(line[0]).name == "pulumi":
            return each
        if target == "program" and any("pulumi-language-python-exec" in part for part in line):
            return each
    return None


@contextmanager
def nothing_written(home: Home, azurite: psutil.Process) -> Iterator[None]:
    """The emulator held still, after Azurite has written its two indexes or must have had nothing to write.

    Azurite keeps the last five seconds of them in memory alone, and a kill would lose what Azure Storage never
    loses. Held still, the emulator passes nothing on to it, so that nothing is new when it is killed.
    """
    running = home.running()
    spared = {each.pid for each in family(azurite.pid)}
    held = [each for each in (family(running[0]) if running else []) if each.pid not in spared]
    for process in held:
        with suppress(psutil.NoSuchProcess):
            process.suspend()
    try:
        time.sleep(IN_FLIGHT_SECONDS)
        wait_for_indexes(home)
        yield
    finally:
        for process in held:
            with suppress(psutil.NoSuchProcess):
                process.resume()


def wait_for_indexes(home: Home) -> None:
    """Until Azurite has written its two indexes, or must have had nothing to write."""
    indexes = [home.blobs / f"__azurite_db_{name}__.json" for name in ("blob", "blob_extent")]
    since, deadline = time.time(), time.monotonic() + INDEX_SECONDS
    while time.monotonic() < deadline:
        if all(index.exists() and index.stat().st_mtime > since for index in indexes):
            return
        time.sleep(POLL_SECONDS)


def family(root: int) -> list[psutil.Process]:
    """A process and all that it has started, itself last; none where it is gone."""
    try:
        return [*psutil.Process(root).children(recursive=True), psutil.Process(root)]
    except psutil.NoSuchProcess:
        return []


def _line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
