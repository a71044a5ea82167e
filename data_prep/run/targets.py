"""What a run writes, kept apart from what it reads and from what somebody else has put there."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from data_prep.card import card as cards
from data_prep.card import text
from data_prep.card.card import CARD, PAGE, REJECTED, TEST, TRAIN, VALIDATION
from data_prep.card.digests import digest
from data_prep.errors import DataError
from data_prep.source.locate import Source, by_name

RESULTS = (TRAIN, TEST, VALIDATION, REJECTED, CARD, PAGE, *text.PICTURES.values())
"""Names of everything that a run may write."""


def without_results(source: Source, directory: Path, three: bool = False) -> Source:
    """``source`` without what an earlier run has left in ``directory``, so that nothing is read back in; divided by the
    names of the files that are left."""
    made = cards.written_here(directory)
    if made is None:
        return by_name(source, three)
    # Before there was a third file, one of its name was the user's.
    results = [name for name in RESULTS if name != VALIDATION or VALIDATION in made]
    kept = tuple(file for file in source.files if _result(file, directory, results) is None)
    if not kept or len(kept) == len(source.files):
        return by_name(source, three)
    names = ", ".join(sorted(file.name for file in source.files if file not in kept))
    left_out = (*source.left_out, f"{names} in {directory}: made by an earlier run")
    return by_name(dataclasses.replace(source, files=kept, left_out=left_out), three)


def refuse_to_overwrite(source: Source, directory: Path) -> None:
    """Raise :class:`DataError` where a file of ``source`` would be replaced by the result that is made of it."""
    for file in (*source.files, *source.own):
        if (name := _result(file, directory, RESULTS)) is not None:
            raise DataError(
                f"{file} is the source, and its rows would be replaced by the result, which is written to "
                f"{directory / name}: give the source another name, or set another directory (data.directory, --out)"
            )


def _result(file: Path, directory: Path, results: Sequence[str]) -> str | None:
    """The name of the result that ``file`` is, under whatever path, or would be replaced by."""
    for name in results:
        target = directory / name
        if os.path.abspath(file) == os.path.abspath(target):  # noqa: PTH100  without following links
            return name
        if target.exists() and file.samefile(target):
            return name
    return None


def not_ours(directory: Path, names: tuple[str, ...] = RESULTS) -> dict[str, str]:
    """Files in the way of a run that no run has left there as they are, and under which names they can be kept.

    A name ends in the first characters of the content's SHA-256 and in no format that is read.
    """
    made = cards.written_here(directory)
    found = {}
    for name in names:
        path = directory / name
        if not path.is_file() or (made is not None and name not in made and name != VALIDATION):
            continue
        now = digest(path)
        if made is None or made.get(name) != now:
            found[name] = f"{name}.kept-{now[:8]}"
    return found
