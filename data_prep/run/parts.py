"""The rows of a source, worked through by several machines, each a part of them, and joined by one.

A part is what a run here keeps in its scratch directory: the files of its pieces, with what was counted in each. The
pieces are those of a run on one machine, in the same order, so what is joined from parts has the same bytes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.card import card as cards
from data_prep.card import digests
from data_prep.card.stats import Stats
from data_prep.errors import DataError
from data_prep.read.readers import PIECE, Piece
from data_prep.request import Request
from data_prep.run import manifest, pool, progress, worker
from data_prep.run.dividing import rules_of
from data_prep.run.opening import Opened, opened
from data_prep.run.scratch import scratch, short_of_room
from data_prep.source.locate import Source
from data_prep.source.tokens import resolve
from settings.models import model

INDEX = "part.json"
_FORMAT = 1

Tell = Callable[[int], None]
Report = Callable[[str], None]


@dataclass(frozen=True)
class Share:
    """Part ``number``, from 1, of ``of``."""

    number: int
    of: int

    @classmethod
    def read(cls, text: str) -> Share:
        """``2/3``. Raises :class:`DataError`."""
        found = re.fullmatch(r"([1-9]\d{0,2})/([1-9]\d{0,2})", text)
        if found is None or int(found[1]) > int(found[2]):
            raise DataError(f"a part is a number of how many, like 2/3, and not {text!r}")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def of_pieces(self, pieces: Sequence[Piece]) -> range:
        """Which pieces are this part's: neighbours, and about as many bytes as every other part has."""
        weights = [_weight(piece) for piece in pieces]
        total, before, mine = sum(weights), 0, []
        for number, weight in enumerate(weights):
            if (2 * before + weight) * self.of // max(1, 2 * total) == self.number - 1:
                mine.append(number)
            before += weight
        return range(mine[0], mine[-1] + 1) if mine else range(0)


def _weight(piece: Piece) -> int:
    if piece.form.layout == "parquet":
        return PIECE
    return max(1, piece.stop - piece.start if piece.stop >= 0 else piece.path.stat().st_size)


def make(source: Source, request: Request, share: Share, report: Report, quiet: bool) -> None:
    """Leave a part in the directory of ``request``, and report which pieces it has, and how many rows.

    Raises :class:`DataError`, and OSError where the directory cannot be written.
    """
    rows = opened(source, request, None, None)
    refuse_undivided(rows)
    manifest.made(rows, request)  # a file that is wrong as a whole is told now
    rules = rules_of(request, rows, resolve(request.tokenizer, model(request.model), online=False))
    files = (*source.files, *source.own)
    before = [digests.state(file) for file in files]
    mine = share.of_pieces(rows.pieces)
    whole = Stats()
    counted: dict[str, Any] = {}
    directory = request.directory
    with ExitStack() as stack:
        place = stack.enter_context(scratch(directory))
        if room := short_of_room(directory, round(rows.size * rows.share / share.of)):
            report(room)
        tell = stack.enter_context(progress.shown(None, quiet))
        for number, stats in pool.of(rows.pieces, mine, rules, place, request.processes, tell):
            whole.add(stats)
            counted[str(number)] = dataclasses.replace(stats, sample=[]).to_json()
            if number == 0 and worker.hopeless(rules, stats):
                break  # the join tells it
        known = {str(at): digests.digest(file) for at, file in enumerate(files) if at % share.of == share.number - 1}
        digests.refuse_changed(files, before)
        index = {
            "part": str(share),
            "asked": asked(rules, rows, share.of),
            "pieces": counted,
            "sample": whole.sample,
            "digests": known,
        }
        written = place / INDEX
        written.write_text(json.dumps(index), encoding="utf-8")
        _put(place, directory, map(int, counted))
    report(f"part {share} of {rows.label}: {len(mine)} of its {len(rows.pieces)} pieces, {whole.seen:,} rows")


def _put(place: Path, directory: Path, pieces: Iterable[int]) -> None:
    """A part in the place of an earlier one, its index last: without that, it is none."""
    (directory / INDEX).unlink(missing_ok=True)
    for output in worker.OUTPUTS:
        for earlier in directory.glob(f"*.{output}"):
            earlier.unlink()
    for number in pieces:
        for output in worker.OUTPUTS:
            made = worker.part_of(place, number, output)
            if made.stat().st_size:
                made.replace(worker.part_of(directory, number, output))
    (place / INDEX).replace(directory / INDEX)


