"""Files of golden questions, what a judge says, intervals and leaks: every number and sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from golden_fake import FOUNDERS, MARKUP, PARIS

from chat.phi_messages import (
    Answer,
    ChatError,
    ChatRequest,
    Unreachable,
)
from cloud.errors import StageError
from jobs.golden import judge
from jobs.golden.comparison import Comparison, Outcome, compare, interval
from jobs.golden.golden import Result, Sample, Scores
from jobs.golden.leaks import leaked
from jobs.golden.questions import Check, Question, load


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


def sample(score: float, seconds: float = 1.0, error: str = "", **more: Any) -> Sample:
    return Sample(answer=f"{score}", score=score, exact=score == 1, seconds=seconds, error=error, **more)


EXAMPLE = '{"question": "What is the capital of France?", "answers": ["Paris"]}'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it has 0 questions; 1 to 200 can be asked"),
        ('\n{"question": "Who?"}', "line 2: answers: Field required"),
        (
            '{"question": "Who?", "answers": ["me"], "tolerance": 1}',
            "line 1: Value error, tolerance is of the check number alone",
        ),
        (
            '{"question": "Who?", "answers": ["me"], "check": "judge"}',
            "line 1: check: a judge is asked for, and evaluation.judge names none",
        ),
        ('{"question": "Who?", "answers": [" "]}', "line 1: answers.0: String should have at least 1 character"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_text(text)
    with pytest.raises(StageError) as refused:
        load(path)
    assert str(refused.value) == (
        f"the golden questions cannot be used (file {path}): {why}. Mend it (a line is {EXAMPLE}), or name another "
        "file in evaluation.questions."
    )


def test_bytes_that_are_no_text_are_told_of(tmp_path: Path) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_bytes(b"\xff")
    with pytest.raises(StageError, match="it cannot be read: it is not UTF-8"):
        load(path)
    with pytest.raises(StageError, match="it cannot be read: Is a directory"):
        load(tmp_path)


def test_a_row_has_all_that_it_says(tmp_path: Path) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_text(
        '{"question": " Who? ", "answers": ["1", "2"], "check": "number", "never": ["3"], "tolerance": 2, '
        '"max_tokens": 7}'
        '\n{"question": "Why?", "answers": ["a", "b"]}\n{"question": "All?", "answers": ["a", "b"], "check": "all"}'
        '\n{"question": "Well?", "answers": ["a"], "check": "judge"}'
    )
    number, plain, every, judged = load(path, "https://judge")
    assert number == Question("Who?", ("1", "2"), Check(kind="number", never=("3",), tolerance=2.0, max_tokens=7))
    assert plain == Question("Why?", ("a", "b"), Check(kind="any", never=(), tolerance=0.0, max_tokens=128))
    assert (number.expected, plain.expected, every.expected) == ("1 or 2", "a or b", "a and b")
    assert judged.check.kind == "judge"


def test_a_judges_answer_is_a_tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Route(Answer("7", "j", 0.1))
    monkeypatch.setattr(judge, "ask", found)
    question = Question("Why?", ("So", "Thus"))
    assert judge.Judge("https://judge", "k").points(question, "x" * 6_001, 12.0) == 0.7
    ((url, key, request, timeout),) = found.asked
    assert (url, key, timeout) == ("https://judge", "k", 12.0)
    assert request == ChatRequest(
        f"Question: Why?\nRight: So or Thus\n===\n{'x' * 6_000}\n===",
        temperature=0.0,
        max_new_tokens=8,
        system=judge._SYSTEM,
    )


@pytest.mark.parametrize(
    ("said", "points"),
    [("0", 0.0), ("10", 1.0), ("10.", 1.0), ("I say 4", 0.4), ("9.5", 0.95), ("3,", 0.3), ("1 of 10", 0.1)],
)
def test_points_are_found_in_what_a_judge_says(said: str, points: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "ask", Route(Answer(said, "j", 0.1)))
    assert judge.Judge("https://judge", "k").points(PARIS, "x", 1) == pytest.approx(points)


@pytest.mark.parametrize("said", ["11", "100", "-5", "1234", "10.5", "none", "2.55.5"])
def test_what_is_no_number_from_0_to_10_is_none(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "ask", Route(Answer(said + "y" * 100, "j", 0.1)))
    with pytest.raises(StageError) as refused:
        judge.Judge("https://judge", "k").points(PARIS, "x", 1)
    assert str(refused.value) == (
        f"the judge did not judge (evaluation.judge https://judge): asked for a number from 0 to 10 it said "
        f"{(said + 'y' * 100)[:80]!r}. Run this again once it answers, or leave evaluation.judge empty."
    )


def test_a_judge_that_does_not_answer_or_has_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "ask", Route(Unreachable("no route")))
    with pytest.raises(StageError, match=r"did not judge.*: no route. Run this again once it answers"):
        judge.Judge("https://judge", "k").points(PARIS, "x", 1)
    monkeypatch.delenv("GOLDEN_JUDGE_KEY", raising=False)
    with pytest.raises(StageError) as refused:
        judge.of("https://judge")
    assert str(refused.value) == (
        "the judge did not judge (evaluation.judge https://judge): GOLDEN_JUDGE_KEY is not set. Set GOLDEN_JUDGE_KEY "
        "to its key, or leave evaluation.judge empty."
    )
    monkeypatch.setenv("GOLDEN_JUDGE_KEY", "secret")
    assert judge.of("https://judge") == judge.Judge("https://judge", "secret")


def of(*points: float) -> Scores:
    return Scores("m", tuple(Result("?", "", (sample(each),)) for each in points))


@pytest.mark.parametrize(
    ("points", "confidence", "low", "high"),
    [
        ([1.0] * 6, 95, 0.60967, 1.0),
        ([0.0] * 6, 95, 0.0, 0.39033),
        ([1.0, 0.0, 0.5], 95, 0.12533, 0.87467),
        ([1.0, 1.0, 1.0, 0.0], 90, 0.35617, 0.94209),
    ],
)
def test_the_interval_of_a_score(points: list[float], confidence: float, low: float, high: float) -> None:
    assert interval(of(*points), confidence) == (pytest.approx(low, abs=1e-5), pytest.approx(high, abs=1e-5))


def test_a_comparison_has_all_its_numbers() -> None:
    found = compare(of(1.0, 0.5, 0.0), of(0.5, 0.5, 0.5), drop=0.2, confidence=90)
    assert found == Comparison(
        difference=pytest.approx(0.0, abs=1e-12),
        low=pytest.approx(-0.40291, abs=1e-5),
        high=pytest.approx(0.40291, abs=1e-5),
        questions=3,
        left_out=0,
        drop=0.2,
        confidence=90,
        enough=found.enough,
    )
    assert found.enough == 13
    empty = compare(of(), of(), drop=0.2, confidence=90)
    assert (empty.difference, empty.questions, empty.enough, empty.outcome) == (0.0, 0, 0, Outcome.UNCLEAR)
    alike = compare(of(*[1.0] * 6), of(*[1.0] * 6), drop=0.0, confidence=95)
    assert alike.enough == 0
    assert alike.remedy == "the two are too near to the limit for any number of questions to tell"
    one = compare(of(1.0), of(0.0), drop=0.1, confidence=95)
    assert str(one) == "+1.00 (95 % interval -0.51 to +1.00, 1 question)"


def made(low: float, high: float, drop: float = 0.1) -> Comparison:
    return Comparison(difference=0.0, low=low, high=high, questions=9, left_out=2, drop=drop, confidence=99.5, enough=3)


@pytest.mark.parametrize(
    ("low", "high", "outcome", "differs"),
    [
        (-0.1, 0.5, Outcome.NOT_WORSE, False),
        (-0.1 - 1e-10, 0.5, Outcome.NOT_WORSE, False),
        (-0.1 - 1e-8, 0.5, Outcome.UNCLEAR, False),
        (-0.5, -0.1, Outcome.UNCLEAR, True),
        (-0.5, -0.1 - 1e-8, Outcome.WORSE, True),
        (-0.5, 0.0, Outcome.UNCLEAR, False),
        (0.0, 0.5, Outcome.NOT_WORSE, False),
        (1e-8, 0.5, Outcome.NOT_WORSE, True),
    ],
)
def test_where_the_limit_is(low: float, high: float, outcome: Outcome, differs: bool) -> None:
    assert (made(low, high).outcome, made(low, high).differs) == (outcome, differs)
    assert str(made(-0.5, 0.25)) == "+0.00 (99.5 % interval -0.50 to +0.25, 9 questions, 2 left out)"


def test_leaks_are_looked_for_in_what_people_ask(tmp_path: Path) -> None:
    first, second = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    asked_ = '{"messages": [{"role": "user", "content": "%s"}, {"role": "assistant", "content": "%s"}]}\n'
    first.write_text(asked_ % ("what is the capital of france", MARKUP.question))
    padded = "Who founded Microsoft?" + " " * (2 * len(PARIS.question) - len("Who founded Microsoft?"))
    second.write_text(asked_ % (padded, "") + asked_ % (padded.replace("Who", "Whom") + " ", ""))
    files = [tmp_path / "none.jsonl", first, second]
    assert leaked([FOUNDERS, MARKUP, PARIS], files) == (FOUNDERS.question, PARIS.question)
    second.write_text(asked_ % (padded + " ", ""))
    assert leaked([FOUNDERS, PARIS], files) == (PARIS.question,), "so long a text is no question of these"
    assert leaked([], files) == () and leaked([PARIS], []) == ()
