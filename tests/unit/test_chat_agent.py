"""The chat as an agent: what its framework is asked and given. The framework, which has an environment of its own, is
one of as few words as are spoken to it; tests/journey asks the real one."""

from __future__ import annotations

import asyncio
import importlib
import logging
import sys
from collections.abc import AsyncIterator, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from chat.connection import Connection
from chat.phi_messages import Answer, Busy, ChatError, ChatRequest, Ending, InvalidInput, Turn

CONNECTION = Connection("id", "https://e/score", "k", 30.0)


def noted(kind: str) -> Any:
    """A class of the framework that keeps what it was made of."""
    return lambda *args, **more: SimpleNamespace(kind=kind, args=args, **more)


class Agent:
    made: list[dict[str, Any]] = []  # noqa: RUF012 - emptied by the fixture
    asked: list[Any] = []  # noqa: RUF012
    says: list[Any] = []  # noqa: RUF012

    def __init__(self, **given: Any) -> None:
        self.made.append(given)

    def run(self, messages: Any, **how: Any) -> Any:
        self.asked.append(([(each.args[0], each.args[1]) for each in messages], how))
        return self._updates()

    async def _updates(self) -> AsyncIterator[Any]:
        for each in self.says:
            if isinstance(each, BaseException):
                raise each
            yield each


class BaseChatClient:
    """Of it the client inherits; it is written with what it takes in brackets."""

    def __class_getitem__(cls, _: Any) -> type[BaseChatClient]:
        return cls


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    framework: Any = ModuleType("agent_framework")
    framework.Agent = Agent
    framework.BaseChatClient = BaseChatClient
    framework.Content = SimpleNamespace(from_text=lambda text: f"text {text}", from_usage=lambda usage: usage)
    for name in ("ChatResponseUpdate", "Message", "UsageDetails"):
        setattr(framework, name, noted(name))
    framework.ResponseStream = framework.ChatResponse = dict
    monkeypatch.setitem(sys.modules, "agent_framework", framework)
    monkeypatch.delitem(sys.modules, "chat.agent", raising=False)
    for name in ("made", "asked", "says"):
        monkeypatch.setattr(Agent, name, [])
    yield importlib.import_module("chat.agent")
    sys.modules.pop("chat.agent", None)


def message(role: str, text: str) -> Any:
    return SimpleNamespace(role=role, text=text)


QUESTION = [message("user", "a"), message("assistant", "b"), message("user", "c")]


@pytest.mark.parametrize(
    ("messages", "options", "request_"),
    [
        (QUESTION, {}, ChatRequest("c", (Turn("a", "b"),))),
        (
            [message("system", "s"), *QUESTION],
            {"model": "m1", "temperature": 0.0, "max_tokens": 9},
            ChatRequest("c", (Turn("a", "b"),), "m1", 0.0, 9, "s"),
        ),
        ([message("user", "a")], {"model": None, "temperature": None}, ChatRequest("a")),
    ],
)
def test_messages_are_a_question_with_what_came_before(
    messages: Any, options: Any, request_: ChatRequest, agent: Any
) -> None:
    assert agent._request(messages, options) == request_


@pytest.mark.parametrize(
    ("roles", "told"),
    [
        ((), "nothing"),
        (("system",), "nothing"),
        (("assistant",), "assistant"),
        (("user", "user"), "user, user"),
        (("user", "assistant"), "user, assistant"),
        (("user", "system", "user"), "user, system, user"),
    ],
)
def test_what_is_no_conversation(roles: tuple[str, ...], told: str, agent: Any) -> None:
    with pytest.raises(InvalidInput) as raised:
        agent._request([message(role, "x") for role in roles], {})
    assert str(raised.value) == f"A conversation alternates between user and assistant, not {told}."


@pytest.mark.parametrize(
    ("answer", "contents", "finish"),
    [
        (Answer("x", "m1", 1.0, 7), [SimpleNamespace(kind="UsageDetails", args=(), output_token_count=7)], "stop"),
        (Answer("x", "m1", 1.0, cut_off=True), [], "length"),
    ],
)
def test_the_last_update_says_what_the_answer_was(answer: Answer, contents: Any, finish: str, agent: Any) -> None:
    assert agent._last(answer) == SimpleNamespace(
        kind="ChatResponseUpdate",
        args=(),
        role="assistant",
        contents=contents,
        finish_reason=finish,
        model="m1",
        additional_properties={"answer": answer},
    )


