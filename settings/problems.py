"""What is wrong with a stack's settings, told so that the reader can mend it: key, value, rule, remedy."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import ErrorDetails, PydanticCustomError

from settings.redaction import redact_named

NAMESPACE = "finetune-phi"
PROVIDER_KEYS = {name: f"azure-native:{name}" for name in ("location", "subscriptionId")}
"""Settings that the provider reads too, under its own keys."""


@dataclass(frozen=True)
class Problem:
    """One thing to mend; `key` is spelled as the user writes it and `value` as JSON."""

    key: str
    value: str
    rule: str
    remedy: str

    def __str__(self) -> str:
        return f"  {self.key} = {redact_named(self.key, self.value)}\n      {self.rule}\n      fix: {self.remedy}"


class SettingsError(Exception):
    """All problems of a stack's settings in one message."""

    def __init__(self, stack: str, problems: Iterable[Problem]) -> None:
        self.stack = stack
        self.problems = tuple(problems)
        count = "a problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        title = f"the settings of stack {stack!r} have {count}; they are in Pulumi.{stack}.yaml:"
        super().__init__("\n".join([title, *map(str, self.problems)]))


class UnknownStackError(SettingsError):
    """A stack without a settings file."""

    def __init__(self, stack: str, stacks: Iterable[str]) -> None:
        self.stack, self.problems = stack, ()
        names = sorted(stacks)
        remedy = f"{similar(stack, names)} there are {', '.join(names)}".strip()
        Exception.__init__(
            self,
            f"there is no stack {stack!r}: it has no file Pulumi.{stack}.yaml\n"
            f"      fix: {remedy}; for a new one, copy one of their files to Pulumi.{stack}.yaml",
        )


def refuse(rule: str, remedy: str = "", at: str = "", value: Any = None) -> PydanticCustomError:
    """What a validator raises. `at` and `value` point at a key inside the section being validated."""
    # Custom error templates treat braces as placeholders, so the text travels in the context.
    return PydanticCustomError("refused", "refused", {"rule": rule, "remedy": remedy, "at": at, "at_value": value})


def written(path: Iterable[str | int]) -> str:
    """The key as written for `pulumi config`: ("recipe", "seed") is finetune-phi:recipe.seed."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return PROVIDER_KEYS.get(text, f"{NAMESPACE}:{text}")


def similar(word: str, known: Iterable[str]) -> str:
    """`did you mean …?` or nothing, whatever the case and the way of joining words."""

    def plain(text: str) -> str:
        return text.replace("_", "").replace("-", "").lower()

    by_plain = {plain(candidate): candidate for candidate in known}
    close = difflib.get_close_matches(plain(word), by_plain, n=1, cutoff=0.6)
    return f"did you mean {by_plain[close[0]]}?" if close else ""


def unknown_key(path: tuple[str | int, ...], value: Any, known: Iterable[str]) -> Problem:
    """A key that does not exist, with the one that was probably meant."""
    names = sorted(known)
    remedy = similar(str(path[-1]), names) or f"remove it; the keys here are {', '.join(names)}"
    return Problem(written(path), shown(value), "there is no such key", remedy)


def shown(value: Any) -> str:
    """A value in the shape of JSON, shortened."""
    text = "(nothing)" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 100 else f"{text[:97]}..."


def problem_of(error: ErrorDetails, stack: str, example: Any, known: Iterable[str]) -> Problem:
    """A pydantic error in the reader's words.

    `example` is a value that would be accepted at the error's place, `known` the keys there are beside it.
    """
    path, context = error["loc"], error.get("ctx", {})
    if error["type"] == "extra_forbidden":
        return unknown_key(path, error["input"], known)
    value = error["input"]
    if context.get("at"):
        path, value = (*path, str(context["at"])), context["at_value"]
    rule = _rule(error["type"], error["msg"], context)
    remedy = context.get("remedy") or _command(path, example, stack)
    if error["type"] == "missing":
        value = None
    if error["type"] == "literal_error":
        choices = re.findall(r"'(\w+)'", str(context["expected"]))
        remedy = f"{similar(str(value), choices)} {remedy}".strip()
    return Problem(written(path), shown(value), rule, remedy)


def _rule(kind: str, message: str, context: Mapping[str, Any]) -> str:
    rules = {
        "missing": "is needed and has no default",
        "greater_than": "must be greater than {gt}",
        "greater_than_equal": "must be {ge} or more",
        "less_than": "must be less than {lt}",
        "less_than_equal": "must be {le} or less",
        "literal_error": "must be one of {expected}",
        "string_type": "must be text (put it in quotes)",
        "string_too_short": "must not be empty",
        "string_too_long": "must have at most {max_length} characters",
        "int_type": "must be a whole number",
        "int_from_float": "must be a whole number",
        "int_parsing": "must be a whole number",
        "float_type": "must be a number",
        "finite_number": "must be a finite number",
        "bool_type": "must be true or false",
        "list_type": "must be a list",
        "tuple_type": "must be a list",
        "too_short": "must not be empty",
        "dict_type": "must be a section with keys of its own",
        "model_type": "must be a section with keys of its own",
        "refused": "{rule}",
    }
    template = rules.get(kind)
    return template.format(**context) if template else message[0].lower() + message[1:]


def _command(path: tuple[str | int, ...], example: Any, stack: str) -> str:
    if example is None:
        return f"see {written(path[:1])} in Pulumi.yaml for what belongs there"
    if isinstance(example, (dict, list)):
        return f"for example {json.dumps(example)} in Pulumi.{stack}.yaml"
    value = json.dumps(example) if not isinstance(example, str) else f"'{example}'"
    flag = "--path " if len(path) > 1 else ""
    return f"for example: pulumi config set {flag}'{written(path)}' {value} --stack {stack}"
