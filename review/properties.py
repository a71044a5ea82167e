"""What the changed inputs of a resource put at risk, one by one, by the table of `review.known`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from review.difference import LATER, PropertyChange, difference, leaves, text_of
from review.events import Step
from review.known.judge import NEW, Finding, Level, Property
from review.known.table import is_known, row_of, rows_of
from review.settled import Fate, Sources
from review.words import type_of

_ENGINE = re.compile(r"(^|\.)(__\w+|provisioningState|systemData(\..*)?|e[tT]ag)$")
"""What engine and provider keep beside the inputs; no program gives it."""
_NAMED = 4


@dataclass
class Look:
    """What was found, the paths that are known as harmless, and those that nobody has looked at."""

    risky: dict[str, tuple[Level, str, str]] = field(default_factory=dict)
    """By path: how bad, the change in words, and what follows."""
    harmless: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        """All that was looked at, and what should have been."""
        return [*self.risky, *self.harmless, *self.unknown]

    def take_back(self, paths: Collection[str]) -> None:
        """What is no change, as something beside the table says."""
        for path in paths:
            self.risky.pop(path, None)
            self.harmless.append(path)

    def told(self) -> Iterator[Finding]:
        """The findings, and one more for all that the table does not know."""
        # What follows from several changes is said once.
        for level, why in dict.fromkeys((level, why) for level, _, why in self.risky.values()):
            changes = [text for *found, text, follows in self.risky.values() if (found[0], follows) == (level, why)]
            more = f" and {len(changes) - _NAMED} more" if len(changes) > _NAMED else ""
            yield level, f"{', '.join(changes[:_NAMED])}{more}: {why}."
        if self.unknown:
            named = ", ".join(self.unknown[:_NAMED])
            more = f" and {len(self.unknown) - _NAMED} more" if len(self.unknown) > _NAMED else ""
            yield Level.MEDIUM, f"this review does not know what follows from {named}{more}."


def look(step: Step, sources: Sources | None = None) -> Look:
    """At what a step changes; of a resource that is deleted, at nothing."""
    if step.op == "delete" or not is_known(step):
        return Look()
    old = step.old.inputs if step.old else {}
    new = step.new.inputs if step.new else {}
    return _created(step, new) if step.op in ("create", "import") else _changed(step, old, new, sources)


def _changed(step: Step, old: dict[str, Any], new: dict[str, Any], sources: Sources | None) -> Look:
    found = Look()
    was, will = leaves(old), leaves(new)
    for change in difference(old, new):
        row = row_of(step, change.path)
        if row is None:
            if not _ENGINE.search(change.path):
                found.unknown.append(change.path)
        elif row.names and step.op == "replace":
            continue  # that it is another resource then is told already
        else:
            level, why, after = _judged(row, change, was.get(change.path), will, step, sources)
            if level <= Level.LOW and not why:
                found.harmless.append(change.path)
            elif level > Level.NONE:
                found.risky[change.path] = (level, f"{change.path}: {change.before} → {after}", why)
    return found


def _judged(
    row: Property, change: PropertyChange, was: Any, will: dict[str, Any], step: Step, sources: Sources | None
) -> tuple[Level, str, str]:
    """How bad, what follows, and the value afterwards in words. What is not known yet is judged by its source."""
    after = change.after
    if change.after == LATER and sources:
        source = sources.find(step, change.path)
        if source.fate is Fate.ANEW:
            return Level.LOW, "it follows that one, which is made anew", f"of {source.names}"
        if source.fate is Fate.ELSEWHERE:
            # It is another value than before, whatever it will be.
            return *row.finding(was, f"of {source.names}"), f"of {source.names}"
    if row.default is not None and change.path not in will:
        after += f", which Azure takes for {text_of('', row.default)}"
    return *row.finding(was, will.get(change.path)), after


def _created(step: Step, new: dict[str, Any]) -> Look:
    """With what it has from the start, and what Azure takes where it says nothing."""
    found = Look()
    will = leaves(new)
    for path, value in will.items():
        row = row_of(step, path)
        if row is None:
            if not _ENGINE.search(path):
                found.unknown.append(path)
            continue
        level, why = row.finding(NEW, value)
        if level > Level.LOW:
            found.risky[path] = (level, f"is created with {path} {text_of(path, value)}", why)
    for row in rows_of(step):
        if row.default is None or row.path in will or not _has_parent(row.path, will):
            continue
        if row.path.endswith("publicNetworkAccess") and type_of(step).reach is None:
            continue  # as a project, which is as public as its hub
        level, why = row.finding(NEW, None)
        if level > Level.LOW:
            taken = text_of(row.path, row.default)
            found.risky[row.path] = (level, f"is created without {row.path}, which Azure takes for {taken}", why)
    return found


def _has_parent(path: str, will: dict[str, Any]) -> bool:
    """Of a part that is not there at all, as a firewall, another property says what follows."""
    parent = path.rpartition(".")[0]
    return not parent or any(each.startswith(f"{parent}.") for each in will)
