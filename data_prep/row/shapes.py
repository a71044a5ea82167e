"""The shapes people keep conversations in, and the way from each to ``messages``.

An adapter changes only what it recognises; a row of another shape is handed on as it is, and the row checks
then say what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from data_prep.errors import DataError

AUTO = "auto"

SPEAKERS = {
    "human": "user",
    "user": "user",
    "prompter": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "chatgpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "system": "system",
}
_QUESTIONS = ("prompt", "question", "query", "input")
_ANSWERS = ("completion", "response", "answer", "output", "chosen")

KEYS = ("messages", "conversations", "system", "instruction", *_QUESTIONS, *_ANSWERS)
"""Columns that any of the shapes looks at."""


def _chat(row: Any) -> Any:
    """ultrachat and OpenAI: a list of role and content, which may be a list of text parts; in CSV, JSON text."""
    if not isinstance(row, Mapping):
        return row
    messages = row.get("messages")
    if isinstance(messages, str) and messages.lstrip().startswith("["):
        try:
            messages = orjson.loads(messages)
        except ValueError:
            return row
        row = {**row, "messages": messages}
    if isinstance(messages, list) and any(isinstance(_content(message), list) for message in messages):
        return {**row, "messages": [_flat(message) for message in messages]}
    return row


def _content(message: Any) -> Any:
    return message.get("content") if isinstance(message, Mapping) else None


def _flat(message: Any) -> Any:
    """Text parts joined; a message with a part of another type (an image) stays as it is, and is refused later."""
    parts = _content(message)
    if not isinstance(parts, list) or not parts:
        return message
    texts = [part.get("text") if isinstance(part, Mapping) and part.get("type") == "text" else None for part in parts]
    if not all(isinstance(text, str) for text in texts):
        return message
    return {**message, "content": "".join(str(text) for text in texts)}


def _sharegpt(row: Any) -> Any:
    """``conversations: [{from: human | gpt | system, value}]``."""
    if not isinstance(row, Mapping) or not isinstance(row.get("conversations"), list):
        return row
    messages: list[Any] = []
    for said in row["conversations"]:
        if not isinstance(said, Mapping):
            messages.append(said)
            continue
        speaker = said.get("from", said.get("role"))
        role = SPEAKERS.get(speaker, speaker) if isinstance(speaker, str) else speaker
        messages.append({"content": said.get("value", said.get("content")), "role": role})
    system = row.get("system")
    if isinstance(system, str) and system.strip():
        messages.insert(0, {"content": system, "role": "system"})
    return {"messages": messages}


def _alpaca(row: Any) -> Any:
    """``instruction``, ``input`` (may be empty) and ``output``."""
    if not isinstance(row, Mapping) or "instruction" not in row or "output" not in row:
        return row
    asked, extra = row["instruction"], row.get("input")
    if isinstance(asked, str) and isinstance(extra, str) and extra.strip():
        asked = f"{asked}\n\n{extra}"
    return {"messages": _turns(row, asked, row["output"])}


def _pair(row: Any) -> Any:
    """One question and one answer, under any of the usual names."""
    if not isinstance(row, Mapping):
        return row
    asked = next((row[key] for key in _QUESTIONS if row.get(key) is not None), None)
    answer = next((row[key] for key in _ANSWERS if row.get(key) is not None), None)
    return row if asked is None and answer is None else {"messages": _turns(row, asked, answer)}


def _turns(row: Mapping[str, Any], asked: Any, answer: Any) -> list[dict[str, Any]]:
    turns = [{"content": asked, "role": "user"}, {"content": answer, "role": "assistant"}]
    system = row.get("system")
    if isinstance(system, str) and system.strip():
        turns.insert(0, {"content": system, "role": "system"})
    return turns


Adapter = Callable[[Any], Any]
SHAPES: dict[str, Adapter] = {"messages": _chat, "sharegpt": _sharegpt, "alpaca": _alpaca, "pair": _pair}
"""Shape → what makes ``{"messages": …}`` of a row in it."""


def adapter(shape: str) -> Adapter:
    """Raises :class:`DataError` for a shape there is none for."""
    if shape not in SHAPES:
        raise DataError(f"there is no shape {shape!r}: it is one of {', '.join((AUTO, *SHAPES))}")
    return SHAPES[shape]


def detect(rows: Iterable[Any]) -> str:
    """The shape that most of ``rows`` are in; ``messages``, and so a clear complaint, where none is known."""
    votes: dict[str, int] = {}
    for row in rows:
        if (shape := _shape(row)) is not None:
            votes[shape] = votes.get(shape, 0) + 1
    return max(votes, key=lambda shape: votes[shape]) if votes else "messages"


def _shape(row: Any) -> str | None:
    if not isinstance(row, Mapping):
        return None
    keys = {key for key, value in row.items() if value is not None}
    if "messages" in keys:
        return "messages"
    if "conversations" in keys:
        return "sharegpt"
    if {"instruction", "output"} <= keys:
        return "alpaca"
    return "pair" if keys & set(_QUESTIONS) and keys & set(_ANSWERS) else None
