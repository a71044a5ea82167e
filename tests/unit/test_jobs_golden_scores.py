"""What an answer scores, how two models compare, and what a judge says."""

from __future__ import annotations

import pytest
from golden_fake import FOUNDERS, MARKUP, PARIS
from jobs_fake import Stop

from chat.phi_messages import Answer, ChatRequest
from cloud.errors import StageError
from jobs.golden import checks, golden, judge
from jobs.golden.comparison import Outcome, compare
from jobs.golden.golden import Asking, Result, Sample, Scores
from jobs.golden.questions import Check, Question


@pytest.mark.parametrize(
    ("answer", "question", "least", "most", "exact"),
    [
        ("The capital of France is Paris.", PARIS, 1, 1, True),
        ("PARIS!", PARIS, 1, 1, True),
        ("It is Parisian.", PARIS, 0, 0, False),
        ("Pari", PARIS, 0, 0, False),
        ("It was founded by Paul Allen and Bill Gates in 1975.", FOUNDERS, 1, 1, True),
        ("It was founded by Bil Gates & Paul Allen.", FOUNDERS, 0.8, 0.99, False),
        ("The the of the and and.", FOUNDERS, 0, 0, False),
        ("Microsoft was founded by Larry Page and Sergey Brin.", FOUNDERS, 0, 0, False),
        ("It stands for hyper text markup language.", MARKUP, 0.9, 0.99, False),
        ("HyperText Markup", MARKUP, 0.75, 0.9, False),
        ("HyperText", MARKUP, 0, 0, False),
        ("", MARKUP, 0, 0, False),
        ("Its formula is H₂O.", Question("Water?", ("H2O",)), 1, 1, True),
        ("法国的首都是巴黎。", Question("", ("巴黎",)), 1, 1, True),
        ("法国的首都是里昂。", Question("", ("巴黎",)), 0, 0, False),
        ("フランスの首都はパリです。", Question("", ("パリ",)), 1, 1, True),
        ("가장 큰 도시는 파리입니다.", Question("", ("파리",)), 1, 1, True),
        ("が", Question("", ("か",)), 0, 0, False),
        ("एक हिन्दी शब्द", Question("", ("हिन्दी",)), 1, 1, True),
        ("एक हान्दा शब्द", Question("", ("हिन्दी",)), 0, 0, False),
        (
            "退货可以在七天之内申请，请点击退货按钮",
            Question("", ("退货可以在七天之内申请，请点击退款按钮",)),
            0.9,
            0.99,
            False,
        ),
        ("It is written in C.", Question("", ("C++",)), 0, 0, False),
        ("It is written in C++.", Question("", ("C++",)), 1, 1, True),
        ("C#, of course", Question("", ("C",)), 0, 0, False),
        ("It runs on .NET.", Question("", (".net",)), 1, 1, True),
        ("a+b", Question("", ("b",)), 1, 1, True),
        ("It is 1,000 m high.", Question("", ("1000",)), 1, 1, True),
        ("1000", Question("", ("1,000",)), 1, 1, True),
        ("1.000,5 km", Question("", ("1000.50",)), 1, 1, True),
        ("It is 10000.", Question("", ("1,000",)), 0, 0, False),
        ("About 3.14.", Question("", ("3",)), 0, 0, False),
        ("-5 degrees", Question("", ("5",)), 0, 0, False),
        ("On pages 5-10", Question("", ("10",)), 1, 1, True),
        ("On 4.4.1975.", Question("", ("1975",)), 1, 1, True),
    ],
)
def test_scores(answer: str, question: Question, least: float, most: float, exact: bool) -> None:
    points, literal = checks.score(answer, question.answers)
    assert least <= points <= most, points
    assert literal is exact


@pytest.mark.parametrize(
    ("kind", "answers", "answer", "points"),
    [
        ("all", ("Gates", "Allen"), "Allen and his friend Bill Gates.", 1.0),
        ("all", ("Gates", "Allen"), "Bill Gates", 0.5),
        ("regex", (r"(?i)\bparis\b",), "It is PARIS.", 1.0),
        ("regex", (r"^\d{4}$",), "In 1975", 0.0),
        ("number", ("8849",), "It is 8,849 m high, or 29,032 feet.", 1.0),
        ("number", ("8849",), "It is 8,848 m high.", 0.0),
        ("exact", ("Paris",), "paris.", 1.0),
        ("exact", ("Paris",), "It is Paris.", 0.0),
        ("similarity", ("The sky is blue",), "The sky is blue!", 1.0),
        ("any", ("東京",), "日本の首都は東京です。", 1.0),
    ],
)
def test_kinds_of_checks(kind: str, answers: tuple[str, ...], answer: str, points: float) -> None:
    assert checks.points(answer, Question("", answers, Check(kind=kind))) == (points, points == 1.0)


def test_a_number_may_be_off_by_so_much_and_what_must_never_be_said_makes_an_answer_wrong() -> None:
    near = Question("", ("8849",), Check(kind="number", tolerance=1))
    assert checks.points("8848", near) == (1.0, True) and checks.points("8847", near) == (0.0, False)
    france = Question("", ("Paris",), Check(never=("Lyon",)))
    assert checks.points("It is not Paris; the capital is Lyon.", france) == (0.0, False)
    assert (
        0.3 < checks.points("The sea is green", Question("", ("The sky is blue",), Check(kind="similarity")))[0] < 0.8
    )


