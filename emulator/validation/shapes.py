"""What a body may look like: one description for both generations of Azure's models."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Anything:
    """Free JSON: the model does not say."""


@dataclass(frozen=True)
class Simple:
    """A primitive. ``name`` as .NET, and so Azure's messages, calls it: String, Int32, Double, Boolean."""

    name: str
    accepts: tuple[type, ...]


@dataclass(frozen=True)
class Choice:
    """One of an enumeration's values, compared without case."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Items:
    """A list."""

    item: Any


@dataclass(frozen=True)
class Entries:
    """An object with free keys."""

    value: Any


@dataclass(frozen=True)
class Either:
    """A union of shapes that differ in their JSON type."""

    shapes: tuple[Any, ...]


@dataclass(frozen=True)
class Limits:
    """Bounds that a model puts on a value."""

    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    minimum: float | None = None
    maximum: float | None = None


NO_LIMITS = Limits()


@dataclass(frozen=True)
class Member:
    """One property of a record."""

    shape: Any
    required: bool = False
    read_only: bool = False
    limits: Limits = NO_LIMITS


@dataclass
class Record:
    """An object with known members, read from a model class only when a body needs it.

    Attributes:
        name: the model's class name.
        discriminator: name of the member that tells the subclass, or None.
        cases: discriminator value to the subclass's record.
        free: shape of members beyond the known ones, or None where they are refused.
    """

    name: str
    read: Callable[[], Mapping[str, Member]]
    discriminator: str | None = None
    read_cases: Callable[[], Mapping[str, Record]] = field(default=lambda: MappingProxyType({}))
    free: Any = None

    @cached_property
    def members(self) -> Mapping[str, Member]:
        return self.read()

    @cached_property
    def cases(self) -> Mapping[str, Record]:
        return self.read_cases()


STRING = Simple("String", (str,))
BOOLEAN = Simple("Boolean", (bool,))
INTEGER = Simple("Int32", (int,))
NUMBER = Simple("Double", (int, float))
ANYTHING = Anything()
