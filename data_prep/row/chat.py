"""A list of messages in any of its forms, as ``[{content, role}]``; what else a message holds is told, not dropped."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from data_prep.row.names import harmless, is_empty, snake
from data_prep.row.rules import CALLS, PICTURES, TOOL

SPEAKERS = {
    **dict.fromkeys(("user", "human", "prompter", "customer", "instruction", "question"), "user"),
    **dict.fromkeys(
        ("assistant", "gpt", "chatgpt", "bot", "chatbot", "model", "ai", "bard", "bing", "claude", "llm", "answer"),
        "assistant",
    ),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "function", "observation", "ipython", "function_call", "tool_call"), TOOL),
}
"""Who speaks, in small letters → role. A message of a tool has no place in a row, and is refused as that."""

WEIGHTS = ("weight", "loss_weight", "loss", "train", "training")
_LEARNT = (1, "1", "1.0", "true", "True")
_ROLES = ("role", "from", "speaker", "sender", "author")
_CONTENTS = ("content", "value", "text", "utterance", "message", "parts")
_TEXTS = ("text", "input_text", "output_text")
_MOST = 2**23  # characters of a cell that is read as JSON or as a Python literal


def unpacked(value: Any) -> Any:
    """What a cell holds as text (JSON, or what Python prints of a list), and a list of messages in Arrow's forms."""
    if isinstance(value, str):
        value = _literal(value)
    if isinstance(value, Mapping) and _key(value, _ROLES) and all(isinstance(each, list) for each in value.values()):
        columns = list(value.values())  # a struct of lists, as `datasets` writes a Sequence
        if len({len(each) for each in columns}) == 1:
            return [dict(zip(value, row, strict=True)) for row in zip(*columns, strict=True)]
    if isinstance(value, list) and value and all(_is_map(each) for each in value):
        return [dict(each) for each in value]  # Arrow's maps
    return value


def _is_map(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(p, tuple) and len(p) == 2 for p in value)


def _literal(text: str) -> Any:
    head = text.lstrip()[:1]
    if head not in ("[", "{") or len(text) > _MOST:
        return text
    try:
        return orjson.loads(text)
    except ValueError:
        pass
    try:
        found = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text
    return found if isinstance(found, list | dict) else text


def is_chat(value: Any) -> bool:
    """Whether a value is a list of messages, whatever they are called in it."""
    if not isinstance(value, list) or not value:
        return False
    return any(isinstance(each, Mapping) and _key(each, _ROLES) is not None for each in value)


def chat(value: list[Any], ignore: frozenset[str], tell: Callable[[str], None]) -> list[Any]:
    """The messages of a list; ``tell`` hears the key of each that nothing is made of."""
    return [_message(each, ignore, tell) for each in value]


def _message(said: Any, ignore: frozenset[str], tell: Callable[[str], None]) -> Any:
    if not isinstance(said, Mapping):
        return said
    role, content = _key(said, _ROLES), _key(said, _CONTENTS)
    made: dict[str, Any] = {}
    weight: Any = 1
    if content is not None:
        made["content"] = joined(said[content])
    if role is not None:
        made["role"] = role_of(said[role])
    for key, value in said.items():
        if key in (role, content) or is_empty(value):
            continue
        name = snake(str(key))
        if name in ignore:
            continue
        if name in WEIGHTS:
            weight = value
        elif name in CALLS or name in PICTURES:
            made[name] = value
        elif not harmless(name) and name not in ("role", "tool_call_id", "prefix"):
            tell(str(key))
    if weight not in _LEARNT and made.get("role") == "assistant":
        made["weight"] = weight
    return made


def _key(said: Mapping[Any, Any], names: tuple[str, ...]) -> Any:
    """The key of a message that has one of these names; the first that holds something."""
    if names[0] in said and said[names[0]] is not None:
        return names[0]
    found = {snake(str(key)): key for key in reversed(list(said))}
    present = [found[name] for name in names if name in found]
    return next((key for key in present if said[key] is not None), present[0] if present else None)


def role_of(speaker: Any) -> Any:
    """The role of who speaks, whatever the case; as it is where nobody is known by that name."""
    return SPEAKERS.get(speaker.strip().casefold(), speaker) if isinstance(speaker, str) else speaker


def joined(content: Any) -> Any:
    """Text parts as one text; a list with a part of another type (a picture) stays as it is, and is refused later.

    Two words are not made one: where no blank is between two parts, a line ends there.
    """
    if isinstance(content, Mapping) and isinstance(content.get("parts"), list):  # Gemini's system instruction
        content = content["parts"]
    if not isinstance(content, list) or not content:
        return content
    texts: list[str] = []
    for part in content:
        text = part.get("text") if isinstance(part, Mapping) and part.get("type", "text") in _TEXTS else part
        if not isinstance(text, str):
            return content
        apart = not texts or not texts[-1] or not text or texts[-1][-1].isspace() or text[0].isspace()
        texts.append(text if apart else f"\n{text}")
    return "".join(texts)
