"""Golden questions: their files, and how they are put to a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from golden_fake import FOUNDERS, MARKUP, PARIS
from jobs_fake import Stop

from chat.phi_messages import Answer, Busy, ChatError, ChatRequest, KeyRefused, ModelFailed
from cloud.errors import StageError
from jobs.golden import checks, golden
from jobs.golden.golden import Asking
from jobs.golden.leaks import leaked
from jobs.golden.questions import MOST_QUESTIONS, load
from settings.stack import load as settings


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


def test_questions_that_were_learnt_are_named(tmp_path: Path) -> None:
    row = {"messages": [{"role": "user", "content": "What is the capital of FRANCE ?"}, {"role": "assistant"}]}
    (tmp_path / "train.jsonl").write_text(json.dumps(row) + "\n")
    files = [tmp_path / "train.jsonl", tmp_path / "none.jsonl"]
    assert leaked([FOUNDERS, PARIS, MARKUP], files) == (PARIS.question,)
