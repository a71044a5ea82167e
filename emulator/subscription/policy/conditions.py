"""The conditions of a policy rule, over the content of a resource as a request has it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

MISSING = object()
"""The value of a field that is not there."""
_TAG = re.compile(r"tags(?:\.|\[')?\[?'?(?P<name>[^'\]]+)'?\]?$", re.IGNORECASE)
_TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>\d+)|(?P<name>\w+)|(?P<sign>[()\[\],.]))")


class NotEvaluated(ValueError):
    """An expression, a field or an operator that the emulator does not know."""


@dataclass(frozen=True)
class Content:
    """A resource as it is asked for, and what else expressions speak of."""

    body: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    group_tags: Mapping[str, str] = field(default_factory=dict)
    api_version: str = ""


def holds(rule: Mapping[str, Any], content: Content, seen: list[dict[str, Any]]) -> bool:
    """Whether a condition is true; ``seen`` gets what was compared, as Azure tells it.

    Raises:
        NotEvaluated: a condition that is unknown here.
    """
    if "allOf" in rule:
        return all(holds(each, content, seen) for each in rule["allOf"])
    if "anyOf" in rule:
        return any(holds(each, content, seen) for each in rule["anyOf"])
    if "not" in rule:
        return not holds(rule["not"], content, [])
    if "field" in rule:
        name = str(evaluated(rule["field"], content))
        return _compare(rule, name, "Field", of_field(name, content), content, seen)
    if "value" in rule:
        return _compare(rule, str(rule["value"]), "Value", evaluated(rule["value"], content), content, seen)
    raise NotEvaluated(f"a condition of {', '.join(sorted(rule))}")


def _compare(
    rule: Mapping[str, Any], name: str, kind: str, value: Any, content: Content, seen: list[dict[str, Any]]
) -> bool:
    ((operator, raw),) = [(key, each) for key, each in rule.items() if key not in ("field", "value")]
    target = evaluated(raw, content)
    result = _operator(operator, value, target)
    if result:
        told: dict[str, Any] = {"result": "True", "expressionKind": kind, "expression": name, "path": name}
        if value is not MISSING:
            told["expressionValue"] = value
        seen.append({**told, "targetValue": target, "operator": operator[:1].upper() + operator[1:]})
    return result


def _operator(name: str, value: Any, target: Any) -> bool:
    low = name.lower()
    if low == "exists":
        return (value is not MISSING) == (_text(target) == "true")
    if low.startswith("not"):
        return not _operator(low.removeprefix("not"), value, target)
    text = "" if value is MISSING else _text(value)
    if low == "equals":
        return text == _text(target)
    if low == "in":
        return text in {_text(each) for each in target}
    if low == "like":
        return fnmatchcase(text, _text(target))
    if low == "contains":
        return _text(target) in text
    if low == "less":
        return text < _text(target)
    if low == "greaterorequals":
        return text >= _text(target)
    raise NotEvaluated(f"the operator {name}")


def _text(value: Any) -> str:
    """Azure compares without case, and true with "true"."""
    return (value if isinstance(value, str) else json.dumps(value)).lower()


def of_field(name: str, content: Content) -> Any:
    """The value of a field or an alias, MISSING where there is none."""
    body, low = content.body, name.lower()
    if low in ("type", "name", "location", "kind", "id", "fullname"):
        return body.get("name" if low == "fullname" else low, MISSING)
    if low.startswith("tags") and (found := _TAG.match(name)):
        own = {key.lower(): value for key, value in (body.get("tags") or {}).items()}
        return own.get(found["name"].lower(), MISSING)
    path = alias_path(name, str(body.get("type", "")))
    if path is None:
        return MISSING
    if path[0].lower() in ("sku", "identity") and path[0] in body:
        return _at(body, path)
    return _at(body.get("properties") or {}, path)


def alias_path(alias: str, kind: str) -> list[str] | None:
    """The parts of an alias of that type below its properties; None for one of another type."""
    if not alias.lower().startswith(f"{kind.lower()}/") or "/" in alias[len(kind) + 1 :]:
        return None
    return alias[len(kind) + 1 :].split(".")


def _at(value: Any, path: list[str]) -> Any:
    for part in path:
        if not isinstance(value, Mapping):
            return MISSING
        value = next((each for key, each in value.items() if key.lower() == part.lower()), MISSING)
    return value


def evaluated(value: Any, content: Content) -> Any:
    """A value, or what the template expression in it comes to.

    Raises:
        NotEvaluated: a function that is unknown here.
    """
    if not (isinstance(value, str) and value.startswith("[") and not value.startswith("[[")):
        return value
    tokens = list(_tokens(value[1:-1]))
    found = _expression(tokens, content)
    if tokens:
        raise NotEvaluated(f"the expression {value}")
    return found


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotEvaluated(f"the expression [{text}]")
        at = found.end()
        assert found.lastgroup is not None
        yield found.lastgroup, found[found.lastgroup]


def _expression(tokens: list[tuple[str, str]], content: Content) -> Any:
    kind, text = tokens.pop(0)
    if kind == "text":
        return text[1:-1].replace("''", "'")
    if kind == "number":
        return int(text)
    arguments = []
    if not tokens or tokens.pop(0) != ("sign", "("):
        raise NotEvaluated(f"the expression {text}")
    while tokens and tokens[0] != ("sign", ")"):
        arguments.append(_expression(tokens, content))
        if tokens and tokens[0] == ("sign", ","):
            tokens.pop(0)
    tokens.pop(0)
    value = _function(text.lower(), arguments, content)
    while tokens and tokens[0][1] in (".", "["):
        _, sign = tokens.pop(0)
        key = tokens.pop(0)[1] if sign == "." else _expression(tokens, content)
        if sign == "[":
            tokens.pop(0)
        value = _at(value, [str(key)])
        value = "" if value is MISSING else value
    return value


def _function(name: str, arguments: list[Any], content: Content) -> Any:
    if name == "parameters":
        return content.parameters[arguments[0]]
    if name == "concat":
        return "".join(str(each) for each in arguments)
    if name == "requestcontext":
        return {"apiVersion": content.api_version}
    if name == "resourcegroup":
        return {"tags": dict(content.group_tags)}
    if name == "field":
        return of_field(arguments[0], content)
    if name == "greaterorequals":
        return _text(arguments[0]) >= _text(arguments[1])
    raise NotEvaluated(f"the function {name}")
