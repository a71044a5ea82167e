"""Which rows are taken, and on which side of the train/test split they fall."""

from __future__ import annotations

import hashlib

MOST = 2**64
TRAIN, TEST, VALIDATION = "train", "test", "validation"


def point(text: str, seed: int) -> int:
    """A number below :data:`MOST` for a question, however spaced or capitalised, that decides its side."""
    return _point(f"{seed}\n{_identity(text)}")


def side_of(at: int, test_ratio: float, validation_ratio: float) -> str:
    """test, validation or train: the side of what has the :func:`point` ``at``.

    So the side of a conversation is a function of its first question, the seed and the ratios alone: a row never moves
    when other rows come or go, or when an answer is corrected; the same question, however spaced or capitalised, never
    is on two sides; and raising the test ratio only ever moves rows to test. The validation ratio takes from the
    training rows alone. The shares are reached on average, not to the row.
    """
    if is_below(at, test_ratio):
        return TEST
    return VALIDATION if is_below(at, test_ratio + validation_ratio) else TRAIN


def is_below(at: int, share: float) -> bool:
    """Whether a :func:`point` lies in the first ``share`` (0 to 1) of all."""
    return at < share * MOST


def is_taken(question: str, seed: int, share: float) -> bool:
    """True for ``share`` (0 to 1) of all questions; independent of the side, and as stable."""
    return is_below(_point(f"share\n{seed}\n{_identity(question)}"), share)


def is_mixed_in(question: str, seed: int, share: float) -> bool:
    """The same for a source's share of a mixture; independent of both."""
    return is_below(_point(f"mixture\n{seed}\n{_identity(question)}"), share)


def _identity(question: str) -> str:
    return " ".join(question.split()).casefold()


def _point(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
