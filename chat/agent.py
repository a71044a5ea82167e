"""The same chat as an agent on Microsoft Agent Framework, for the time after Prompt flow.

docs/moving-from-prompt-flow.md says what corresponds to what. Runs in an environment of its own (front_ends.py).
"""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from agent_framework import (
    Agent,
    BaseChatClient,
    ChatResponse,
    ChatResponseUpdate,
    Content,
    Message,
    ResponseStream,
    UsageDetails,
)

from chat.connection import Connection
from chat.phi_client import started, stream
from chat.phi_messages import Answer, ChatError, ChatRequest, Ending, InvalidInput, Turn


class EndpointChatClient(BaseChatClient[Any]):  # type: ignore[misc]
    """Agent Framework's way to a model: a managed online endpoint, whose deployments are the `model` option."""

    OTEL_PROVIDER_NAME = "azure.ml"

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def _inner_get_response(
        self, *, messages: Sequence[Message], stream: bool, options: Mapping[str, Any], **kwargs: Any
    ) -> Any:
        del kwargs
        updates = self._build_response_stream(self._updates(_request(messages, options)))
        return updates if stream else updates.get_final_response()

    async def _updates(self, request: ChatRequest) -> AsyncIterator[ChatResponseUpdate]:
        asked = self._connection
        pieces = await asyncio.to_thread(stream, asked.endpoint, asked.key, request, timeout=asked.timeout)
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            if isinstance(piece, Ending):
                yield _last(piece.answer)
            else:
                yield ChatResponseUpdate(role="assistant", contents=[Content.from_text(piece)])


def _request(messages: Sequence[Message], options: Mapping[str, Any]) -> ChatRequest:
    """Raises InvalidInput where the messages are no turns of user and assistant with a question at the end."""
    said = [(str(message.role), message.text) for message in messages]
    system = said.pop(0)[1] if said and said[0][0] == "system" else ""
    roles = [role for role, _ in said]
    if roles != (["user", "assistant"] * len(roles))[: len(roles)] or len(roles) % 2 == 0:
        raise InvalidInput(
            f"A conversation alternates between user and assistant, not {', '.join(roles) or 'nothing'}."
        )
    history = tuple(Turn(said[place][1], said[place + 1][1]) for place in range(0, len(said) - 1, 2))
    given = {"temperature": options.get("temperature"), "max_new_tokens": options.get("max_tokens")}
    return ChatRequest(
        said[-1][1],
        history,
        str(options.get("model") or ""),
        system=system,
        **{name: value for name, value in given.items() if value is not None},
    )


def _last(answer: Answer) -> ChatResponseUpdate:
    usage = UsageDetails(output_token_count=answer.tokens) if answer.tokens else None
    return ChatResponseUpdate(
        role="assistant",
        contents=[Content.from_usage(usage)] if usage else [],
        finish_reason="length" if answer.cut_off else "stop",
        model=answer.deployment,
        additional_properties={"answer": answer},
    )


class AgentChat:
    """The agent as a front end."""

    def __init__(self, connection: Connection) -> None:
        # It would tell at every start that this client offers no tools to call, as a plain chat model does not.
        logging.getLogger("agent_framework").setLevel(logging.ERROR)
        self._agent = Agent(
            client=EndpointChatClient(connection), name="phi", description="Answers as it was tuned to."
        )

    def __call__(self, request: ChatRequest) -> Iterator[str]:
        """The pieces of the agent's answer. Raises ChatError, as the client raised it."""
        return started(self._pieces(request))

    def _pieces(self, request: ChatRequest) -> Iterator[str]:
        """Runs the agent in a thread, as one asyncio task, and hands over what it says."""
        said: queue.Queue[str | BaseException | None] = queue.Queue()
        loop = asyncio.new_event_loop()
        task = loop.create_task(self._run(request, said))

        def work() -> None:
            try:
                loop.run_until_complete(task)
            except BaseException as error:  # noqa: BLE001 - raised again where the pieces are read
                said.put(error)
            finally:
                said.put(None)
                loop.close()

        threading.Thread(target=work, daemon=True).start()
        try:
            while (piece := said.get()) is not None:
                if isinstance(piece, BaseException):
                    raise _own(piece) from piece
                yield piece
        finally:
            if not loop.is_closed():
                loop.call_soon_threadsafe(task.cancel)

    async def _run(self, request: ChatRequest, said: queue.Queue[str | BaseException | None]) -> None:
        messages = [Message(each["role"], [each["content"]]) for each in request.messages()]
        options = {
            "model": request.deployment,
            "temperature": request.temperature,
            "max_tokens": request.max_new_tokens,
        }
        updates: ResponseStream[Any, ChatResponse[Any]] = self._agent.run(messages, stream=True, options=options)
        async for update in updates:
            if answer := (update.additional_properties or {}).get("answer"):
                said.put(Ending(answer))
            elif update.text:
                said.put(update.text)


def _own(error: BaseException) -> BaseException:
    """Our own error where the framework has put one of its own around it."""
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, ChatError):
            return inner
        inner = inner.__cause__ or inner.__context__
    return ChatError(f"The agent failed: {type(error).__name__}: {error}")