def refuse_undivided(rows: Opened) -> None:
    """Raise :class:`DataError` for rows that only one machine can read: a stream, or a part that is counted off."""
    if rows.stream is not None or not rows.window.all:
        raise DataError(
            f"{rows.label} is read from its beginning, row after row, so it cannot be divided among machines: take "
            "one (data.cluster.nodes: 1), or files as a whole"
        )


def asked(rules: worker.Rules, rows: Opened, parts: int) -> str:
    """What parts have to agree in before they are joined: the rules, the pieces, and how many parts there are."""
    decided = dataclasses.asdict(dataclasses.replace(rules, tokenizer=type(rules.tokenizer)(), common=frozenset()))
    pieces = [[piece.path.name, piece.start, piece.stop, piece.side, piece.own] for piece in rows.pieces]
    content = [_FORMAT, cards.REQUESTED, parts, rules.tokenizer.label, decided, pieces]
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=list).encode()).hexdigest()


@dataclass(frozen=True)
class _Part:
    """What a machine has left, read: counts by piece, and the digests of some of the source's files by their number."""

    directory: Path
    share: Share
    asked: str
    pieces: dict[int, Stats]
    digests: dict[int, str]


class Parts:
    """All parts of a source, as their machines have left them."""

    def __init__(self, directories: Sequence[Path], source: Source) -> None:
        """Raises :class:`DataError` where one is missing, twice there, or no part."""
        self._found: dict[int, _Part] = {}
        self._files = (*source.files, *source.own)
        of = len(directories)
        for directory in directories:
            part = _read(directory)
            if part.share.of != of or part.share.number in self._found:
                raise DataError(f"{directory} holds part {part.share}, and {of} parts are to be joined, each once")
            self._found[part.share.number] = part

    @property
    def reckoned(self) -> dict[Path, str]:
        """The digests of the source's files as those have reckoned them who read them, so that nobody does so again.

        They are of what is joined, and of it alone: nothing here shows that the files of this machine are the same.
        """
        known = {at: found for part in self._found.values() for at, found in part.digests.items()}
        return {file: known[at] for at, file in enumerate(self._files) if at in known}

    def stats(self, rows: Opened, rules: worker.Rules, place: Path, tell: Tell) -> Iterator[tuple[int, Stats]]:
        """What was counted in each piece, in order, its files in ``place``. Raises :class:`DataError`."""
        refuse_undivided(rows)
        wanted = asked(rules, rows, len(self._found))
        following = 0
        for number, part in sorted(self._found.items()):
            if part.asked != wanted:
                raise DataError(
                    f"part {number} in {part.directory} is not of the same rows, or was made by other rules"
                )
            for piece, stats in sorted(part.pieces.items(), key=lambda item: item[0]):
                if piece != following:
                    raise DataError(
                        f"piece {following} of {rows.label} is in no part, and {piece} is in {part.directory}"
                    )
                following += 1
                _link(part.directory, place, piece)
                tell(stats.seen)
                yield piece, stats
        if following != len(rows.pieces):
            raise DataError(f"the parts hold {following} of the {len(rows.pieces)} pieces of {rows.label}")


def _message(given: Any) -> dict[str, Any]:
    return {"content": str(given["content"]), "role": str(given["role"])}


def _read(directory: Path) -> _Part:
    try:
        index = json.loads((directory / INDEX).read_bytes())
        pieces = {int(at): Stats.from_json(counted) for at, counted in sorted(index["pieces"].items())}
        sample = [(int(key), [_message(each) for each in messages]) for key, messages in index["sample"]]
        for stats in list(pieces.values())[:1]:  # it is of the part, and counts once
            stats.sample = sample
        return _Part(
            directory,
            Share.read(str(index["part"])),
            str(index["asked"]),
            pieces,
            {int(at): str(found) for at, found in index["digests"].items()},
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        why = f"{type(error).__name__}: {error}"
        raise DataError(f"{directory} holds no part that is whole ({why}): make it anew") from error


def _link(directory: Path, place: Path, number: int) -> None:
    """The files of a piece under their names in ``place``; one without content was not kept."""
    for output in worker.OUTPUTS:
        made = worker.part_of(directory, number, output)
        here = worker.part_of(place, number, output)
        if made.exists():
            here.symlink_to(made.absolute())
        else:
            here.touch()
