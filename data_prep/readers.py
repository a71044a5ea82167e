"""Reading local files row by row, in pieces that several processes can read side by side."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import itertools
import json
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import orjson

from data_prep.adapters import KEYS
from data_prep.errors import DataError
from data_prep.rows import MAX_BYTES, Problem
from data_prep.source import format_of

PIECE = 16 * 2**20
"""Bytes of a file that one process reads at a time."""

MAX_LINE = 4 * MAX_BYTES  # of JSON: an escape takes up to 6 bytes for a character of 2
BATCH = 128  # rows of a parquet file in memory at a time

_COLUMNS = frozenset(("messages", "prompt", "prompt_id", *KEYS))
_DAMAGED = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)


@dataclass(frozen=True)
class Broken:
    """What stands in the place of a row that cannot even be read, with as much of it as can be shown."""

    problem: Problem
    raw: str = ""


BLANK = object()
"""Stands for a line without a row, so that the lines after it keep their numbers."""


@dataclass(frozen=True)
class Piece:
    """Part of a file: bytes of a JSON Lines file, row groups of a parquet file, all of any other (stop is -1)."""

    path: Path
    start: int = 0
    stop: int = -1

    @property
    def unit(self) -> str:
        """What places in it are: lines, or rows where a file has no lines."""
        form, _ = format_of(self.path) or ("", None)
        return "line" if form in ("jsonl", "csv") or (form == "json" and not _is_array(self.path)) else "row"


Rows = Iterator[tuple[int, Any]]
"""Place (line or row, from 1, counted from where the piece begins) and the row, :class:`Broken` or :data:`BLANK`."""


def pieces(path: Path, size: int = PIECE) -> list[Piece]:
    """The pieces of a file, in its order. Raises :class:`DataError` for one that is not what its name says."""
    form, compression = format_of(path) or ("", None)
    if form == "parquet":
        file = _parquet(path)
        groups = [file.metadata.row_group(at).total_byte_size for at in range(file.metadata.num_row_groups)]
        return list(_grouped(path, groups, size))
    if compression is None:
        _refuse_utf16(path)
        if form == "jsonl" or (form == "json" and not _is_array(path)):
            total = path.stat().st_size
            return [Piece(path, start, min(start + size, total)) for start in range(0, total, size)]
    return [Piece(path)]


def _grouped(path: Path, groups: list[int], size: int) -> Iterator[Piece]:
    start = gathered = 0
    for at, length in enumerate(groups):
        gathered += length
        if gathered >= size or at == len(groups) - 1:
            yield Piece(path, start, at + 1)
            start, gathered = at + 1, 0


def read(piece: Piece) -> Rows:
    """The rows of a piece. Raises :class:`DataError` for a file that is damaged, OSError for one that is not there."""
    form, compression = format_of(piece.path) or ("", None)
    if form == "parquet":
        yield from _from_parquet(piece)
        return
    with _opened(piece.path, compression) as file:
        try:
            if form == "csv":
                yield from _from_csv(file)
            elif form == "json" and _is_array(piece.path):
                yield from _from_array(file, piece.path)
            else:
                yield from _from_lines(file, piece.start, piece.stop)
        except _DAMAGED as error:
            raise DataError(f"{piece.path} is damaged or cut short: {_reason(error)}") from error
        except OSError as error:
            if error.errno is not None or compression is None:
                raise
            raise DataError(f"{piece.path} is damaged or cut short: {_reason(error)}") from error


def _opened(path: Path, compression: str | None) -> BinaryIO:
    if compression == "zstd":
        import pyarrow

        return cast(BinaryIO, io.BufferedReader(pyarrow.input_stream(str(path), compression="zstd")))
    openers: dict[str | None, Callable[..., Any]] = {"gzip": gzip.open, "bz2": bz2.open, "xz": lzma.open}
    return cast(BinaryIO, openers.get(compression, open)(path, "rb"))


def _refuse_utf16(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(4)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{path} is UTF-16: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)")


def _is_array(path: Path) -> bool:
    """Whether a .json file is one list of rows; otherwise it is JSON Lines under another name."""
    _, compression = format_of(path) or ("", None)
    with _opened(path, compression) as file:
        try:
            head = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
        except (*_DAMAGED, OSError):
            return False  # the reading itself says what is wrong
    return head[:1] == b"["


def _from_lines(file: BinaryIO, start: int, stop: int) -> Rows:
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
    return Problem("row", "is not valid JSON: NaN, Infinity or nesting that other programs refuse", "json")


def _from_array(file: BinaryIO, path: Path) -> Rows:
    import ijson

    first = file.peek(3)[:3] if isinstance(file, io.BufferedReader) else b""
    if first == b"\xef\xbb\xbf":
        file.read(3)
    number = 0
    try:
        for row in ijson.items(file, "item", use_float=True):
            number += 1
            yield number, row
    except ijson.JSONError as error:
        _say_where(path)
        raise DataError(f"{path} is not valid JSON after row {number}: {_reason(error)}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 after row {number}: {error.reason}") from error


def _say_where(path: Path) -> None:
    """Raise the :class:`DataError` with the line of the mistake, which costs reading a small file once more."""
    if path.stat().st_size > PIECE or path.suffix.lower() != ".json":
        return
    try:
        json.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno} is not valid JSON: {error}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 ({error.reason} at byte {error.start + 1})") from error


def _from_csv(file: BinaryIO) -> Rows:
    """CSV with a header. Bytes that are no UTF-8 spoil their row only."""
    csv.field_size_limit(MAX_LINE)
    text = io.TextIOWrapper(cast(IO[bytes], file), encoding="utf-8-sig", errors="surrogateescape", newline="")
    reader = csv.DictReader(text, strict=True)
    while True:
        try:
            row: dict[Any, Any] = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            code = "too-large" if "field larger" in str(error) else "csv"
            yield reader.line_num, Broken(Problem("row", f"is not valid CSV: {error}", code))
            continue
        if None in row or None in row.values():
            yield reader.line_num, Broken(Problem("row", "has not as many fields as the header", "csv"), str(row)[:200])
        elif any(not value.isascii() and _escaped(value) for value in row.values()):
            yield reader.line_num, Broken(Problem("row", "is not UTF-8", "utf8"), str(row)[:200])
        else:
            yield reader.line_num, {key: value for key, value in row.items() if value}


def _escaped(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def _parquet(path: Path) -> Any:
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(path, pre_buffer=False, memory_map=False)
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError(f"{path} is no parquet file, or one cut short: {_reason(error)}") from error


def _from_parquet(piece: Piece) -> Rows:
    import pyarrow

    file = _parquet(piece.path)
    names = file.schema_arrow.names
    groups = range(piece.start, file.metadata.num_row_groups if piece.stop < 0 else piece.stop)
    columns = [name for name in names if name in _COLUMNS] or names
    number = 0
    try:
        for batch in file.iter_batches(BATCH, row_groups=list(groups), columns=columns, use_threads=False):
            for row in _listed(batch):
                number += 1
                yield number, row
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(
            f"{piece.path} is damaged after row {number} of row group {piece.start}: {_reason(error)}"
        ) from error


def _listed(batch: Any) -> list[Any]:
    """Rows of a batch; arrow finds text that is not UTF-8 only here, and then each row is tried by itself."""
    try:
        return list(batch.to_pylist())
    except UnicodeDecodeError:
        rows: list[Any] = []
        for at in range(batch.num_rows):
            try:
                rows.extend(batch.slice(at, 1).to_pylist())
            except UnicodeDecodeError as error:
                rows.append(Broken(Problem("row", f"is not UTF-8 ({error.reason})", "utf8")))
        return rows


def _reason(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0].rstrip(".") if text else type(error).__name__
