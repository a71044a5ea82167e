"""On which side a conversation is."""

from __future__ import annotations

from data_prep.row.split import TEST, point, side_of


def is_test(question: str, seed: int, test_ratio: float) -> bool:
    return side_of(point(question, seed), test_ratio, 0) == TEST
