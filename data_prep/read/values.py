"""Rows of JSON that is not one row a line: a list, objects over several lines, rows below a key.

No more of a file is in memory than a row may take.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from data_prep.errors import DataError
from data_prep.read.texts import MAX_LINE, Rows, broken

_READ = 2**20
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]"]', re.DOTALL)  # a quotation mark alone: its string goes on
_SCALAR = re.compile(rb"[^\s,\[\]{}]+")
_BLANK = re.compile(rb"(?:\s|\xef\xbb\xbf)*")


class _TooLargeError(Exception):
    """A value is longer than a row may be."""


class _EndError(Exception):
    """The text ends inside a value."""


class Scanner:
    """Finds where values of JSON begin and end, without looking at what is in them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._text = b""
        self._at = 0
        self._over = False
        self.line = 1

    def peek(self) -> bytes:
        """The next character that is no blank; empty at the end."""
        while True:
            match = _BLANK.match(self._text, self._at)
            end = match.end() if match else self._at
            # The mark of UTF-8 at the beginning of a file, or of one that was appended to another, has three bytes.
            if len(self._text) - end < 3 and self._fill():
                continue
            self._to(end)
            return self._text[end : end + 1]

    def take(self) -> None:
        """Go on behind the character that :meth:`peek` has shown."""
        self._to(self._at + 1)

    def value(self) -> bytes:
        """The next value. Raises :class:`_TooLargeError` and :class:`_EndError`."""
        first = self.peek()
        end = self._end(self._at) if first in (b"{", b"[", b'"') else self._scalar()
        if end - self._at > MAX_LINE:
            raise _TooLargeError
        value = self._text[self._at : end]
        self._to(end)
        return value

    def _scalar(self) -> int:
        while (match := _SCALAR.match(self._text, self._at)) and match.end() == len(self._text) and self._fill():
            pass
        return match.end() if match else self._at + 1

    def _end(self, start: int) -> int:
        depth, at = 0, start
        while True:
            for match in _TOKEN.finditer(self._text, at):
                at, mark = match.start(), match[0]
                if mark == b'"':
                    break
                depth += (mark in b"{[") - (mark in b"}]") if len(mark) == 1 else 0
                at = match.end()
                if not depth:
                    return at
            else:
                at = len(self._text)
            behind = at - self._at
            if not self._fill():
                raise _EndError
            at = self._at + behind

    def _fill(self) -> bool:
        """More text behind what there is; what is done with goes."""
        if self._over:
            return False
        left = self._text[self._at :]
        if len(left) > MAX_LINE:
            raise _TooLargeError
        more = self._file.read(max(_READ, len(left)))
        if not more:
            self._over = True
            return False
        self._text, self._at = left + more, 0
        return True

    def _to(self, at: int) -> None:
        self.line += self._text.count(b"\n", self._at, at)
        self._at = at


def from_list(file: BinaryIO, path: Path, below: tuple[str, ...] = ()) -> Rows:
    """Rows of a list, or of the list ``below`` a key; places are rows. Lists one after the other are read on.

    Raises :class:`DataError` where the rest cannot be found.
    """
    scanner = Scanner(file)
    number = 0
    try:
        for key in below:
            _descend(scanner, key)
        while scanner.peek() == b"[":
            opened = scanner.line
            scanner.take()
            while (mark := scanner.peek()) != b"]":
                if not mark:
                    raise DataError(
                        f"{path} is cut short: the list that opens in line {opened} is not closed after row {number}"
                    )
                number += 1
                yield number, loaded(scanner.value())
                mark = scanner.peek()
                if mark == b",":
                    scanner.take()
                elif mark not in (b"]", b""):
                    raise DataError(
                        f"{path}:{scanner.line} is not valid JSON: behind row {number} of the list neither a comma nor "
                        "its end follows"
                    )
            scanner.take()
            if below:
                return
    except _TooLargeError as error:
        rule = f"row {number} must be at most {MAX_LINE // 2**20} MB as JSON, is longer"
        raise DataError(f"{path}: {rule}; what comes after it cannot be found: take it out") from error
    except _EndError as error:
        raise DataError(f"{path} is cut short: row {number} of the list, in line {scanner.line}, has no end") from error
    if scanner.peek():
        raise DataError(f"{path}:{scanner.line} is not valid JSON: text follows behind the end of the list")


def _descend(scanner: Scanner, wanted: str) -> None:
    """Go to the value of a key of the object that is next; it was seen to be there when the file was looked at."""
    scanner.peek()
    scanner.take()
    while True:
        if scanner.peek() == b",":
            scanner.take()
        key = orjson.loads(scanner.value())
        scanner.peek()
        scanner.take()  # the colon
        if key == wanted:
            return
        scanner.value()


def from_objects(file: BinaryIO, path: Path) -> Rows:
    """Objects one after the other, however they are broken into lines; places are the lines where they begin."""
    scanner = Scanner(file)
    try:
        while mark := scanner.peek():
            if mark == b",":
                scanner.take()
                continue
            if mark in b"}]":
                raise DataError(f"{path}:{scanner.line} is not valid JSON: {mark.decode()} closes what is not open")
            line = scanner.line
            yield line, loaded(scanner.value())
    except _TooLargeError as error:
        rule = f"the row in line {scanner.line} must be at most {MAX_LINE // 2**20} MB as JSON, is longer"
        raise DataError(f"{path}: {rule}; what comes after it cannot be found: take it out") from error
    except _EndError as error:
        raise DataError(
            f"{path} is cut short or not valid JSON: the row that begins in line {scanner.line} has no end"
        ) from error


def loaded(value: bytes) -> Any:
    try:
        return orjson.loads(value)
    except ValueError:
        return broken(value)
