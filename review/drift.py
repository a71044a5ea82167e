"""What somebody changed by hand, as a refresh finds it, and who wins at the next update."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from review.difference import ABSENT, PropertyChange, at, difference, is_noise, text_of
from review.events import Preview, Step
from review.kinds import shown

GONE = "was deleted by hand"
PROGRAM = "the program: the next update puts it back"
HAND = "the hand: the program says nothing about it, or leaves it alone on purpose"


@dataclass(frozen=True)
class Drift:
    """One property of one resource: as Pulumi recorded it, as it is now, and what the next update makes of it."""

    resource: str
    path: str
    recorded: str
    found: str
    winner: str
    urn: str = ""


def drift(preview: Preview) -> list[Drift]:
    """Without noise: states and timestamps change by themselves."""
    steps = {step.urn: step for step in preview.steps}
    return [one for step in preview.refreshed for one in _of(step, steps.get(step.urn), preview)]


def _of(found: Step, planned: Step | None, preview: Preview) -> list[Drift]:
    if found.old is None:
        return []
    if found.new is None:
        will = "the program makes it again" if planned and planned.op == "create" else "it stays away"
        return [Drift(shown(found), "", "there", GONE, will, found.urn)]
    live = _live_traffic(preview)
    mended = {_root(c.path) for c in _planned(planned)}
    told = []
    for path in found.detailed:
        was, now = (_value(state.inputs, state.outputs, path) for state in (found.old, found.new))
        if is_noise(path) or _only_noise(path, was, now) or (path.endswith("properties.traffic") and now == live):
            continue
        put_back = _root(path) in mended or (planned is not None and planned.op in ("create", "replace"))
        winner = PROGRAM if put_back else HAND
        told.append(Drift(shown(found), path, text_of(path, was), text_of(path, now), winner, found.urn))
    return told


def _only_noise(path: str, was: Any, now: Any) -> bool:
    """A provider may report a whole map of which only a timestamp is another one."""
    if not isinstance(now, dict) or not isinstance(was, dict | None):
        return False
    return all(change.noise for change in difference({path: was or {}}, {path: now}) if change.after != ABSENT)


def _live_traffic(preview: Preview) -> dict[str, int] | None:
    """What the release stage has left behind the endpoint: nobody's hand."""
    release = preview.step("release", ":Stash")
    spec = release.old.inputs.get("input") if release and release.old else None
    # As jobs.specs names deployments; an old state's spec need not be one that can still be read.
    return {f"m{spec.get('fingerprint')}": 100} if spec else None


def _planned(step: Step | None) -> list[PropertyChange]:
    return difference(step.old.inputs, step.new.inputs) if step and step.changes and step.old and step.new else []


def _root(path: str) -> str:
    """A provider may report `tags.touched` where the inputs differ in `tags`."""
    return path.split("[")[0]


def _value(inputs: dict[str, Any], outputs: dict[str, Any], path: str) -> Any:
    found = at(inputs, path)
    return found if found is not None else at(outputs, path)
