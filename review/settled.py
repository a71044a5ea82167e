"""Takes back what a preview only fears.

While a resource is changed in place, its provider calls everything Azure answers about it unknown until the update. So
a new tag on an identity makes every role assignment look replaced, as its principal "may" be another one. It will not
be: only a resource that is made anew answers with something new.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from review.difference import LATER, difference
from review.events import SAME, Preview, Step

_ANEW = ("create", "replace", "delete", "import")


def settled(preview: Preview, dependencies: Mapping[str, tuple[str, ...]]) -> tuple[Preview, list[Step]]:
    """The preview without such steps, and these. Without knowing what depends on what, nothing is taken back."""
    steps = {step.urn: step for step in preview.steps}
    feared: dict[str, Step] = {}
    # One that is taken back may be all that another one is feared for.
    while found := [s for s in steps.values() if s.changes and _only_unknown(s) and _stays(s, steps, dependencies)]:
        for step in found:
            feared[step.urn] = step
            steps[step.urn] = replace(step, op=SAME, new=step.old)
    return replace(preview, steps=list(steps.values())), list(feared.values())


def _only_unknown(step: Step) -> bool:
    if step.op not in ("update", "replace") or not step.old or not step.new:
        return False
    changes = [change for change in difference(step.old.inputs, step.new.inputs) if not change.noise]
    return bool(changes) and all(change.after == LATER for change in changes)


def _stays(step: Step, steps: Mapping[str, Step], dependencies: Mapping[str, tuple[str, ...]]) -> bool:
    needed = [steps[urn] for urn in dependencies.get(step.urn, ()) if urn in steps]
    return bool(needed) and not any(one.op in _ANEW for one in needed)