def test_the_client_streams_from_the_endpoint(agent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    answer, asked = Answer("Paris", "m1", 1.0), []

    def stream(*args: Any, **how: Any) -> Iterator[str]:
        asked.append((args, how))
        return iter(["Pa", Ending(answer)])

    monkeypatch.setattr(agent, "stream", stream)
    client = agent.EndpointChatClient(CONNECTION)
    request = ChatRequest("hi")

    async def updates() -> list[Any]:
        return [each async for each in client._updates(request)]

    first, last = asyncio.run(updates())
    assert first == SimpleNamespace(kind="ChatResponseUpdate", args=(), role="assistant", contents=["text Pa"])
    assert last == agent._last(answer)
    assert asked == [(("https://e/score", "k", request), {"timeout": 30.0})]
    assert client.OTEL_PROVIDER_NAME == "azure.ml"


@pytest.mark.parametrize("streamed", [True, False])
def test_the_framework_gets_a_stream_or_its_end(streamed: bool, agent: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    client, seen = agent.EndpointChatClient(CONNECTION), []
    monkeypatch.setattr(client, "_updates", lambda request: seen.append(request) or "updates", raising=False)
    whole = SimpleNamespace(get_final_response=lambda: "whole")
    client._build_response_stream = lambda updates: updates == "updates" and whole
    found = client._inner_get_response(messages=QUESTION, stream=streamed, options={"max_tokens": 3}, more=1)
    assert found == (whole if streamed else "whole")
    assert seen == [ChatRequest("c", (Turn("a", "b"),), max_new_tokens=3)]


def update(text: str = "", **properties: Any) -> Any:
    return SimpleNamespace(text=text, additional_properties=properties or None)


def test_the_agent_is_a_front_end(agent: Any) -> None:
    answer = Answer("Paris", "m1", 1.0)
    Agent.says = [update("Pa"), update(""), update("ris"), update("", answer=answer)]
    was = logging.getLogger("agent_framework").level
    try:
        chat = agent.AgentChat(CONNECTION)
        assert logging.getLogger("agent_framework").level == logging.ERROR
    finally:
        logging.getLogger("agent_framework").setLevel(was)
    *pieces, end = chat(ChatRequest("hi", (Turn("a", "b"),), "m1", 0.5, 9, "s"))
    assert pieces == ["Pa", "ris"] and end.answer is answer
    (made,) = Agent.made
    assert (made["name"], made["description"]) == ("phi", "Answers as it was tuned to.")
    assert isinstance(made["client"], agent.EndpointChatClient) and made["client"]._connection is CONNECTION
    said = [("system", ["s"]), ("user", ["a"]), ("assistant", ["b"]), ("user", ["hi"])]
    options = {"model": "m1", "temperature": 0.5, "max_tokens": 9}
    assert Agent.asked == [(said, {"stream": True, "options": options})]


BUSY = Busy("Too many.")
WRAPPED = RuntimeError("around")
WRAPPED.__cause__ = BUSY
IN_CONTEXT = RuntimeError("around")
IN_CONTEXT.__context__ = WRAPPED


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (BUSY, "Too many."),
        (WRAPPED, "Too many."),
        (IN_CONTEXT, "Too many."),
        (KeyError("x"), "The agent failed: KeyError: 'x'"),
    ],
)
def test_an_error_is_our_own(error: Exception, told: str, agent: Any) -> None:
    Agent.says = [error]
    with pytest.raises(ChatError) as raised:
        agent.AgentChat(CONNECTION)(ChatRequest("hi"))
    assert str(raised.value) == told
    Agent.says = [update("Pa"), error]
    pieces = agent.AgentChat(CONNECTION)(ChatRequest("hi"))
    assert next(pieces) == "Pa"
    with pytest.raises(ChatError) as late:
        next(pieces)
    assert str(late.value) == told
