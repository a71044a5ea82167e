"""Rows of text formats: JSON Lines, lists in JSON, and CSV. No row, however long, is taken into memory as a whole
where it is longer than a row may be."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import orjson

from data_prep.errors import DataError
from data_prep.read.compressed import reason
from data_prep.row.rules import MAX_BYTES, Problem

MAX_LINE = 4 * MAX_BYTES  # of JSON: an escape takes up to 6 bytes for a character of 2
_READ = 2**20  # bytes of a list in JSON at a time; what a parser keeps of a row it copies with each
_TOLD = 16 * 2**20  # bytes of a file that is read again, to say where it is no JSON


@dataclass(frozen=True)
class Broken:
    """What stands in the place of a row that cannot even be read, with as much of it as can be shown."""

    problem: Problem
    raw: str = ""


BLANK = object()
"""Stands for a line without a row, so that the lines after it keep their numbers."""


Rows = Iterator[tuple[int, Any]]
"""Place (line or row, from 1, counted from where the piece begins) and the row, :class:`Broken` or :data:`BLANK`."""


def from_lines(file: BinaryIO, start: int, stop: int) -> Rows:
    """JSON Lines from the first line that begins at or after byte ``start`` to the last that begins before ``stop``."""
    at = start
    if start:
        file.seek(start - 1)
        at += _skip(file) - 1
    for number in itertools.count(1):
        if 0 <= stop <= at:
            return
        line = file.readline(MAX_LINE)
        if not line:
            return
        at += len(line)
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            at += _skip(file)
            rule = f"must be at most {MAX_LINE // 2**20} MB as JSON, is longer"
            yield number, Broken(Problem("row", rule, "too-large"), line[:200].decode(errors="replace"))
            continue
        if number == 1 and not start:
            line = line.removeprefix(b"\xef\xbb\xbf")
        try:
            yield number, orjson.loads(line)
        except ValueError:
            yield number, broken(line) if line.strip() else BLANK


def _skip(file: BinaryIO) -> int:
    """Read to the end of the line; the bytes read."""
    length = 0
    while part := file.readline(2**20):
        length += len(part)
        if part.endswith(b"\n"):
            break
    return length


def broken(line: bytes) -> Broken:
    """Why a line is no JSON, in words; orjson's own say less than the standard library's."""
    raw = line[:200].decode(errors="replace").rstrip()
    try:
        row = json.loads(line.decode())
    except UnicodeDecodeError as error:
        problem = Problem("row", f"is not UTF-8 ({error.reason} at byte {error.start + 1})", "utf8")
    except RecursionError:
        problem = Problem("row", "is not valid JSON: nested too deeply", "json")
    except ValueError as error:
        problem = Problem("row", f"is not valid JSON: {error}", "json")
    else:
        problem = _only_lenient(row)
    return Broken(problem, raw)


def _only_lenient(row: Any) -> Problem:
    """What the standard library reads and JSON does not allow."""
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return Problem("row", "has half of a surrogate pair, \\ud800 to \\udfff", "surrogate")
    except RecursionError:
        pass
    return Problem("row", "is not valid JSON: NaN, Infinity or nesting that other programs refuse", "json")


def from_array(file: BinaryIO, path: Path) -> Rows:
    import ijson

    first = file.peek(3)[:3] if isinstance(file, io.BufferedReader) else b""
    if first == b"\xef\xbb\xbf":
        file.read(3)
    number, bounded = 0, _Bounded(file)
    try:
        for row in ijson.items(bounded, "item", buf_size=_READ, use_float=True):
            number += 1
            bounded.read_since = 0
            yield number, row
    except _TooLargeError as error:
        rule = f"row {number + 1} must be at most {MAX_LINE // 2**20} MB as JSON, is longer"
        raise DataError(f"{path}: {rule}; what comes after it cannot be found: take it out") from error
    except ijson.JSONError as error:
        _say_where(path)
        raise DataError(f"{path} is not valid JSON after row {number}: {reason(error)}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 after row {number}: {error.reason}") from error
    except ValueError as error:  # a number of thousands of digits
        raise DataError(f"{path} is not valid JSON after row {number}: {reason(error)}") from error


class _TooLargeError(Exception):
    """A row of a list is longer than a row may be."""


class _Bounded:
    """A file for a parser that keeps a row until it is complete: no more than a row may take is read at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.read_since = 0  # bytes, since the last row

    def read(self, size: int) -> bytes:
        content = self._file.read(size)
        self.read_since += len(content)
        if self.read_since > MAX_LINE:
            raise _TooLargeError
        return content


def _say_where(path: Path) -> None:
    """Raise the :class:`DataError` with the line of the mistake, which costs reading a small file once more."""
    if path.stat().st_size > _TOLD or path.suffix.lower() != ".json":
        return
    try:
        json.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno} is not valid JSON: {error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 ({error.reason} at byte {error.start + 1})") from error
    except (ValueError, RecursionError):
        return  # a number of thousands of digits, nested too deeply


def from_csv(file: BinaryIO) -> Rows:
    """CSV with a header. Bytes that are no UTF-8 spoil their row only."""
    csv.field_size_limit(MAX_LINE)
    text = _Lines(io.TextIOWrapper(cast(IO[bytes], file), encoding="utf-8-sig", errors="surrogateescape", newline=""))
    reader = csv.DictReader(text, strict=True)
    while True:
        try:
            row: dict[Any, Any] = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            code = "too-large" if "larger" in str(error) else "csv"
            yield text.number, Broken(Problem("row", f"is not valid CSV: {error}", code))
            continue
        if None in row or None in row.values():
            yield text.number, Broken(Problem("row", "has not as many fields as the header", "csv"), str(row)[:200])
        elif any(not value.isascii() and _escaped(value) for value in row.values()):
            yield text.number, Broken(Problem("row", "is not UTF-8", "utf8"), str(row)[:200])
        else:
            yield text.number, {key: value for key, value in row.items() if value}


class _Lines:
    """Lines of a text file, none longer than a row may be."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.number = 0  # of the line that was last read

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(MAX_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) < MAX_LINE or line.endswith("\n"):
            return line
        while line and not line.endswith("\n"):
            line = self._text.readline(2**20)
        raise csv.Error(f"line larger than {MAX_LINE // 2**20} MB")


def _escaped(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False
