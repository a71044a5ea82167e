"""Reads, checks and splits the rows of a source and writes the two files with their card."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from data_prep import card as cards
from data_prep import source as sources
from data_prep.card import CARD, TEST, TRAIN, Card
from data_prep.errors import DataError
from data_prep.files import replacing
from data_prep.rows import problems, question, record
from data_prep.split import is_test

if TYPE_CHECKING:
    from datasets import Dataset

SHOWN = 20  # bad rows' problems listed before "and N more"


@dataclass(frozen=True)
class Request:
    """What to prepare; the defaults are the tutorial's.

    ``test_ratio`` is the share of test rows, above 0 and below 1. A relative path as the source starts
    at ``base``.
    """

    source: str = sources.TUTORIAL_SOURCE
    config: str = "default"
    split: str = sources.TUTORIAL_SPLIT
    test_ratio: float = 0.2
    seed: int = 0
    directory: Path = Path("data")
    base: Path = Path()

    def __post_init__(self) -> None:
        if not 0 < self.test_ratio < 1:  # also refuses NaN
            raise DataError(f"the test ratio must lie between 0 and 1, both excluded, is {self.test_ratio}")


@dataclass(frozen=True)
class Prepared:
    """The files in place; ``made`` is False where they already were what was asked for."""

    train: Path
    test: Path
    card: Card
    made: bool


def prepare(request: Request, report: Callable[[str], None], again: bool = False) -> Prepared:
    """Bring the two files and their card into the directory of ``request``.

    Nothing is done, and `datasets` is not imported, where the card and the files show that they were made
    from the same source content and settings; of a hub data set the settings alone are compared. ``again``
    makes them regardless.

    Raises :class:`DataError` for anything wrong with the source, its rows or the directory; earlier files
    then stay as they were.
    """
    directory = request.directory
    source = sources.locate(request.source, request.base)
    settings = _settings(request, source)
    try:
        origin = {"kind": source.kind}
        if source.path is not None:
            origin["sha256"] = cards.digest(source.path)
        card, files = cards.read(directory), cards.digests(directory)
        if card is not None and (card.settings, card.source) == (settings, origin):
            if card.files == files and not again:
                return Prepared(directory / TRAIN, directory / TEST, card, made=False)
            if files is not None and card.files != files:
                report(f"{_changed(card.files, files)} in {directory} was changed since it was made; making it again")
        report(f"reading {source.label}")
        with sources.opened(source, request.config, request.split) as rows:
            card = _write(rows, request, source, origin, directory)
    except OSError as error:
        where = error.filename or directory
        reason = error.strerror or error
        raise DataError(f"{where}: {reason}; nothing was written, earlier files are as they were") from error
    return Prepared(directory / TRAIN, directory / TEST, card, made=True)


def _settings(request: Request, source: sources.Source) -> dict[str, Any]:
    """What decides the bytes of the files besides the source's content, as the card keeps it."""
    from_hub = source.path is None
    return {
        "source": request.source,
        "config": request.config if from_hub else None,
        "split": request.split if from_hub else sources.file_split(request.split),
        "test_ratio": request.test_ratio,
        "seed": request.seed,
    }


def _write(rows: Dataset, request: Request, source: sources.Source, origin: dict[str, str], directory: Path) -> Card:
    """Check every row and write it to its side, in the source's order; a bad row keeps all files back."""
    counts = {TRAIN: 0, TEST: 0}
    bad = _BadRows(source, request.split)
    with replacing(directory, (TRAIN, TEST, CARD)) as (train, test, card_file):
        sides: dict[str, BinaryIO] = {TRAIN: train, TEST: test}
        for at, row in enumerate(rows):
            if bad.add(at, row):
                continue
            name = TEST if is_test(question(row), request.seed, request.test_ratio) else TRAIN
            sides[name].write((json.dumps(record(row), ensure_ascii=False) + "\n").encode())
            counts[name] += 1
        bad.refuse(len(rows))
        _refuse_one_sided(counts, request, source)
        digests = {}
        for name, handle in sides.items():
            handle.flush()
            digests[name] = cards.digest(Path(handle.name))
        card = Card(
            settings=_settings(request, source),
            source=origin,
            rows={"in": len(rows), "train": counts[TRAIN], "test": counts[TEST]},
            files=digests,
            fingerprint=cards.combined(digests),
            versions={"python": platform.python_version(), "datasets": version("datasets")},
        )
        card_file.write(card.to_json())
    return card


class _BadRows:
    """Collects the problems of bad rows: all are counted, the first are shown."""

    def __init__(self, source: sources.Source, split: str) -> None:
        self._source = source
        # A row's number is its line's only where the file is read from its beginning.
        self._lines = source.path is not None and sources.file_split(split) == "train"
        self._rows = 0
        self._found: list[str] = []

    def add(self, at: int, row: Any) -> bool:
        """Note what is wrong with row ``at`` (from 0); False for a good one."""
        found = problems(row)
        if found:
            self._rows += 1
            if len(self._found) <= SHOWN:
                where = self._where(at)
                self._found += [f"  {where}: {problem.field} {problem.rule}" for problem in found]
        return bool(found)

    def refuse(self, total: int) -> None:
        """Raise :class:`DataError` if any row was bad, or if there was none at all."""
        if not total:
            raise DataError(f"{self._source.label} holds no rows: nothing to split")
        if not self._rows:
            return
        lines = self._found[:SHOWN]
        if len(self._found) > SHOWN:
            lines.append("  and more")
        head = f"{self._source.label}: {self._rows} of {total} rows cannot be used; nothing was written:"
        remedy = "Mend or remove them; a row needs messages: [{role, content}, …], user first, assistant last."
        raise DataError("\n".join([head, *lines, remedy]))

    def _where(self, at: int) -> str:
        path = self._source.path
        line = sources.line_of(path, at) if path is not None and self._lines else None
        return f"{path}:{line}" if line is not None else f"{path or self._source.label}, row {at + 1}"


def _refuse_one_sided(counts: dict[str, int], request: Request, source: sources.Source) -> None:
    for name, side in ((TEST, "test"), (TRAIN, "training")):
        if not counts[name]:
            raise DataError(
                f"a test ratio of {request.test_ratio} leaves no {side} row: {source.label} has "
                f"{sum(counts.values())}, and a row's first question decides its side; nothing was written: "
                f"use more rows with different questions, another ratio or another seed (now {request.seed})"
            )


def _changed(made: dict[str, str], found: dict[str, str]) -> str:
    return " and ".join(name for name in (TRAIN, TEST) if made.get(name) != found[name])
