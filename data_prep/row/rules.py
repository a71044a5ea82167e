"""What a row must be, and what is written of it.

The schema is ultrachat_200k's: ``{"prompt": str, "prompt_id": str, "messages": [{"content": str, "role":
str}, …]}``. Only ``messages`` is required of a source; it is what the fine-tune component reads.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from data_prep.row.prefilter import Prefilter

ROLES = ("system", "user", "assistant")
TOOL = "tool"
CALLS = ("tool_calls", "function_call", "tools", "functions")
TOOL_MARKS, CALL_MARKS = ("<|tool|>", "<|/tool|>"), ("<|tool_call|>", "<|/tool_call|>")
"""Marks around the tools of a system message and around the calls of an answer, in Phi-4-mini's tokenizer."""
PICTURES = ("image", "images", "picture", "pictures", "audio", "audios", "video", "videos")
LEAST_ROWS = 10
"""The fine-tune component refuses fewer to train on."""
MAX_TURNS = 1000
MAX_BYTES = 8 * 2**20
"""A row beyond either is no conversation but a file that was read wrongly: the longest context that a Phi
model has, 131,072 tokens, is some 500 kB of text."""

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Control characters other than tab, line feed and carriage return."""

MARK = re.compile(
    r"<\|(?:system|user|assistant|end|endoftext|endofprompt|im_start|im_sep|im_end|/?tool(?:_call|_response)?)\|>"
)
"""Marks of the chat templates of Phi-3 and Phi-4. In a text they are none of its words to the component's tokenizer: a
turn ends there, and after `<|assistant|>` the model learns to say what the user wrote."""

_UNSOUND = Prefilter((rb"\\u00", rb"\\[bf]", rb"\x7f", rb"\xc2[\x80-\x9f]", rb"<\|/?[a-z_]+\|>"))
"""How a line of JSON holds control characters (escaped by orjson, DEL as it is, and U+0080 to U+009F as UTF-8), and
what a mark looks like."""

_LEARNT_TOO = (
    "is what a tool answered, which the fine-tune component would have the model say, and all questions after it: it "
    "takes a message of a tool for a part of the answer"
)
_BLOCKS = {
    role: re.compile(rf"{re.escape(start)}(.*){re.escape(end)}\Z", re.DOTALL)
    for role, (start, end) in (("system", TOOL_MARKS), ("assistant", CALL_MARKS))
}
_NAMES = {"\x00": "NUL", "\x08": "backspace", "\x0c": "form feed", "\x1b": "escape", "\x7f": "delete"}
_ROLE_SET = frozenset(ROLES)


@dataclass(frozen=True)
class Problem:
    """A rule that a row breaks: the field (``messages[1].role``), the rule in words, and its short name."""

    field: str
    rule: str
    code: str = ""


def problems(row: Any, tools: bool = False) -> list[Problem]:
    """The rules ``row`` breaks, in reading order; empty for a good row. With ``tools`` the base model's template knows
    them (:mod:`data_prep.row.calls`), and their marks may stand where they belong.

    The order of the roles is looked at only where every message is sound by itself.
    """
    if not isinstance(row, Mapping):
        return [Problem("row", f"must be an object with the key messages, is {kind(row)}", "row-type")]
    messages = row.get("messages")
    if messages is None:
        keys = ", ".join(sorted(str(key) for key, value in row.items() if value is not None)) or "nothing"
        return [Problem("messages", f"is missing (the row has: {shown(keys, 80)})", "messages-missing")]
    if not isinstance(messages, list):
        return [Problem("messages", f"must be a list of {{role, content}}, is {kind(messages)}", "messages-type")]
    if not messages:
        rule = "must hold at least one user and one assistant message, is empty"
        return [Problem("messages", rule, "messages-empty")]
    if len(messages) > MAX_TURNS:
        return [Problem("messages", f"must be at most {MAX_TURNS} messages, are {len(messages)}", "too-many-turns")]
    found: list[Problem] = []
    for at, message in enumerate(messages):
        found.extend(_message(f"messages[{at}]", message, tools))
    found.extend(_extras(row))
    return found or [*_order([message["role"] for message in messages]), *_size(messages)]


def _message(field: str, message: Any, tools: bool) -> Iterator[Problem]:
    if not isinstance(message, Mapping):
        yield Problem(field, f"must be an object with role and content, is {kind(message)}", "message-type")
        return
    role, content = message.get("role"), message.get("content")
    beside = list(_beside(field, message)) if len(message) > 2 or role == TOOL else []
    yield from beside
    if beside and (content is None or role == TOOL):
        return
    if role is None:
        yield Problem(f"{field}.role", "is missing", "role-missing")
    elif not isinstance(role, str) or role not in _ROLE_SET:
        yield Problem(f"{field}.role", f"must be one of {', '.join(ROLES)}, is {shown(_shown(role))}", "role-unknown")
    if content is None:
        yield Problem(f"{field}.content", "is missing", "content-missing")
    elif not isinstance(content, str):
        yield Problem(f"{field}.content", f"must be text, is {kind(content)}", "content-type")
    elif not content.strip():
        yield Problem(f"{field}.content", "must not be empty", "content-empty")
    else:
        said, called = apart(content, role) if tools else (content, "")
        yield from _text(f"{field}.content", content, said + called)


def apart(text: str, role: Any) -> tuple[str, str]:
    """A text, and the JSON between marks that it ends with: tools in that of the system, calls in an answer."""
    pattern = _BLOCKS.get(role) if isinstance(role, str) else None
    found = pattern.search(text) if pattern and text.endswith("|>") else None
    if found is None:
        return text, ""
    try:
        orjson.loads(found[1])
    except ValueError:
        return text, ""
    return text[: found.start()], found[1]


def _beside(field: str, message: Mapping[str, Any]) -> Iterator[Problem]:
    """What a message holds besides, and what it would mean something else without."""
    if message.get("role") == TOOL:
        yield Problem(f"{field}.role", _LEARNT_TOO, "tool-result")
    for key, value in message.items():
        if key in ("role", "content") or value is None or value == []:
            continue
        if key in CALLS:
            yield Problem(f"{field}.{key}", "is a call of a tool, or tells of tools, and would not be learnt", "tools")
        elif key in PICTURES:
            yield Problem(f"{field}.{key}", "is no text, and the model learns from texts alone", "picture")
        elif key == "weight" and message.get("role") == "assistant" and value != 1:
            rule = "marks an answer that is not to be learnt, and the fine-tune component learns every answer"
            rest = f"must be 0 or 1, is {shown(str(value))}"
            yield Problem(f"{field}.weight", rule if value in (0, "0") else rest, "weight")


def _shown(role: Any) -> str:
    return repr(role) if isinstance(role, str) else kind(role)


def _text(field: str, text: str, said: str | None = None) -> Iterator[Problem]:
    """What JSON lets through and a tokenizer should not see; ``said`` is the text without marks that belong there."""
    if match := CONTROL.search(text):
        name = _NAMES.get(match[0], f"U+{ord(match[0]):04X}")
        yield Problem(field, f"must hold no control characters, has {name} at character {match.start() + 1}", "control")
    if match := MARK.search(text if said is None else said):
        rule = f"must hold no marks of the chat template, has {match[0]} at character {match.start() + 1}"
        yield Problem(field, rule, "mark")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        rule = f"has half of a surrogate pair at character {error.start + 1}, which UTF-8 cannot hold"
        yield Problem(field, rule, "surrogate")


def _extras(row: Mapping[str, Any]) -> Iterator[Problem]:
    for key in ("prompt", "prompt_id"):
        if isinstance(row.get(key), str):
            yield from _text(key, row[key])


def _order(roles: list[str]) -> Iterator[Problem]:
    """At most one problem: everything after the first role out of order would only repeat it."""
    start = 1 if roles[0] == "system" else 0
    for at in range(start, len(roles)):
        expected = ("user", "assistant")[(at - start) % 2]
        if roles[at] != expected:
            rule = "only the first message may be system; then user and assistant take turns, user first"
            yield Problem(f"messages[{at}].role", f"must be {expected} here, is {roles[at]} ({rule})", "order")
            return
    if roles[-1] != "assistant":
        rule = f"must be assistant, as the last message, is {roles[-1]}"
        yield Problem(f"messages[{len(roles) - 1}].role", rule, "last")


def _size(messages: list[Any]) -> Iterator[Problem]:
    size = sum(len(message["content"].encode()) for message in messages)
    if size > MAX_BYTES:
        rule = f"must be at most {MAX_BYTES // 2**20} MB of text, are {size / 2**20:.1f} MB"
        yield Problem("messages", rule, "too-large")


def in_order(row: Any) -> bool:
    """Whether types, roles, their order and non-empty texts are right; text itself is not looked into.

    The quick way through :func:`problems` for the rows that are good, which are nearly all.
    """
    try:
        messages = row["messages"]
        if messages.__class__ is not list or not 2 <= len(messages) <= MAX_TURNS:
            return False
        expected, following = "user", "assistant"
        for at, message in enumerate(messages):
            content = message["content"]
            if content.__class__ is not str or not content or content.isspace():
                return False
            if message["role"] == expected:
                expected, following = following, expected
            elif at or message["role"] != "system":
                return False
    except (KeyError, TypeError, IndexError):
        return False
    return expected == "user"


def is_bare(row: Mapping[str, Any]) -> bool:
    """Whether the messages of a row :func:`in_order` hold a role and a text each, and nothing beside."""
    messages = row["messages"]
    return sum(map(len, messages)) == 2 * len(messages)


def sound(line: bytes) -> bool:
    """Whether a row in :func:`in_order`, written as ``line`` by orjson, breaks no rule about its text either.

    False also for some rows that break none (a backslash before a b, say): :func:`problems` decides about those.
    """
    return len(line) <= MAX_BYTES and not _UNSOUND.matches(line)


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
    first, second = row["messages"][:2]
    return str((second if first["role"] == "system" else first)["content"])


def kind(value: Any) -> str:
    """What a value is, in JSON's words."""
    if isinstance(value, Mapping):
        return "an object"
    names: dict[type, str] = {type(None): "null", bool: "a boolean", int: "a number", float: "a number"}
    return (names | {str: "text", list: "a list"}).get(type(value), type(value).__name__)


def shown(text: str, most: int = 40) -> str:
    """``text``, cut to ``most`` characters, and without what a terminal would act on."""
    clean = CONTROL.sub("?", text)
    return clean if len(clean) <= most else clean[: most - 1] + "…"
