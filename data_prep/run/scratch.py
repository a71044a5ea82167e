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
    _sweep(directory)
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


def _sweep(directory: Path) -> None:
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
