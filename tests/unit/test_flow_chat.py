"""The chat logic: what is sent, which answers are understood, and what each failure says."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import requests
import urllib3

from chat import phi_client
from chat.phi_client import CHAT_COMPLETIONS, MLFLOW, Routes, ask, stream
from chat.phi_messages import (
    Answer,
    AnswerCutOff,
    Busy,
    ChatRequest,
    Ending,
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
    turns,
)

URL = "https://phi.eastus2.inference.ml.azure.com/score"
KEY = "canary-key"


class Route:
    """Stands where requests would open a connection."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.status, self.body, self.headers = 200, b'{"output": "Bill Gates and Paul Allen."}', {}
        self.error: Exception | None = None
        self.sent: dict[str, Any] = {}
        self.urls: list[str] = []
        self.completions: tuple[int, bytes, dict[str, str]] = (404, b"{}", {})
        self.now = 1_000.0
        monkeypatch.setattr(phi_client.requests, "post", self)
        monkeypatch.setattr(phi_client, "ROUTES", Routes(lambda: self.now))

    def __call__(self, url: str, **sent: Any) -> requests.Response:
        prepared = requests.Request(
            "POST", url, json=sent["json"], headers=sent["headers"], auth=sent["auth"]
        ).prepare()
        self.sent = {**sent, "prepared": prepared}
        self.urls.append(url)
        if self.error:
            raise self.error
        response = requests.Response()
        status, body, headers = self.status, self.body, self.headers
        if url.endswith("/chat/completions"):
            status, body, headers = self.completions
        response.status_code, response.url = status, url
        response.raw = urllib3.HTTPResponse(io.BytesIO(body), preload_content=False)
        response.headers.update(headers)
        return response


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
