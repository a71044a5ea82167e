"""Reading local files row by row, in pieces that several processes can read side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from data_prep.errors import DataError
from data_prep.read.compressed import DAMAGED, UNPACKING, opened, reason
from data_prep.read.form import LINES, Form, form_of
from data_prep.read.recoded import recoded
from data_prep.read.table import from_csv
from data_prep.read.texts import BLANK, Broken, Rows, from_lines, literal, without_comma
from data_prep.read.threads import KEYS, is_message, together
from data_prep.read.values import from_list, from_objects
from data_prep.row.names import harmless
from data_prep.row.rules import Problem

PIECE = 16 * 2**20
"""Bytes of a file that one process reads at a time."""

BATCH, BATCH_BYTES = 128, 8 * 2**20  # rows of a parquet file in memory at a time, and about how much they may take

_LOOKED = 20  # rows at the beginning, of which the first that is not blank tells
_BUFFER = 2**20  # bytes of a column that are read at a time: without, a column of a row group is read as a whole
_TOO_MUCH = ("Memory usage limit", "too much memory")  # in the words of lzma, and of zstd


@dataclass(frozen=True)
class Piece:
    """Part of a file: bytes of a JSON Lines file, row groups of a parquet file, all of any other (stop is -1)."""

    path: Path
    start: int = 0
    stop: int = -1
    form: Form = LINES
    side: str = ""  # train, test or validation, where the source is divided already
    share: float = 1.0  # of its rows that are taken, where it is a part of a mixture
    own: bool = False  # a file of test or validation rows beside the source

    @property
    def unit(self) -> str:
        """What places in it are: lines, or rows where a file has no lines."""
        return self.form.unit


def pieces(path: Path, size: int = PIECE) -> list[Piece]:
    """The pieces of a file, in its order. Raises :class:`DataError` for one that is not what its name says."""
    form = form_of(path)
    if _is_flat(Piece(path, form=form)):
        return [Piece(path, form=replace(form, threads=True))]  # a conversation is nowhere cut
    if form.layout == "parquet":
        file = _parquet(path)
        groups = [file.metadata.row_group(at).total_byte_size for at in range(file.metadata.num_row_groups)]
        return list(_grouped(path, groups, size, form))
    if form.splits:
        total = path.stat().st_size
        return [Piece(path, start, min(start + size, total), form) for start in range(0, total, size)]
    return [Piece(path, form=form)]


def close() -> None:
    """Let go of the file that was read last: by who hands the reading over to other processes."""
    _opened.cache_clear()


def rows_of(path: Path) -> int:
    """The rows of a parquet file."""
    return int(_parquet(path).metadata.num_rows)


def _grouped(path: Path, groups: list[int], size: int, form: Form) -> Iterator[Piece]:
    start = gathered = 0
    for at, length in enumerate(groups):
        gathered += length
        if gathered >= size or at == len(groups) - 1:
            yield Piece(path, start, at + 1, form)
            start, gathered = at + 1, 0


def read(piece: Piece) -> Rows:
    """The rows of a piece. Raises :class:`DataError` for a file that is damaged, OSError for one that is not there."""
    return together(_rows(piece)) if piece.form.threads else _rows(piece)


def _is_flat(piece: Piece) -> bool:
    """Whether the first row is one message of several rows'; a file that cannot be read says so when it is."""
    try:
        first = next((row for _, row in islice(_rows(piece), _LOOKED) if row is not BLANK), None)
    except DataError:
        return False
    return is_message(first)


def _rows(piece: Piece) -> Rows:
    form, compression = piece.form, piece.form.compression
    if form.layout == "parquet":
        yield from _from_parquet(piece)
        return
    with opened(piece.path, compression) as packed:
        file = recoded(packed, form.encoding)
        try:
            if form.layout == "csv":
                yield from from_csv(file, piece.path, form.dialect)
            elif form.layout == "list":
                yield from from_list(file, piece.path, form.below)
            elif form.layout == "objects":
                yield from from_objects(file, piece.path)
            elif form.layout == "literals":
                yield from from_lines(file, piece.start, piece.stop, literal)
            elif form.comma:
                yield from from_lines(file, piece.start, piece.stop, without_comma)
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


def _parquet(path: Path) -> Any:
    """A file, opened once for all that one process reads of it: what stands at its end about thousands of row groups
    takes megabytes, and some milliseconds to understand."""
    found = path.stat()
    return _opened(path, (found.st_ino, found.st_size, found.st_mtime_ns))


@lru_cache(1)
def _opened(path: Path, state: tuple[int, ...]) -> Any:
    import pyarrow
    import pyarrow.parquet

    del state  # of another one by the same name nothing is remembered
    try:
        return pyarrow.parquet.ParquetFile(path, pre_buffer=False, memory_map=False, buffer_size=_BUFFER)
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DataError(f"{path} is no parquet file, or one cut short: {reason(error)}") from error


def _from_parquet(piece: Piece) -> Rows:
    import pyarrow

    file = _parquet(piece.path)
    names = file.schema_arrow.names
    groups = range(piece.start, file.metadata.num_row_groups if piece.stop < 0 else piece.stop)
    needed = {"prompt_id"} | (KEYS if set(names) >= KEYS else set())
    columns = [name for name in names if name in needed or not harmless(name)] or names
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
