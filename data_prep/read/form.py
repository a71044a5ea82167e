"""What a file is, by its name and its first megabyte: its format, code page, and how rows are set apart in it.

It is decided once, before any row is read, and every process that reads the file keeps to it. A file that is wrong as a
whole is told here, in one sentence.
"""

from __future__ import annotations

import ast
import io
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from data_prep.errors import DataError
from data_prep.read import dialect
from data_prep.read.code_page import decoded, encoding_of, refuse_other
from data_prep.read.compressed import DAMAGED, opened
from data_prep.read.values import Scanner
from settings.sections.sources import format_of

HEAD = 2**20
_UTF8_MARK = b"\xef\xbb\xbf"
_OTHER_FILES = {
    b"version https://git-lfs": "a pointer of Git LFS and not the file itself: `git lfs pull` fetches it",
    b"<!doctype": "a web page: download the file itself (the button or link `raw`)",
    b"<html": "a web page: download the file itself (the button or link `raw`)",
    b"pk\x03\x04": "a zip archive or a workbook: unpack it, or save the sheet as CSV",
    b"par1": "a parquet file: let its name end in .parquet",
    b"\x1f\x8b": "packed by gzip: let its name end in .gz",
    b"\x28\xb5\x2f\xfd": "packed by zstd: let its name end in .zst",
    b"bzh": "packed by bzip2: let its name end in .bz2",
    b"\xfd7zxz": "packed by xz: let its name end in .xz",
    b"sqlite format 3": "a database of SQLite: export its table as CSV",
}


@dataclass(frozen=True, kw_only=True)
class Form:
    """How a file is read.

    ``layout`` is parquet, csv, lines (a row a line), list, objects (over several lines) or literals (rows as Python
    writes them, one a line). ``below`` are the keys under which a list of rows is found, ``comma`` says that lines end
    in one, ``dialect`` how CSV is separated, ``threads`` that a row is a message, and several are a conversation.
    """

    layout: str
    compression: str | None = None
    encoding: str = "utf-8"
    below: tuple[str, ...] = ()
    comma: bool = False
    dialect: dialect.Dialect = dialect.PLAIN
    threads: bool = False

    @property
    def unit(self) -> str:
        """What places in it are: lines, or rows where a file has no lines."""
        return "row" if self.layout in ("parquet", "list") else "line"

    @property
    def splits(self) -> bool:
        """Whether several processes can read parts of it."""
        plain = self.compression is None and self.encoding == "utf-8" and not self.threads
        return self.layout in ("lines", "literals") and plain

    @property
    def told(self) -> str:
        """What of it nobody would expect by the file's name; empty for nothing."""
        told = [f"in {self.encoding.upper()}"] if self.encoding != "utf-8" else []
        told += [f"as the list below `{'.'.join(self.below)}`"] if self.below else []
        told += ["without the commas behind its lines"] if self.comma else []
        told += {"objects": ["as objects over several lines"], "literals": ["as rows that Python has written"]}.get(
            self.layout, []
        )
        told += ["as one message a row, put together by parent_id"] if self.threads else []
        told += [f"separated by {self.dialect.name}"] if self.dialect != dialect.PLAIN else []
        return ", ".join(told)


LINES = Form(layout="lines")


