"""The golden questions put to one deployment, and its answers scored."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import requests

from chat.phi_client import ask
from chat.phi_messages import Busy, ChatError, ChatRequest, EndpointUnavailable, KeyRefused
from cloud.errors import StageError
from jobs.golden.questions import Question
from jobs.golden.words import joined, length, words
from settings.redaction import redact

_TEMPERATURE = 0.0  # the most likely answer, however the model is served (chat/phi_messages.py)
_TRIES, _PAUSE = 3, 2.0  # seconds; for a 429 alone
# An answer is similar from here on. Unrelated sentences reach some 50 in rapidfuzz's ratio, single words much more.
_SIMILAR, _SIMILAR_LENGTH = 75, 12


@dataclass(frozen=True, kw_only=True)
class Result:
    """One answer. ``score`` is 1.0 if a right answer is in it word for word, less if one is nearly in it, else 0.0.

    ``error`` says why there is no answer, and is empty if there is one; ``unreachable`` that the model is not to blame.
    """

    question: str
    expected: tuple[str, ...]
    answer: str
    score: float
    exact: bool
    seconds: float
    error: str = ""
    unreachable: bool = False


@dataclass(frozen=True)
class Scores:
    """All answers of one deployment."""

    deployment: str
    results: tuple[Result, ...]

    @property
    def score(self) -> float:
        """Mean over the questions, 0 to 1; one that was not answered counts as 0."""
        return statistics.fmean(result.score for result in self.results) if self.results else 1.0

    @property
    def exact(self) -> int:
        """How many questions were answered word for word."""
        return sum(result.exact for result in self.results)

    @property
    def slowest(self) -> float:
        """Seconds."""
        return max((result.seconds for result in self.results), default=0.0)

    @property
    def worst(self) -> Result:
        """The answer to show somebody who asks what is wrong. Raises ValueError where nothing was asked."""
        return min(self.results, key=lambda result: result.score)

    def to_json(self) -> dict[str, Any]:
        return {
            "deployment": self.deployment,
            "score": round(self.score, 4),
            "exact": self.exact,
            "slowest_seconds": round(self.slowest, 3),
            "questions": [asdict(result) for result in self.results],
        }

    def __str__(self) -> str:
        return f"{self.score:.2f} ({self.exact} of {len(self.results)} word for word, slowest {self.slowest:.1f} s)"


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


def ask_all(
    url: str,
    key: str,
    deployment: str,
    questions: Sequence[Question],
    *,
    timeout: float,
    stop: threading.Event,
    system: str = "",
) -> Scores:
    """Puts every question to ``deployment``, past the traffic rules; "" for whichever the traffic leads to.

    ``timeout`` in seconds for each; ``system`` is told the model before each. A question that gets no answer scores 0.
    What is not asked because ``stop`` was set is left out. Raises StageError if the key is refused, or if another
    deployment answers than was asked.
    """
    results: list[Result] = []
    for question in questions:
        if stop.is_set():
            break
        request = ChatRequest(question.question, deployment=deployment, temperature=_TEMPERATURE, system=system)
        results.append(_ask(url, key, request, question, timeout, stop))
    return Scores(deployment, tuple(results))


def _ask(url: str, key: str, request: ChatRequest, question: Question, timeout: float, stop: threading.Event) -> Result:
    deployment = request.deployment
    on = f"deployment {deployment}" if deployment else "endpoint"
    for attempt in range(1, _TRIES + 1):
        try:
            answer = ask(url, key, request, timeout=timeout)
        except Busy as error:
            if attempt < _TRIES and not stop.wait(error.retry_after or _PAUSE):
                continue
            return _unanswered(question, error)
        except KeyRefused as error:
            todo = "Run `pulumi up`, which reads the endpoint's keys again."
            raise StageError("the golden questions could not be asked", on=on, why=str(error), todo=todo) from error
        except ChatError as error:
            return _unanswered(question, error)
        if deployment and answer.deployment != deployment:
            why = f"{deployment} was asked, and {answer.deployment} answered"
            todo = "Look at the endpoint's traffic in Azure ML studio."
            raise StageError("the golden questions reached the wrong model", on=on, why=why, todo=todo)
        points, exact = score(answer.text, question.answers)
        return Result(
            question=question.question,
            expected=question.answers,
            answer=answer.text,
            score=points,
            exact=exact,
            seconds=answer.seconds,
        )
    raise AssertionError("the last attempt returns")


def _unanswered(question: Question, error: ChatError) -> Result:
    return Result(
        question=question.question,
        expected=question.answers,
        answer="",
        score=0.0,
        exact=False,
        seconds=0.0,
        error=redact(str(error)),
        unreachable=not models_fault(error),
    )


def models_fault(error: ChatError) -> bool:
    """Whether an answer that did not come is the model's doing: it raised, answered nonsense or took too long.

    What never reached it (no route yet, a refused key, no connection, Azure's own front failing) says nothing of it.
    """
    late = isinstance(error.__cause__, requests.exceptions.ReadTimeout)
    return late or not isinstance(error, EndpointUnavailable | KeyRefused)
