"""Tools that a model may call, and its calls of them, as the base model's chat template has them.

Of the models that are known here one family can learn them: Phi-4-mini. Its template writes the text of any message as
it is, and after that of a system message its ``tools`` between two marks; for calls its tokenizer has marks too, and
they are a part of the answer. So both are written into the texts, where whoever asks the model can put them as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from data_prep.row.chat import unpacked
from data_prep.row.fields import Fields
from data_prep.row.names import is_empty
from data_prep.row.rules import CALL_MARKS, CALLS, TOOL, TOOL_MARKS, Problem
from settings.models import model

_OFFERED = ("tools", "functions")
_MADE = ("tool_calls", "function_call")


class _UnclearError(Exception):
    """Tools or a call in a form that has no one meaning; says which field, and what is wrong with it."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(rule)
        self.field, self.rule = field, rule


def learnable(name: str) -> bool:
    """Whether the chat template of a base model knows tools."""
    return model(name).tools


def why_not(name: str) -> str:
    """That a base model's template does not write calls; of one that is not known, that nobody here knows."""
    if not name:
        return "the chat template does not write: it would not be learnt"
    if model(name).template is None:
        return f"nothing is known here to be learnt by {name}: its chat template is not known"
    return f"the chat template of {name} does not write: it would not be learnt"


def written(messages: list[Any], fields: Fields, name: str) -> tuple[list[Any], list[Problem], bool]:
    """``messages`` with the tools that are offered and the calls as the base model ``name`` has them; why they cannot
    be; and whether there are any. Where nothing is offered and nothing called, they stay as they are."""
    key = fields.mapped("tools") or fields.named(*_OFFERED)
    if not learnable(name):
        return messages, list(_unlearnt(messages, name)), False
    if key is None and not any(_holds(message) for message in messages):
        return messages, [], False
    try:
        offered = None if key is None else _tools(fields.use(key), str(key))
        made = [_written(message, f"messages[{at}]") for at, message in enumerate(messages)]
        if offered is not None:
            made = _offering(made, offered, str(key))
    except _UnclearError as error:
        return messages, [Problem(error.field, error.rule, "tools-unclear")], False
    if (choice := fields.named("tool_choice")) is not None and fields.row[choice] == "auto":
        fields.use(choice)
    return made, [], True


def _holds(message: Any) -> bool:
    return isinstance(message, Mapping) and any(not is_empty(message.get(key)) for key in CALLS)


def _unlearnt(messages: list[Any], name: str) -> Iterator[Problem]:
    for at, message in enumerate(messages):
        if not isinstance(message, Mapping):
            continue
        if message.get("role") == TOOL:
            yield Problem(f"messages[{at}].role", f"is that of a tool, which {why_not(name)}", "tools")
        for key in CALLS:
            if not is_empty(message.get(key)):
                rule = f"is a call of a tool, or tells of tools, which {why_not(name)}"
                yield Problem(f"messages[{at}].{key}", rule, "tools")


def _written(message: Any, field: str) -> Any:
    """A message whose calls, or whose tools if it is the system's, are a part of its text."""
    if not _holds(message):
        return message
    rest = {key: value for key, value in message.items() if key not in CALLS}
    for one, other in (_OFFERED, _MADE):
        if not is_empty(message.get(one)) and not is_empty(message.get(other)):
            raise _UnclearError(f"{field}.{other}", f"stands beside {one}: which of them is meant is not known")
    text = message.get("content")
    if text is None:
        text = ""
    learnt = isinstance(text, str)  # anything else is refused by the rules for a message
    for key in CALLS:
        value = message.get(key)
        if is_empty(value):
            continue
        at = f"{field}.{key}"
        if key in _OFFERED and message.get("role") == "system":
            block = _between(TOOL_MARKS, _tools(value, at))
        elif key in _MADE and message.get("role") == "assistant":
            block = _between(CALL_MARKS, _calls(value, at))
        else:
            raise _UnclearError(at, f"is not what a message of {message.get('role')} holds")
        text = text + block if learnt else text
    return {**rest, "content": text}


def _offering(messages: list[Any], offered: list[Any], key: str) -> list[Any]:
    """``messages`` with tools at the end of the system message, which is made where there is none."""
    first = messages[0] if messages else None
    if not isinstance(first, Mapping) or first.get("role") != "system":
        return [{"content": _between(TOOL_MARKS, offered), "role": "system"}, *messages]
    text = first.get("content")
    if isinstance(text, str) and TOOL_MARKS[0] in text:
        if text.endswith(_between(TOOL_MARKS, offered)):
            return messages
        raise _UnclearError(key, "are other tools than those of the system message")
    if text is not None and not isinstance(text, str):
        return messages  # refused by the rules for a message
    return [{**first, "content": (text or "") + _between(TOOL_MARKS, offered)}, *messages[1:]]


def _between(marks: tuple[str, str], listed: list[Any]) -> str:
    return f"{marks[0]}{json.dumps(listed, ensure_ascii=False)}{marks[1]}"


def _tools(value: Any, field: str) -> list[Any]:
    """Tools as the model's card has them: name, description and parameters, without OpenAI's wrapping."""
    found = _listed(value, field)
    tools = [_unwrapped(each) for each in found]
    if not all(isinstance(each, Mapping) and isinstance(each.get("name"), str) and each["name"] for each in tools):
        raise _UnclearError(field, "must be a list of functions, each with its name")
    return [{key: part for key, part in tool.items() if part is not None} for tool in tools]


def _calls(value: Any, field: str) -> list[dict[str, Any]]:
    """Name and arguments of each call, the arguments as an object."""
    made = []
    for each in _listed(value, field):
        call = _unwrapped(each)
        if not isinstance(call, Mapping) or not isinstance(call.get("name"), str) or not call["name"]:
            raise _UnclearError(field, "must be a list of calls, each with its function's name and arguments")
        arguments = call.get("arguments")
        if isinstance(arguments, str) and arguments.strip():
            try:
                arguments = json.loads(arguments)
            except ValueError as error:
                rule = f"has arguments of {call['name']} that are not JSON ({error})"
                raise _UnclearError(field, rule) from error
        if is_empty(arguments):
            arguments = {}
        if not isinstance(arguments, Mapping):
            raise _UnclearError(field, f"has arguments of {call['name']} that are no object")
        made.append({"name": call["name"], "arguments": dict(arguments)})
    return made


def _listed(value: Any, field: str) -> list[Any]:
    found = unpacked(value)
    found = [found] if isinstance(found, Mapping) else found
    if not isinstance(found, list) or not found:
        raise _UnclearError(field, "must be a list, or JSON of one")
    return found


def _unwrapped(each: Any) -> Any:
    return each["function"] if isinstance(each, Mapping) and isinstance(each.get("function"), Mapping) else each
