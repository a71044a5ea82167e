"""How a CSV file separates its fields, by its first rows."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from data_prep.errors import DataError

_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_ROWS = 50  # that are looked at


@dataclass(frozen=True)
class Dialect:
    """A separator, whether blanks follow it, and lines before the header that say what it is (`sep=;`)."""

    separator: str = ","
    blanks: bool = False
    skipped: int = 0

    @property
    def name(self) -> str:
        return _NAMES[self.separator] + (" and blanks" if self.blanks else "")


PLAIN = Dialect()


def of(path: Path, head: bytes) -> Dialect:
    """The separator by which most of the first rows have as many fields as the header, and more than one.

    Raises :class:`DataError` for two columns of one name.
    """
    text = head.decode(errors="replace")
    first, _, rest = text.partition("\n")
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5 and first.strip()[-1] in _NAMES:
        return _checked(path, rest, Dialect(first.strip()[-1], _blanks(rest, first.strip()[-1]), 1))
    scores = {separator: _score(text, separator) for separator in _NAMES}
    best = max(scores, key=lambda separator: scores[separator])
    found = Dialect(best, _blanks(text, best)) if scores[best] else PLAIN
    return _checked(path, text, found)


def _score(text: str, separator: str) -> int:
    """How many of the first rows have as many fields as the header, where it has several."""
    rows = _rows(text, separator)
    if not rows or len(rows[0]) < 2:
        return 0
    return sum(len(row) == len(rows[0]) for row in rows)


def _rows(text: str, separator: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            if row:
                rows.append(row)
            if len(rows) == _ROWS:
                break
    except csv.Error:  # told of when the rows are read, with their line
        pass
    return rows


def _blanks(text: str, separator: str) -> bool:
    """Whether a blank follows each separator of the header: what is quoted then begins behind it."""
    header = text.partition("\n")[0]
    return separator != "\t" and separator in header and header.count(separator) == header.count(f"{separator} ")


def _checked(path: Path, text: str, found: Dialect) -> Dialect:
    rows = _rows(text, found.separator)
    names = Counter(name.strip() for name in rows[0]) if rows else Counter[str]()
    if twice := [name for name, number in names.items() if number > 1 and name]:
        raise DataError(f"{path} has two columns named {twice[0]}, and one would be lost: rename or remove one")
    return found
