"""Runs the pieces of a source through the workers, in one process or several, and hands them back in order."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import connection
from pathlib import Path
from typing import NamedTuple

from data_prep.card.stats import Stats
from data_prep.errors import DataError
from data_prep.read.readers import Piece, close, read
from data_prep.read.texts import BLANK, Rows
from data_prep.run.worker import Rules, Worker

Tell = Callable[[int], None]


class Part(NamedTuple):
    """Rows that are worked through in one go; all else as a :class:`~data_prep.read.readers.Piece` has it."""

    rows: Rows
    side: str = ""
    share: float = 1.0
    own: bool = False


_worker: Worker | None = None


def of(
    pieces: Sequence[Piece], which: range, rules: Rules, directory: Path, processes: int, tell: Tell
) -> Iterator[tuple[int, Stats]]:
    """(number, counts) of some neighbours among the pieces: by several processes (0: one for each core) only where each
    has more than a piece to read, as starting them takes half a second."""
    mine = pieces[which.start : which.stop]
    workers = min(processes or cores(), len(mine) // 2)
    if workers > 1:
        return in_processes(mine, rules, directory, workers, tell, which.start)
    parts = (Part(read(piece), piece.side, piece.share, piece.own) for piece in mine)
    return in_one_process(parts, rules, directory, tell, which.start)


def in_one_process(
    parts: Iterator[Part], rules: Rules, directory: Path, tell: Tell, first: int = 0
) -> Iterator[tuple[int, Stats]]:
    """(number, counts) of each part, made here; they count from ``first``."""
    worker = Worker(rules)
    for number, part in enumerate(parts, start=first):
        yield number, worker.run(part.rows, directory, number, part.side, tell, part.share, part.own)


def in_processes(
    pieces: Sequence[Piece], rules: Rules, directory: Path, processes: int, tell: Tell, first: int = 0
) -> Iterator[tuple[int, Stats]]:
    """The same parts as :func:`in_one_process` makes, by several processes, a few pieces ahead of the reader.

    Raises what a worker raised, and :class:`DataError` where one was killed.
    """
    close()
    context = multiprocessing.get_context("spawn")  # arrow has threads, which a fork would lose
    waiting = iter(enumerate(pieces, start=first))
    running: deque[tuple[int, Future[Stats]]] = deque()
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_start, initargs=(rules,)) as pool:
        try:
            for number, piece in islice(waiting, 2 * processes):
                running.append((number, pool.submit(_run, piece, directory, number)))
            while running:
                number, future = running.popleft()
                stats = future.result()
                for following, piece in islice(waiting, 1):
                    running.append((following, pool.submit(_run, piece, directory, following)))
                tell(stats.seen)
                yield number, stats
        except BrokenProcessPool as error:
            raise DataError(
                "a worker process was killed, which is what a machine short of memory does; nothing was written: "
                "try again, or with --processes 1"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _start(rules: Rules) -> None:
    """Prepare a worker process; it ends with its parent, even where that is killed."""
    global _worker
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    gc.set_threshold(100_000)  # rows hold no cycles: looking for some takes time and finds none
    _worker = Worker(rules)


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def _run(piece: Piece, directory: Path, number: int) -> Stats:
    assert _worker is not None
    return _worker.run(read(piece), directory, number, piece.side, share=piece.share, own=piece.own)


class Window:
    """Of rows that follow each other through several pieces, those from ``start`` to ``stop`` (excluded)."""

    def __init__(self, start: int = 0, stop: int | None = None) -> None:
        self._start, self._stop, self._at = start, stop, 0

    @property
    def all(self) -> bool:
        return self._start == 0 and self._stop is None

    def of(self, pieces: Sequence[Piece]) -> Iterator[Part]:
        """The rows of each piece."""
        for piece in pieces:
            if self._stop is not None and self._at >= self._stop:
                return
            yield Part(self.cut(read(piece)), piece.side, piece.share)

    def cut(self, rows: Rows) -> Rows:
        for place, row in rows:
            if row is BLANK:
                yield place, row
                continue
            if self._stop is not None and self._at >= self._stop:
                return
            self._at += 1
            if self._at > self._start:
                yield place, row


def cores() -> int:
    """Cores that this process may use, of which more than sixteen would wait for the one that merges."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, 16)
