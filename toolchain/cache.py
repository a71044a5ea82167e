"""The per-user cache of what is expensive to make, shared by all clones of one user."""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from toolchain.errors import SetupError

REMEDY = "free some space or permit writing there, or set XDG_CACHE_HOME to another directory; then: make setup"


def cache_root(environ: Mapping[str, str] = os.environ) -> Path:
    """`$XDG_CACHE_HOME/finetune-phi`, else the platform's usual place for a user's caches."""
    configured = environ.get("XDG_CACHE_HOME", "")
    if Path(configured).is_absolute():
        return Path(configured) / "finetune-phi"
    home = Path(environ.get("HOME") or Path.home())
    return home.joinpath(*(("Library", "Caches") if sys.platform == "darwin" else (".cache",))) / "finetune-phi"


def digest(files: Iterable[Path], *facts: str) -> str:
    """12 hex characters over the bytes of `files` (by name, sorted) and over `facts`.

    A missing file counts as such.
    """
    total = hashlib.sha256()
    for path in sorted(files):
        content = path.read_bytes() if path.is_file() else b"\0missing"
        total.update(f"{path.name}\0{len(content)}\0".encode() + content)
    total.update("\0".join(facts).encode())
    return total.hexdigest()[:12]


def machine() -> str:
    """What a compiled program depends on, such as `linux-x86_64`."""
    return f"{sys.platform}-{platform.machine()}"


def private(directory: Path) -> Path:
    """The directory, made if it is missing, for its owner alone: what lies in it is run.

    Raises:
        SetupError: it is, or could have been filled by, somebody else.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    state = directory.stat()
    if state.st_uid != os.geteuid():
        raise SetupError(f"{directory} belongs to another user", ["what lies in it would be run as you"], REMEDY)
    if state.st_mode & 0o022:
        raise SetupError(
            f"{directory} can be written by others",
            ["what lies in it would be run as you"],
            f"look at what is in it, then remove it; or {REMEDY}",
        )
    if state.st_mode & 0o077:
        directory.chmod(0o700)
    return directory


@contextmanager
def locked(path: Path, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock file `path`; the kernel drops the lock if we are killed.

    `on_wait` is called before a wait.
    """
    private(path.parent)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def make_once(entry: Path, marker: str, make: Callable[[Path], None], on_wait: Callable[[], None]) -> Path:
    """Return the directory `entry`, made by `make(temporary directory)` unless `entry/marker` is there.

    The directory appears under its name only when `make` has returned, so a killed build leaves nothing that
    looks finished; what it did leave is removed by the next one. Two processes build once: the second waits
    for the first. Raises SetupError when the disk refuses or somebody else could have made the entry, and whatever
    `make` raises.
    """
    try:
        private(entry.parent)
        if (entry / marker).exists():
            return entry
        with locked(entry.with_name(f"{entry.name}.lock"), on_wait):
            if (entry / marker).exists():
                return entry
            for left_over in entry.parent.glob(f"{entry.name}.tmp-*"):
                shutil.rmtree(left_over, ignore_errors=True)
            temporary = Path(tempfile.mkdtemp(prefix=f"{entry.name}.tmp-", dir=entry.parent))
            try:
                make(temporary)
                shutil.rmtree(entry, ignore_errors=True)
                temporary.rename(entry)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise SetupError(
            f"cannot write {entry}",
            [error.strerror or str(error)],
            REMEDY,
        ) from error
    return entry
