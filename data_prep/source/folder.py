"""Which files of a folder are data: not the hidden ones, not those that describe others, none twice."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from settings.sections.sources import format_of

DESCRIBING = frozenset(
    ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "croissant.json", "card.json")
)
"""Files that `datasets`, the hub and this package put beside the rows: what they hold is about the rows."""
_NAMED = 3


def data_files(paths: Iterable[Path], root: Path) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    """Of ``paths``, those to read, in their order, and a sentence for each kind of those that are not.

    What lies in a hidden folder below ``root`` (``.git``, ``.ipynb_checkpoints``, ``_delta_log``) is no data, and an
    empty file is none. A file that is there under two names, by a link, is read once, under the first.
    """
    found: list[Path] = []
    left_out: dict[str, list[str]] = {}
    seen: set[tuple[int, int]] = set()
    for path in sorted(paths):
        if not path.is_file() or format_of(path) is None:
            continue
        name = relative(path, root)
        status = path.stat()
        if any(part.startswith((".", "_")) for part in name.split("/")):
            left_out.setdefault("hidden", []).append(name)
        elif path.name.lower() in DESCRIBING:
            left_out.setdefault("about other files, by the name", []).append(name)
        elif not status.st_size:
            left_out.setdefault("empty", []).append(name)
        elif (status.st_dev, status.st_ino) in seen:
            left_out.setdefault("read already under another name", []).append(name)
        else:
            seen.add((status.st_dev, status.st_ino))
            found.append(path)
    return tuple(found), tuple(f"{_some(names)}: {why}" for why, names in left_out.items())


def relative(path: Path, root: Path) -> str:
    """How a file is called within a folder."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
