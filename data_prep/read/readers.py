"""Reading local files row by row, in pieces that several processes can read side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.errors import DataError
from data_prep.read.compressed import DAMAGED, UNPACKING, opened, reason
from data_prep.read.texts import Broken, Rows, from_array, from_csv, from_lines
from data_prep.row.rules import Problem
from data_prep.row.shapes import KEYS
from data_prep.source.formats import format_of

PIECE = 16 * 2**20
"""Bytes of a file that one process reads at a time."""

BATCH, BATCH_BYTES = 128, 8 * 2**20  # rows of a parquet file in memory at a time, and about how much they may take

_TOO_MUCH = ("Memory usage limit", "too much memory")  # in the words of lzma, and of zstd
_COLUMNS = frozenset(("messages", "prompt", "prompt_id", *KEYS))


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
    with opened(piece.path, compression) as file:
        try:
            if form == "csv":
                yield from from_csv(file)
            elif form == "json" and _is_array(piece.path):
                yield from from_array(file, piece.path)
            else:
                yield from from_lines(file, piece.start, piece.stop)
        except (*DAMAGED, OSError) as error:
            if isinstance(error, OSError) and (error.errno is not None or compression is None):
                raise
            if any(words in str(error) for words in _TOO_MUCH):
                most = UNPACKING // 2**20
                raise DataError(
                    f"{piece.path} needs more than {most} MB to unpack: pack it anew, at an ordinary level"
                ) from error
            raise DataError(f"{piece.path} is damaged or cut short: {reason(error)}") from error


def _refuse_utf16(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(4)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(f"{path} is UTF-16: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)")


def _is_array(path: Path) -> bool:
    """Whether a .json file is one list of rows; otherwise it is JSON Lines under another name."""
    _, compression = format_of(path) or ("", None)
    with opened(path, compression) as file:
        try:
            head = file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()
        except (*DAMAGED, OSError):
            return False  # the reading itself says what is wrong
    return head[:1] == b"["


def _parquet(path: Path) -> Any:
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(path, pre_buffer=False, memory_map=False)
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError(f"{path} is no parquet file, or one cut short: {reason(error)}") from error


def _from_parquet(piece: Piece) -> Rows:
    import pyarrow

    file = _parquet(piece.path)
    names = file.schema_arrow.names
    groups = range(piece.start, file.metadata.num_row_groups if piece.stop < 0 else piece.stop)
    columns = [name for name in names if name in _COLUMNS] or names
    size = min(BATCH, _fitting(file.metadata, groups))
    number = 0
    try:
        for batch in file.iter_batches(size, row_groups=list(groups), columns=columns, use_threads=False):
            for row in _listed(batch):
                number += 1
                yield number, row
    except (pyarrow.ArrowException, OSError) as error:
        raise DataError(
            f"{piece.path} is damaged after row {number} of row group {piece.start}: {reason(error)}"
        ) from error


def _fitting(metadata: Any, groups: range) -> int:
    """Rows that take about :data:`BATCH_BYTES` by what the file says of its row groups; at least one."""
    found = [metadata.row_group(group) for group in groups]
    rows, size = sum(group.num_rows for group in found), sum(group.total_byte_size for group in found)
    return max(1, int(BATCH_BYTES * rows // max(1, size)))


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
