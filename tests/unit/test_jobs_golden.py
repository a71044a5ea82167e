"""Golden questions: the file, the score of an answer, and asking them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jobs_fake import Stop

from chat.phi_messages import Answer, Busy, ChatError, ChatRequest, KeyRefused, ModelFailed
from cloud.errors import StageError
from jobs.golden import checks, golden, judge
from jobs.golden.comparison import Outcome, compare
from jobs.golden.golden import Asking, Result, Sample, Scores
from jobs.golden.leaks import leaked
from jobs.golden.questions import MOST_QUESTIONS, Check, Question, load
from settings.stack import load as settings

PARIS = Question("What is the capital of France?", ("Paris",))
FOUNDERS = Question("Who founded Microsoft?", ("Bill Gates and Paul Allen", "Paul Allen and Bill Gates"))
MARKUP = Question("What does HTML stand for?", ("HyperText Markup Language",))


@pytest.mark.parametrize("stack", ["local", "dev", "prod"])
def test_every_stack_has_questions(stack: str) -> None:
    assert len(load(settings(stack).evaluation.questions)) >= 5


def test_the_local_ones_are_trained_on() -> None:
    from sides import is_test

    from data_prep.source.locate import SAMPLE_FILE

    bundled = [json.loads(line)["messages"] for line in SAMPLE_FILE.read_text(encoding="utf-8").splitlines()]
    known = {messages[0]["content"]: messages[1]["content"] for messages in bundled}
    for each in load("golden/sample.jsonl"):
        assert not is_test(each.question, seed=0, test_ratio=0.2), each.question
        assert checks.score(known[each.question], each.answers) == (1.0, True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "0 questions"),
        ('{"question": "Who?"}', "line 1: answers: Field required"),
        ('{"question": "Who?", "answers": []}', "line 1: answers: List should have at least 1 item"),
        ('{"question": "Who?", "answers": ["me"]}\n\n{"question": " ", "answers": ["x"]}', "line 3: question: String"),
        ('{"question": "Who?", "answers": ["me"], "anwser": "x"}', "line 1: anwser: Extra inputs"),
        ("Who?", "line 1: Invalid JSON"),
        (
            '{"question": "Who?", "answers": ["("], "check": "regex"}',
            "line 1: Value error, '\\(' is no regular expression",
        ),
        ('{"question": "Who?", "answers": ["two"], "check": "number"}', "line 1: Value error, 'two' is no number"),
        ('{"question": "Who?", "answers": ["me"], "tolerance": 1}', "tolerance is of the check number alone"),
        ('{"question": "Who?", "answers": ["me"], "check": "guess"}', "line 1: check: Input should be 'any', 'all'"),
        ('{"question": "Who?", "answers": ["me"], "check": "judge"}', "line 1: check: a judge is asked for, and"),
        ('{"question": "Who?", "answers": ["me"], "max_tokens": 0}', "line 1: max_tokens: Input should be greater"),
        ('{"question": "Who?", "answers": ["me"]}\n' * (MOST_QUESTIONS + 1), "201 questions"),
    ],
)
def test_a_bad_file_is_told_by_its_line(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_text(text)
    with pytest.raises(StageError, match=why) as caught:
        load(path)
    assert "evaluation.questions" in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        '\ufeff{"question": "Who\u2028 is it?", "answers": ["me"]}\n',
        '{"question": "Who\u2028 is it?", "answers": ["me"]}\r\n\r\n',
        '{"question": "Who\u0085 is it?", "answers": ["me"]}',
    ],
)
def test_marks_of_a_file_and_line_separators_in_texts_are_read(tmp_path: Path, content: str) -> None:
    path = tmp_path / "golden.jsonl"
    path.write_bytes(content.encode())
    (found,) = load(path)
    assert (found.question.split(), found.answers) == (["Who", "is", "it?"], ("me",))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StageError, match="No such file"):
        load(tmp_path / "golden.jsonl")


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


class Endpoint:
    """What the scoring route says, in turn."""

    def __init__(self, *said: str | ChatError, deployment: str = "m1") -> None:
        self.said, self.deployment = list(said), deployment

    def __call__(self, url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        assert (url, key, request.deployment, timeout) == ("https://e/score", "the-key", "m1", 30)
        said = self.said.pop(0)
        if isinstance(said, ChatError):
            raise said
        return Answer(said, self.deployment, 0.25)


def ask_all(monkeypatch: pytest.MonkeyPatch, endpoint: Endpoint, stop: Stop | None = None) -> golden.Scores:
    monkeypatch.setattr(golden, "ask", endpoint)
    questions = (PARIS, FOUNDERS)
    return golden.ask_all("https://e/score", "the-key", "m1", questions, Asking(timeout=30), print, stop or Stop())


def test_every_question_is_asked_and_the_scores_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = ask_all(monkeypatch, Endpoint("Paris", "Nobody knows."))
    assert (scores.score, scores.exact, scores.within(95)) == (0.5, 1, 0.25)
    assert scores.worst.question == FOUNDERS.question
    assert str(scores) == "0.50 (1 of 2 word for word, 95 % within 0.2 s)"
    found = json.loads(json.dumps(scores.to_json()))
    assert found["score"] == 0.5 and found["deployment"] == "m1"
    assert found["questions"][1]["answer"] == "Nobody knows."
    assert found["questions"][1]["expected"] == "Bill Gates and Paul Allen or Paul Allen and Bill Gates"


def test_they_are_asked_as_those_who_chat_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[ChatRequest] = []

    def ask(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        requests.append(request)
        return Answer("Paris", "m1", 0.25)

    monkeypatch.setattr(golden, "ask", ask)
    golden.ask_all("https://e/score", "k", "m1", [PARIS], Asking(timeout=30, system="Answer in rhymes."), print, Stop())
    golden.ask_all("https://e/score", "k", "m1", [PARIS], Asking(timeout=30), print, Stop())
    assert [(each.system, each.question, each.temperature) for each in requests] == [
        ("Answer in rhymes.", PARIS.question, 0.0),
        ("", PARIS.question, 0.0),
    ]


def test_no_answer_scores_nothing_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = ask_all(monkeypatch, Endpoint("Paris", ModelFailed("the model raised an error (424)")))
    assert scores.score == 0.5
    assert "424" in scores.worst.error


def test_a_busy_endpoint_is_asked_again_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Stop()
    scores = ask_all(monkeypatch, Endpoint(Busy("429"), "Paris", *[Busy("429")] * 3), stop)
    assert [result.score for result in scores.results] == [1, 0]
    assert stop.waited == [2.0, 2.0, 2.0]


def test_a_refused_key_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StageError, match="401"):
        ask_all(monkeypatch, Endpoint(KeyRefused("401")))


def test_another_deployment_than_asked_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StageError, match="m1 was asked, and m0 answered"):
        ask_all(monkeypatch, Endpoint("Paris", deployment="m0"))


def test_ctrl_c_leaves_the_rest_out(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = Stop()
    stop.set()
    assert ask_all(monkeypatch, Endpoint(), stop).results == ()


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


def test_questions_that_were_learnt_are_named(tmp_path: Path) -> None:
    row = {"messages": [{"role": "user", "content": "What is the capital of FRANCE ?"}, {"role": "assistant"}]}
    (tmp_path / "train.jsonl").write_text(json.dumps(row) + "\n")
    files = [tmp_path / "train.jsonl", tmp_path / "none.jsonl"]
    assert leaked([FOUNDERS, PARIS, MARKUP], files) == (PARIS.question,)


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
