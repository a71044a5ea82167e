"""The names of columns and of a message's keys: which part of a conversation each stands for, and which say nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from data_prep.row.rules import PICTURES

PARTS: dict[str, tuple[str, ...]] = {
    "messages": (
        *("messages", "conversations", "conversation", "dialog", "dialogue", "dialogs", "chat", "chats", "turns"),
        *("items", "utterances", "contents"),
    ),
    "system": ("system", "system_prompt", "system_message", "sys_prompt", "system_instruction"),
    "context": ("context", "contexts", "passage", "document", "documents", "background"),
    "question": ("prompt", "question", "query", "input", "inputs", "instruction"),
    "answer": (
        *("completion", "response", "answer", "output", "target", "targets", "outputs", "answers"),
        *("chosen", "preferred_output"),
    ),
    "history": ("history",),
    "weight": ("weight", "loss_weight", "sample_weight"),
    "label": ("label",),
    "rejected": ("rejected", "non_preferred_output", "rejected_response"),
    "tools": ("tools", "functions", "tool_calls", "function_call", "tool_choice", "tool_call_id"),
    "text": ("text",),
}
"""Part of a conversation → the names that columns of it have, in the order in which they are looked for."""

MEANING = {
    "system": "says how the model is to answer",
    "context": "is what the answer rests on",
    "question": "is what the model is asked",
    "answer": "is what the model is to say",
    "history": "is what was said before",
    "weight": "says what is not to be learnt",
    "label": "says whether the answer is a good one",
    "tools": "is what the model may call, or has called",
    "picture": "is no text",
}
"""Part → why a row means something else without it."""

_HARMLESS = frozenset(
    (
        *("id", "ids", "uid", "uuid", "guid", "idx", "index", "no", "number", "key", "hash", "sha", "sha256", "md5"),
        *("date", "time", "timestamp", "ts", "created", "updated", "modified", "day", "month", "year", "version"),
        *("url", "uri", "link", "href", "source", "sources", "origin", "dataset", "split", "file", "filename", "path"),
        *("license", "licence", "language", "lang", "locale", "model", "model_name", "category", "topic", "domain"),
        *("count", "tokens", "length", "turn", "parallel_tool_calls", "cache_control", "unnamed"),
        *("answer_start", "openai_moderation", "detoxify_moderation", "state", "country", "header", "hashed_ip"),
        *("tree_state", "synthetic", "user_name", "username", "thread", "channel"),
    )
)
_HARMLESS_FORM = re.compile(
    r".*_(?:id|ids|uuid|at|on|date|time|timestamp|url|uri|link|hash|count|index|idx|tokens|length|lang|language|identifier"
    r"|name|version)|(?:num|n|nb|is_first|len)_.*|index_level_\d+|unnamed:?_?\d*"
)


@lru_cache(4096)
def snake(name: str) -> str:
    """``system_prompt`` of `System prompt`, `system-prompt` and `systemPrompt`: names are compared in this form."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip("\ufeff \t\r\n"))
    return re.sub(r"[\s_-]+", "_", parted).strip("_").casefold() or name


_PART_OF = {name: part for part, names in PARTS.items() for name in names} | dict.fromkeys(PICTURES, "picture")


def part_of(name: str) -> str | None:
    """The part of a conversation that a column of this name holds; None where the name says nothing of it."""
    return _PART_OF.get(snake(name))


def harmless(name: str) -> bool:
    """Whether a column of this name changes nothing of what a row means: ids, dates, addresses, counts, where from."""
    form = snake(name)
    return form not in _PART_OF and (form in _HARMLESS or _HARMLESS_FORM.fullmatch(form) is not None)


def is_empty(value: Any) -> bool:
    """Whether a column has nothing in a row: null, blank text, an empty list, or an object of nothing else."""
    if value is None or value != value:  # NaN, as data frames write what is not there
        return True
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, Mapping):
        return all(is_empty(each) for each in value.values())
    return isinstance(value, list | tuple) and not value
