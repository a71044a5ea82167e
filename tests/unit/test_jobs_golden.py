"""Golden questions: the file, the score of an answer, and asking them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jobs_fake import Stop

from chat.phi_messages import Answer, Busy, ChatError, ChatRequest, KeyRefused, ModelFailed
from cloud.errors import StageError
from jobs.golden import golden
from jobs.golden.questions import MOST_QUESTIONS, Question, load
from settings.stack import load as settings

PARIS = Question("What is the capital of France?", ("Paris",))
FOUNDERS = Question("Who founded Microsoft?", ("Bill Gates and Paul Allen", "Paul Allen and Bill Gates"))
MARKUP = Question("What does HTML stand for?", ("HyperText Markup Language",))


@pytest.mark.parametrize("stack", ["local", "dev", "prod"])
def test_every_stack_has_questions(stack: str) -> None:
    assert len(load(settings(stack).evaluation.questions)) >= 5


def test_the_local_ones_are_trained_on() -> None:
    from data_prep.row.split import is_test
    from data_prep.source.locate import SAMPLE_FILE

    bundled = [json.loads(line)["messages"] for line in SAMPLE_FILE.read_text(encoding="utf-8").splitlines()]
    known = {messages[0]["content"]: messages[1]["content"] for messages in bundled}
    for each in load("golden/sample.jsonl"):
        assert not is_test(each.question, seed=0, test_ratio=0.2), each.question
        assert golden.score(known[each.question], each.answers) == (1.0, True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "0 questions"),
        ('{"question": "Who?"}', "line 1: answers: Field required"),
        ('{"question": "Who?", "answers": []}', "line 1: answers: List should have at least 1 item"),
        ('{"question": "Who?", "answers": ["me"]}\n\n{"question": " ", "answers": ["x"]}', "line 3: question: String"),
        ('{"question": "Who?", "answers": ["me"], "anwser": "x"}', "line 1: anwser: Extra inputs"),
        ("Who?", "line 1: Invalid JSON"),
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
    points, literal = golden.score(answer, question.answers)
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
    return golden.ask_all("https://e/score", "the-key", "m1", questions, timeout=30, stop=stop or Stop())


def test_every_question_is_asked_and_the_scores_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = ask_all(monkeypatch, Endpoint("Paris", "Nobody knows."))
    assert (scores.score, scores.exact, scores.slowest) == (0.5, 1, 0.25)
    assert scores.worst.question == FOUNDERS.question
    assert str(scores) == "0.50 (1 of 2 word for word, slowest 0.2 s)"
    found = json.loads(json.dumps(scores.to_json()))
    assert found["score"] == 0.5 and found["deployment"] == "m1"
    assert found["questions"][1]["answer"] == "Nobody knows."
    assert found["questions"][1]["expected"] == list(FOUNDERS.answers)


def test_they_are_asked_as_those_who_chat_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[ChatRequest] = []

    def ask(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        requests.append(request)
        return Answer("Paris", "m1", 0.25)

    monkeypatch.setattr(golden, "ask", ask)
    golden.ask_all("https://e/score", "k", "m1", [PARIS], timeout=30, stop=Stop(), system="Answer in rhymes.")
    golden.ask_all("https://e/score", "k", "m1", [PARIS], timeout=30, stop=Stop())
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
