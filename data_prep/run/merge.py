"""From the workers' parts, in order, to the two files; duplicates are dropped here where that is asked for."""

from __future__ import annotations

import hashlib
import queue
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson

from data_prep.card.stats import Stats
from data_prep.run import duplicates
from data_prep.run.worker import HASHES, QUESTIONS, REJECTED, SIDES, SIGNATURES, WRITTEN, part_of

_CHUNK = 2**20
_AHEAD = 2  # chunks that wait to be hashed


@dataclass(frozen=True)
class Duplicates:
    """``repeated``: rows equal to an earlier one; the others are None where near duplicates were not looked for.

    ``near``: rows nearly equal to an earlier one, exact repetitions included. ``leaking``: test rows nearly equal to a
    training row. ``dropped``: rows left out. ``questions``: different first questions; ``asked``: test rows whose first
    question is that of a training row. ``third``: with a validation file, the same of validation rows beside training
    rows (``asked_validation``, ``leaking_validation``) and of test rows beside validation rows (``asked_between``,
    ``leaking_between``).
    """

    repeated: int
    near: int | None = None
    leaking: int | None = None
    dropped: int = 0
    questions: int = 0
    asked: int = 0
    third: dict[str, int | None] = field(default_factory=dict)

    def counted(self) -> dict[str, int | None]:
        """As a card has it: all in one."""
        return {**{name: value for name, value in vars(self).items() if name != "third"}, **self.third}


class Hasher:
    """SHA-256 in a thread of its own: the interpreter is free meanwhile, and merging does not wait for it."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._waiting = bytearray()
        self._chunks: queue.Queue[bytes | None] = queue.Queue(_AHEAD)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def update(self, chunk: bytes | memoryview) -> None:
        self._waiting += chunk
        if len(self._waiting) >= _CHUNK:
            self._hand_over()

    def _hand_over(self) -> None:
        self._chunks.put(bytes(self._waiting))
        self._waiting.clear()

    def hexdigest(self) -> str:
        """Of everything so far; nothing can follow."""
        self._hand_over()
        self._chunks.put(None)
        self._thread.join()
        return self._hash.hexdigest()

    def _run(self) -> None:
        while (chunk := self._chunks.get()) is not None:
            self._hash.update(chunk)


class Merger:
    """Appends parts to the files, with their digests; ``late`` keeps the rows back until :meth:`finish`."""

    def __init__(self, scratch: Path, sides: dict[str, BinaryIO], rejected: BinaryIO | None, late: bool) -> None:
        self._scratch, self._sides, self._rejected, self._late = scratch, sides, rejected, late
        self._digests = {name: Hasher() for name in sides}
        self._parts: list[int] = []
        self._chunk = memoryview(bytearray(_CHUNK))

    def add(self, number: int, label: str, offset: int) -> None:
        """Take part ``number`` in; ``label`` and ``offset`` say where its rejected rows were."""
        for name in (HASHES, SIGNATURES, SIDES, QUESTIONS):
            part = part_of(self._scratch, number, name)
            with self._all(name).open("ab") as file:
                file.write(part.read_bytes())
            if not (self._late and name == SIDES):
                part.unlink()
        self._reject(number, label, offset)
        if self._late:
            self._parts.append(number)
            return
        for side in WRITTEN:
            part = part_of(self._scratch, number, side)
            if side in self._sides:
                with part.open("rb", buffering=0) as file:
                    while read := file.readinto(self._chunk):
                        self._put(side, self._chunk[:read])
            part.unlink()

    def _all(self, name: str) -> Path:
        return self._scratch / f"all.{name}"

    def _put(self, side: str, chunk: bytes | memoryview) -> None:
        self._sides[side].write(chunk)
        self._digests[side].update(chunk)

    def _reject(self, number: int, label: str, offset: int) -> None:
        part = part_of(self._scratch, number, REJECTED)
        if self._rejected is not None:
            with part.open("rb") as file:
                for line in file:
                    place, _, rest = line.partition(b"\t")
                    where = orjson.dumps({"source": label, "place": int(place) + offset})
                    self._rejected.write(where[:-1] + b"," + rest[1:])
        part.unlink()

    def common(self, least: int) -> frozenset[int]:
        """The points of the first questions that at least so many rows begin with."""
        if not self._all(QUESTIONS).exists():
            return frozenset()
        points, rows = np.unique(np.fromfile(self._all(QUESTIONS), dtype="<u8"), return_counts=True)
        return frozenset(int(point) for point in points[rows >= least])

    def finish(self, stats: Stats, near: bool) -> tuple[dict[str, str], Duplicates]:
        """SHA-256 by side, and what there is of duplicates."""
        if not self._all(HASHES).exists():
            return self._hexadecimal(), Duplicates(0)
        sides = np.fromfile(self._all(SIDES), dtype=np.uint8)
        points = np.fromfile(self._all(QUESTIONS), dtype="<u8")
        asked = _alike(points, sides)
        third: dict[str, int | None] = {f"asked_{name}": rows for name, rows in asked.items() if name}
        found = Duplicates(
            duplicates.repeated(self._all(HASHES)),
            questions=len(np.unique(points)),
            asked=asked[""],
            third=third | {f"leaking_{name}": None for name in asked if name} if len(self._sides) > 2 else {},
        )
        if near:
            leader = duplicates.groups(self._all(SIGNATURES))
            later = leader != np.arange(len(leader))
            leaking = _alike(leader, sides)
            more = {f"leaking_{name}": rows for name, rows in leaking.items() if name} if found.third else {}
            dropped = self._drop(later, stats) if self._late else 0
            found = replace(
                found,
                near=int(np.count_nonzero(later)),
                leaking=leaking[""],
                dropped=dropped,
                third={**found.third, **more},
            )
        return self._hexadecimal(), found

    def _drop(self, later: Any, stats: Stats) -> int:
        """Write the rows that are kept back, except those that ``later`` marks."""
        at = 0
        for number in self._parts:
            sides = part_of(self._scratch, number, SIDES).read_bytes()
            with ExitStack() as stack:
                lines = [stack.enter_context(part_of(self._scratch, number, side).open("rb")) for side in WRITTEN]
                for which in sides:
                    line, side = lines[which].readline(), WRITTEN[which]
                    if later[at]:
                        stats.forget(orjson.loads(line)["messages"], side)
                    else:
                        self._put(side, line)
                    at += 1
            for name in (*WRITTEN, SIDES):
                part_of(self._scratch, number, name).unlink()
        return int(np.count_nonzero(later))

    def _hexadecimal(self) -> dict[str, str]:
        return {name: digest.hexdigest() for name, digest in self._digests.items()}


def _alike(marks: Any, sides: Any) -> dict[str, int]:
    """How many rows of one side have the mark of a row of another: test rows beside training rows (under ""),
    ``validation`` rows beside training rows, and those ``between`` test and validation."""
    train, test, validation = (marks[sides == number] for number in range(len(WRITTEN)))
    pairs = {"": (test, train), "validation": (validation, train), "between": (test, validation)}
    return {name: int(np.count_nonzero(np.isin(one, other))) for name, (one, other) in pairs.items()}
