"""The request that a question is, whole, by which route it goes, and what is said of each failure."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from route_fake import KEY, URL, Route
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from chat import phi_client
from chat.phi_client import Routes, answer_of, ask, stream, timeout_of
from chat.phi_messages import (
    AnswerCutOff,
    ChatError,
    ChatRequest,
    Ending,
    InvalidInput,
    ModelFailed,
    UnknownAnswer,
    Unreachable,
)

HOST = "phi.eastus2.inference.ml.azure.com"
COMPLETIONS = URL.replace("/score", "/v1/chat/completions")


@pytest.fixture
def route(monkeypatch: pytest.MonkeyPatch) -> Route:
    return Route(monkeypatch)


def sent(route: Route) -> dict[str, Any]:
    return {key: value for key, value in route.sent.items() if key not in ("prepared", "auth", "json")}


def test_a_question_is_one_request(route: Route) -> None:
    ask(URL, KEY, ChatRequest("Hi"), timeout=7.0)
    plain = {"headers": {}, "timeout": (10.0, 7.0), "allow_redirects": False, "proxies": None, "stream": True}
    assert (route.urls, sent(route)) == ([COMPLETIONS, URL], plain)
    assert route.sent["prepared"].headers["Authorization"] == f"Bearer {KEY}"
    ask(URL, KEY, ChatRequest("Hi", deployment="m1"))
    named = {**plain, "headers": {"azureml-model-deployment": "m1"}, "timeout": (10.0, 90.0)}
    assert sent(route) == named


@pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "[::1]:8"])
def test_on_this_machine_no_proxy_is_asked(host: str, route: Route) -> None:
    ask(f"http://{host}/score", KEY, ChatRequest("Hi"))
    assert route.sent["proxies"] == {"http": None, "https": None, "all": None}


@pytest.mark.parametrize(
    ("url", "question", "told"),
    [
        ("http://e.example/score", "Hi", "http://e.example"),
        ("e.example/score", "Hi", "no scheme://"),
        ("https://me@e.example/score", "Hi", "https://e.example"),
        ("https:///score", "Hi", "https://"),
        (URL, " \n", ""),
        (URL, "x" * 16_001, "more"),
    ],
)
def test_what_is_refused_before_it_is_sent(url: str, question: str, told: str, route: Route) -> None:
    with pytest.raises(InvalidInput) as raised:
        stream(url, KEY, ChatRequest(question))
    assert str(raised.value) == {
        "": "The question is empty. Type one.",
        "more": "The question has more than 16000 characters. Shorten it.",
    }.get(
        told,
        f"The endpoint's address must be https://..., not {told}. Correct `endpoint` in the project's connection.",
    )
    assert route.urls == []
    ask(URL, KEY, ChatRequest("x" * 16_000))


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (requests.ConnectTimeout(), "no answer within 90 s"),
        (ReadTimeoutError(None, "", ""), "no answer within 90 s"),  # type: ignore[arg-type]
        (requests.exceptions.SSLError(), "its certificate is not trusted on this machine"),
        (requests.ConnectionError(), "ConnectionError"),
        (ProtocolError(), "ProtocolError"),
    ],
)
def test_who_cannot_be_reached(error: Exception, why: str, route: Route) -> None:
    route.error = error
    with pytest.raises(Unreachable) as raised:
        ask(URL, KEY, ChatRequest("Hi"))
    assert str(raised.value) == f"The endpoint {HOST} could not be reached: {why}. Check the network, then ask again."


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        (
            b"{}",
            ModelFailed,
            f"The model behind {HOST} gave an empty answer, {{}}: Azure's serving image answers so when the model "
            "raises an error.",
        ),
        (b'" "', UnknownAnswer, "The model gave an empty answer. Ask in other words, or look into its training."),
        (b"x" * 1_000_001, UnknownAnswer, "The answer is larger than 1000000 bytes: this is no chat model's."),
    ],
)
def test_answers_that_are_none(body: bytes, kind: type[Exception], told: str, route: Route) -> None:
    route.body = body
    with pytest.raises(kind) as raised:
        ask(URL, KEY, ChatRequest("Hi"))
    assert (type(raised.value), str(raised.value)) == (kind, told)


def test_a_whole_answer(route: Route, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(100))
    monkeypatch.setattr(phi_client, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    choice = {"message": {"content": " said "}, "finish_reason": "length"}
    route.body = json.dumps({"choices": [choice], "usage": {"completion_tokens": 3}}).encode()
    route.headers = {"azureml-model-deployment": "m1"}
    answer = ask(URL, KEY, ChatRequest("Hi"))
    assert (answer.text, answer.deployment, answer.tokens, answer.cut_off, answer.streamed) == (
        "said",
        "m1",
        3,
        True,
        False,
    )
    assert answer.seconds == 2.0
    route.headers = {}
    assert ask(URL, KEY, ChatRequest("Hi", deployment="own")).deployment == "own"


STREAMED = {"content-type": "text/event-stream; charset=utf-8", "azureml-model-deployment": "m1"}


def chunks(*texts: str, end: bytes = b"data: [DONE]\n") -> bytes:
    parts = (f'data: {{"choices": [{{"delta": {{"content": "{text}"}}}}]}}\r\n'.encode() for text in texts)
    return b"".join(parts) + end


def test_a_streamed_answer(route: Route) -> None:
    usage = b'data: {"choices": [{"finish_reason": "length"}], "usage": {"completion_tokens": 2}}\n'
    route.completions = (200, chunks("  ", " Pa", "ris ", end=usage + b"data: [DONE]"), STREAMED)
    *pieces, end = stream(URL, KEY, ChatRequest("Hi"))
    assert pieces == ["Pa", "ris "] and isinstance(end, Ending)
    answer = end.answer
    assert (answer.text, answer.deployment, answer.tokens, answer.cut_off, answer.streamed) == (
        "Paris",
        "m1",
        2,
        True,
        True,
    )
    assert route.urls == [COMPLETIONS]


def test_a_stream_without_an_end_is_cut_off(route: Route) -> None:
    route.completions = (200, chunks("Pa", end=b""), STREAMED)
    pieces = stream(URL, KEY, ChatRequest("Hi"))
    assert next(pieces) == "Pa"
    with pytest.raises(AnswerCutOff) as raised:
        next(pieces)
    assert str(raised.value) == f"The answer of {HOST} was cut off: the connection ended. Ask again."
    assert raised.value.text == "Pa"
    with pytest.raises(ChatError, match=r"^The answer has no end\.$"):
        answer_of(iter(["a"]))


@pytest.mark.parametrize(
    ("status", "headers", "contract", "scores"),
    [
        (404, {}, "", True),
        (405, {}, "", True),
        (501, {}, "chat-completions", True),
        (400, {}, "", True),
        (415, {}, "", True),
        (422, {}, "", True),
        (400, {}, "chat-completions", False),
        (424, {"ms-azureml-model-error-statuscode": "404"}, "", True),
        (424, {"ms-azureml-model-error-statuscode": "500"}, "", False),
        (424, {}, "", False),
        (500, {}, "", False),
        (200, {}, "mlflow", True),
    ],
)
def test_which_route_is_taken(status: int, headers: dict[str, str], contract: str, scores: bool, route: Route) -> None:
    if contract:
        phi_client.ROUTES.tell(URL, {"m1": contract})
    route.completions = (status, b"{}", headers)
    try:
        ask(URL, KEY, ChatRequest("Hi", deployment="m1"))
    except ChatError:
        assert not scores
    assert route.urls == [*([] if contract == "mlflow" else [COMPLETIONS]), *([URL] if scores else [])]


def test_what_is_known_of_routes() -> None:
    now = [0.0]
    routes = Routes(lambda: now[0])
    routes.tell("u", {"a": "mlflow", "b": "chat-completions", "c": ""}, "b")
    assert [routes.contract("u", name) for name in ("a", "b", "c", "")] == [
        "mlflow",
        "chat-completions",
        "",
        "chat-completions",
    ]
    assert routes.contract("v", "a") == ""
    routes.answered("u", "a")
    routes.answered("u", "")
    assert routes.contract("u", "") == "mlflow"
    routes.cannot_stream("u", "b")
    now[0] = 599.9
    assert routes.contract("u", "b") == "mlflow"
    now[0] = 600.0
    assert routes.contract("u", "b") == "chat-completions"


@pytest.mark.parametrize(
    ("given", "seconds"), [("600", 600.0), ("600.1", 90.0), ("0", 90.0), ("0.1", 0.1), (None, 90.0), ("inf", 90.0)]
)
def test_how_long_a_connection_lets_an_answer_take(given: object, seconds: float) -> None:
    assert timeout_of(given) == seconds
