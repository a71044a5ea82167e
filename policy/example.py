"""What a rule takes and what it does not, beside the rule: read by the unit tests and by the real engine.

Every declaration starts from one that breaks no rule (policy/samples.py), so an example breaks exactly what it names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A resource of a program. `{"$ref": name}` is an output of another one, `{"$secret": value}` a secret."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    secret_outputs: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()

    def but(self, **changes: Any) -> Declared:
        """With other inputs; a double underscore goes one level down, None takes an input away."""
        inputs = dict(self.inputs)
        for path, value in changes.items():
            *above, last = path.split("__")
            place = inputs
            for part in above:
                place[part] = dict(place.get(part) or {})
                place = place[part]
            if value is None:
                place.pop(last, None)
            else:
                place[last] = value
        return replace(self, inputs=inputs)

    def having(self, **options: Any) -> Declared:
        """With other options."""
        return replace(self, **options)


@dataclass(frozen=True, kw_only=True)
class Example:
    """`passes` breaks no rule at all; `fails` breaks `rule` on the resource it names, and `also` what it names."""

    passes: tuple[Declared, ...]
    fails: tuple[Declared, ...] = ()
    rule: str = ""
    """Set by the rule whose example it is."""
    on: str = ""
    """The resource that is found; the stack where empty."""
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Other rules it breaks, by resource."""
    mended: bool = False
    """Whether the engine mends it, and so finds nothing."""


Examples = tuple["Example | Callable[[str], Example]", ...]
"""Of one rule; one that is made from the rule's name is called with it."""


def but(make: Callable[[str], Declared], also: tuple[str, ...] = (), **changes: Any) -> Callable[[str], Example]:
    """An example of one resource: it passes as ``make`` makes it, and fails with ``changes``."""

    def example(rule: str) -> Example:
        failing = make(rule).but(**changes)
        return Example(passes=(make(f"{rule}-clean"),), fails=(failing,), on=rule, also={rule: also} if also else {})

    return example


def of_rule(rule: str, examples: Examples) -> tuple[Example, ...]:
    """The examples as those of a rule."""
    made = (each if isinstance(each, Example) else each(rule) for each in examples)
    return tuple(replace(each, rule=rule) for each in made)
