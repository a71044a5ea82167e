"""The shapes people keep conversations in, and the way from each to ``messages``.

A shape changes only what it recognises; a row of another shape is handed on as it is, and the row checks
then say what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from data_prep.row import trees
from data_prep.row.chat import chat, is_chat, joined, unpacked
from data_prep.row.fields import Fields
from data_prep.row.names import PARTS, harmless, is_empty, snake
from data_prep.row.templates import opened, untemplated

AUTO = "auto"

Messages = list[Any]


def _listed(fields: Fields, keys: list[Any]) -> Messages | None:
    """The messages of the first of some columns that is a list of them."""
    for key in keys:
        if key is not None and is_chat(found := unpacked(fields.row[key])):
            fields.use(key)
            return _chat(found, fields)
    return None


def _chat(found: list[Any], fields: Fields) -> Messages:
    return chat(found, fields.ignore, fields.more.append)


def _role(message: Any) -> Any:
    return message.get("role") if isinstance(message, Mapping) else None


def _first(messages: Messages, role: str) -> Any:
    """What the first message of a role says."""
    return next((message.get("content") for message in messages if _role(message) == role), None)


def _messages(fields: Fields) -> Messages | None:
    """ultrachat and OpenAI: a list of role and content under ``messages``, or the column that the settings name."""
    return _with_system(_listed(fields, [fields.mapped("messages"), fields.named("messages")]), fields)


def _sharegpt(fields: Fields) -> Messages | None:
    """ShareGPT, LMSYS, WildChat: ``conversations`` and its like, of ``from`` and ``value`` or of role and content."""
    return _with_system(_listed(fields, [fields.named(name) for name in PARTS["messages"]]), fields)


def _with_system(messages: Messages | None, fields: Fields) -> Messages | None:
    """A system prompt beside the messages is the first of them; where they begin with another one, it is left over."""
    key = fields.key("system")
    if not messages or key is None:
        return messages
    if _role(messages[0]) != "system":
        return [{"content": joined(fields.use(key)), "role": "system"}, *messages]
    if messages[0].get("content") == fields.row[key]:
        fields.use(key)
    return messages


def _alpaca(fields: Fields) -> Messages | None:
    """alpaca, dolly: ``instruction``, with ``input`` or ``context``, and the answer; earlier turns in ``history``."""
    instruction = fields.named("instruction")
    if instruction is None or not fields.has("answer"):
        return None
    asked = fields.use(instruction)
    key = fields.mapped("answer") or fields.named("output", "response") or fields.key("answer")
    return _turns(fields, [asked, fields.use(fields.named("input")), fields.take("context")], _answer(fields, key))


def _pair(fields: Fields) -> Messages | None:
    """One question and one answer, under any of the usual names; either may be a list of messages."""
    key, answer_key = fields.key("question"), fields.key("answer")
    if key is None and answer_key is None:
        return None
    asked, answer = unpacked(fields.use(key)), _answer(fields, answer_key)
    if is_chat(asked) or is_chat(answer):
        before = _chat(asked, fields) if is_chat(asked) else [{"content": asked, "role": "user"}]
        after = _chat(answer, fields) if is_chat(answer) else [{"content": answer, "role": "assistant"}]
        return _with_system([*_history(fields), *before, *after], fields)
    if isinstance(asked, str) and isinstance(answer, str) and (said := opened(asked, answer)) is not None:
        return _with_system([*_history(fields), *said], fields)
    extra = None if snake(str(key)) in ("input", "inputs") else fields.use(fields.named("input"))
    return _turns(fields, [asked, extra, fields.take("context")], answer)


def _whole_pair(fields: Fields) -> Messages | None:
    return _pair(fields) if fields.has("question") and fields.has("answer") else None


def _answer(fields: Fields, key: Any) -> Any:
    """The answer; of several that are right (SQuAD's), the first, and the others are told of."""
    answer = unpacked(fields.use(key))
    if isinstance(answer, Mapping) and isinstance(answer.get("text"), list):
        answer = answer["text"]
    if isinstance(answer, list) and answer and all(isinstance(each, str) for each in answer):
        if len(set(answer)) > 1:
            fields.more.append(f"{key} (all but the first)")
        return answer[0]
    return answer


def _turns(fields: Fields, asked: list[Any], answer: Any) -> Messages:
    texts = [asked[0], *(_text_of(text) for text in asked[1:] if not is_empty(text))]
    whole = "\n\n".join(texts) if all(isinstance(text, str) for text in texts) else texts
    said = [{"content": texts[0] if len(texts) == 1 else whole, "role": "user"}]
    said.append({"content": answer, "role": "assistant"})
    return _with_system([*_history(fields), *said], fields) or []


def _text_of(context: Any) -> Any:
    """A context of several passages as one text."""
    found = unpacked(context)
    return "\n\n".join(found) if isinstance(found, list) and all(isinstance(each, str) for each in found) else context


def _history(fields: Fields) -> Messages:
    """Earlier turns: messages, or pairs of question and answer."""
    key = fields.key("history")
    history = None if key is None else unpacked(fields.row[key])
    if isinstance(history, list) and is_chat(history):
        fields.use(key)
        return _chat(history, fields)
    if isinstance(history, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in history):
        fields.use(key)
        roles = ("user", "assistant")
        return [{"content": text, "role": role} for pair in history for role, text in zip(roles, pair, strict=True)]
    return []


def _preference(fields: Fields) -> Messages | None:
    """Of a better and a worse answer the better one; it may be the whole conversation, or follow ``prompt``."""
    key = fields.named("chosen", "preferred_output")
    if key is None:
        return None
    good: Any = unpacked(fields.row[key])
    if isinstance(good, str) and not fields.has("question"):
        good = untemplated(good)
        if good is None:
            return None
    fields.use(key)
    if is_chat(good):
        good = _chat(good, fields)
    if (worse := fields.key("rejected")) is not None:
        fields.use(worse)
        fields.more.append(str(worse))
    return _with_system(_after_prompt(good, fields), fields)


def _after_prompt(good: Any, fields: Fields) -> Messages | None:
    whole = isinstance(good, list)
    if not fields.has("question"):
        return good if whole else None
    asked = unpacked(fields.value("question"))
    if isinstance(asked, Mapping) and is_chat(asked.get("messages")):  # OpenAI's
        if not is_empty(asked.get("tools")):
            return None
        fields.more += [str(name) for name, value in asked.items() if name != "messages" and not harmless(str(name))]
        asked = asked["messages"]
    before = _chat(asked, fields) if is_chat(asked) else [{"content": asked, "role": "user"}]
    if not whole:
        after = [{"content": good, "role": "assistant"}]
    elif _role(good[0]) == "assistant":
        after = good
    else:
        if _first(good, "user") == _first(before, "user"):
            fields.take("question")
        return list(good)
    fields.take("question")
    return [*_history(fields), *before, *after]


def _strings(fields: Fields) -> Messages | None:
    """UltraChat's first form: a list of texts, a question first, then in turns."""
    for name in ("data", *PARTS["messages"]):
        key = fields.named(name)
        said = None if key is None else unpacked(fields.row[key])
        if isinstance(said, list) and len(said) > 1 and all(isinstance(each, str) for each in said):
            fields.use(key)
            messages = [{"content": text, "role": ("user", "assistant")[at % 2]} for at, text in enumerate(said)]
            return _with_system(messages, fields)
    return None


def _tree(fields: Fields) -> Messages | None:
    """OASST: a prompt with replies that have replies; of several the best by rank, to the last answer."""
    key = fields.named("prompt")
    node = None if key is None else unpacked(fields.row[key])
    if not isinstance(node, Mapping) or "replies" not in node:
        return None
    fields.use(key)
    messages = _chat(trees.best(node, fields), fields)
    while len(messages) > 1 and _role(messages[-1]) == "user":
        messages.pop()
    return _with_system(messages, fields)


def _text(fields: Fields) -> Messages | None:
    """A chat template has been applied: it is taken off."""
    keys = [fields.key("text"), *(fields.named(name) for name in PARTS["messages"]), fields.named("chosen")]
    for key in keys:
        text = fields.row[key] if key is not None else None
        if isinstance(text, str) and (messages := untemplated(text)) is not None:
            fields.use(key)
            return _with_system(messages, fields)
    return None


@dataclass(frozen=True)
class Shape:
    """``read`` makes messages of a row in the shape, and None of another."""

    name: str
    read: Callable[[Fields], Messages | None]


_FIRST, _LAST = ("messages", "sharegpt", "tree", "preference", "alpaca"), ("turns", "text", "pair")

SHAPES: dict[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape("messages", _messages),
        Shape("sharegpt", _sharegpt),
        Shape("alpaca", _alpaca),
        Shape("pair", _pair),
        Shape("preference", _preference),
        Shape("tree", _tree),
        Shape("turns", _strings),
        Shape("text", _text),
    )
}

IN_ORDER = (*(SHAPES[name] for name in _FIRST), Shape("pair", _whole_pair), *(SHAPES[name] for name in _LAST))
"""The order in which they are tried on a row, unless the settings name one: half of a pair comes last."""
