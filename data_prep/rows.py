"""What a row must be, and what is written of it.

The schema is ultrachat_200k's: ``{"prompt": str, "prompt_id": str, "messages": [{"content": str, "role":
str}, …]}``. Only ``messages`` is required of a source; it is what the fine-tune component reads.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Problem:
    """A rule that a row breaks: the field (``messages[1].role``) and the rule in words."""

    field: str
    rule: str


def problems(row: Any) -> list[Problem]:
    """The rules ``row`` breaks, in reading order; empty for a good row.

    The order of the roles is looked at only where every message is sound by itself.
    """
    if not isinstance(row, Mapping):
        return [Problem("row", f"must be an object with the key messages, is {_kind(row)}")]
    messages = row.get("messages")
    if messages is None:
        keys = ", ".join(sorted(str(key) for key, value in row.items() if value is not None)) or "nothing"
        return [Problem("messages", f"is missing (the row has: {keys})")]
    if not isinstance(messages, list):
        return [Problem("messages", f"must be a list of {{role, content}}, is {_kind(messages)}")]
    if not messages:
        return [Problem("messages", "must hold at least one user and one assistant message, is empty")]
    found: list[Problem] = []
    for at, message in enumerate(messages):
        found.extend(_message(f"messages[{at}]", message))
    return found or list(_order([message["role"] for message in messages]))


def _message(field: str, message: Any) -> Iterator[Problem]:
    if not isinstance(message, Mapping):
        yield Problem(field, f"must be an object with role and content, is {_kind(message)}")
        return
    role, content = message.get("role"), message.get("content")
    if role is None:
        yield Problem(f"{field}.role", "is missing")
    elif role not in ROLES:
        yield Problem(f"{field}.role", f"must be one of {', '.join(ROLES)}, is {_shown(role)}")
    if content is None:
        yield Problem(f"{field}.content", "is missing")
    elif not isinstance(content, str):
        yield Problem(f"{field}.content", f"must be text, is {_kind(content)}")
    elif not content.strip():
        yield Problem(f"{field}.content", "must not be empty")


def _order(roles: list[str]) -> Iterator[Problem]:
    """At most one problem: everything after the first role out of order would only repeat it."""
    start = 1 if roles[0] == "system" else 0
    for at in range(start, len(roles)):
        expected = ("user", "assistant")[(at - start) % 2]
        if roles[at] != expected:
            rule = "only the first message may be system; then user and assistant take turns, user first"
            yield Problem(f"messages[{at}].role", f"must be {expected} here, is {roles[at]} ({rule})")
            return
    if roles[-1] != "assistant":
        yield Problem(f"messages[{len(roles) - 1}].role", f"must be assistant, as the last message, is {roles[-1]}")


def record(row: Mapping[str, Any]) -> dict[str, Any]:
    """What is written of a good row: prompt, prompt_id and messages, other keys left out.

    A source without ``prompt`` and ``prompt_id`` gets them as ultrachat_200k makes them: the first question
    and the SHA-256 of it.
    """
    messages = [{"content": message["content"], "role": message["role"]} for message in row["messages"]]
    prompt = row.get("prompt")
    if not (isinstance(prompt, str) and prompt):
        prompt = question(row)
    prompt_id = row.get("prompt_id")
    if not (isinstance(prompt_id, str) and prompt_id):
        prompt_id = hashlib.sha256(prompt.encode()).hexdigest()
    return {"prompt": prompt, "prompt_id": prompt_id, "messages": messages}


def question(row: Mapping[str, Any]) -> str:
    """The first user message of a good row."""
    return next(str(message["content"]) for message in row["messages"] if message["role"] == "user")


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "an object"
    names: dict[type, str] = {type(None): "null", bool: "a boolean", int: "a number", float: "a number"}
    return (names | {str: "text", list: "a list"}).get(type(value), type(value).__name__)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "…"
