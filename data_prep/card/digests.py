"""SHA-256 of files, remembered for as long as a file stays as it is: of some gigabytes it takes seconds."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from data_prep.errors import DataError

REMEMBERED = 2**20
"""Bytes from which a file's digest is remembered; a smaller one is read as fast as a note about it."""

_SETTLED = 0.05  # seconds: a file's times may be as coarse, and a change within them would not show
_KEPT_DAYS = 90


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex; from the note about it, where size, times and inode are those of the note."""
    before = state(path)
    if before[1] < REMEMBERED:
        return _read(path)
    if (known := _noted(path, before)) is not None:
        return known
    found = _read(path)
    if state(path) == before:
        _note(path, before, found)
    return found


def digest_of(files: Sequence[Path], reckoned: Mapping[Path, str] = MappingProxyType({})) -> str:
    """Of one file its :func:`digest`; of several, over their digests in order: their names do not matter.

    ``reckoned`` are digests by those who have read a file for this result, which is then not read again.
    """
    with ThreadPoolExecutor(min(4, len(files))) as pool:
        found = list(pool.map(lambda file: reckoned.get(file) or digest(file), files))
    return found[0] if len(found) == 1 else hashlib.sha256("\n".join(found).encode()).hexdigest()


def written(path: Path, found: str) -> None:
    """Remember the digest of a file that was written and hashed just now, and is changed by nobody yet."""
    with suppress(OSError):
        if (before := state(path))[1] >= REMEMBERED:
            time.sleep(_SETTLED)
            if state(path) == before:
                _note(path, before, found)


def state(path: Path) -> list[int]:
    """What a change of a file changes: inode, size and times. Raises OSError."""
    status = path.stat()
    return [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_dev]


def refuse_changed(files: Iterable[Path], before: Sequence[list[int]]) -> None:
    """Raise :class:`DataError` where a file is not in the :func:`state` any more that it was in before."""
    for path, earlier in zip(files, before, strict=True):
        now = state(path)
        if now != earlier:
            raise DataError(
                f"{path} changed while it was read (it had {earlier[1]:,} bytes and has {now[1]:,}); nothing was "
                "written: run again when nothing writes to it, or read a copy"
            )


def _read(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _noted(path: Path, now: list[int]) -> str | None:
    try:
        note = json.loads(_place(path).read_bytes())
        settled = note["at"] - max(now[2], now[3]) / 1e9 >= _SETTLED
        return str(note["sha256"]) if settled and note["state"] == now else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _note(path: Path, now: list[int], found: str) -> None:
    """What cannot be remembered is read again."""
    place = _place(path)
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        _sweep(place.parent)
        content = {"path": str(path), "at": time.time(), "state": now, "sha256": found}
        with tempfile.NamedTemporaryFile("w", dir=place.parent, suffix=".tmp", delete=False) as file:
            json.dump(content, file)
        Path(file.name).replace(place)


def _place(path: Path) -> Path:
    configured = os.environ.get("XDG_CACHE_HOME", "")
    usual = Path(*(("Library", "Caches") if sys.platform == "darwin" else (".cache",)))
    root = Path(configured) if Path(configured).is_absolute() else Path.home() / usual
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:32]
    return root / "finetune-phi" / "digests" / f"{name}.json"


def _sweep(directory: Path) -> None:
    before = time.time() - _KEPT_DAYS * 86400
    for path in directory.iterdir():
        with suppress(OSError):
            if path.stat().st_mtime < before:
                path.unlink()
