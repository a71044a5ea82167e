"""What is asked of an endpoint, and what of its answers is one."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from route_fake import KEY, URL, Route

from chat import phi_client
from chat.phi_client import ask
from chat.phi_messages import (
    Busy,
    ChatRequest,
    EndpointUnavailable,
    InvalidInput,
    KeyRefused,
    ModelFailed,
    NoDeployment,
    ServerFailed,
    Turn,
    UnknownAnswer,
    Unreachable,
    answer_text,
)


@pytest.fixture
def route(monkeypatch: pytest.MonkeyPatch) -> Route:
    return Route(monkeypatch)


def test_the_tutorials_payload(route: Route) -> None:
    request = ChatRequest("Who founded Microsoft?", (Turn("Hi", "Hello."),), temperature=0.2, max_new_tokens=64)
    answer = ask(URL, KEY, request)
    assert answer.text == "Bill Gates and Paul Allen."
    assert json.loads(route.sent["prepared"].body) == {
        "input_data": {
            "input_string": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "Hello."},
                {"role": "user", "content": "Who founded Microsoft?"},
            ],
            "parameters": {"temperature": 0.2, "max_new_tokens": 64},
        }
    }
    assert route.sent["prepared"].headers["Authorization"] == f"Bearer {KEY}"
    assert route.sent["allow_redirects"] is False
    assert "azureml-model-deployment" not in route.sent["prepared"].headers


def test_at_temperature_0_nothing_is_left_to_chance(route: Route) -> None:
    """MLflow's scoring samples by default, and raises an error for a temperature of 0."""
    ask(URL, KEY, ChatRequest("Who?", temperature=0.0, max_new_tokens=64))
    parameters = json.loads(route.sent["prepared"].body)["input_data"]["parameters"]
    assert parameters == {"do_sample": False, "max_new_tokens": 64}
    route.completions = (200, events("Bill"), STREAM)
    ask(URL, KEY, ChatRequest("Who?", temperature=0.0))
    assert json.loads(route.sent["prepared"].body)["input_data"]["parameters"]["do_sample"] is False
    ask("https://other.example.com/score", KEY, ChatRequest("Who?", temperature=0.0))
    assert json.loads(route.sent["prepared"].body)["temperature"] == 0.0


def test_a_deployment_is_asked_for_by_header(route: Route) -> None:
    route.headers = {"azureml-model-deployment": "base"}
    assert ask(URL, KEY, ChatRequest("Hi", deployment="base")).deployment == "base"
    assert route.sent["prepared"].headers["azureml-model-deployment"] == "base"


