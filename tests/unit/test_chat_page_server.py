"""What the chat page's server answers: to a question, to one it cannot read, and where its files are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chat.phi_messages import Answer, Busy, ChatRequest, Ending, Turn
from chat.terminal import Models
from chat.web import server
from tests.asgi import Answered, Asked, answered

PORT, WORD = 8000, "word"
OWN = {"host": f"127.0.0.1:{PORT}", "authorization": f"Bearer {WORD}"}
ASKED = {**OWN, "origin": f"http://127.0.0.1:{PORT}", "content-type": "application/json"}
QUESTION = {
    "question": "And its capital?",
    "history": [{"question": "Which country?", "answer": "France"}],
    "temperature": 0.5,
    "max_new_tokens": 64,
    "model": "base",
}


class FrontEnd:
    """Answers in two pieces, or fails between them."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[ChatRequest] = []
        self._error = error

    def __call__(self, request: ChatRequest) -> Iterator[Any]:
        self.asked.append(request)
        yield "Pa"
        if self._error:
            raise self._error
        yield "ris"
        yield Ending(Answer("Paris", "blue", 1.0, 2))


def ask(
    path: str, body: bytes = b"", method: str = "GET", front_end: FrontEnd | None = None, pieces: int = 1
) -> Answered:
    """What the application answers, as a web server calls it."""
    about = server.About(Models("m1", "base-0"), ChatRequest("", system="Be brief."), "agent", "stand-ins")
    asked = Asked.of(method, path, ASKED if method == "POST" else OWN, body, pieces)
    return answered(server.application(front_end or FrontEnd(), about, PORT, WORD), asked)


def test_an_answer_comes_as_lines_of_json() -> None:
    front_end = FrontEnd()
    status, body, headers = ask("/answers", json.dumps(QUESTION).encode(), "POST", front_end)
    assert (status, headers["content-type"]) == (200, "application/x-ndjson")
    first, second, end = map(json.loads, body.splitlines())
    assert (first, second) == ({"text": "Pa"}, {"text": "ris"})
    said = {key: end["end"][key] for key in ("answer", "deployment", "tokens", "cut_off", "left_out", "pieces")}
    assert said == {
        "answer": "Paris",
        "deployment": "blue",
        "tokens": 2,
        "cut_off": False,
        "left_out": 0,
        "pieces": 2,
    }
    assert 0 <= end["end"]["first_seconds"] <= end["end"]["seconds"] < 60
    assert front_end.asked == [
        ChatRequest(
            "And its capital?",
            (Turn("Which country?", "France"),),
            "base-0",
            temperature=0.5,
            max_new_tokens=64,
            system="Be brief.",
        )
    ]


def test_a_question_to_the_tuned_model_is_left_to_the_traffic_rules() -> None:
    front_end = FrontEnd()
    ask("/answers", json.dumps({**QUESTION, "model": "tuned"}).encode(), "POST", front_end)
    assert [request.deployment for request in front_end.asked] == [""]


def test_a_failure_in_the_middle_is_the_last_line() -> None:
    error = Busy("Too many at once.")
    error.retry_after, error.text = 7, "Pa"
    body = ask("/answers", json.dumps(QUESTION).encode(), "POST", FrontEnd(error)).body
    assert [json.loads(line) for line in body.splitlines()] == [
        {"text": "Pa"},
        {"error": {"kind": "Busy", "message": "Too many at once.", "retry_after": 7, "text": "Pa"}},
    ]


LIMITS = "Temperature is 0 to 2, length 1 to 4096 tokens. Correct the settings."
UNREAD = "The page sent no question that can be read ({}). Reload it."


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"temperature": 2.1}, LIMITS),
        ({"temperature": -0.1}, LIMITS),
        ({"max_new_tokens": 0}, LIMITS),
        ({"max_new_tokens": 4097}, LIMITS),
        ({"temperature": None}, UNREAD.format("TypeError")),
        ({"max_new_tokens": 1e999}, UNREAD.format("OverflowError")),
        ({"model": "another"}, UNREAD.format("KeyError")),
        ({"history": [{"question": "?"}]}, UNREAD.format("KeyError")),
    ],
)
def test_a_question_that_is_none_is_refused(change: dict[str, Any], said: str) -> None:
    front_end = FrontEnd()
    status, body, _ = ask("/answers", json.dumps({**QUESTION, **change}).encode(), "POST", front_end)
    refused = json.loads(body)["error"]
    assert (status, refused["kind"], refused["message"]) == (400, "InvalidInput", said)
    assert front_end.asked == []


@pytest.mark.parametrize(
    "change", [{"temperature": 0}, {"temperature": 2}, {"max_new_tokens": 1}, {"max_new_tokens": 4096}]
)
def test_the_limits_themselves_may_be_asked_for(change: dict[str, Any]) -> None:
    assert ask("/answers", json.dumps({**QUESTION, **change}).encode(), "POST").status == 200


def test_a_body_that_is_no_json_is_refused() -> None:
    status, body, _ = ask("/answers", b"{", "POST")
    assert status == 400 and json.loads(body)["error"]["message"] == UNREAD.format("JSONDecodeError")


def test_a_conversation_has_a_limit() -> None:
    question = json.dumps(QUESTION).encode()
    room = server.MAX_BODY - len(question)
    assert ask("/answers", question + b" " * room, "POST", pieces=3).status == 200
    status, body, _ = ask("/answers", question + b" " * (room + 1), "POST", pieces=3)
    assert (status, json.loads(body)["error"]["message"]) == (413, "The conversation is too long. Start a new one.")


def test_the_page_and_what_it_is_told() -> None:
    status, body, headers = ask("/")
    assert (status, headers["content-type"].partition(";")[0]) == (200, "text/html")
    assert b"<!doctype html>" in body.lower()
    assert ask("/style.css").headers["content-type"].startswith("text/css")
    assert json.loads(ask("/about").body)["models"][0] == {"id": "base", "label": "Base model", "deployment": "base-0"}


@pytest.mark.parametrize("path", ["/server.py", "/../server.py", "/nothing"])
def test_other_files_are_not_served(path: str) -> None:
    assert ask(path).status == 404


@pytest.mark.parametrize(
    ("platform", "variables", "found"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("darwin", {}, True),
        ("win32", {}, True),
    ],
)
def test_a_browser_is_opened_where_there_is_a_desktop(
    platform: str, variables: dict[str, str], found: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.sys, "platform", platform)
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert server._has_desktop() is found


def test_the_secret_word_is_no_argument_of_the_browser() -> None:
    with server._leads_to("http://127.0.0.1:8650/#word") as address:
        assert address.startswith("file:///") and "word" not in address
        page = server.Path(address.removeprefix("file://"))
        assert 'url=http://127.0.0.1:8650/#word"' in page.read_text()
    assert not page.exists()
