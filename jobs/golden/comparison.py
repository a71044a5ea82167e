"""Whether one model answers the golden questions worse than another: by an interval, not by two numbers.

Both are asked the same questions, so what is compared is the difference at each of them. A few questions say little,
whatever the answers: the interval says how little. It is that of Agresti and Min for paired differences ("Simple
improved confidence intervals for comparing matched proportions", 2005): half an observation of each kind is added, two
in all, so that six questions that are all answered alike do not pass for certainty. Their proof is for right and wrong
alone; answers that are partly right differ by less, for which it is rather too wide.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from enum import Enum

from jobs.golden.golden import Scores

_PSEUDO = 2  # observations: one without a difference, half a one in each direction
_MOST_QUESTIONS = 5_000
_HAIR = 1e-9


class Outcome(Enum):
    """The three ways in which a comparison ends."""

    NOT_WORSE = "better or equal"
    WORSE = "worse"
    UNCLEAR = "could not tell"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How much better the one scores than the other, -1 to 1, with the interval of ``confidence`` per cent.

    ``questions`` are those that were compared, ``left_out`` those that the other one did not answer; ``drop`` is how
    much worse it may be, and ``enough`` how many such questions would tell, 0 for more than anybody asks.
    """

    difference: float
    low: float
    high: float
    questions: int
    left_out: int
    drop: float
    confidence: float
    enough: int

    @property
    def outcome(self) -> Outcome:
        if not self.questions or self.low < -self.drop - _HAIR <= self.high:
            return Outcome.UNCLEAR
        return Outcome.WORSE if self.high < -self.drop - _HAIR else Outcome.NOT_WORSE

    @property
    def differs(self) -> bool:
        """Whether there is any difference at all that the questions can show."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        if not self.questions:
            return "no question was answered by both"
        left = f", {self.left_out} left out" if self.left_out else ""
        interval = f"{self.confidence:g} % interval {self.low:+.2f} to {self.high:+.2f}"
        return f"{self.difference:+.2f} ({interval}, {_counted(self.questions)}{left})"

    @property
    def remedy(self) -> str:
        """What would tell more."""
        if not self.enough:
            return "the two are too near to the limit for any number of questions to tell"
        return f"some {self.enough} questions of this kind would tell"


def compare(new: Scores, old: Scores, *, drop: float, confidence: float) -> Comparison:
    """Whether ``new`` is worse than ``old`` by more than ``drop``; question by question, in their order.

    What the old one did not answer is left out: it is no measure of the new one.
    """
    pairs = list(zip(new.results, old.results, strict=True))
    differences = [mine.score - its.score for mine, its in pairs if not its.error]
    total, squares, number = sum(differences), sum(each * each for each in differences), len(differences)
    low, high = _interval(total, squares, number, confidence)
    return Comparison(
        difference=total / number if number else 0.0,
        low=low,
        high=high,
        questions=number,
        left_out=len(pairs) - number,
        drop=drop,
        confidence=confidence,
        enough=_enough(total, squares, number, drop, confidence),
    )


def interval(scores: Scores, confidence: float) -> tuple[float, float]:
    """Between which scores a model's true one lies, by so many answers: Wilson's interval of a proportion (1927).

    It takes each answer for right or wrong; where they are partly right it is rather too wide.
    """
    number, z = len(scores.results), statistics.NormalDist().inv_cdf(0.5 + confidence / 200)
    middle = (scores.score + z * z / (2 * number)) / (1 + z * z / number)
    spread = math.sqrt(scores.score * (1 - scores.score) / number + z * z / (4 * number * number))
    half = z * spread / (1 + z * z / number)
    return max(0.0, middle - half), min(1.0, middle + half)


def _interval(total: float, squares: float, number: float, confidence: float) -> tuple[float, float]:
    size = number + _PSEUDO
    mean = total / size
    variance = max(0.0, (squares + 1) / size - mean * mean)
    half = statistics.NormalDist().inv_cdf(0.5 + confidence / 200) * math.sqrt(variance / size)
    return max(-1.0, mean - half), min(1.0, mean + half)


def _enough(total: float, squares: float, number: int, drop: float, confidence: float) -> int:
    """The least number of questions that would tell if they were answered as these."""
    for wanted in range(max(number, 1), _MOST_QUESTIONS) if number else ():
        more = wanted / number
        low, high = _interval(total * more, squares * more, wanted, confidence)
        if low >= -drop or high < -drop:
            return wanted
    return 0


def _counted(questions: int) -> str:
    return f"{questions} question{'' if questions == 1 else 's'}"
