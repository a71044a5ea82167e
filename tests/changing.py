"""Specs with other values: a test says what is otherwise, whichever section of the settings it is in."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from settings.fields import Section

AnySpec = TypeVar("AnySpec")


def changed(spec: AnySpec, **values: Any) -> AnySpec:
    """The spec with these values of its own fields, or of its sections' keys, which are not checked."""
    fields = {field.name: getattr(spec, field.name) for field in dataclasses.fields(spec)}  # type: ignore[arg-type]
    new: dict[str, Any] = {}
    for key, value in values.items():
        if key in fields:
            new[key] = value
            continue
        (name,) = (name for name, its in fields.items() if isinstance(its, Section) and key in type(its).model_fields)
        new[name] = new.get(name, fields[name]).model_copy(update={key: value})
    return dataclasses.replace(spec, **new)  # type: ignore[type-var]