@pytest.mark.parametrize(
    "body",
    [
        {"output": "Hi."},
        {"output": ["Hi."]},
        {"output": {"role": "assistant", "content": "Hi."}},
        {"output": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi."}]},
        [{"output": "Hi."}],
        ["Hi."],
        [{"0": "Hi."}],
        [{"generated_text": "Hi."}],
        {"predictions": ["Hi."]},
        {"choices": [{"message": {"role": "assistant", "content": "Hi."}}]},
        {"choices": [{"text": "Hi."}]},
        "Hi.",
        '{"output": "Hi."}',
    ],
)
def test_every_known_answer_shape(route: Route, body: object) -> None:
    route.body = json.dumps(body).encode()
    assert ask(URL, KEY, ChatRequest("Hello")).text == "Hi."


@pytest.mark.parametrize("body", [{}, {"result": "Hi."}, [], 3, None, {"output": None}, {"output": {"logits": []}}])
def test_other_shapes_are_refused(body: object) -> None:
    with pytest.raises(UnknownAnswer, match="shape nobody here knows"):
        answer_text(body)


@pytest.mark.parametrize("body", [b'{"output": "  "}', b"<html>", b'{"output": "' + b"x" * phi_client.MAX_BODY + b'"}'])
def test_empty_broken_or_huge_answers_are_refused(route: Route, body: bytes) -> None:
    route.body = body
    with pytest.raises(UnknownAnswer):
        ask(URL, KEY, ChatRequest("Hello"))


@pytest.mark.parametrize(
    ("status", "kind", "text"),
    [
        (401, KeyRefused, "pulumi up"),
        (403, KeyRefused, "pulumi up"),
        (404, NoDeployment, "404"),
        (408, ServerFailed, "408"),
        (424, ModelFailed, "out of memory"),
        (429, Busy, "in 7 s"),
        (500, ServerFailed, "500"),
        (503, ServerFailed, "503"),
        (302, UnknownAnswer, "redirects"),
        (400, UnknownAnswer, "refused the question"),
    ],
)
def test_each_status_has_its_error(route: Route, status: int, kind: type[Exception], text: str) -> None:
    route.status, route.headers = status, {"Retry-After": "7"}
    # Azure appends a text to the model's JSON, and a careless model may repeat what it was sent.
    route.body = f'{{"error": "out of memory, {KEY}"}}\nPlease check this guide'.encode()
    with pytest.raises(kind, match=text) as caught:
        ask(URL, KEY, ChatRequest("Hello"))
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_busy_carries_the_wait(route: Route) -> None:
    route.status, route.headers = 429, {"Retry-After": "7"}
    with pytest.raises(EndpointUnavailable) as caught:
        ask(URL, KEY, ChatRequest("Hello"))
    assert caught.value.retry_after == 7.0


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (requests.exceptions.ConnectTimeout(), "within 90 s"),
        (requests.exceptions.ReadTimeout(), "within 90 s"),
        (requests.exceptions.SSLError(), "certificate"),
        (requests.exceptions.ConnectionError(f"refused {KEY}"), "could not be reached"),
        (requests.exceptions.ChunkedEncodingError(), "could not be reached"),
    ],
)
def test_no_connection(route: Route, error: Exception, text: str) -> None:
    route.error = error
    with pytest.raises(Unreachable, match=text) as caught:
        ask(URL, KEY, ChatRequest("Hello"))
    assert "phi.eastus2.inference.ml.azure.com" in str(caught.value) and KEY not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://phi.example.com/score",
        "ftp://x/y",
        "phi",
        "",
        "https://user:pass@phi.example.com/",  # pragma: allowlist secret
        "file:///x",
    ],
)
def test_the_key_goes_only_over_tls(route: Route, url: str) -> None:
    with pytest.raises(InvalidInput, match="https"):
        ask(url, KEY, ChatRequest("Hello"))
    assert route.sent == {}


@pytest.mark.parametrize("url", ["http://127.0.0.1:5001/score", "http://localhost/score", "http://[::1]:1/score"])
def test_except_on_this_machine(route: Route, url: str) -> None:
    assert ask(url, KEY, ChatRequest("Hello")).text


@pytest.mark.parametrize("question", ["", "  \n", "x" * (phi_client.MAX_QUESTION + 1)])
def test_questions_are_checked_before_they_are_sent(route: Route, question: str) -> None:
    with pytest.raises(InvalidInput):
        ask(URL, KEY, ChatRequest(question))
    assert route.sent == {}


def test_no_key(route: Route) -> None:
    with pytest.raises(InvalidInput, match="no key"):
        ask(URL, "", ChatRequest("Hello"))


STREAM = {"content-type": "text/event-stream", "azureml-model-deployment": "m1"}


def events(*pieces: str, finish: str | None = "stop", done: bool = True) -> bytes:
    chunks: list[Any] = [{"choices": [{"delta": {"content": piece}, "finish_reason": None}]} for piece in pieces]
    if finish:
        usage = {"completion_tokens": len(pieces)}
        chunks.append({"choices": [{"delta": {}, "finish_reason": finish}], "usage": usage})
    lines = [f"data: {json.dumps(chunk)}\r\n\r\n" for chunk in chunks] + ["data: [DONE]\n\n"] * done
    return (": keep alive\n\n" + "".join(lines)).encode()