def test_several_answers_are_sampled_as_people_get_them_and_each_may_have_its_length(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[ChatRequest] = []
    said = iter([Answer("Paris", "m1", 1.0), Answer("Ly", "m1", 3.0, cut_off=True), Answer("Paris", "m1", 2.0)])

    def ask(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        asked.append(request)
        return next(said)

    monkeypatch.setattr(golden, "ask", ask)
    question = Question("Capital?", ("Paris",), Check(max_tokens=7))
    scores = golden.ask_all("https://e/score", "k", "m1", [question], Asking(timeout=30, samples=3), print, Stop())
    assert [(each.temperature, each.max_new_tokens) for each in asked] == [(0.7, 7)] * 3
    assert (scores.score, scores.exact, scores.cut_off) == (pytest.approx(2 / 3), 0, 1)
    assert (scores.within(50), scores.within(100), scores.results[0].seconds) == (2.0, 3.0, 2.0)
    assert str(scores) == "0.67 (0 of 1 word for word, 1 cut off, 95 % within 3.0 s)"


def of(*points: float, error: int = 0) -> Scores:
    """Scores of answers, the first so many of which did not come."""
    samples = [
        Sample(answer="", score=each, exact=False, seconds=number, error="424" if number < error else "")
        for number, each in enumerate(points)
    ]
    return Scores("m", tuple(Result("?", "", (sample,)) for sample in samples))


@pytest.mark.parametrize(
    ("new", "old", "outcome"),
    [
        ([1.0] * 6, [1.0] * 6, Outcome.UNCLEAR),  # six questions say nothing of a tenth
        ([1.0] * 5 + [0.0], [1.0] * 6, Outcome.UNCLEAR),  # nor one answer
        ([0.0] * 6, [1.0] * 6, Outcome.WORSE),
        ([1.0] * 20, [1.0] * 20, Outcome.NOT_WORSE),
        ([1.0] * 19 + [0.0], [1.0] * 20, Outcome.UNCLEAR),
        ([1.0] * 39 + [0.0], [1.0] * 40, Outcome.NOT_WORSE),
        ([1.0] * 30 + [0.0] * 10, [1.0] * 40, Outcome.WORSE),
        ([1.0, 0.0] * 20, [0.0, 1.0] * 20, Outcome.UNCLEAR),  # equal in all, and different everywhere
        ([1.0] * 6, [0.0] * 6, Outcome.NOT_WORSE),
        ([], [], Outcome.UNCLEAR),
    ],
)
def test_two_models_are_compared_by_an_interval(new: list[float], old: list[float], outcome: Outcome) -> None:
    assert compare(of(*new), of(*old), drop=0.1, confidence=95).outcome is outcome


def test_a_comparison_says_how_sure_it_is_and_what_would_tell() -> None:
    found = compare(of(*[1.0] * 6), of(*[1.0] * 6), drop=0.1, confidence=95)
    assert str(found) == "+0.00 (95 % interval -0.24 to +0.24, 6 questions)"
    assert found.remedy == "some 18 questions of this kind would tell"
    assert compare(of(*[1.0] * 18), of(*[1.0] * 18), drop=0.1, confidence=95).outcome is Outcome.NOT_WORSE
    assert compare(of(*[1.0] * 17), of(*[1.0] * 17), drop=0.1, confidence=95).outcome is Outcome.UNCLEAR


def test_what_the_model_in_service_did_not_answer_does_not_lower_the_bar() -> None:
    found = compare(of(*[0.0] * 20), of(*[0.0] * 10, *[1.0] * 10, error=10), drop=0.1, confidence=95)
    assert (found.questions, found.left_out, found.outcome) == (10, 10, Outcome.WORSE)
    nothing = compare(of(0.0), of(0.0, error=1), drop=0.1, confidence=95)
    assert nothing.outcome is Outcome.UNCLEAR and str(nothing) == "no question was answered by both"


@pytest.mark.parametrize(("said", "points"), [("10", 1.0), ("Grade: 7.", 0.7), ("8/10", 0.8), ("2.5", 0.25)])
def test_a_judge_gives_points(monkeypatch: pytest.MonkeyPatch, said: str, points: float) -> None:
    def ask(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        assert (url, key, request.temperature) == ("https://judge/v1/chat/completions", "secret", 0.0)
        assert "===\nIt is Lyon.\n===" in request.question and "Right: Paris" in request.question
        return Answer(said, "judge", 0.1)

    monkeypatch.setenv(judge.KEY, "secret")
    monkeypatch.setattr(judge, "ask", ask)
    found = judge.of("https://judge/v1/chat/completions")
    assert found is not None and "secret" not in repr(found)
    assert found.points(PARIS, "It is Lyon.", 30) == points


def test_a_judge_that_says_nothing_is_no_fault_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judge.of("") is None
    monkeypatch.delenv(judge.KEY, raising=False)
    with pytest.raises(StageError, match="GOLDEN_JUDGE_KEY is not set"):
        judge.of("https://judge/v1/chat/completions")
    monkeypatch.setattr(judge, "ask", lambda *_, **__: Answer("Well done!", "judge", 0.1))
    with pytest.raises(StageError, match="it said 'Well done!'"):
        judge.Judge("https://judge", "k").points(PARIS, "Lyon", 30)
