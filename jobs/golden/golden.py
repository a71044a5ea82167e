"""The golden questions put to one deployment, and its answers scored."""

from __future__ import annotations

import math
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import requests

from chat.phi_client import ask
from chat.phi_key import Key
from chat.phi_messages import Busy, ChatError, ChatRequest, EndpointUnavailable, KeyRefused
from cloud.errors import StageError
from cloud.report import Report
from cloud.waiting import Stopped, minutely, pause, tells_itself
from jobs.golden.checks import points
from jobs.golden.judge import Judge
from jobs.golden.questions import JUDGE, Question
from settings.redaction import redact

_ASK = "Ask for the role, or wait until it is known, and run `pulumi up` again."
_LIKELIEST = 0.0  # a temperature: the most likely answer, however the model is served (chat/phi_messages.py)
_TRIES, _PAUSE, _MOST_PAUSE = 3, 2.0, 60.0  # seconds, and at most where Azure says how long; for a 429 alone


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One answer. ``score`` is 1.0 if it is right, less if it is nearly so, else 0.0; ``exact`` if literally.

    ``error`` says why there is no answer, and is empty if there is one; ``unreachable`` that the model is not to blame;
    ``cut_off`` that the answer had reached the length it was allowed.
    """

    answer: str
    score: float
    exact: bool
    seconds: float
    error: str = ""
    unreachable: bool = False
    cut_off: bool = False


@dataclass(frozen=True)
class Result:
    """One question and its answers, of which there is at least one."""

    question: str
    expected: str
    samples: tuple[Sample, ...]

    @property
    def worst(self) -> Sample:
        """The answer to show."""
        return min(self.samples, key=lambda sample: sample.score)

    @property
    def score(self) -> float:
        """Mean over the answers; one that did not come counts as 0."""
        return statistics.fmean(sample.score for sample in self.samples)

    @property
    def exact(self) -> bool:
        return all(sample.exact for sample in self.samples)

    @property
    def seconds(self) -> float | None:
        """The median over the answers that came; None where none did."""
        return (
            statistics.median(found) if (found := [each.seconds for each in self.samples if not each.error]) else None
        )

    @property
    def error(self) -> str:
        """Of the first answer that did not come."""
        return next((each.error for each in self.samples if each.error), "")

    @property
    def unreachable(self) -> bool:
        return any(each.unreachable for each in self.samples)


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
        """How many questions were answered literally right."""
        return sum(result.exact for result in self.results)

    @property
    def cut_off(self) -> int:
        """How many questions have an answer that was cut off at its length."""
        return sum(any(sample.cut_off for sample in result.samples) for result in self.results)

    def within(self, percent: float) -> float:
        """Seconds within which so many per cent of the answers came: 100 is the slowest of them."""
        seconds = sorted(each.seconds for result in self.results for each in result.samples if not each.error)
        return seconds[max(0, math.ceil(len(seconds) * percent / 100 - 1e-9) - 1)] if seconds else 0.0

    @property
    def worst(self) -> Result:
        """What to show somebody who asks what is wrong. Raises ValueError where nothing was asked."""
        return min(self.results, key=lambda result: result.score)

    def to_json(self) -> dict[str, Any]:
        return {
            "deployment": self.deployment,
            "score": round(self.score, 4),
            "exact": self.exact,
            "cut_off": self.cut_off,
            "p95_seconds": round(self.within(95), 3),
            "slowest_seconds": round(self.within(100), 3),
            "questions": [
                {
                    "question": result.question,
                    "expected": result.expected,
                    "score": round(result.score, 4),
                    "answer": result.worst.answer,
                    "samples": [asdict(sample) for sample in result.samples],
                }
                for result in self.results
            ],
        }

    def __str__(self) -> str:
        cut = f", {self.cut_off} cut off" if self.cut_off else ""
        many = f"{self.exact} of {len(self.results)} word for word"
        return f"{self.score:.2f} ({many}{cut}, 95 % within {self.within(95):.1f} s)"


@dataclass(frozen=True, kw_only=True)
class Asking:
    """How questions are put: ``timeout`` in seconds for each, ``system`` is told the model before it.

    Asked once, a model gives its most likely answer; asked several times, as many ``samples`` as people get.
    """

    timeout: float
    system: str = ""
    samples: int = 1
    judge: Judge | None = None


def ask_all(
    url: str,
    key: Key,
    deployment: str,
    questions: Sequence[Question],
    asking: Asking,
    report: Report,
    stop: threading.Event,
) -> Scores:
    """Puts every question to ``deployment``, past the traffic rules; "" for whichever the traffic leads to.

    ``report`` hears each minute how many there were.

    A question that gets no answer scores 0. What is not asked because ``stop`` was set is left out. Raises StageError
    if the key is refused, if another deployment answers than was asked, or if a judge that is needed says nothing.
    """
    results: list[Result] = []
    since = time.monotonic()
    tell = minutely(report, lambda: f"{deployment or 'the endpoint'}: {len(results)} of {len(questions)} are asked")
    for question in questions:
        tell(time.monotonic() - since)
        samples: list[Sample] = []
        for _ in range(asking.samples):
            if stop.is_set():
                return Scores(deployment, tuple(results))
            samples.append(_ask(url, key, deployment, question, asking, stop))
        results.append(Result(question.question, question.expected, tuple(samples)))
    return Scores(deployment, tuple(results))


def _ask(url: str, key: Key, deployment: str, question: Question, asking: Asking, stop: threading.Event) -> Sample:
    on = f"deployment {deployment}" if deployment else "endpoint"
    request = ChatRequest(
        question.question,
        history=question.history,
        deployment=deployment,
        temperature=_LIKELIEST if asking.samples == 1 else ChatRequest.temperature,
        max_new_tokens=question.check.max_tokens,
        system=asking.system if question.system is None else question.system,
    )
    for attempt in range(1, _TRIES + 1):
        try:
            answer = ask(url, key, request, timeout=asking.timeout)
        except Busy as error:
            if attempt == _TRIES:
                return _unanswered(error)
            try:
                pause(min(error.retry_after or _PAUSE, _MOST_PAUSE), tell=tells_itself, stop=stop)
            except Stopped:
                return _unanswered(error)
            continue
        except KeyRefused as error:
            todo = "Run `pulumi up`, which reads the endpoint's keys again." if isinstance(key, str) else _ASK
            raise StageError("the golden questions could not be asked", on=on, why=str(error), todo=todo) from error
        except ChatError as error:
            return _unanswered(error)
        if deployment and answer.deployment != deployment:
            why = f"{deployment} was asked, and {answer.deployment} answered"
            todo = "Look at the endpoint's traffic in Azure ML studio."
            raise StageError("the golden questions reached the wrong model", on=on, why=why, todo=todo)
        if question.check.kind == JUDGE and asking.judge is not None:
            found = asking.judge.points(question, answer.text, asking.timeout)
            right = found, found == 1.0
        else:
            right = points(answer.text, question)
        return Sample(
            answer=answer.text,
            score=right[0],
            exact=right[1],
            seconds=answer.seconds,
            cut_off=answer.cut_off,
        )
    raise AssertionError("the last attempt returns")


def _unanswered(error: ChatError) -> Sample:
    return Sample(
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
