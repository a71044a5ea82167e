"""Whether the rows are divided as was asked, and what divides them where one question would not."""

from __future__ import annotations

import math

from data_prep.card.card import is_far
from data_prep.card.stats import Stats
from data_prep.request import Request
from data_prep.run.merge import Merger
from data_prep.run.opening import Opened
from data_prep.run.worker import TEST, TRAIN

_FEW, _COMMON = 10, 0.05  # rows, and their share of all, from which a first question is a frequent one


class OneQuestionError(Exception):
    """So many rows begin with the same question that one side gets far more than was asked for.

    ``common`` are the points of such questions.
    """

    def __init__(self, text: str, common: frozenset[int]) -> None:
        super().__init__(text)
        self.common = common


def divide_otherwise(merger: Merger, stats: Stats, request: Request, rows: Opened) -> None:
    """Raise :class:`OneQuestionError` where a frequent first question, a greeting say, decides the sides' shares."""
    total = stats.sides[TRAIN] + stats.sides[TEST]
    if rows.divided or not total or not is_far(stats.sides[TEST] / total, request.test_ratio, total):
        return
    if common := merger.common(max(_FEW, math.ceil(_COMMON * total))):
        questions = "one question" if len(common) == 1 else f"one of {len(common)} questions"
        raise OneQuestionError(
            f"many rows begin with {questions}, which together on one side would make {stats.sides[TEST] / total:.0%} "
            f"test rows instead of {request.test_ratio:.0%}: they are divided by all that is said in them",
            common,
        )
