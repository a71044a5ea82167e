"""Rows in, checked and written: the part of the work that several processes share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from data_prep.card.stats import BIN, Kind, Stats
from data_prep.read.texts import BLANK, Broken, Rows
from data_prep.row import personal
from data_prep.row.calls import learnable
from data_prep.row.reading import Reader
from data_prep.row.repairs import repaired
from data_prep.row.rules import Problem, in_order, is_bare, problems, question, record, sound
from data_prep.row.split import TEST, TRAIN, VALIDATION, is_mixed_in, is_taken, point, side_of
from data_prep.run import duplicates
from data_prep.source.tokens import Counter, Tokenizer
from settings.models import model

REJECTED, HASHES, SIGNATURES, QUESTIONS = "rejected", "hashes", "signatures", "questions"
WRITTEN = (TRAIN, TEST, VALIDATION)
SIDES = "sides"
OUTPUTS = (*WRITTEN, REJECTED, HASHES, SIGNATURES, SIDES, QUESTIONS)
"""Files of a part. The last four hold, for each row written: 8 bytes, a MinHash signature, one byte (its side, by its
number in :data:`WRITTEN`), and 8 bytes of its first question."""

HOPELESS = 1000  # rows at the beginning of a source, of which one at least must be good
_NUMBER = {side: bytes([number]) for number, side in enumerate(WRITTEN)}
_LINE = orjson.OPT_APPEND_NEWLINE
_TELL = 1000  # rows between two calls of the progress
_BUFFER = 2**20  # bytes kept back before they are written: rows are about as large as the default of 8 kB


@dataclass(frozen=True)
class Rules:
    """Everything that decides what becomes of a row; goes to the worker processes."""

    shape: str
    columns: Mapping[str, str]
    ignore: tuple[str, ...]
    seed: int
    test_ratio: float  # 0 where the source, or a file of its own, says which rows are for testing
    validation_ratio: float  # the same, and where there is no third file
    common: frozenset[int]  # points of questions that so many rows begin with that all they say decides their side
    share: float  # of the rows to take; 1 for all
    repairs: tuple[str, ...]
    mask: bool
    near: bool
    model: str
    tokenizer: Tokenizer
    keep_rejected: bool


def part_of(directory: Path, number: int, output: str) -> Path:
    return directory / f"{number}.{output}"


def hopeless(rules: Rules, stats: Stats) -> bool:
    """Whether a source is read wrongly: no row at its beginning is good, and none may be left out."""
    return not rules.keep_rejected and stats.seen >= HOPELESS and stats.bad == stats.seen


class Worker:
    """Holds what is costly to make (a tokenizer) for all the pieces that a process works on."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._reader = Reader(rules.shape, rules.columns, rules.ignore, rules.model)
        self._tools = learnable(rules.model)
        self._side, self._share, self._own = "", 1.0, False
        self._counter = Counter(rules.tokenizer, model(rules.model))

    def run(
        self,
        rows: Rows,
        directory: Path,
        number: int,
        side: str = "",
        tell: Callable[[int], None] | None = None,
        share: float = 1.0,
        own: bool = False,
    ) -> Stats:
        """Work through ``rows`` into the files of part ``number``; ``tell`` hears how many rows were read.

        ``side`` is that of all of them, where the source has held them back itself; ``share`` of them is taken where
        they are a part of a mixture; ``own`` rows are a file of test or validation rows, which is taken whole.
        """
        self._side, self._share, self._own = side, share, own
        with ExitStack() as stack:
            paths = {name: part_of(directory, number, name) for name in OUTPUTS}
            files = {name: stack.enter_context(path.open("wb", _BUFFER)) for name, path in paths.items()}
            stats = Stats()
            for place, row in rows:
                stats.places = place
                if row is BLANK:
                    continue
                stats.seen += 1
                self._one(place, row, stats, files)
                if number == 0 and stats.seen == HOPELESS and hopeless(self._rules, stats):
                    break
                if tell is not None and stats.seen % _TELL == 0:
                    tell(_TELL)
            if tell is not None:
                tell(stats.seen % _TELL)
        return stats

    def _one(self, place: int, row: Any, stats: Stats, files: Mapping[str, BinaryIO]) -> None:
        found: list[Problem]
        mended: list[str] = []
        if row.__class__ is Broken:
            found, good, line = [row.problem], row, b""
            stats.shapes[""] += 1
        else:
            quick = in_order(row) and self._reader.untouched(row)
            if quick:
                good, found = row, []
            else:
                good, found, aside = self._read(row, stats)
                if aside:
                    return
            if not found:
                found, made, line = self._judge(good, quick or (in_order(good) and is_bare(good)))
                if found and self._rules.repairs:
                    better, mended = repaired(good, self._rules.repairs, self._tools)
                    if mended:
                        remaining, better_made, better_line = self._judge(better, in_order(better) and is_bare(better))
                        if not remaining:
                            found, made, line = [], better_made, better_line
        if found:
            self._reject(place, row, found, stats, files)
            return
        if mended:
            stats.mended += 1
            stats.repaired.update(mended)
        self._write(made, line, stats, files)

    def _read(self, row: Any, stats: Stats) -> tuple[Any, list[Problem], bool]:
        """A row with messages, what cannot be made of it, and whether it is set aside by its own mark; all counted."""
        read = self._reader.read(row)
        stats.shapes[read.shape] += 1
        stats.unused.update(read.unused)
        stats.called += read.calls
        if read.aside:
            stats.aside[read.aside] += 1
        return read.row, list(read.problems), bool(read.aside)

    def _judge(self, row: Any, ordered: bool) -> tuple[list[Problem], dict[str, Any], bytes]:
        """The rules that a row, or one :func:`in_order`, breaks, and where it breaks none its record and line."""
        if ordered:
            made = record(row)
            try:
                line = orjson.dumps(made, option=_LINE)
            except TypeError:  # half of a surrogate pair
                return problems(row, self._tools), made, b""
            if not sound(line) and (found := problems(row, self._tools)):
                return found, made, line
        else:
            if found := problems(row, self._tools):
                return found, {}, b""
            made = record(row)
            line = orjson.dumps(made, option=_LINE)
        return self._length(made["messages"], len(line)), made, line

    def _length(self, messages: list[dict[str, Any]], size: int) -> list[Problem]:
        """The model's context; an estimate rejects nothing (see :meth:`_write`)."""
        if not self._counter.exact or not self._counter.may_exceed(size, len(messages)):
            return []
        tokens, most = self._counter.count(messages), self._counter.context
        if most is None or tokens <= most:
            return []
        return [Problem("messages", f"must fit into the model's {most} tokens, are {tokens}", "context")]

    def _reject(self, place: int, row: Any, found: list[Problem], stats: Stats, files: Mapping[str, BinaryIO]) -> None:
        stats.bad += 1
        stats.rejected[found[0].code] += 1
        for code, problem in {problem.code: problem for problem in reversed(found)}.items():
            stats.kinds.setdefault(code, Kind()).add(1, [(place, f"{problem.field} {problem.rule}")])
        if self._rules.keep_rejected:
            files[REJECTED].write(_rejection(place, row, found, self._rules.mask))

    def _write(self, made: dict[str, Any], line: bytes, stats: Stats, files: Mapping[str, BinaryIO]) -> None:
        rules, messages = self._rules, made["messages"]
        asked = question(made)
        if rules.share < 1 and not self._own and not is_taken(asked, rules.seed, rules.share):
            stats.passed_over += 1
            return
        if self._share < 1 and not is_mixed_in(asked, rules.seed, self._share):
            stats.passed_over += 1
            return
        at = point(asked, rules.seed)
        side = self._side
        if side not in (TEST, VALIDATION):
            side = side_of(self._decides(at, messages), rules.test_ratio, rules.validation_ratio)
        said = duplicates.messages_of(line)
        if personal.suspicious(said) and (hits := personal.counts(made)):
            stats.private.update(hits)
            stats.private_rows += 1
            if rules.mask:
                made = _masked(made)
                messages, line = made["messages"], orjson.dumps(made, option=_LINE)
                said = duplicates.messages_of(line)
        files[side].write(line)
        files[QUESTIONS].write(at.to_bytes(8, "little"))
        stats.sides[side] += 1
        self._count(messages, said, line.isascii(), side, stats, files)

    def _decides(self, at: int, messages: list[dict[str, Any]]) -> int:
        """The point that decides the side of a row: its first question's, unless too many rows begin with it."""
        if at not in self._rules.common:
            return at
        return point("\n".join(message["content"] for message in messages), self._rules.seed)

    def _count(
        self,
        messages: list[dict[str, Any]],
        said: memoryview,
        ascii: bool,
        side: str,
        stats: Stats,
        files: Mapping[str, BinaryIO],
    ) -> None:
        texts = [message["content"] for message in messages]
        size = sum(map(len, texts)) if ascii else sum([len(text.encode()) for text in texts])
        key = duplicates.content_hash(said)
        files[HASHES].write(key.to_bytes(8, "little"))
        files[SIDES].write(_NUMBER[side])
        if self._rules.near:
            files[SIGNATURES].write(duplicates.signature(messages))
        stats.turns[len(messages)] += 1
        stats.lengths[size // BIN] += 1
        stats.text_bytes[side] += size
        stats.messages[side] += len(messages)
        if stats.wants(key):
            stats.keep(key, messages)
        if not self._counter.exact and self._counter.may_exceed(size, len(messages)):
            stats.too_long += self._counter.count(messages) > (self._counter.context or 0)


def _masked(made: dict[str, Any]) -> dict[str, Any]:
    messages = [{**message, "content": personal.masked(message["content"])} for message in made["messages"]]
    # The id is a hash of what is masked: it would let a reader check a guess.
    return record({"messages": messages, "prompt": personal.masked(made["prompt"])})


def _rejection(place: int, row: Any, found: list[Problem], mask: bool) -> bytes:
    """A line of the reject file, its place still counted from where the piece begins: nine digits that are replaced."""
    content = row.raw if isinstance(row, Broken) else row
    if mask:
        content = personal.masked_in(content)
    rules = [{"field": problem.field, "rule": problem.rule, "code": problem.code} for problem in found]
    try:
        text = orjson.dumps({"problems": rules, "row": content}, default=str, option=_LINE | orjson.OPT_NON_STR_KEYS)
    except TypeError:  # text that UTF-8 cannot hold, or nested more deeply than JSON is written
        text = orjson.dumps({"problems": rules, "row": _written(content)}, option=_LINE)
    return b"%d\t%s" % (place, text)


def _written(content: Any) -> str:
    try:
        return ascii(content)
    except (RecursionError, ValueError):  # nested too deeply, a number of thousands of digits
        return "too deeply nested, or too large a number, to be written"
