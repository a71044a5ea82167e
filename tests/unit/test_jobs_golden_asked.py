"""Golden questions: how one is put, what comes of each kind of answer, and what is told of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
import requests
from golden_fake import FOUNDERS, MARKUP, PARIS
from jobs_fake import Stop

from chat.phi_messages import (
    Answer,
    AnswerCutOff,
    Busy,
    ChatError,
    ChatRequest,
    KeyRefused,
    ModelFailed,
    NoDeployment,
    ServerFailed,
    Turn,
    UnknownAnswer,
    Unreachable,
)
from cloud.errors import StageError
from jobs.golden import golden
from jobs.golden.golden import Asking, Result, Sample, Scores, models_fault
from jobs.golden.questions import Check, Question


class Route:
    """Says one thing after the other, and keeps what it was asked with."""

    def __init__(self, *said: Answer | ChatError) -> None:
        self.said, self.asked = list(said), list[Any]()

    def __call__(self, url: str, key: Any, request: ChatRequest, *, timeout: float) -> Answer:
        self.asked.append((url, key, request, timeout))
        said = self.said.pop(0)
        if isinstance(said, ChatError):
            raise said
        return said


@pytest.fixture
def route(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Route]:
    def make(*said: Answer | ChatError) -> Route:
        found = Route(*said)
        monkeypatch.setattr(golden, "ask", found)
        return found

    return make


def asked(
    question: Question, stop: Stop | None = None, deployment: str = "m1", key: Any = "k", **asking: Any
) -> Scores:
    how = Asking(timeout=30, **asking)
    return golden.ask_all("https://e/score", key, deployment, [question], how, lambda line: None, stop or Stop())


def test_a_question_is_put_with_all_that_it_has(route: Callable[..., Route]) -> None:
    found = route(*[Answer("Paris", "m1", 0.5)] * 3)
    full = Question("Where?", ("Paris",), Check(max_tokens=9), (Turn("a", "b"),), "Be brief.")
    asked(full, system="Rhyme.")
    asked(dataclasses.replace(full, system=None), system="Rhyme.")
    asked(dataclasses.replace(full, system=""), system="Rhyme.")
    assert found.asked == [
        (
            "https://e/score",
            "k",
            ChatRequest("Where?", (Turn("a", "b"),), "m1", temperature=0.0, max_new_tokens=9, system=system),
            30,
        )
        for system in ("Be brief.", "Rhyme.", "")
    ]


def test_what_comes_of_an_answer(route: Callable[..., Route]) -> None:
    route(Answer("It is Paris.", "m1", 0.5, cut_off=True))
    assert asked(PARIS) == Scores(
        "m1",
        (
            Result(
                "What is the capital of France?",
                "Paris",
                (Sample(answer="It is Paris.", score=1.0, exact=True, seconds=0.5, cut_off=True),),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("error", "unreachable"),
    [
        (ModelFailed("it raised (424)"), False),
        (UnknownAnswer("in no shape"), False),
        (AnswerCutOff("cut"), False),
        (Unreachable("no route"), True),
        (NoDeployment("404"), True),
        (ServerFailed("502"), True),
    ],
)
def test_what_comes_of_none(route: Callable[..., Route], error: ChatError, unreachable: bool) -> None:
    route(error)
    (result,) = asked(PARIS).results
    lost = Sample(answer="", score=0.0, exact=False, seconds=0.0, error=str(error), unreachable=unreachable)
    assert result.samples == (lost,)
    assert (result.error, result.unreachable, result.seconds) == (str(error), unreachable, None)


def test_an_answer_that_takes_too_long_is_the_models_fault_and_a_refused_key_is_not() -> None:
    late, early = Unreachable("late"), Unreachable("early")
    late.__cause__, early.__cause__ = requests.exceptions.ReadTimeout(), requests.exceptions.ConnectTimeout()
    assert models_fault(late) and not models_fault(early)
    assert not models_fault(KeyRefused("401"))


def busy(seconds: float | None = None) -> Busy:
    error = Busy("429")
    error.retry_after = seconds
    return error


def test_a_busy_endpoint_is_waited_for_as_long_as_it_says(route: Callable[..., Route]) -> None:
    stop = Stop()
    route(busy(), busy(7.0), Answer("Paris", "m1", 0.5))
    assert asked(PARIS, stop).score == 1 and stop.waited == [2.0, 7.0]
    stop = Stop()
    found = route(busy(61.0), busy(60.0), busy(1.0), Answer("Paris", "m1", 0.5))
    (result,) = asked(PARIS, stop).results
    assert (result.error, result.unreachable, stop.waited) == ("429", True, [60.0, 60.0])
    assert len(found.asked) == 3


def test_told_to_stop_while_it_waits_it_asks_no_more(route: Callable[..., Route]) -> None:
    stop = Stop()
    stop.turns.append(stop.set)
    found = route(busy(), Answer("Paris", "m1", 0.5))
    (result,) = asked(PARIS, stop).results
    assert result.error == "429" and len(found.asked) == 1


@pytest.mark.parametrize(("deployment", "on"), [("m1", "deployment m1"), ("", "endpoint")])
def test_a_refused_key_ends_it_and_says_what_to_do(route: Callable[..., Route], deployment: str, on: str) -> None:
    for key, todo in (
        ("k", "Run `pulumi up`, which reads the endpoint's keys again."),
        (lambda: "token", "Ask for the role, or wait until it is known, and run `pulumi up` again."),
    ):
        route(KeyRefused("the key is refused (401)"))
        with pytest.raises(StageError) as refused:
            asked(PARIS, deployment=deployment, key=key)
        assert str(refused.value) == (
            f"the golden questions could not be asked ({on}): the key is refused (401). {todo}"
        )


def test_the_answer_of_another_deployment_ends_it(route: Callable[..., Route]) -> None:
    route(Answer("Paris", "m0", 0.5))
    with pytest.raises(StageError) as refused:
        asked(PARIS)
    assert str(refused.value) == (
        "the golden questions reached the wrong model (deployment m1): m1 was asked, and m0 answered. Look at the "
        "endpoint's traffic in Azure ML studio."
    )
    route(Answer("Paris", "m0", 0.5))
    assert asked(PARIS, deployment="").score == 1, "whichever the traffic leads to"


def test_a_judge_judges_what_is_for_him(route: Callable[..., Route]) -> None:
    class Harsh:
        def points(self, question: Question, answer: str, timeout: float) -> float:
            assert (question.question, answer, timeout) == ("Why?", "So.", 30)
            return 0.7 if len(judged) == 0 else 1.0

    judged: list[Any] = []
    question = Question("Why?", ("So",), Check(kind="judge"))
    harsh: Any = Harsh()
    route(*[Answer("So.", "m1", 0.5)] * 3)
    (result,) = asked(question, judge=harsh).results
    assert (result.samples[0].score, result.samples[0].exact) == (0.7, False)
    judged.append(1)
    (result,) = asked(question, judge=harsh).results
    assert (result.samples[0].score, result.samples[0].exact) == (1.0, True)
    (result,) = asked(dataclasses.replace(question, check=Check()), judge=harsh).results
    assert result.samples[0].exact, "what is not for him he does not see"


def test_how_far_it_is_is_told_each_minute(route: Callable[..., Route], monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    seconds = iter([0.0, 0.0, 60.0, 61.0, 121.0])
    monkeypatch.setattr(golden.time, "monotonic", lambda: next(seconds))
    for deployment in ("m1", ""):
        route(*[Answer("x", "m1", 0.5)] * 4)
        questions = [PARIS, FOUNDERS, MARKUP, PARIS]
        golden.ask_all("https://e", "k", deployment, questions, Asking(timeout=30), said.append, Stop())
        seconds = iter([0.0, 0.0, 60.0, 61.0, 121.0])
    assert said == [
        "m1: 1 of 4 are asked after 1 min 00 s",
        "m1: 3 of 4 are asked after 2 min 01 s",
        "the endpoint: 1 of 4 are asked after 1 min 00 s",
        "the endpoint: 3 of 4 are asked after 2 min 01 s",
    ]


def sample(score: float, seconds: float = 1.0, error: str = "", **more: Any) -> Sample:
    return Sample(answer=f"{score}", score=score, exact=score == 1, seconds=seconds, error=error, **more)


def test_several_answers_to_a_question_in_one() -> None:
    found = Result("?", "!", (sample(1.0, 3.0), sample(0.25, 9.0), sample(0.0, 0.0, "424"), sample(0.5, 2.0, "425")))
    assert (found.score, found.worst.answer, found.exact, found.seconds) == (0.4375, "0.0", False, 6.0)
    assert (found.error, found.unreachable) == ("424", False)
    assert Result("?", "!", (sample(1.0), sample(1.0, unreachable=True))).exact
    assert Result("?", "!", (sample(1.0), sample(1.0, unreachable=True))).unreachable


def test_all_answers_in_one() -> None:
    results = (
        Result("a", "", (sample(1.0, 1.0), sample(1.0, 2.0, cut_off=True))),
        Result("b", "", (sample(0.5, 3.0), sample(0.5, 4.0))),
        Result("c", "", (sample(0.0, 99.0, "424"),)),
    )
    found = Scores("m", results)
    assert (found.score, found.exact, found.cut_off, found.worst.question) == (0.5, 1, 1, "c")
    assert [found.within(percent) for percent in (0, 25, 26, 50, 75, 95, 100)] == [1.0, 1.0, 2.0, 2.0, 3.0, 4.0, 4.0]
    assert str(found) == "0.50 (1 of 3 word for word, 1 cut off, 95 % within 4.0 s)"
    nothing = Scores("m", ())
    assert (nothing.score, nothing.within(95), nothing.exact) == (1.0, 0.0, 0)
