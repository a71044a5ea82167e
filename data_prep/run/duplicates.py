"""Exact and near duplicates over all rows, with 8 bytes a row for the first and some 400 for the second, on disk.

Near duplicates are found by MinHash (`rensa`): a row is the set of its word triples, its signature holds
:data:`PERMUTATIONS` minima, and two rows are compared only where one of :data:`BANDS` parts of their
signatures is equal. So the time grows with the rows, not with their square.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

PERMUTATIONS = 64
BANDS = 16  # of 4 minima each: rows that share 70 % of their triples meet with a probability of 99 %
SIMILAR = 0.7
"""Share of equal minima, an estimate of the Jaccard similarity, from which two rows are near duplicates."""

_WORDS = 3  # in a shingle
_MOST_IN_A_BUCKET = 8  # rows of one bucket beyond these are compared with its first row only


def messages_of(line: bytes) -> memoryview:
    """The messages of a row as it is written: no text holds their mark, as quotation marks are escaped."""
    return memoryview(line)[line.index(b',"messages":[') :]


def content_hash(said: memoryview) -> int:
    """64 bits over :func:`messages_of` a row."""
    return xxhash.xxh3_64_intdigest(said)


def signature(messages: list[dict[str, Any]]) -> bytes:
    """The MinHash signature of a row: :data:`PERMUTATIONS` unsigned 32-bit numbers."""
    import rensa

    words = " ".join(message["content"] for message in messages).lower().split()
    shingles = [" ".join(words[at : at + _WORDS]) for at in range(max(1, len(words) - _WORDS + 1))]
    made = rensa.RMinHash(num_perm=PERMUTATIONS, seed=42)
    made.update(shingles)
    return np.asarray(made.digest(), dtype="<u4").tobytes()


def repeated(path: Path) -> int:
    """How many rows repeat an earlier one, of a file of :func:`content_hash` values."""
    hashes = np.fromfile(path, dtype="<u8")
    return int(len(hashes) - len(np.unique(hashes)))


def groups(path: Path) -> np.ndarray[Any, np.dtype[np.int64]]:
    """For each row (of a file of signatures) the number of the earliest row it is a near duplicate of, or its own."""
    size = path.stat().st_size // (PERMUTATIONS * 4)
    leader = np.arange(size, dtype=np.int64)
    if not size:
        return leader
    signatures = np.memmap(path, dtype="<u4", mode="r", shape=(size, PERMUTATIONS))
    for first, second in _candidates(signatures):
        one, other = _leader(leader, first), _leader(leader, second)
        if one != other and np.mean(signatures[first] == signatures[second]) >= SIMILAR:
            leader[max(one, other)] = min(one, other)
    for row in range(size):
        leader[row] = leader[leader[row]]  # earlier rows are done, so one step is enough
    return leader


def _leader(leader: np.ndarray[Any, np.dtype[np.int64]], row: int) -> int:
    while leader[row] != row:
        leader[row] = leader[leader[row]]
        row = int(leader[row])
    return row


def _candidates(signatures: Any) -> Iterator[tuple[int, int]]:
    """Pairs of rows, the earlier one first, that agree in a whole band of their signatures."""
    width = PERMUTATIONS // BANDS
    for band in range(BANDS):
        keys = np.ascontiguousarray(signatures[:, band * width : (band + 1) * width]).view(f"V{width * 4}").ravel()
        hashed = _folded(keys)
        order = np.argsort(hashed, kind="stable")
        ranked = hashed[order]
        starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        ends = np.r_[starts[1:], len(ranked)]
        for at in np.flatnonzero(ends - starts > 1):
            bucket = order[starts[at] : ends[at]]
            for number in range(1, len(bucket)):
                rivals = range(number) if number < _MOST_IN_A_BUCKET else range(1)
                for rival in rivals:
                    yield int(bucket[rival]), int(bucket[number])


def _folded(keys: Any) -> Any:
    """64 bits of each key of 4 x 32 bits; a rare clash costs one comparison."""
    parts = keys.view("<u8").reshape(len(keys), -1)
    return parts[:, 0] * np.uint64(0x9E3779B97F4A7C15) ^ parts[:, 1]
