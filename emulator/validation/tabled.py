"""Shapes of the older models: tables of wire names, types and limits; the constructor tells the enumerations."""

from __future__ import annotations

import enum
import typing
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType, ModuleType
from typing import Any

from emulator.validation.shapes import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    Choice,
    Entries,
    Items,
    Limits,
    Member,
    Record,
)

PRIMITIVES: Mapping[str, Any] = MappingProxyType(
    {
        "str": STRING,
        "bool": BOOLEAN,
        "int": INTEGER,
        "long": INTEGER,
        "float": NUMBER,
        "object": ANYTHING,
        # Dates, durations and bytes travel as text.
        **dict.fromkeys(("iso-8601", "rfc-1123", "date", "time", "duration", "bytearray", "base64"), STRING),
    }
)
LIMITS = ("min_length", "max_length", "pattern")


def record(models: ModuleType, model: Any, known: dict[Any, Record] | None = None) -> Record:
    """The shape of a model class of ``models``. ``known`` ends the recursion of models that hold themselves."""
    known = {} if known is None else known
    if model not in known:
        subtypes = vars(model).get("_subtype_map", {})
        attribute = next(iter(subtypes), None)
        known[model] = Record(
            model.__name__,
            partial(_members, models, model, known),
            _wire(model._attribute_map[attribute]["key"])[-1] if attribute else None,
            partial(_cases, models, subtypes.get(attribute, {}), known),
            free=ANYTHING if _additional(model) else None,
        )
    return known[model]


def _wire(key: str) -> list[str]:
    """The path of a wire name: a dot nests, an escaped dot is one."""
    return [part.replace("\0", ".") for part in key.replace("\\.", "\0").split(".")]


def _additional(model: Any) -> bool:
    return any(entry["key"] == "" for entry in model._attribute_map.values())


def _members(models: ModuleType, model: Any, known: dict[Any, Record]) -> dict[str, Member]:
    hints = typing.get_type_hints(model.__init__, localns={"_models": models})
    flat: dict[tuple[str, ...], Member] = {}
    for attribute, entry in model._attribute_map.items():
        if entry["key"] == "":
            continue
        rules = model._validation.get(attribute, {})
        shape = _choice(hints.get(attribute)) or _shape(models, entry["type"], known)
        limits = Limits(
            **{name: rules.get(name) for name in LIMITS},
            minimum=rules.get("minimum_ex", rules.get("minimum")),
            maximum=rules.get("maximum_ex", rules.get("maximum")),
        )
        read_only = bool(rules.get("readonly"))
        flat[tuple(_wire(entry["key"]))] = Member(
            shape, bool(rules.get("required")) and not read_only, read_only, limits
        )
    return _nested(model.__name__, flat)


def _nested(name: str, flat: Mapping[tuple[str, ...], Member]) -> dict[str, Member]:
    """Members by name, where ``properties.scope`` is a member of the member ``properties``."""
    members: dict[str, Member] = {path[0]: member for path, member in flat.items() if len(path) == 1}
    for outer in dict.fromkeys(path[0] for path in flat if len(path) > 1):
        inner = {path[1:]: member for path, member in flat.items() if path[0] == outer and len(path) > 1}
        nested = _nested(name, inner)
        shape = Record(f"{name}{outer[:1].upper()}{outer[1:]}", partial(dict, nested))
        members[outer] = Member(
            shape,
            required=any(member.required for member in nested.values()),
            read_only=all(member.read_only for member in nested.values()),
        )
    return members


def _cases(models: ModuleType, subtypes: Mapping[str, str], known: dict[Any, Record]) -> dict[str, Record]:
    return {value: record(models, getattr(models, name), known) for value, name in subtypes.items()}


def _shape(models: ModuleType, kind: str, known: dict[Any, Record]) -> Any:
    if kind.startswith("["):
        return Items(_shape(models, kind[1:-1], known))
    if kind.startswith("{"):
        return Entries(_shape(models, kind[1:-1], known))
    if kind in PRIMITIVES:
        return PRIMITIVES[kind]
    found = getattr(models, kind, None)
    return record(models, found, known) if hasattr(found, "_attribute_map") else ANYTHING


def _choice(hint: Any) -> Choice | None:
    for each in (hint, *typing.get_args(hint)):
        if isinstance(each, type) and issubclass(each, enum.Enum):
            return Choice(each.__name__, tuple(str(value.value) for value in each))
    return None
