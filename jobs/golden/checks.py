"""How right an answer is, by the kind of check that its question asks for."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence

from jobs.golden.questions import ALL, ANY, EXACT, NUMBER, REGEX, SIMILARITY, Check, Question
from jobs.golden.words import joined, length, number_in, numbers, words

# An answer is similar from here on. Unrelated sentences reach some 50 in rapidfuzz's ratio, single words much more.
_SIMILAR, _SIMILAR_LENGTH = 75, 12
_SEARCHED = 10_000  # characters of an answer that a regular expression is put to


def points(answer: str, question: Question) -> tuple[float, bool]:
    """How right ``answer`` is, 0 to 1, and whether what was asked for is in it literally.

    What must ``never`` be in an answer makes it wrong, whatever else it says. Those for a judge are judged elsewhere.
    """
    if any(_holds(answer, text) for text in question.check.never):
        return 0.0, False
    return _KINDS[question.check.kind](answer, question.answers, question.check)


def score(answer: str, expected: Sequence[str]) -> tuple[float, bool]:
    """How right ``answer`` is, 0 to 1, and whether one of the ``expected`` is in it word for word.

    Case, punctuation, accents and how thousands are grouped do not matter, nor what is said around it. A long expected
    answer that is nearly there counts as much as rapidfuzz finds of it; a short one, a name or a number, is there or it
    is not.
    """
    from rapidfuzz import fuzz

    said = words(answer)
    best = 0.0
    for right in map(words, expected):
        if right and f" {' '.join(right)} " in f" {' '.join(said)} ":
            return 1.0, True
        if min(length(right), length(said)) > _SIMILAR_LENGTH:
            # The best place in the answer for it; an answer that is only a part of what is expected gets that part.
            wanted, given = joined(right), joined(said)
            similar = fuzz.partial_ratio if len(given) >= len(wanted) else fuzz.ratio
            best = max(best, similar(wanted, given, score_cutoff=_SIMILAR) / 100)
    return best, False


def _holds(answer: str, text: str) -> bool:
    right = words(text)
    return bool(right) and f" {' '.join(right)} " in f" {' '.join(words(answer))} "


def _any(answer: str, expected: Sequence[str], _: Check) -> tuple[float, bool]:
    return score(answer, expected)


def _all(answer: str, expected: Sequence[str], _: Check) -> tuple[float, bool]:
    """The share of them that is in it."""
    there = sum(_holds(answer, text) for text in expected)
    return there / len(expected), there == len(expected)


def _regex(answer: str, expected: Sequence[str], _: Check) -> tuple[float, bool]:
    found = any(re.search(pattern, answer[:_SEARCHED]) for pattern in expected)
    return float(found), found


def _number(answer: str, expected: Sequence[str], check: Check) -> tuple[float, bool]:
    wanted = [number for number in map(number_in, expected) if number is not None]
    # A hair more than the tolerance, as 0.1 + 0.2 is no 0.3.
    found = any(
        math.isclose(given, right, rel_tol=1e-9, abs_tol=check.tolerance)
        for given in numbers(answer)
        for right in wanted
    )
    return float(found), found


def _exact(answer: str, expected: Sequence[str], _: Check) -> tuple[float, bool]:
    found = words(answer) in [words(text) for text in expected]
    return float(found), found


def _similarity(answer: str, expected: Sequence[str], _: Check) -> tuple[float, bool]:
    """As near as the nearest is, by rapidfuzz's ratio of the whole texts."""
    from rapidfuzz import fuzz

    said = joined(words(answer))
    best = max(fuzz.ratio(joined(words(text)), said) for text in expected) / 100
    return best, best == 1.0


_KINDS: Mapping[str, Callable[[str, Sequence[str], Check], tuple[float, bool]]] = {
    ANY: _any,
    ALL: _all,
    REGEX: _regex,
    NUMBER: _number,
    EXACT: _exact,
    SIMILARITY: _similarity,
}
