"""What is read, file by file: made once from the first rows, shown, kept to by whoever reads, and put on the card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from data_prep.card.digests import digest
from data_prep.errors import DataError
from data_prep.read.form import Form
from data_prep.read.readers import Piece, read
from data_prep.read.texts import BLANK, Broken
from data_prep.request import Request
from data_prep.row.calls import learnable
from data_prep.row.reading import Reader
from data_prep.row.remedies import REMEDIES
from data_prep.row.rules import Problem, problems
from data_prep.run.opening import Opened
from data_prep.source.folder import relative

_LOOKED = 20  # rows at the beginning of each file
_NAMED = 3
_LAYOUTS = {
    "lines": "JSON Lines",
    "list": "a JSON list",
    "objects": "JSON objects over several lines",
    "literals": "rows that Python has written",
    "csv": "CSV",
    "parquet": "Parquet",
}
_BY_RATIO = "by ratio"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A file that is read: its side by its name or by the settings, its form, and the shapes of its first rows."""

    path: Path
    name: str
    side: str
    form: Form
    shapes: tuple[str, ...]

    @property
    def form_in_words(self) -> str:
        """Format, separator, code page and packing, as far as they are other than is usual."""
        form = self.form
        words = [_LAYOUTS[form.layout]]
        words += [f"separated by {form.dialect.name}"] if form.layout == "csv" else []
        words += [f"below {'.'.join(form.below)}"] if form.below else []
        words += [form.encoding.upper()] if form.layout != "parquet" and form.encoding != "utf-8" else []
        words += [form.compression] if form.compression else []
        return ", ".join(words)

    def listed(self, rows: int, sha256: str) -> dict[str, Any]:
        """As the card has it."""
        form = self.form
        return {
            "file": self.name,
            "split": self.side or _BY_RATIO,
            "shape": ", ".join(self.shapes) or "unknown",
            "format": _LAYOUTS[form.layout],
            **({"separator": form.dialect.name} if form.layout == "csv" else {}),
            **({"encoding": form.encoding} if form.layout != "parquet" else {}),
            **({"below": ".".join(form.below)} if form.below else {}),
            **({"compression": form.compression} if form.compression else {}),
            "rows": rows,
            "sha256": sha256,
        }


def made(rows: Opened, request: Request) -> tuple[Entry, ...]:
    """One entry for each file, in the order in which they are read.

    Raises :class:`DataError` for a file of several of which none of the first rows can be used, where such rows refuse
    the whole: before any other is worked through.
    """
    reader = Reader(request.shape, request.columns, request.ignore, request.model)
    tools = learnable(request.model)
    first = {piece.path: piece for piece in reversed(rows.pieces)}
    files = list(dict.fromkeys(piece.path for piece in rows.pieces))
    found = []
    for number, path in enumerate(files, start=1):
        piece = first[path]
        shapes, good, bad = _looked(piece, reader, tools)
        asked = rows.window.all or piece.own  # of a part of the rows nobody knows yet in which files they are
        if bad and not good and asked and len(files) > 1 and request.bad_rows == "refuse":
            raise DataError(_unusable(piece, bad, number, len(files)))
        named = relative(path, rows.root) if rows.root and not piece.own else path.name
        found.append(Entry(path=path, name=named, side=piece.side, form=piece.form, shapes=shapes))
    return tuple(found)


def _looked(piece: Piece, reader: Reader, tools: bool) -> tuple[tuple[str, ...], int, list[tuple[int, Problem]]]:
    """The shapes of the first rows, the most frequent one first; how many are good, and what is wrong with others."""
    shapes: Counter[str] = Counter()
    good, bad = 0, []
    for place, row in islice(read(piece), _LOOKED):
        if row is BLANK:
            continue
        if isinstance(row, Broken):
            bad.append((place, row.problem))
            continue
        taken = reader.read(row)
        shapes[taken.shape] += 1
        broken = [] if taken.aside else [*taken.problems] or problems(taken.row, tools)
        if broken:
            bad.append((place, broken[0]))
        else:
            good += 1
    return tuple(shape for shape, _ in shapes.most_common() if shape), good, bad


def _unusable(piece: Piece, bad: Sequence[tuple[int, Problem]], number: int, files: int) -> str:
    place, problem = bad[0]
    where = f"{piece.path}:{place}" if piece.unit == "line" else f"{piece.path}, row {place}"
    remedy = f": {REMEDIES[problem.code]}" if problem.code in REMEDIES else ""
    return (
        f"{piece.path} (file {number} of {files}): none of its first {len(bad)} rows can be used; no others were read, "
        f"nothing was written:\n  {where}: {problem.field} {problem.rule}{remedy}\n"
        "Mend the file, take it out of the source, or leave such rows out (badRows: skip)."
    )


def shown(entries: Sequence[Entry]) -> Iterator[str]:
    """A line for files that are read alike; nothing for one file."""
    if len(entries) < 2:
        return
    alike: dict[tuple[str, str, str], list[str]] = {}
    for each in entries:
        key = each.side or _BY_RATIO, each.form_in_words, ", ".join(each.shapes) or "no known shape"
        alike.setdefault(key, []).append(each.name)
    for (side, form, shape), names in alike.items():
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"{side}: {', '.join(names[:_NAMED])}{more} ({form}; {shape})"


def listed(entries: Sequence[Entry], rows: Mapping[str, int], reckoned: Mapping[Path, str]) -> list[dict[str, Any]]:
    """For the card; ``rows`` are those that were read of each path, ``reckoned`` the digests of those that nobody
    has to read again. Raises OSError."""
    return [each.listed(rows.get(str(each.path), 0), reckoned.get(each.path) or digest(each.path)) for each in entries]
