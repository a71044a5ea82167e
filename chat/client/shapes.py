"""What endpoints of chat models answer, whole or streamed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from chat.client.errors import ModelFailed, UnknownAnswer


def answer_text(answer: Any) -> str:
    """The text of an answer in any shape known from endpoints for chat models. Raises UnknownAnswer.

    ``{"output": ...}`` (the tutorial's), ``{"choices": [{"message": {"content"}}]}`` (/v1/chat/completions),
    MLflow's ``{"predictions": [...]}`` and ``[{"0": ...}]``, a list of one, or the bare text.
    """
    if isinstance(answer, str):
        return answer
    if isinstance(answer, list) and answer:
        return answer_text(answer[-1] if _is_conversation(answer) else answer[0])
    if isinstance(answer, Mapping):
        for key in ("output", "choices", "message", "content", "generated_text", "predictions", "text", "0"):
            if key in answer:
                return answer_text(answer[key])
    raise UnknownAnswer(
        f"The endpoint's answer has a shape nobody here knows ({_outline(answer)}); known are "
        '{"output": "..."}, {"choices": [...]} and a list of one of them. Was another kind of model deployed?'
    )


def read_json(body: bytes) -> Any:
    """The body; JSON inside a JSON string (a scoring script that encodes its own answer) is opened too.

    Raises UnknownAnswer.
    """
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise UnknownAnswer("The endpoint's answer is not JSON. Is this a scoring URL?") from error
    if isinstance(answer, str) and answer.lstrip().startswith(("{", "[")):
        try:
            return json.loads(answer)
        except ValueError:
            return answer
    return answer


@dataclass(frozen=True)
class Part:
    """What one event of a streamed chat completion adds."""

    text: str = ""
    finish_reason: str | None = None
    tokens: int | None = None


def parts(lines: Iterable[bytes]) -> Iterator[Part]:
    """Server-sent events of a chat completion, up to and with ``data: [DONE]``. Raises UnknownAnswer, ModelFailed."""
    failed = False
    for line in lines:
        name, _, value = line.partition(b":")
        value = value.strip()
        if name == b"event":
            failed = value == b"error"
        if name != b"data":
            continue  # a comment that keeps the connection alive, an id, the empty line behind an event
        if value == b"[DONE]":
            yield Part("", "stop")
            return
        event = None if failed else _event(value)
        if event is None or "error" in event:
            raise ModelFailed(f"The model stopped in mid-answer: {value.decode(errors='replace')[:200]}")
        yield part(event)


def part(event: Mapping[str, Any]) -> Part:
    """A `chat.completion.chunk`, or a whole `chat.completion`. Raises UnknownAnswer."""
    choices, usage = event.get("choices"), event.get("usage") or {}
    choice = choices[0] if isinstance(choices, list) and choices else {}
    if not isinstance(choices, list) or not isinstance(choice, Mapping) or not isinstance(usage, Mapping):
        raise UnknownAnswer(f"The endpoint streams events of a shape nobody here knows ({_outline(event)}).")
    said = choice.get("delta") or choice.get("message") or {}
    text = said.get("content") if isinstance(said, Mapping) else None
    tokens = usage.get("completion_tokens")
    return Part(
        text if isinstance(text, str) else "", choice.get("finish_reason"), tokens if isinstance(tokens, int) else None
    )


def _event(value: bytes) -> Mapping[str, Any]:
    try:
        event = json.loads(value)
    except ValueError as error:
        raise UnknownAnswer("The endpoint streams events that are not JSON. Is this a chat model?") from error
    if not isinstance(event, Mapping):
        raise UnknownAnswer(f"The endpoint streams events of a shape nobody here knows ({_outline(event)}).")
    return event


def _is_conversation(answer: list[Any]) -> bool:
    return all(isinstance(message, Mapping) and "role" in message for message in answer)


def _outline(answer: Any) -> str:
    """Keys and types, no content."""
    if isinstance(answer, Mapping):
        return "an object with " + (", ".join(sorted(map(str, answer)))[:100] or "no keys")
    return "an empty list" if answer == [] else type(answer).__name__
