"""What each stage works on, as plain data.

A spec is everything a stage needs to know and nothing it has to look up. ``to_inputs()`` is what the stage's
Stash resource records, so a changed learning rate is a line in the preview; ``from_inputs()`` builds the spec
again from what the hook is given. The names of everything a stage makes on Azure (data asset version, job,
model version, deployment) derive from the spec's fingerprint, so that an interrupted stage finds its own
earlier work again. Each stage's own spec stands beside its work: jobs/dataset/spec.py, training, release, publishing.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Self

RecipeValue = str | int | float | bool


def whole(value: RecipeValue) -> RecipeValue:
    """3.0 as 3: the engine carries every number as a double, and 3 must stay 3 on the way to a hook."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def digest(content: Mapping[str, Any]) -> str:
    """12 hexadecimal characters over the canonical JSON of ``content``."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


class Spec:
    """JSON both ways for frozen dataclasses."""

    fingerprint: str

    def to_inputs(self) -> dict[str, Any]:
        """JSON-able; holds every field, and the fingerprint beside them."""
        fields = dataclasses.asdict(self)  # type: ignore[call-overload]
        return {**json.loads(json.dumps(fields)), "fingerprint": self.fingerprint}

    @classmethod
    def from_inputs(cls, inputs: Mapping[str, Any]) -> Self:
        """The spec ``to_inputs`` came from. Raises pydantic.ValidationError for anything else."""
        from pydantic import TypeAdapter

        return TypeAdapter(cls).validate_python(dict(inputs))
