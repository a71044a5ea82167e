"""Mending rows that break a rule: only the repairs that are asked for by name, always in the order given here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from data_prep.errors import DataError
from data_prep.row.chat import role_of
from data_prep.row.names import is_empty
from data_prep.row.rules import CONTROL, MARK, TOOL, apart

Messages = list[dict[str, Any]]

_ENDS = re.compile(r"[\x0b\x0c\x85]+")


def _role_names(messages: Messages) -> Messages:
    """human, gpt, bot and their like, in any case, become user and assistant; reading a row does so already."""
    return [{**message, "role": role_of(message.get("role"))} for message in messages]


def _control(messages: Messages) -> Messages:
    """Control characters, and halves of surrogate pairs, are removed; those that end a line or a page end a line."""
    return [
        {**message, "content": _clean(message["content"])} if isinstance(message.get("content"), str) else message
        for message in messages
    ]


def _clean(text: str) -> str:
    return CONTROL.sub("", _ENDS.sub(_ended, text)).encode(errors="ignore").decode()


def _ended(match: re.Match[str]) -> str:
    """A line feed in place of a vertical tab, a form feed or NEL; none where one stands there already."""
    text = match.string
    beside = (text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1])
    return "" if "\n" in beside else "\n"


def _marks(messages: Messages, tools: bool = False) -> Messages:
    """Marks of the chat template are removed from the texts, until none is left; those of tools and calls stay where
    they belong."""
    return [
        {**message, "content": _unmarked(message["content"], message.get("role") if tools else None)}
        if isinstance(message.get("content"), str)
        else message
        for message in messages
    ]


def _unmarked(text: str, role: Any) -> str:
    said, called = apart(text, role)
    if called:  # with the marks around it
        return _unmarked(said, None) + text[len(said) :]
    while (without := MARK.sub("", text)) != text:
        text = without
    return text


def _drop_empty(messages: Messages) -> Messages:
    """Messages without anything but an empty text are left out."""
    return [message for message in messages if not (_bare(message) and is_empty(message.get("content")))]


def _bare(message: Mapping[str, Any]) -> bool:
    """Whether a message holds a role and a text, and nothing that would go with it."""
    return not message.keys() - {"role", "content"} and message.get("role") != TOOL


def _merge_roles(messages: Messages) -> Messages:
    """Neighbours of one role become one message, a blank line between their texts."""
    merged: Messages = []
    for message in messages:
        last = merged[-1] if merged else None
        texts = isinstance(message.get("content"), str) and last is not None and isinstance(last.get("content"), str)
        alone = last is not None and _bare(message) and _bare(last)
        if last is not None and texts and alone and message.get("role") == last.get("role"):
            merged[-1] = {**last, "content": f"{last['content']}\n\n{message['content']}"}
        else:
            merged.append(message)
    return merged


def _drop_lead(messages: Messages) -> Messages:
    """Answers before the first question are left out."""
    start = 1 if messages and messages[0].get("role") == "system" else 0
    at = start
    while at < len(messages) and messages[at].get("role") == "assistant":
        at += 1
    return messages[:start] + messages[at:]


def _drop_tail(messages: Messages) -> Messages:
    """Questions after the last answer are left out."""
    end = len(messages)
    while end and messages[end - 1].get("role") == "user":
        end -= 1
    return messages[:end]


def _drop_unlearnt(messages: Messages) -> Messages:
    """A conversation ends before the first answer of weight 0, so that none such is learnt."""
    for at, message in enumerate(messages):
        if message.get("role") == "assistant" and message.get("weight") in (0, "0"):
            return _drop_tail(messages[:at])
    return messages


def _drop_results(messages: Messages) -> Messages:
    """A conversation ends before the first answer of a tool, with the call that asked for it."""
    ends = (at for at, message in enumerate(messages) if message.get("role") == TOOL)
    at = next(ends, None)
    return messages if at is None else _drop_tail(messages[:at])


REPAIRS: dict[str, Callable[[Messages], Messages]] = {
    "role-names": _role_names,
    "control": _control,
    "marks": _marks,
    "drop-unlearnt": _drop_unlearnt,
    "drop-results": _drop_results,
    "drop-empty": _drop_empty,
    "merge-roles": _merge_roles,
    "drop-lead": _drop_lead,
    "drop-tail": _drop_tail,
}
"""Name → repair, in the order in which they are applied."""
DEFAULT = tuple(name for name in REPAIRS if name not in ("marks", "drop-unlearnt", "drop-results"))
"""What is tried unless the settings name others: a mark may be an attempt to make the model say something, and what
comes after an answer of weight 0, or of a tool, may be the better part of a conversation."""


def chosen(names: Iterable[str]) -> tuple[str, ...]:
    """``names`` in the order of :data:`REPAIRS`. Raises :class:`DataError` for an unknown one."""
    wanted = set(names)
    if unknown := sorted(wanted - set(REPAIRS)):
        raise DataError(f"there is no repair {', '.join(unknown)}: they are {', '.join(REPAIRS)}")
    return tuple(name for name in REPAIRS if name in wanted)


def repaired(row: Any, names: Iterable[str], tools: bool = False) -> tuple[Any, list[str]]:
    """``row`` after the repairs, and the names of those that changed something; ``tools`` as in
    :func:`~data_prep.row.rules.problems`."""
    if not isinstance(row, Mapping) or not isinstance(row.get("messages"), list):
        return row, []
    messages = row["messages"]
    if not all(isinstance(message, dict) for message in messages):
        return row, []
    changed = []
    for name in names:
        after = _marks(messages, tools) if name == "marks" else REPAIRS[name](messages)
        if after != messages:
            changed.append(name)
            messages = after
    if not changed:
        return row, []
    # Of a row that is not what it was, the id is no longer true.
    return {"messages": messages}, changed
