"""Rows that are a line each: JSON Lines, and what Python writes of a row.

No line is taken into memory as a whole where it is longer than a row may be.
"""

from __future__ import annotations

import ast
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson

from data_prep.row.rules import MAX_BYTES, Problem

MAX_LINE = 4 * MAX_BYTES  # of JSON: an escape takes up to 6 bytes for a character of 2
_UTF8_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Broken:
    """What stands in the place of a row that cannot even be read, with as much of it as can be shown."""

    problem: Problem
    raw: str = ""


BLANK = object()
"""Stands for a line without a row, so that the lines after it keep their numbers."""


Rows = Iterator[tuple[int, Any]]
"""Place (line or row, from 1, counted from where the piece begins) and the row, :class:`Broken` or :data:`BLANK`."""


def from_lines(file: BinaryIO, start: int, stop: int, load: Callable[[bytes], Any] = orjson.loads) -> Rows:
    """A row a line, from the first that begins at or after byte ``start`` to the last that begins before ``stop``.

    The mark of UTF-8 is passed over at the beginning of any line: files are appended to each other.
    """
    at = start
    if start:
        file.seek(start - 1)
        at += _skip(file, None if stop < 0 else stop - start + 1) - 1
    for number in itertools.count(1):
        if 0 <= stop <= at:
            return
        line = file.readline(MAX_LINE)
        if not line:
            return
        at += len(line)
        if len(line) == MAX_LINE and not line.endswith(b"\n"):
            at += _skip(file, None if stop < 0 else stop - at)
            rule = f"must be at most {MAX_LINE // 2**20} MB as JSON, is longer"
            yield number, Broken(Problem("row", rule, "too-large"), line[:200].decode(errors="replace"))
            continue
        try:
            yield number, load(line)
        except ValueError:
            line = line.removeprefix(_UTF8_MARK)
            yield number, _once_more(line, load) if line.strip() else BLANK


def _once_more(line: bytes, load: Callable[[bytes], Any]) -> Any:
    try:
        return load(line)
    except ValueError:
        return broken(line)


def without_comma(line: bytes) -> Any:
    """A row of JSON with a comma behind it. Raises ValueError."""
    return orjson.loads(line.rstrip().removesuffix(b","))


def literal(line: bytes) -> Any:
    """A row as Python writes it, or as JSON. Raises ValueError."""
    try:
        return ast.literal_eval(line.decode().strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return orjson.loads(line)


def _skip(file: BinaryIO, most: int | None) -> int:
    """Read to the end of the line, or ``most`` bytes and somewhat more: beyond the end of a
    piece nobody reads, so that each byte of a line of gigabytes is read once. Returns the bytes read."""
    length = 0
    while (most is None or length < most) and (part := file.readline(2**20)):
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
