"""What each stage works on, as plain data.

A spec is everything a stage needs to know and nothing it has to look up: the target, names, and the sections of the
settings that the stage works on. ``to_inputs()`` is what the stage's Stash resource records, so a changed learning rate
is a line in the preview; ``from_inputs()`` builds the spec again from what the hook is given. The names of everything a
stage makes on Azure (data asset version, job, model version, deployment) derive from the spec's fingerprint, so that an
interrupted stage finds its own earlier work again. Each stage's own spec stands beside its work: jobs/dataset/spec.py,
training, release, publishing.

A setting that is new reaches its stage by itself: it is recorded where a stack sets it, and decides nothing.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from settings.fields import Section

RecipeValue = str | int | float | bool


def whole(value: RecipeValue) -> RecipeValue:
    """3.0 as 3: the engine carries every number as a double, and 3 must stay 3 on the way to a hook."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def digest(content: Mapping[str, Any]) -> str:
    """12 hexadecimal characters over the canonical JSON of ``content``."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


class Spec:
    """JSON both ways for frozen dataclasses of plain values, of other dataclasses and of sections of the settings."""

    fingerprint: str
    CHANGES: ClassVar[str] = ""
    """What of the workspace it changes, one operator at a time (cloud/services/lease.py); empty: it only reads."""
    BESIDE: ClassVar[str] = ""
    """The field of the section whose keys are recorded beside the spec's own, where stacks have them since before."""
    RENAMED: ClassVar[Mapping[str, str]] = {}
    """Keys of that section that are recorded under another name."""
    ALWAYS: ClassVar[frozenset[str]] = frozenset()
    """Keys of sections, as `health.latency_seconds`, that are recorded whatever they are; others where they are set."""

    WHERE_SET: ClassVar[frozenset[str]] = frozenset()
    """Fields that are recorded only where they are other than their default: stacks have specs without them."""

    BETWEEN: ClassVar[frozenset[str]] = frozenset()
    """Fields that no state holds, as they change nothing of this stage: the program hands them to its hook."""

    def recorded(self) -> dict[str, Any]:
        """The fields as a state has them; JSON-able."""
        found: dict[str, Any] = {}
        for each in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, each.name)
            if each.name in self.BETWEEN:
                continue
            if each.name in self.WHERE_SET and (not value or value == each.default):
                continue
            if each.name == self.BESIDE:
                found |= {self.RENAMED.get(key, key): its for key, its in _keys(value, self.ALWAYS).items()}
            else:
                found[each.name] = _keys(value, self.ALWAYS, f"{each.name}.") if isinstance(value, Section) else value
        return dict(json.loads(json.dumps(found, default=dataclasses.asdict)))

    def to_inputs(self) -> dict[str, Any]:
        """What is recorded, and the fingerprint beside it."""
        return {**self.recorded(), "fingerprint": self.fingerprint}

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> Self:
        """The spec ``to_inputs`` came from. Raises pydantic.ValidationError for anything else."""
        from pydantic import TypeAdapter

        given = dict(inputs)
        if cls.BESIDE:
            section: type[Section] = typing.get_type_hints(cls)[cls.BESIDE]
            names = {key: cls.RENAMED.get(key, key) for key in section.model_fields}
            given[cls.BESIDE] = {key: given[name] for key, name in names.items() if name in given}
        return TypeAdapter(cls).validate_python(given, by_name=True, by_alias=False)


def _keys(section: Section, always: frozenset[str], at: str = "") -> dict[str, Any]:
    """The keys of a section, and of the ones in it, that are always recorded or other than their default."""
    found: dict[str, Any] = {}
    for key, field in type(section).model_fields.items():
        value = getattr(section, key)
        if isinstance(value, Section):
            if inner := _keys(value, always, f"{at}{key}."):
                found[key] = inner
        elif f"{at}{key}" in always or value != field.get_default():
            found[key] = value
    return found
