"""Rows of CSV. A quotation mark that is never closed costs its own row, and not those that follow."""

from __future__ import annotations

import csv
import io
from collections import deque
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from data_prep.errors import DataError
from data_prep.read.dialect import PLAIN, Dialect
from data_prep.read.texts import BLANK, MAX_LINE, Broken, Rows
from data_prep.row.rules import Problem

_MARK = "\ufeff"
_LIKE_ROWS = 20  # lines inside one field that would each be a row of their own: it was not meant to hold them
_FAR, _REREAD = 2**20, 32  # characters that are read again behind a quotation mark, and how often so many may be


def from_csv(file: BinaryIO, path: Path, dialect: Dialect = PLAIN) -> Rows:
    """Rows of CSV with a header, each with the line where it begins. Bytes that are no UTF-8 spoil their row only.

    Raises :class:`DataError` where so many quotation marks are open that the file is no CSV.
    """
    csv.field_size_limit(MAX_LINE)
    lines = _Lines(io.TextIOWrapper(cast(IO[bytes], file), encoding="utf-8-sig", errors="surrogateescape", newline=""))
    for _ in range(dialect.skipped):
        next(lines, "")
    reader = _reader(lines, dialect)
    try:
        header = next(reader, None)
    except csv.Error as error:
        raise DataError(f"{path}:1 is not valid CSV: {error} in the header") from error
    if header is None:
        return
    names = [name.strip() for name in header]
    reread = 0
    while True:
        lines.begin()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            row, why = None, str(error)
        else:
            why = ""
        line, inside = lines.first, lines.inside
        if row is not None and len(row) == len(names) and not _swallows(inside, names, dialect):
            yield line, _row(names, header, row)
        elif row == []:
            yield line, BLANK
        elif not inside:
            code = "too-large" if "larger" in why else "csv"
            rule = f"is not valid CSV: {why}" if why else "has not as many fields as the header"
            yield line, Broken(Problem("row", rule, code), lines.text[:200])
        else:
            reread += lines.again() > _FAR
            if reread > _REREAD:
                raise DataError(f"{path}:{line} opens a quotation mark that is not closed, as {reread} lines do")
            rule = (
                f"opens a quotation mark that is not closed: it would swallow the {len(inside)} lines after it, which "
                "are read as rows"
            )
            yield line, Broken(Problem("row", rule, "open-quote"), lines.text[:200])
            reader = _reader(lines, dialect)


def _reader(lines: _Lines, dialect: Dialect) -> Any:
    return csv.reader(lines, delimiter=dialect.separator, skipinitialspace=dialect.blanks, strict=True)


def _row(names: list[str], header: list[str], row: list[str]) -> Any:
    if any(not value.isascii() and _escaped(value) for value in row):
        return Broken(Problem("row", "is not UTF-8", "utf8"), str(row)[:200])
    if row == header:
        return BLANK  # of another export that was appended to this one
    return {name: value for name, value in zip(names, row, strict=True) if value}


def _swallows(inside: list[str], names: list[str], dialect: Dialect) -> bool:
    """Whether the lines inside a row look like rows themselves."""
    if len(inside) < _LIKE_ROWS or len(names) < 2:
        return False
    return all(line.count(dialect.separator) == len(names) - 1 for line in inside[:-1])


class _Lines:
    """Lines of a text file, none longer than a row may be; those of a row can be read again."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self._waiting: deque[str] = deque()
        self._row: list[str] = []
        self.number = 0  # of the line that was last read
        self.first = 1  # of the row

    @property
    def inside(self) -> list[str]:
        """The lines of the row after its first."""
        return self._row[1:]

    @property
    def text(self) -> str:
        return self._row[0].rstrip("\r\n") if self._row else ""

    def begin(self) -> None:
        """A new row begins."""
        self._row.clear()
        self.first = self.number + 1

    def again(self) -> int:
        """Have the lines of the row after its first read once more; how many characters they have."""
        inside = self._row[1:]
        self._waiting.extendleft(reversed(inside))
        self.number -= len(inside)
        return sum(map(len, inside))

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._waiting.popleft() if self._waiting else self._text.readline(MAX_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        line = line.removeprefix(_MARK)  # of a file that was appended to another
        if len(line) >= MAX_LINE and not line.endswith("\n"):
            while line and not line.endswith("\n"):
                line = self._text.readline(2**20)
            raise csv.Error(f"line larger than {MAX_LINE // 2**20} MB")
        self._row.append(line)
        return line


def _escaped(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False
