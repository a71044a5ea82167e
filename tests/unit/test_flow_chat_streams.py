"""Answers that come in pieces, and the routes that an endpoint has."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests
from route_fake import KEY, URL, Route

from chat import phi_client
from chat.phi_client import CHAT_COMPLETIONS, MLFLOW, ask, stream
from chat.phi_messages import (
    Answer,
    AnswerCutOff,
    Busy,
    ChatRequest,
    Ending,
    InvalidInput,
    KeyRefused,
    ModelFailed,
    NoDeployment,
    ServerFailed,
    Turn,
    UnknownAnswer,
    Unreachable,
    turns,
)


@pytest.fixture
def route(monkeypatch: pytest.MonkeyPatch) -> Route:
    return Route(monkeypatch)


def test_prompt_flows_history() -> None:
    assert turns(None) == turns([]) == ()
    assert turns([{"inputs": {"input_data": "a"}, "outputs": {"answer": "b"}}]) == (Turn("a", "b"),)
    with pytest.raises(InvalidInput):
        turns([{"question": "a"}])


STREAM = {"content-type": "text/event-stream", "azureml-model-deployment": "m1"}


def events(*pieces: str, finish: str | None = "stop", done: bool = True) -> bytes:
    chunks: list[Any] = [{"choices": [{"delta": {"content": piece}, "finish_reason": None}]} for piece in pieces]
    if finish:
        usage = {"completion_tokens": len(pieces)}
        chunks.append({"choices": [{"delta": {}, "finish_reason": finish}], "usage": usage})
    lines = [f"data: {json.dumps(chunk)}\r\n\r\n" for chunk in chunks] + ["data: [DONE]\n\n"] * done
    return (": keep alive\n\n" + "".join(lines)).encode()


def test_an_answer_comes_in_pieces(route: Route) -> None:
    route.completions = (200, events(" Bill", " Gates", "."), STREAM)
    *pieces, ending = stream(URL, KEY, ChatRequest("Who?", (Turn("Hi", "Hello."),), "m1", 0.2, 64))
    assert pieces == ["Bill", " Gates", "."]
    assert isinstance(ending, Ending) and ending == ""
    assert (ending.answer.text, ending.answer.deployment, ending.answer.tokens) == ("Bill Gates.", "m1", 3)
    assert not ending.answer.cut_off
    assert route.urls == ["https://phi.eastus2.inference.ml.azure.com/v1/chat/completions"]
    body = json.loads(route.sent["prepared"].body)
    assert [message["content"] for message in body["messages"]] == ["Hi", "Hello.", "Who?"]
    assert (body["stream"], body["temperature"], body["max_tokens"]) == (True, 0.2, 64)


def test_an_answer_that_reached_its_length_says_so(route: Route) -> None:
    route.completions = (200, events("Bill", finish="length"), STREAM)
    *_, ending = stream(URL, KEY, ChatRequest("Who?"))
    assert isinstance(ending, Ending) and ending.answer.cut_off


@pytest.mark.parametrize(
    "refused",
    [
        (404, b"{}", {}),
        (405, b"{}", {}),
        (400, b"{}", {}),
        (424, b"{}", {"ms-azureml-model-error-statuscode": "422"}),
        (424, b"{}", {"ms-azureml-model-error-statuscode": "404"}),
    ],
)
def test_an_endpoint_that_cannot_stream_gives_whole_answers(route: Route, refused: Any) -> None:
    route.completions = refused
    for _ in range(2):
        text, ending = stream(URL, KEY, ChatRequest("Who?"))
        assert text == "Bill Gates and Paul Allen." and isinstance(ending, Ending)
        assert ending.answer.text == text
    assert [url.rsplit("/", 1)[1] for url in route.urls] == ["completions", "score", "score"]


def paths(route: Route) -> list[str]:
    """The last part of every address that was asked."""
    return [url.rsplit("/", 1)[1] for url in route.urls]


def test_what_a_deployments_tag_says_is_not_tried(route: Route) -> None:
    phi_client.ROUTES.tell(URL, {"m1": MLFLOW, "base": CHAT_COMPLETIONS}, in_service="m1")
    ask(URL, KEY, ChatRequest("Who?", deployment="m1"))
    ask(URL, KEY, ChatRequest("Who?"))
    assert paths(route) == ["score", "score"]
    # What is wrong with the question is said as it is, and not asked again elsewhere.
    route.completions = (424, b"too long", {"ms-azureml-model-error-statuscode": "400"})
    with pytest.raises(ModelFailed, match="too long"):
        ask(URL, KEY, ChatRequest("Who?", deployment="base"))
    assert paths(route)[2:] == ["completions"]


def test_a_missing_route_is_remembered_for_ten_minutes(route: Route) -> None:
    ask(URL, KEY, ChatRequest("Who?"))
    route.now += 599
    ask(URL, KEY, ChatRequest("Who?"))
    assert paths(route) == ["completions", "score", "score"]
    route.now += 2
    route.completions = (200, events("Hi."), STREAM)
    assert ask(URL, KEY, ChatRequest("Who?")).streamed


def test_a_release_that_begins_to_stream_is_noticed(route: Route) -> None:
    route.headers = {"azureml-model-deployment": "m1"}
    assert not ask(URL, KEY, ChatRequest("Who?")).streamed
    route.headers = {"azureml-model-deployment": "m2"}
    route.completions = (200, events("Hi."), STREAM | {"azureml-model-deployment": "m2"})
    ask(URL, KEY, ChatRequest("Who?"))
    assert ask(URL, KEY, ChatRequest("Who?")).streamed
    assert paths(route) == ["completions", "score", "score", "completions"]


def test_an_empty_object_is_an_error_of_the_model(route: Route) -> None:
    """Azure's image for chat models answers so where its /score has raised an error."""
    route.body = b"{}"
    with pytest.raises(ModelFailed, match="empty answer"):
        ask(URL, KEY, ChatRequest("Who?"))


