"""Conversations packed into rows of one fixed shape, so that XLA compiles once and little time goes into padding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Encoded = tuple[list[int], list[bool]]  # token ids of a conversation, and which of them count in the loss


class Rows(NamedTuple):
    """Packed rows, each array [rows, length]; several conversations share a row.

    tokens and targets are ids, weights 1 where a target counts in the loss, segments the number of the conversation
    within the row (0 is padding), positions count from 0 inside each conversation.
    """

    tokens: npt.NDArray[np.int32]
    targets: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]
    segments: npt.NDArray[np.int32]
    positions: npt.NDArray[np.int32]


def pack(conversations: Sequence[Encoded], length: int) -> list[list[Encoded]]:
    """Conversations of at most `length` tokens in as few rows as first-fit, longest first, finds."""
    rows: list[list[Encoded]] = []
    room: list[int] = []
    for conversation in sorted(conversations, key=lambda c: len(c[0]), reverse=True):
        size = len(conversation[0])
        row = next((i for i, left in enumerate(room) if left >= size), None)
        if row is None:
            row = len(rows)
            rows.append([])
            room.append(length)
        rows[row].append(conversation)
        room[row] -= size
    return rows


def fill(packed: Sequence[Sequence[Encoded]], rows: int, length: int, pad: int) -> Rows:
    """The arrays of packed rows, with empty rows at the end up to `rows`."""
    batch = Rows(
        np.full((rows, length), pad, np.int32),
        np.full((rows, length), pad, np.int32),
        np.zeros((rows, length), np.float32),
        np.zeros((rows, length), np.int32),
        np.zeros((rows, length), np.int32),
    )
    for row, conversations in enumerate(packed):
        start = 0
        for segment, (ids, learned) in enumerate(conversations, start=1):
            stop = start + len(ids)
            batch.tokens[row, start:stop] = ids
            batch.targets[row, start : stop - 1] = ids[1:]
            batch.weights[row, start : stop - 1] = learned[1:]
            batch.segments[row, start:stop] = segment
            batch.positions[row, start:stop] = np.arange(stop - start)
            start = stop
    return batch


class Batches:
    """Batches of one shape, in a new order every epoch, the same for the same seed.

    Every batch but an epoch's last holds `size` conversations.
    """

    def __init__(self, conversations: Sequence[Encoded], size: int, window: int, pad: int) -> None:
        self._conversations = conversations
        self._size = size
        self._pad = pad
        longest = max(len(ids) for ids, _ in conversations)
        # A small batch needs no whole window: rows then end, rounded to 16, where its conversations do.
        self._length = min(window, -(-longest * size // 16) * 16)
        self.steps = -(-len(conversations) // size)

    def epochs(self, count: int, seed: int) -> Iterator[list[Rows]]:
        """The batches of `count` epochs, all of one shape, filled when their epoch comes."""
        generator = np.random.default_rng(seed)
        packed = [
            [pack(chosen, self._length) for chosen in self._chosen(generator.permutation(len(self._conversations)))]
            for _ in range(count)
        ]
        rows = max(len(batch) for epoch in packed for batch in epoch)
        for epoch in packed:
            yield [fill(batch, rows, self._length, self._pad) for batch in epoch]

    def _chosen(self, order: npt.NDArray[np.int64]) -> Iterator[list[Encoded]]:
        for start in range(0, len(order), self._size):
            yield [self._conversations[i] for i in order[start : start + self._size]]
