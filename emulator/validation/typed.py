"""Shapes of the newer models: fields carry wire name, visibility and discriminator, annotations the type."""

from __future__ import annotations

import datetime
import decimal
import enum
import types
import typing
from collections.abc import Mapping
from functools import partial
from typing import Any

from emulator.validation.shapes import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    Choice,
    Either,
    Entries,
    Items,
    Member,
    Record,
)

PRIMITIVES: Mapping[Any, Any] = types.MappingProxyType(
    {
        str: STRING,
        bool: BOOLEAN,
        int: INTEGER,
        float: NUMBER,
        decimal.Decimal: NUMBER,
        # Dates, durations and bytes travel as text.
        datetime.datetime: STRING,
        datetime.date: STRING,
        datetime.time: STRING,
        datetime.timedelta: STRING,
        bytes: STRING,
    }
)


def record(models: types.ModuleType, model: Any, known: dict[Any, Record] | None = None) -> Record:
    """The shape of a model class of ``models``. ``known`` ends the recursion of models that hold themselves."""
    known = {} if known is None else known
    if model not in known:
        known[model] = Record(
            model.__name__,
            partial(_members, models, model, known),
            _discriminator(model),
            partial(_cases, models, model, known),
        )
    return known[model]


def _fields(model: Any) -> Mapping[str, Any]:
    model.__new__(model)  # fills in the wire names
    fields: Mapping[str, Any] = model._attr_to_rest_field
    return fields


def _members(models: types.ModuleType, model: Any, known: dict[Any, Record]) -> dict[str, Member]:
    hints = typing.get_type_hints(model, localns={"_models": models})
    members = {}
    for attribute, each in _fields(model).items():
        hint = hints[attribute]
        read_only = each._visibility == ["read"]
        required = not read_only and type(None) not in typing.get_args(hint)
        members[each._rest_name] = Member(_shape(models, hint, known), required, read_only)
    return members


def _discriminator(model: Any) -> str | None:
    if "__mapping__" not in vars(model):
        return None
    own = [each for each in vars(model).values() if getattr(each, "_is_discriminator", False)]
    if not own:
        return None
    _fields(model)
    return str(own[0]._rest_name)


def _cases(models: types.ModuleType, model: Any, known: dict[Any, Record]) -> dict[str, Record]:
    mapping = vars(model).get("__mapping__", {})
    return {_text(value): record(models, subclass, known) for value, subclass in mapping.items()}


def _shape(models: types.ModuleType, hint: Any, known: dict[Any, Record]) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _union(models, [each for each in arguments if each is not type(None)], known)
    if origin is typing.Literal:
        return Choice("Literal", tuple(_text(value) for value in arguments))
    if origin is list:
        return Items(_shape(models, arguments[0], known))
    if origin is dict:
        return Entries(_shape(models, arguments[1], known))
    if hint in PRIMITIVES:
        return PRIMITIVES[hint]
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return Choice(hint.__name__, tuple(_text(value) for value in hint))
    if getattr(hint, "_is_model", False):
        return record(models, hint, known)
    return ANYTHING


def _union(models: types.ModuleType, hints: list[Any], known: dict[Any, Record]) -> Any:
    enumerations = [hint for hint in hints if isinstance(hint, type) and issubclass(hint, enum.Enum)]
    if enumerations:
        # ``str | Kind``: the text is one of the enumeration's values.
        hints = [hint for hint in hints if hint is not str]
    shapes = tuple(_shape(models, hint, known) for hint in hints)
    return shapes[0] if len(shapes) == 1 else Either(shapes)


def _text(value: Any) -> str:
    return str(value.value if isinstance(value, enum.Enum) else value)
