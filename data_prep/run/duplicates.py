"""Exact and near duplicates over all rows, with 8 bytes a row for the first and 256 for the second, on disk.

Near duplicates are found by MinHash: a row is a set of pieces of its text, :data:`_WIDTH` bytes from the beginning of
each word, and from each character beyond ASCII, as not every language writes blanks between its words. One hash of a
piece is enough (one-permutation hashing, Li, Owen and Zhang 2012): its first bits choose a part of the signature, which
keeps the least of the rest. Two rows are compared only where one of :data:`BANDS` parts of their signatures is equal,
so the time grows with the rows, not with their square.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

MINIMA = 64
BANDS = 16  # of 4 minima each: rows that share 70 % of their pieces meet with a probability of 99 %
SIMILAR = 0.7
"""Share of equal minima, an estimate of the Jaccard similarity, from which two rows are near duplicates."""

_WIDTH = 12  # bytes in a piece: two or three words of English, four characters of Chinese
_RIVALS = 7  # earlier rows in a bucket, besides its first, that a row is compared with
_BLOCK = 2**15  # pairs that are compared at a time: 16 MB
_EMPTY = np.uint32(2**32 - 1)
_STEP = np.uint32(0x9E3779B1)
_FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_LOWER = bytes(range(256)).lower().translate(bytes.maketrans(b"\t\r\n", b"   "))
_BLANK, _NOT_ASCII = 0x20, 0xC0  # a blank, and the least byte that a character beyond ASCII begins with in UTF-8
_PARTS = np.arange(MINIMA)

Integers = np.ndarray[Any, np.dtype[np.int64]]


def messages_of(line: bytes) -> memoryview:
    """The messages of a row as it is written: no text holds their mark, as quotation marks are escaped."""
    return memoryview(line)[line.index(b',"messages":[') :]


def content_hash(said: memoryview) -> int:
    """64 bits over :func:`messages_of` a row."""
    return xxhash.xxh3_64_intdigest(said)


def signature(messages: list[dict[str, Any]]) -> bytes:
    """The signature of a row, whatever its blanks and (of ASCII) capitals: :data:`MINIMA` unsigned 32-bit numbers."""
    text = "\n".join([message["content"] for message in messages]).encode(errors="replace").translate(_LOWER)
    blanks = np.flatnonzero(np.frombuffer(text, np.uint8) == _BLANK)
    content = text.translate(None, b" ")
    starts = np.append(blanks - np.arange(len(blanks)), 0)  # of words, once the blanks are gone
    if not content.isascii():
        starts = np.append(starts, np.flatnonzero(np.frombuffer(content, np.uint8) >= _NOT_ASCII))
    content += bytes(_WIDTH)
    eights = np.ndarray(len(content) - 7, "<u8", content, strides=(1,))
    hashes = eights[starts + (_WIDTH - 8)] * _SECOND
    hashes ^= hashes >> np.uint64(31)
    hashes += eights[starts]
    hashes *= _FIRST
    hashes ^= hashes >> np.uint64(31)
    hashes *= _SECOND
    values = (hashes >> np.uint64(26)).astype(np.uint32)
    hashes >>= np.uint64(58)
    least = np.full(MINIMA, _EMPTY)
    np.minimum.at(least, hashes.view(np.int64), values)
    return bytes(_filled(least).astype("<u4").tobytes())


def _filled(least: Any) -> Any:
    """Parts of a short text that got no piece take that of the next part that did, by how far away it is."""
    if not (empty := least == _EMPTY).any() or empty.all():
        return least
    there = np.flatnonzero(~empty)
    following = there[np.searchsorted(there, _PARTS) % len(there)]
    distance = ((following - _PARTS) % MINIMA).astype(np.uint32)
    return least[following] + distance * _STEP


def repeated(path: Path) -> int:
    """How many rows repeat an earlier one, of a file of :func:`content_hash` values."""
    hashes = np.fromfile(path, dtype="<u8")
    return int(len(hashes) - len(np.unique(hashes)))


def groups(path: Path) -> Integers:
    """For each row (of a file of signatures) the number of the earliest row it is a near duplicate of, or its own."""
    size = path.stat().st_size // (MINIMA * 4)
    leader = np.arange(size, dtype=np.int64)
    if not size:
        return leader
    signatures = np.memmap(path, dtype="<u4", mode="r", shape=(size, MINIMA))
    for first, second in _candidates(signatures):
        apart = leader[first] != leader[second]
        first, second = first[apart], second[apart]
        equal = np.count_nonzero(signatures[first] == signatures[second], axis=1)
        alike = equal >= SIMILAR * MINIMA
        _join(leader, first[alike], second[alike])
    return leader


def _join(leader: Integers, first: Integers, second: Integers) -> None:
    """Make each pair one group, led by its earliest row."""
    while len(first):
        one, other = leader[first], leader[second]
        low, high = np.minimum(one, other), np.maximum(one, other)
        np.minimum.at(leader, high, low)
        while not np.array_equal(leader, led := leader[leader]):
            leader[:] = led
        apart = leader[first] != leader[second]
        first, second = first[apart], second[apart]


def _candidates(signatures: Any) -> Iterator[tuple[Integers, Integers]]:
    """Blocks of pairs of rows, the earlier one first, that agree in a whole band of their signatures."""
    width = MINIMA // BANDS
    for band in range(BANDS):
        keys = np.ascontiguousarray(signatures[:, band * width : (band + 1) * width])
        hashed = _folded(keys)
        order = np.argsort(hashed, kind="stable")
        ranked = hashed[order]
        starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        begins = np.repeat(starts, np.diff(np.r_[starts, len(ranked)]))  # of the bucket of each rank
        ranks = np.arange(len(ranked))
        for behind in (0, *range(1, _RIVALS + 1)):
            rivals = ranks - behind if behind else begins
            later = ranks[(rivals >= begins) & (rivals < ranks)]
            for at in range(0, len(later), _BLOCK):
                some = later[at : at + _BLOCK]
                yield order[rivals[some]], order[some]


def _folded(keys: Any) -> Any:
    """64 bits of each key of 4 x 32 bits; a rare clash costs one comparison."""
    parts = keys.view("<u8").reshape(len(keys), -1)
    return parts[:, 0] * np.uint64(0x9E3779B97F4A7C15) ^ parts[:, 1]
