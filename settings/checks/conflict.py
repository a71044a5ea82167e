"""A key that is fine by itself and cannot go together with others, and how the reader is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from settings.problems import Problem, shown, written


@dataclass(frozen=True)
class Conflict:
    """`at` is the key to mend; `beside` the others that have a part in it. Keys as in a stack file."""

    at: str
    value: Any
    rule: str
    remedy: str
    beside: tuple[str, ...]

    @property
    def problem(self) -> Problem:
        """As the reader is told."""
        return Problem(written(self.at.split(".")), shown(self.value), self.rule, self.remedy)

    def touches(self, key: str) -> bool:
        """Whether a key, or one in it or around it, has a part in this."""
        return any(_related(key, written(own.split("."))) for own in (self.at, *self.beside))


def _related(one: str, other: str) -> bool:
    return any(f"{a}.".startswith(f"{b}.") for a, b in ((one, other), (other, one)))
