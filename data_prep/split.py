"""Which side of the train/test split a row falls on."""

from __future__ import annotations

import hashlib


def is_test(question: str, seed: int, test_ratio: float) -> bool:
    """True where the conversation that opens with ``question`` belongs to the test rows.

    The side is a function of the question, the seed and the ratio alone. So a row never moves when other
    rows come or go, or when an answer is corrected; the same question, however spaced or capitalised, never
    is on both sides; and raising the ratio only ever moves rows from train to test. The share of test rows
    is ``test_ratio`` (0 to 1) on average, not to the row.
    """
    identity = " ".join(question.split()).casefold()
    digest = hashlib.sha256(f"{seed}\n{identity}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < test_ratio * 2**64