def test_a_long_conversation_is_cut_to_what_the_context_holds() -> None:
    long = ChatRequest("And then?", (Turn("q" * 3_000, "a" * 3_000),) * 250, max_new_tokens=128)
    messages = long.messages()
    assert long.left_out == 249 and len(messages) == 3
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert len(json.dumps(messages)) < 12_000
    assert ChatRequest("Hi", (Turn("a", "b"),) * 3).left_out == 0
    # A script whose characters take three bytes each has a third of the characters.
    assert ChatRequest("?", (Turn("日" * 1_000, "本" * 1_000),) * 3, max_new_tokens=128).left_out == 2
    # An answer as long as the context leaves half of it to the conversation.
    assert ChatRequest("Hi", (Turn("a", "b"),) * 3, max_new_tokens=4_096).left_out == 0


def test_a_system_prompt_stands_before_the_conversation_over_both_routes() -> None:
    request = ChatRequest("Who?", (Turn("Hi", "Hello."),), system="Answer in rhymes.")
    said = [(each["role"], each["content"]) for each in request.messages()]
    assert said == [("system", "Answer in rhymes."), ("user", "Hi"), ("assistant", "Hello."), ("user", "Who?")]
    assert request.payload()["input_data"]["input_string"] == request.completion()["messages"] == request.messages()
    # It takes its room of the context, and is not what is left out.
    full = ChatRequest("?", (Turn("a" * 3_000, "b" * 3_000),) * 2, system="c" * 4_000)
    assert full.left_out == 1 and full.messages()[0]["content"] == "c" * 4_000
    assert ChatRequest("?", (Turn("a" * 3_000, "b" * 3_000),) * 2).left_out == 1


def test_a_missing_deployment_does_not_count_as_a_missing_route(route: Route) -> None:
    route.completions, route.status = (404, b"", {}), 404
    with pytest.raises(NoDeployment):
        stream(URL, KEY, ChatRequest("Who?"))
    route.completions, route.status = (200, events("Hi."), STREAM), 200
    assert next(iter(stream(URL, KEY, ChatRequest("Who?")))) == "Hi."


def test_a_whole_chat_completion_is_an_answer_too(route: Route) -> None:
    body = {"choices": [{"message": {"content": "Hi."}, "finish_reason": "length"}], "usage": {"completion_tokens": 2}}
    route.completions = (200, json.dumps(body).encode(), {"content-type": "application/json"})
    text, ending = stream(URL, KEY, ChatRequest("Who?"))
    assert text == "Hi." and isinstance(ending, Ending)
    assert (ending.answer.tokens, ending.answer.cut_off) == (2, True)


@pytest.mark.parametrize(("status", "kind"), [(401, KeyRefused), (429, Busy), (500, ServerFailed)])
def test_a_refused_stream_has_the_same_errors(route: Route, status: int, kind: type[Exception]) -> None:
    route.completions = (status, f"no, {KEY}".encode(), {"Retry-After": "7"})
    with pytest.raises(kind) as caught:
        stream(URL, KEY, ChatRequest("Who?"))
    assert KEY not in str(caught.value)


def test_a_stream_that_breaks_off_keeps_what_came(route: Route) -> None:
    route.completions = (200, events("Bill", " Gates", finish=None, done=False), STREAM)
    pieces = stream(URL, KEY, ChatRequest("Who?"))
    assert [next(pieces), next(pieces)] == ["Bill", " Gates"]
    with pytest.raises(AnswerCutOff, match="cut off") as caught:
        next(pieces)
    assert caught.value.text == "Bill Gates"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'data: {"error": "out of memory"}\n\n', ModelFailed),
        (b"event: error\ndata: out of memory\n\n", ModelFailed),
        (b"data: <html>\n\n", UnknownAnswer),
        (b"data: []\n\n", UnknownAnswer),
        (b'data: {"logits": []}\n\n', UnknownAnswer),
        (b"data: [DONE]\n\n", UnknownAnswer),
        (b"data: " + b"x" * phi_client.MAX_BODY, UnknownAnswer),
        (b"", AnswerCutOff),
    ],
)
def test_streams_that_are_no_answer(route: Route, body: bytes, kind: type[Exception]) -> None:
    route.completions = (200, body, STREAM)
    with pytest.raises(kind):
        list(stream(URL, KEY, ChatRequest("Who?")))


def test_a_stream_that_is_too_slow(route: Route, monkeypatch: pytest.MonkeyPatch) -> None:
    route.completions = (200, b"", STREAM)
    monkeypatch.setattr(
        phi_client._Exchange, "_read", lambda *_: (_ for _ in ()).throw(requests.exceptions.ReadTimeout())
    )
    with pytest.raises(Unreachable, match="within 90 s"):
        stream(URL, KEY, ChatRequest("Who?"))


def test_a_url_that_already_is_the_chat_completions(route: Route) -> None:
    route.completions = (200, events("Hi."), STREAM)
    assert next(stream("https://phi.example.com/v1/chat/completions", KEY, ChatRequest("Who?"))) == "Hi."
    assert next(iter(stream("https://phi.example.com/other", KEY, ChatRequest("Who?")))).startswith("Bill")


def test_an_ending_goes_through_where_a_text_does() -> None:
    ending = Ending(Answer("Hi.", "m1", 0.1))
    assert "".join(["Hi.", ending]) == "Hi." and ending.answer.deployment == "m1"
