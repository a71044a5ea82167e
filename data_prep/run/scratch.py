"""A directory for a run's unfinished work, beside its results; what a killed run left is removed by the next."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_PREFIX = ".data_prep-"
_LOCK = "lock"


@contextmanager
def scratch(directory: Path) -> Iterator[Path]:
    """Yield a new directory inside ``directory``, on the same file system, and remove it afterwards.

    A lock file says that the run is alive; the system gives the lock back however the run ends. Raises OSError where
    the directory cannot be made.
    """
    made = not directory.exists()
    directory.mkdir(parents=True, exist_ok=True)
    sweep(directory)
    path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=directory))
    try:
        with (path / _LOCK).open("wb") as lock:
            _lock(lock)
            yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        if made:
            with suppress(OSError):  # not empty: the run has succeeded
                directory.rmdir()


def short_of_room(directory: Path, needed: int) -> str:
    """That the disk of a directory has less free than is needed, in words; empty where it has enough."""
    free = shutil.disk_usage(directory).free
    if free >= needed:
        return ""
    return f"the disk of {directory} has {free / 1e6:,.0f} MB free, and the result may take {needed / 1e6:,.0f} MB"


def sweep(directory: Path) -> None:
    """Remove what killed runs have left in a directory."""
    for path in directory.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # in use, or swept by another run
            with (path / _LOCK).open("rb") as lock:
                _lock(lock)
            shutil.rmtree(path)


def _lock(file: IO[bytes]) -> None:
    """Raises OSError where another process holds it."""
    if os.name != "posix":
        return
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