def form_of(path: Path) -> Form:
    """Raises :class:`DataError` for a file that is not what its name says, OSError for one that cannot be read."""
    kind, compression = format_of(path) or ("", None)
    if kind == "parquet":
        return Form(layout="parquet")
    head = _head(path, compression)
    _refuse_other(path, head)
    encoding = encoding_of(head)
    if encoding != "utf-8":
        head = decoded(head, encoding)
    refuse_other(path, head)
    head = head.removeprefix(_UTF8_MARK)
    found = Form(layout="lines", compression=compression, encoding=encoding)
    if kind == "csv":
        return replace(found, layout="csv", dialect=dialect.of(path, head))
    return _of_json(path, found, head, whole=len(head) < HEAD // 4)


def _head(path: Path, compression: str | None) -> bytes:
    """The first bytes, unpacked; what can be had of a damaged archive, of which the reading itself speaks."""
    parts: list[bytes] = []
    size = 0
    with opened(path, compression) as file:
        try:
            while size < HEAD and (part := file.read(min(2**16, HEAD - size))):
                parts.append(part)
                size += len(part)
        except (*DAMAGED, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
    return b"".join(parts)


def _refuse_other(path: Path, head: bytes) -> None:
    start = head[:64].removeprefix(_UTF8_MARK).lstrip().lower()
    for magic, why in _OTHER_FILES.items():
        if start.startswith(magic):
            raise DataError(f"{path} is another kind of file: {why}")


def _of_json(path: Path, form: Form, head: bytes, whole: bool) -> Form:
    text = head.lstrip()
    first, _, rest = text.partition(b"\n")
    first = first.strip()
    alone = _json(first)
    if text[:1] == b"[":
        rows_in_a_line = alone is not None and rest.strip() and not _rows(alone)
        return form if rows_in_a_line else replace(form, layout="list")
    if text[:1] != b"{":
        return form
    if alone is not None and rest.strip():
        return form
    if first.endswith(b",") and _json(first[:-1]) is not None:
        return replace(form, comma=True)
    if alone is None and _literal(first):
        return replace(form, layout="literals")
    below, several = _below(text)
    if several:
        raise DataError(
            f"{path} is one object with rows below {' and '.join(several)}: put each into a file of its own "
            f"({several[0]}.jsonl), one row a line"
        )
    if below:
        return replace(form, layout="list", below=(below,))
    if alone is not None:
        return form
    return replace(form, layout="objects") if _spans_lines(text, whole) else form


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _literal(text: bytes) -> bool:
    try:
        return isinstance(ast.literal_eval(text.decode()), dict)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return False


def _rows(value: Any) -> bool:
    """Whether a list holds rows."""
    return isinstance(value, list) and any(_row(each) for each in value[:10])


def _row(value: Any) -> bool:
    """An object that is no message, which has a role or a speaker."""
    return isinstance(value, dict) and not {str(key).lower() for key in value} & {"role", "from"}


def _below(text: bytes) -> tuple[str, tuple[str, ...]]:
    """The key of the first object under which rows are listed, as far as the head goes; or several of them.

    A list of messages is none of rows: what is in it has a role or a speaker.
    """
    scanner = Scanner(io.BytesIO(text))
    found: list[str] = []
    try:
        if scanner.peek() != b"{":
            return "", ()
        scanner.take()
        while scanner.peek() != b"}":
            if scanner.peek() == b",":
                scanner.take()
            key = json.loads(scanner.value())
            if scanner.peek() != b":":
                return "", ()
            scanner.take()
            if scanner.peek() == b"[":
                scanner.take()
                if scanner.peek() == b"{" and _row(_json(scanner.value())):
                    found.append(str(key))
                _pass_list(scanner)
            else:
                scanner.value()
        scanner.take()
        if scanner.peek():  # other objects follow, so this one is a row itself
            return "", ()
    except Exception as error:  # noqa: BLE001  the head ends within it, or it is no JSON
        del error
    return (found[0], ()) if len(found) == 1 else ("", tuple(found))


def _pass_list(scanner: Scanner) -> None:
    """Go on behind the list whose first element is done with."""
    while scanner.peek() not in (b"]", b""):
        if scanner.peek() == b",":
            scanner.take()
        else:
            scanner.value()
    scanner.take()


def _spans_lines(text: bytes, whole: bool) -> bool:
    """Whether the first object goes over lines, and is not a row that is broken in its first."""
    lines = text.splitlines()
    if len(lines) < 2:
        return False
    try:
        value = Scanner(io.BytesIO(text)).value()
    except Exception:  # noqa: BLE001  as in `_below`
        return not whole and _json(lines[1]) is None
    return _json(value) is not None
