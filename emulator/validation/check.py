"""A body against a shape: everything that is wrong with it, in Newtonsoft's words where Azure shows them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from emulator.validation.shapes import Anything, Choice, Either, Entries, Items, Limits, Member, Record, Simple

NUMBERS_AS_TEXT = "properties.properties"
"""A dictionary of texts where whole numbers pass: azure-ai-ml sends a code's hash_version as one."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a body.

    Attributes:
        path: where, dotted: ``properties.sku.name``; empty for the body itself.
        rule: unknown, required, type, enum, discriminator, length, pattern or range.
        message: what.
    """

    path: str
    rule: str
    message: str


def problems(shape: Any, value: Any, path: str = "") -> Iterator[Problem]:
    """What Azure would refuse in ``value``. A null counts as absent; read-only members are not looked at."""
    if isinstance(shape, Anything):
        return
    if isinstance(shape, Record):
        yield from _record(shape, value, path)
    elif isinstance(shape, Items):
        yield from _items(shape, value, path)
    elif isinstance(shape, Entries):
        yield from _entries(shape, value, path)
    elif isinstance(shape, Choice):
        yield from _choice(shape, value, path)
    elif isinstance(shape, Either):
        outcomes = [list(problems(each, value, path)) for each in shape.shapes]
        if all(outcomes):
            yield from outcomes[-1]
    elif isinstance(shape, Simple):
        yield from _simple(shape, value, path)


def read_only_members(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """Paths of the read-only members that a body sets. Azure ignores them; a program has no reason to send them."""
    if isinstance(shape, Items) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from read_only_members(shape.item, item, f"{path}[{index}]")
    elif isinstance(shape, Entries) and isinstance(value, dict):
        for name, item in value.items():
            yield from read_only_members(shape.value, item, _join(path, name))
    elif isinstance(shape, Record) and isinstance(value, dict):
        record = _narrowed(shape, value) or shape
        for name, item in value.items():
            member = record.members.get(name)
            if member is None or item is None:
                continue
            if member.read_only:
                yield _join(path, name)
            else:
                yield from read_only_members(member.shape, item, _join(path, name))


def required_members(shape: Any, value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Paths of the members present in ``value`` that its shape requires."""
    if isinstance(shape, Items) and isinstance(value, list):
        for index, item in enumerate(value):
            yield from required_members(shape.item, item, (*path, index))
    elif isinstance(shape, Entries) and isinstance(value, dict):
        for name, item in value.items():
            yield from required_members(shape.value, item, (*path, name))
    elif isinstance(shape, Record) and isinstance(value, dict):
        record = _narrowed(shape, value) or shape
        for name, item in value.items():
            member = record.members.get(name)
            if member is None or item is None or member.read_only:
                continue
            if member.required:
                yield (*path, name)
            yield from required_members(member.shape, item, (*path, name))


def required_by_model(shape: Any, path: str = "") -> Iterator[str]:
    """Dotted paths of what a shape requires of every body, before a discriminator narrows it."""
    if not isinstance(shape, Record):
        return
    for name, member in shape.members.items():
        if member.required:
            yield _join(path, name)
            yield from required_by_model(member.shape, _join(path, name))


def _narrowed(record: Record, value: dict[str, Any]) -> Record | None:
    """The subclass that a body's discriminators name, or None where there is no such subclass."""
    while record.discriminator is not None:
        told = value.get(record.discriminator)
        if told is None:
            return record
        cases = {name.lower(): case for name, case in record.cases.items()}
        case = cases.get(str(told).lower())
        if case is None:
            return None
        record = case
    return record


def _record(shape: Record, value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _mistyped(value, shape.name, path)
        return
    record = _narrowed(shape, value)
    if record is None:
        name = str(shape.discriminator)
        where = _join(path, name)
        allowed = ", ".join(sorted(shape.cases))
        yield Problem(
            where, "discriminator", f"{_conversion(value.get(name), shape.name, where)} Known values: {allowed}."
        )
        return
    for name, member in record.members.items():
        if member.required and value.get(name) is None:
            where = f" Path '{path}'." if path else " Path ''."
            yield Problem(_join(path, name), "required", f"Required property '{name}' not found in JSON.{where}")
    for name, item in value.items():
        where = _join(path, name)
        known = record.members.get(name)
        if known is not None:
            yield from _member(known, item, where)
        elif record.free is None and item is not None:
            yield Problem(
                where,
                "unknown",
                f"Could not find member '{name}' on object of type '{record.name}'. Path '{where}'.",
            )


def _member(member: Member, value: Any, path: str) -> Iterator[Problem]:
    if value is None or member.read_only:
        return
    found = list(problems(member.shape, value, path))
    yield from found
    if not found:
        yield from _limits(member.limits, value, path)


def _limits(limits: Limits, value: Any, path: str) -> Iterator[Problem]:
    if isinstance(value, str | list):
        size = len(value)
        if (limits.min_length or 0) > size:
            yield Problem(path, "length", f"The field {path} must have a length of at least {limits.min_length}.")
        if limits.max_length is not None and size > limits.max_length:
            yield Problem(path, "length", f"The field {path} must have a length of at most {limits.max_length}.")
    if isinstance(value, str) and limits.pattern and not re.search(limits.pattern, value):
        yield Problem(path, "pattern", f"The field {path} must match the regular expression '{limits.pattern}'.")
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = limits.minimum, limits.maximum
        if (low is not None and value < low) or (high is not None and value > high):
            yield Problem(path, "range", f"The field {path} must be between {low} and {high}.")


def _items(shape: Items, value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield _mistyped(value, "List", path)
        return
    for index, item in enumerate(value):
        if item is not None:
            yield from problems(shape.item, item, f"{path}[{index}]")


def _entries(shape: Entries, value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _mistyped(value, "Dictionary", path)
        return
    for name, item in value.items():
        if item is not None and not (path == NUMBERS_AS_TEXT and type(item) is int):
            yield from problems(shape.value, item, _join(path, name))


def _choice(shape: Choice, value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, str) or value.lower() not in {each.lower() for each in shape.values}:
        allowed = ", ".join(shape.values)
        yield Problem(path, "enum", f"{_conversion(value, shape.name, path)} Known values: {allowed}.")


def _simple(shape: Simple, value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, shape.accepts) or (isinstance(value, bool) and bool not in shape.accepts):
        yield _mistyped(value, f"System.{shape.name}", path)


def _mistyped(value: Any, wanted: str, path: str) -> Problem:
    return Problem(path, "type", _conversion(value, wanted, path))


def _conversion(value: Any, wanted: str, path: str) -> str:
    return f"Error converting value {json.dumps(value)[:80]} to type '{wanted}'. Path '{path}'."


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
