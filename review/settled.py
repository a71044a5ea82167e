"""What becomes of a value that a preview does not know: judged by what it comes from in the new program.

While a resource is changed in place, its provider calls everything Azure answers about it unknown until the update. So
a new tag on an identity makes every role assignment look replaced, as its principal "may" be another one. It will not
be, if the new program takes it from the same resource as before and that one is not made anew. What it takes from
where stands in the plan of the preview, what it took in the state: a program that points elsewhere has other sources.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from review.difference import LATER, at_leaf, difference, put_leaf
from review.events import SAME, Preview, Step
from review.words import shown

Needs = Mapping[str, Mapping[str, tuple[str, ...]]]
"""By URN and input: the URNs of the resources whose outputs go into it."""
_ANEW = ("create", "replace", "delete", "import")


class Fate(Enum):
    """What an unknown value will be."""

    STAYS = "the same: it comes from the same resources as before, and none of them is made anew"
    ANEW = "another one, of the same resources, which are made anew"
    ELSEWHERE = "another one: it comes from other resources than before"
    UNTOLD = "nobody can tell: the preview does not show what it comes from"


@dataclass(frozen=True)
class Source:
    """What becomes of an input, and the resources it comes from, in words."""

    fate: Fate
    names: str = ""


@dataclass(frozen=True)
class Sources:
    """Of the inputs of all steps, in the program (`new`) and in the state (`old`)."""

    steps: Mapping[str, Step]
    new: Needs
    old: Needs

    @classmethod
    def of(cls, preview: Preview, old: Needs) -> Sources:
        """From the plan of the preview and the recorded state."""
        return cls({step.urn: step for step in preview.steps}, preview.needs, old)

    def find(self, step: Step, path: str) -> Source:
        """Of the input at a path."""
        key = re.split(r"[.\[]", path)[0]
        new, old = (needs.get(step.urn, {}).get(key, ()) for needs in (self.new, self.old))
        made = [self.steps[urn] for urn in new if urn in self.steps]
        if not made or len(made) < len(new):
            return Source(Fate.UNTOLD)
        names = " and ".join(sorted({shown(one) for one in made}))
        if set(new) != set(old):
            return Source(Fate.ELSEWHERE, names)
        anew = any(one.op in _ANEW for one in made)
        return Source(Fate.ANEW if anew else Fate.STAYS, names)

    def name(self, step: Step, path: str, *, before: bool = False) -> str:
        """The resource an input comes from, in words; empty where that is not one, or not known."""
        urns = (self.old if before else self.new).get(step.urn, {}).get(path, ())
        found = {shown(self.steps[urn]) for urn in urns if urn in self.steps}
        return found.pop() if len(found) == 1 else ""


def settled(preview: Preview, sources: Sources) -> tuple[Preview, list[Step]]:
    """The preview with what stays in place of what is unknown, and the steps of which nothing else was left."""
    steps = dict(sources.steps)
    feared: dict[str, Step] = {}
    changed = True
    while changed:  # One that is taken back may be all that another one is feared for.
        changed = False
        now = replace(sources, steps=steps)
        for step in list(steps.values()):
            if (known := _with_what_stays(step, now)) is None:
                continue
            changed = True
            if _differs(known):
                steps[step.urn] = known
            else:
                feared[step.urn] = step
                steps[step.urn] = replace(step, op=SAME, new=step.old)
    return replace(preview, steps=list(steps.values())), list(feared.values())


def _with_what_stays(step: Step, sources: Sources) -> Step | None:
    """With the old values in place of those that are unknown and stay; None where there are none."""
    if step.op not in ("update", "replace") or not step.old or not step.new:
        return None
    stays = [
        change.path
        for change in difference(step.old.inputs, step.new.inputs)
        if change.after == LATER and not change.noise and sources.find(step, change.path).fate is Fate.STAYS
    ]
    inputs: dict[str, Any] = copy.deepcopy(step.new.inputs)
    put = [path for path in stays if put_leaf(inputs, path, at_leaf(step.old.inputs, path))]
    return replace(step, new=replace(step.new, inputs=inputs)) if put else None


def _differs(step: Step) -> bool:
    assert step.old and step.new
    return any(not change.noise for change in difference(step.old.inputs, step.new.inputs))
