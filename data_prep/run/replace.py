"""Writing several files so that all of them are replaced or none."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_STALE_SECONDS = 3600.0  # a temporary file older than this was left by a killed run


@contextmanager
def replacing(
    directory: Path,
    names: Sequence[str],
    within: Path | None = None,
    kept: Callable[[], Mapping[str, str]] = dict,
) -> Iterator[list[BinaryIO]]:
    """Yield an open file for each of ``names``; on a clean exit they take their places in ``directory``.

    They are written under temporary names in the same directory, or in ``within``, which must be on the same file
    system, synced to disk and renamed. ``kept`` is asked before that for names (old → new) of files in the way that
    are not to be lost. After any
    exception, in the block or while renaming, what was in ``directory`` before is there unchanged. A kill
    between two renames, the one moment that cannot be covered, shows as a pair that its card does not
    describe.

    Raises OSError where the directory or a file cannot be made, written or replaced.
    """
    directory.mkdir(parents=True, exist_ok=True)
    targets = [directory / name for name in names]
    for target in targets:
        if target.is_dir():
            raise IsADirectoryError(0, "is a directory, and a file is to be written there", str(target))
    _sweep(targets)
    temporary = [_beside(target if within is None else within / target.name, "tmp") for target in targets]
    try:
        with ExitStack() as stack:
            handles: list[BinaryIO] = [stack.enter_context(path.open("wb")) for path in temporary]
            yield handles
            for handle in handles:
                handle.flush()
                os.fsync(handle.fileno())
        _replace(temporary, targets, kept())
        _sync(directory)
    finally:
        for path in temporary:
            path.unlink(missing_ok=True)


def _replace(temporary: Sequence[Path], targets: Sequence[Path], kept: Mapping[str, str]) -> None:
    """Rename each file to its target; where one rename fails, put back what the earlier ones replaced."""
    earlier = [_beside(target, "old") for target in targets]
    done: list[int] = []
    aside = {target: target.with_name(kept[target.name]) for target in targets if target.name in kept}
    try:
        for target, name in aside.items():
            name.unlink(missing_ok=True)  # of the same content: it is a part of the name
            _keep(target, name)
        for target, old in zip(targets, earlier, strict=True):
            old.unlink(missing_ok=True)
            if target.exists():
                _keep(target, old)
        for at, (new, target) in enumerate(zip(temporary, targets, strict=True)):
            new.replace(target)
            done.append(at)
    except OSError:
        for at in reversed(done):
            if earlier[at].exists():
                earlier[at].replace(targets[at])
            else:
                targets[at].unlink()
        for name in aside.values():
            name.unlink(missing_ok=True)
        raise
    finally:
        for old in earlier:
            old.unlink(missing_ok=True)


def _keep(target: Path, kept: Path) -> None:
    """Give the old content a second name, or a copy on a file system that knows no hard links."""
    try:
        os.link(target, kept)
    except OSError:
        shutil.copyfile(target, kept)


def _beside(target: Path, what: str) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.{what}")


def _sweep(targets: Sequence[Path]) -> None:
    before = time.time() - _STALE_SECONDS
    for target in targets:
        for what in ("tmp", "old"):
            for path in target.parent.glob(f".{target.name}.*.{what}"):
                with suppress(FileNotFoundError):  # another run swept it first
                    if path.stat().st_mtime < before:
                        path.unlink()


def _sync(directory: Path) -> None:
    """Make the renames themselves survive a power cut, where a directory can be synced."""
    if os.name != "posix":
        return
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
