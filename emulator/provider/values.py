"""Property values of the engine's protocol to plain Python and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import rpc

UNKNOWN: str = rpc.UNKNOWN
"""Stands for a value that a preview cannot know yet (the protocol's own marker)."""


def to_plain(value: PropertyValue) -> Any:
    """JSON-like Python for ``value``; whole numbers become int, unknown values stay ``UNKNOWN``.

    Raises TypeError for assets, archives and resource references, which no ARM body holds.
    """
    inner = value.value
    if inner is None or isinstance(inner, bool | str):
        return inner
    if isinstance(inner, float):
        return int(inner) if inner.is_integer() else inner
    if isinstance(inner, Mapping):
        return map_to_plain(inner)
    if isinstance(inner, tuple):
        return [to_plain(item) for item in inner]
    raise TypeError(f"a {type(inner).__name__} cannot be part of an Azure resource")


def map_to_plain(values: Mapping[str, PropertyValue]) -> dict[str, Any]:
    """``to_plain`` for a whole property map, without its nulls."""
    return {k: to_plain(v) for k, v in values.items() if v.value is not None}


def from_plain(value: Any) -> PropertyValue:
    """The property value of JSON-like Python; nulls inside mappings are dropped."""
    if isinstance(value, bool) or value is None:
        return PropertyValue(value)
    if isinstance(value, int | float):
        try:
            return PropertyValue(float(value))
        except OverflowError:  # the protocol has doubles alone
            return PropertyValue(str(value))
    if isinstance(value, Mapping):
        return PropertyValue(map_from_plain(value))
    if isinstance(value, list | tuple):
        return PropertyValue([from_plain(item) for item in value])
    return PropertyValue(str(value))


def map_from_plain(values: Mapping[str, Any]) -> dict[str, PropertyValue]:
    """``from_plain`` for a whole mapping, without its nulls."""
    return {k: from_plain(v) for k, v in values.items() if v is not None}
