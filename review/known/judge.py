"""How much a change of one property puts at risk: what a table of properties (`review.known`) is made of.

The world is closed. A judge answers for every value, also for one it has never heard of, and a property without a
judge is a risk of its own: silence would read as "harmless".
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from cloud.adoption import UNKNOWN


class Level(IntEnum):
    """`low` needs nobody; from `medium` on a person should look."""

    NONE = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3

    def __str__(self) -> str:
        return self.name.lower()


NEW = object()
"""In the place of the value before: the resource is only being created."""

Finding = tuple[Level, str]
"""How bad, and what follows, in half a sentence; the empty one says nothing beside the change itself."""
HARMLESS: Finding = (Level.LOW, "")
NOTHING: Finding = (Level.NONE, "")
UNHEARD: Finding = (Level.MEDIUM, "this review does not know that value")
LATER: Finding = (Level.MEDIUM, "what it becomes is known only after the update")

Judge = Callable[[Any, Any], Finding]
"""From the value before, or NEW, to the value after; both with Azure's default where the program gives none."""


@dataclass(frozen=True, kw_only=True)
class Property:
    """One input of a type, or several whose paths look alike."""

    path: str
    """Dotted; `[]` stands for any element of a list, `*` for any key of a map, `**` for whatever is below."""
    judge: Judge
    default: Any = None
    """What Azure takes where it is not given, by its REST specification."""
    names: bool = False
    """Whether it is part of what the resource is called, or where it is: another value is another resource."""
    harmless: bool = False

    def matches(self, path: str) -> bool:
        return _pattern(self.path).fullmatch(path) is not None

    def finding(self, before: Any, after: Any) -> Finding:
        """Of values as the program gives them, None where it gives none."""
        was = before if before is NEW or before is not None else self.default
        will = after if after is not None else self.default
        if self.harmless:
            return HARMLESS
        if after == UNKNOWN or (isinstance(after, list) and UNKNOWN in after):
            return NOTHING if before is NEW else LATER
        if was is not NEW and _same(was, will):
            return HARMLESS
        return self.judge(was, will)


def harmless(*paths: str) -> tuple[Property, ...]:
    """Nothing is opened, lost, redirected or dearer by any value."""
    return tuple(Property(path=path, judge=lambda was, will: HARMLESS, harmless=True) for path in paths)


def naming(*paths: str) -> tuple[Property, ...]:
    """Which resource it is. Azure makes another one for another value, and a provider that does not is to be asked."""
    judge = matters("it is another resource then")
    return tuple(Property(path=path, judge=judge, names=True) for path in paths)


def prop(path: str, judge: Judge, default: Any = None) -> Property:
    """One row of a table."""
    return Property(path=path, judge=judge, default=default)


def matters(why: str, level: Level = Level.MEDIUM, *, at_first: Level = Level.NONE) -> Judge:
    """Any other value is a change that a person should know; `at_first` for a resource that is created with one."""

    def judge(was: Any, will: Any) -> Finding:
        if was is NEW:
            return (at_first, why) if will not in (None, [], {}, "") else NOTHING
        return level, why

    return judge


def one_of(
    values: Mapping[Any, Finding | None],
    *,
    leaving: Finding = (Level.LOW, "closes it further; whoever came in that way is locked out"),
    created: Level = Level.HIGH,
) -> Judge:
    """Known values: each opens something (a finding), or does not (None). `leaving` is said of what no longer opens.

    `created` is the most that is said of a resource that has the value from the start.
    """
    known = {_plain(value): finding for value, finding in values.items()}

    def judge(was: Any, will: Any) -> Finding:
        if _plain(will) not in known:
            return UNHEARD
        found = known[_plain(will)]
        if found is not None:
            return (min(found[0], created), found[1]) if was is NEW else found
        return NOTHING if was is NEW else leaving

    return judge


def number(
    more: Finding = HARMLESS, less: Finding = HARMLESS, *, created: Callable[[float], Finding] | None = None
) -> Judge:
    """A number, or a time like PT120S, that may grow or shrink."""

    def judge(was: Any, will: Any) -> Finding:
        amount = _amount(will)
        if amount is None:
            return NOTHING if was is NEW and will is None else UNHEARD
        if was is NEW:
            return created(amount) if created else NOTHING
        before = _amount(was)
        if before is None:
            return max(more, less)
        return more if amount > before else less

    return judge


def for_good(why: str) -> Judge:
    """What cannot be undone once it is true or set."""

    def judge(was: Any, will: Any) -> Finding:
        if will in (None, False, "", "Disabled") and was is NEW:
            return NOTHING
        return Level.HIGH, why

    return judge


@functools.cache
def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*|\[\])", path)
    known = {"**": r".*", "*": r"[^.\[\]]+", "[]": r"\[\d+\]"}
    return re.compile("".join(known.get(part) or re.escape(part) for part in parts))


def _same(was: Any, will: Any) -> bool:
    return bool(was == will) or (isinstance(was, str) and isinstance(will, str) and was.lower() == will.lower())


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.lower()
    return value if isinstance(value, bool | int | float) or value is None else repr(value)


def _amount(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    found = (
        re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", value) if isinstance(value, str) else None
    )
    if not found or not any(found.groups()):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)
