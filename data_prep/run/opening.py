"""From a located source to rows that can be worked through: pieces of files, or one stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from data_prep.read.readers import Piece, pieces, read, rows_of
from data_prep.read.texts import BLANK, Broken
from data_prep.read.threads import is_message, together
from data_prep.request import ALL, Request, file_slice, part
from data_prep.row.reading import Reader
from data_prep.run.pool import Part, Window
from data_prep.source import azureml, hub
from data_prep.source.locate import Source, files_of

_PEEKED = 100  # rows that the shape is detected from


@dataclass
class Opened:
    """Rows of a source: ``pieces`` of files, or else a ``stream``; ``window`` is the part that was asked for.

    ``origin`` is what a card says about where they come from, ``total`` their number where it is known at least
    roughly, ``share`` of them are taken; ``root`` is the folder of several files.
    """

    label: str
    origin: dict[str, str]
    pieces: list[Piece]
    stream: Iterator[dict[str, Any]] | None
    window: Window
    share: float
    total: int | None
    root: Path | None = None

    def parts(self) -> Iterator[Part]:
        """All rows, one part after the other: first the files of test and validation rows, which are taken whole."""
        own = (Part(read(piece), piece.side, own=True) for piece in self.pieces if piece.own)
        if self.stream is None:
            return chain(own, self.window.of([piece for piece in self.pieces if not piece.own]))
        return chain(own, [Part(self.window.cut(enumerate(self.stream, start=1)))])

    def where(self, number: int, place: int) -> str:
        """How a message names a row of part ``number``."""
        if self._is_stream(number):
            return f"{self.label}, row {place}"
        piece = self.pieces[number]
        return f"{piece.path}:{place}" if piece.unit == "line" else f"{piece.path}, row {place}"

    def file(self, number: int) -> str:
        """The file of part ``number``; what messages call the source, where there is none."""
        return self.label if self._is_stream(number) else str(self.pieces[number].path)

    def begins(self, number: int) -> bool:
        """Whether part ``number`` is the first one of its file."""
        return self._is_stream(number) or self.pieces[number].start == 0

    @property
    def size(self) -> int:
        """Bytes of the files, about as many as come out of lines; a compressed one holds more."""
        whole = self.window.all and self.stream is None
        return sum(path.stat().st_size for path in {piece.path for piece in self.pieces}) if whole else 0

    def _is_stream(self, number: int) -> bool:
        return self.stream is not None and number == len(self.pieces)

    def holds_back(self, side: str) -> bool:
        """Whether the source, or a file beside it, says itself which rows are of that side."""
        return self.origin["kind"] == "mixture" or self.holds_back_by_name(side)

    def holds_back_by_name(self, side: str) -> bool:
        """Whether some of its pieces are of that side."""
        return any(piece.side == side for piece in self.pieces)

    @property
    def told(self) -> list[str]:
        """How files are read of which their names say something else."""
        found: dict[str, list[Path]] = {}
        for path, form in {piece.path: piece.form for piece in self.pieces}.items():
            if form.told:
                found.setdefault(form.told, []).append(path)
        return [
            f"{paths[0]}{f' and {len(paths) - 1} more' if len(paths) > 1 else ''} is read {told}"
            for told, paths in found.items()
        ]

    def peek(self) -> list[Any]:
        """The first rows; they are still there afterwards."""
        if self.stream is not None:
            first = list(islice(self.stream, _PEEKED))
            self.stream = chain(first, self.stream)
            return first
        rows = (row for each in self.pieces if not each.own for _, row in read(each))
        return [row for row in islice(rows, _PEEKED) if row is not BLANK and not isinstance(row, Broken)]

    def shapes(self, reader: Reader) -> list[str]:
        """The shapes of the first rows, the most frequent one first."""
        found = Counter(reader.read(row).shape for row in self.peek())
        return [shape for shape, _ in found.most_common() if shape]


def opened(source: Source, request: Request, workspace: azureml.Workspace | None, scratch: Path | None) -> Opened:
    """Open a source; a data asset is fetched into ``scratch``. Raises :class:`~data_prep.DataError`."""
    count = None if request.rows == ALL else part(request.rows, "the rows to take")
    share = count if isinstance(count, float) else 1.0
    first = count if isinstance(count, int) else None
    beside = [replace(piece, side=side, own=True) for file, side in source.own.items() for piece in pieces(file)]
    if source.kind == "hub":
        found = hub.opened(source.label, request.config, request.split, request.revision)
        origin = {"kind": "hub", "revision": found.revision, "licence": found.licence}
        total = found.total if first is None or found.total is None else min(first, found.total)
        return Opened(source.label, origin, beside, _whole(found.rows), Window(0, first), share, total)
    origin = {"kind": source.kind}
    files, divided, root = source.files, source.sides, source.root
    if source.kind == "azureml" and scratch is not None:
        asset = azureml.downloaded(source.label, workspace, scratch / "asset")
        origin |= {"revision": asset.revision, "licence": asset.licence}
        found_files = files_of(asset.path, source.label, request.three)
        files, divided, root = found_files.files, found_files.sides, found_files.root
    start, stop = file_slice(request.split)
    if first is not None:
        stop = start + first if stop is None else min(stop, start + first)
    found_pieces = [
        replace(piece, side=divided.get(file, ""), share=source.shares.get(file, 1.0))
        for file in files
        for piece in pieces(file)
    ]
    window = Window(start, stop)
    total = _total([*beside, *found_pieces]) if window.all else None if stop is None else stop - start
    return Opened(source.label, origin, [*beside, *found_pieces], None, window, share, total, root)


def _whole(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The rows of a stream; where they are a message each, those of their conversations."""
    first = next(rows, None)
    if first is None:
        return rows
    rows = chain([first], rows)
    return (row for _, row in together(enumerate(rows, start=1))) if is_message(first) else rows


def _total(found: Sequence[Piece]) -> int | None:
    """Rows of files: known for parquet, guessed from the first megabyte of lines, None for what is compressed."""
    total = 0
    for path, form in {piece.path: piece.form for piece in found}.items():
        if form.layout == "parquet":
            total += rows_of(path)
        elif form.splits:
            with path.open("rb") as content:
                head = content.read(2**20)
            total += round(path.stat().st_size * max(1, head.count(b"\n")) / len(head))
        else:
            return None
    return total
