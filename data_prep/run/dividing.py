"""The rules that rows are worked through by, and whether these divide them as was asked."""

from __future__ import annotations

import math

from data_prep.card.card import is_far
from data_prep.card.stats import Stats
from data_prep.request import Request
from data_prep.row.split import TEST, VALIDATION
from data_prep.run.merge import Merger
from data_prep.run.opening import Opened
from data_prep.run.worker import Rules
from data_prep.source.tokens import Tokenizer

_FEW, _COMMON = 10, 0.05  # rows, and their share of all, from which a first question is a frequent one


def rules_of(request: Request, rows: Opened, tokenizer: Tokenizer) -> Rules:
    """Everything that decides what becomes of a row."""
    return Rules(
        shape=request.shape,
        columns=request.columns,
        ignore=request.ignore,
        seed=request.seed,
        test_ratio=0 if rows.holds_back(TEST) else request.test_ratio,
        validation_ratio=0 if rows.holds_back(VALIDATION) else request.validation_ratio,
        common=frozenset(),
        share=rows.share,
        repairs=request.repairs if request.bad_rows == "repair" else (),
        mask=request.mask,
        near=request.duplicates != "report",
        model=request.model,
        tokenizer=tokenizer,
        keep_rejected=request.bad_rows != "refuse",
    )


class OneQuestionError(Exception):
    """So many rows begin with the same question that one side gets far more than was asked for.

    ``common`` are the points of such questions.
    """

    def __init__(self, text: str, common: frozenset[int]) -> None:
        super().__init__(text)
        self.common = common


def divide_otherwise(merger: Merger, stats: Stats, request: Request, rows: Opened) -> None:
    """Raise :class:`OneQuestionError` where a frequent first question, a greeting say, decides the sides' shares."""
    wanted = {TEST: request.test_ratio, VALIDATION: request.validation_ratio}
    asked = {side: ratio for side, ratio in wanted.items() if ratio and not rows.holds_back(side)}
    total = sum(number for side, number in stats.sides.items() if not rows.holds_back(side))
    far = [side for side, ratio in asked.items() if total and is_far(stats.sides[side] / total, ratio, total)]
    if not far:
        return
    side = far[0]
    if common := merger.common(max(_FEW, math.ceil(_COMMON * total))):
        questions = "one question" if len(common) == 1 else f"one of {len(common)} questions"
        raise OneQuestionError(
            f"many rows begin with {questions}, which together on one side would make "
            f"{stats.sides[side] / total:.0%} {side} rows instead of {asked[side]:.0%}: they are divided by all that "
            "is said in them",
            common,
        )
