"""The keys of the settings, as their models declare them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from settings.problems import PROVIDER_KEYS
from settings.tree import Settings

BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
"""A limit as pydantic writes it behind a validator of ours → as JSON Schema calls it."""
_IN_WORDS = {"ge": "{} or more", "gt": "above {}", "le": "at most {}", "lt": "below {}"}


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key: `path` with dots from the top, its kind and bounds in words, `default` as JSON, None without one."""

    path: str
    kind: str
    bounds: str
    default: Any
    description: str

    @property
    def name(self) -> str:
        """As it is written below its section."""
        return self.path.partition(".")[2] or self.path


@dataclass(frozen=True, kw_only=True)
class SectionKeys:
    """A section: what is said before and after its keys, among which those of inner sections follow theirs."""

    name: str
    before: str
    after: str
    default: dict[str, Any]
    keys: tuple[Key, ...]
    without_default: tuple[str, ...]


def top() -> Iterator[Key | SectionKeys]:
    """Everything there is at the top, in the order it is declared; the subscription is told of elsewhere."""
    for name, field in Settings.model_fields.items():
        model, key = _model(field), field.alias or name
        if model:
            yield _section(key, model)
        elif name != "subscription_id":
            yield _key(Settings, name, key)


def _section(name: str, model: type[BaseModel]) -> SectionKeys:
    before, _, after = (inspect.getdoc(model) or "").partition("\n\n")
    return SectionKeys(
        name=name,
        before=_one_line(before),
        after=_one_line(after),
        default=model().model_dump(mode="json", by_alias=True, exclude_none=True),
        keys=tuple(_below(name, model)),
        without_default=tuple(field for field, info in model.model_fields.items() if _is_unset(info)),
    )


def _below(path: str, model: type[BaseModel]) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        if not _is_unset(field):
            key = f"{path}.{field.alias or name}"
            yield _key(model, name, key)
            if inner := _model(field):
                yield from _below(key, inner)


def _key(model: type[BaseModel], name: str, path: str) -> Key:
    field = model.model_fields[name]
    schema = model.model_json_schema()["properties"][field.alias or name]
    kind = schema.get("type", "object")
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    return Key(
        path=PROVIDER_KEYS.get(path, path),
        kind={"array": "list"}.get(kind, kind) if isinstance(kind, str) else str(kind[0]),
        bounds=_bounds(
            {word: schema[name] for word, long in BOUNDS.items() for name in (word, long) if name in schema}
        ),
        default=default.model_dump(mode="json", by_alias=True) if isinstance(default, BaseModel) else _plain(default),
        description=_one_line(field.description or ""),
    )


def _bounds(limits: dict[str, float]) -> str:
    if limits.keys() == {"ge", "le"}:
        return f"{limits['ge']:g} to {limits['le']:.10g}"
    return ", ".join(_IN_WORDS[word].format(f"{limit:.10g}") for word, limit in limits.items())


def _is_unset(field: FieldInfo) -> bool:
    return field.default is None


def _model(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _one_line(text: str) -> str:
    return " ".join(text.split())
