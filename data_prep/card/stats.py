"""What is counted while rows go by; of bounded size, and the same however the rows were divided among processes."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

NAMED = 3  # places of each kind of problem that a message lists
SAMPLED = 256  # rows kept to count tokens and guess languages
BIN = 16  # bytes of text in one step of the length histogram
_COUNTERS = (
    *("sides", "rejected", "repaired", "shapes", "unused", "aside", "private", "turns", "lengths", "text_bytes"),
    *("messages",),
)


@dataclass
class Kind:
    """One kind of problem: the rows that have it, and place and words of the first ones."""

    rows: int = 0
    first: list[tuple[int | str, str]] = field(default_factory=list)

    def add(self, rows: int, first: list[tuple[int | str, str]]) -> None:
        self.rows += rows
        self.first = (self.first + first)[:NAMED]


@dataclass
class Stats:
    """Of a piece, or of all together."""

    seen: int = 0  # rows read
    places: int = 0  # lines or rows of the file, blank lines included
    passed_over: int = 0  # good, but not in the share that was asked for
    sides: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)  # by the short name of the first rule broken
    repaired: Counter[str] = field(default_factory=Counter)  # by repair
    bad: int = 0
    mended: int = 0
    shapes: Counter[str] = field(default_factory=Counter)  # of rows that had to be looked at; "" where none is known
    unused: Counter[str] = field(default_factory=Counter)  # column or key of a message → rows that hold one
    aside: Counter[str] = field(default_factory=Counter)  # a row's own mark that it is not to be learnt → rows
    private: Counter[str] = field(default_factory=Counter)  # finds by kind
    called: int = 0  # rows that offer tools or call some, as a part of their texts
    private_rows: int = 0
    turns: Counter[int] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)  # rows by text bytes // BIN
    text_bytes: Counter[str] = field(default_factory=Counter)  # by side
    messages: Counter[str] = field(default_factory=Counter)  # by side
    too_long: int = 0  # by the estimate, which rejects nothing
    kinds: dict[str, Kind] = field(default_factory=dict)  # by the short name of the rule broken
    sample: list[tuple[int, list[dict[str, Any]]]] = field(default_factory=list)  # a heap, largest hash first

    def to_json(self) -> dict[str, Any]:
        """As JSON has it; :meth:`from_json` reads it back."""
        kinds = {code: [kind.rows, kind.first] for code, kind in self.kinds.items()}
        return {**vars(self), "kinds": kinds}

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Stats:
        """Of what JSON has made of :meth:`to_json`, in which every key is a text and every pair a list."""
        counters = {name: Counter(given[name]) for name in _COUNTERS}
        for name in ("turns", "lengths"):
            counters[name] = Counter({int(key): rows for key, rows in given[name].items()})
        kinds = {
            code: Kind(rows, [(place, words) for place, words in first])
            for code, (rows, first) in given["kinds"].items()
        }
        sample = [(key, messages) for key, messages in given["sample"]]
        return cls(**{**given, **counters, "kinds": kinds, "sample": sample})

    def keep(self, key: int, messages: list[dict[str, Any]]) -> None:
        """Keep the rows with the smallest hashes: a sample that does not depend on the order."""
        if len(self.sample) < SAMPLED:
            heapq.heappush(self.sample, (-key, messages))
        elif -key > self.sample[0][0]:
            heapq.heapreplace(self.sample, (-key, messages))

    def wants(self, key: int) -> bool:
        return len(self.sample) < SAMPLED or -key > self.sample[0][0]

    def add(self, other: Stats) -> None:
        """Add those of a later piece; its problems are shown by the caller, who knows where it begins."""
        for name in ("seen", "places", "passed_over", "bad", "mended", "called", "private_rows", "too_long"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in _COUNTERS:
            getattr(self, name).update(getattr(other, name))
        for key, messages in other.sample:
            if self.wants(-key):
                self.keep(-key, messages)

    def forget(self, messages: list[dict[str, Any]], side: str) -> None:
        """Take back a row that was counted and is not written after all."""
        size = sum(len(message["content"].encode()) for message in messages)
        for counter, key, by in (
            (self.sides, side, 1),
            (self.text_bytes, side, size),
            (self.messages, side, len(messages)),
        ):
            counter[key] -= by
        self.turns[len(messages)] -= 1
        self.lengths[size // BIN] -= 1
