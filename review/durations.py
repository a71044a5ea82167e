"""How long the stages took when they last ran, read off the stack's state and history.

Pulumi keeps no duration of a resource, but the moment it was recorded. A stage begins when the last thing it waits
for is recorded, or when the update starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cloud.services.activity import moment
from settings.models import WAITS


@dataclass(frozen=True)
class Past:
    """`seconds` per stage, as far as known; `dependencies` of each resource, in all and by input, by URN.

    ``recorded`` is when an update last wrote a resource down.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    dependencies: dict[str, tuple[str, ...]] = field(default_factory=dict)
    needs: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    recorded: dict[str, datetime] = field(default_factory=dict)


def past(state: dict[str, Any], updates: Sequence[dict[str, Any]]) -> Past:
    """From `pulumi stack export` and `pulumi stack history --json`."""
    resources = {one["urn"]: one for one in (state.get("deployment") or {}).get("resources") or ()}
    recorded = {urn: moment(one.get("modified")) for urn, one in resources.items()}
    spans = [(moment(u.get("startTime")), moment(u.get("endTime"))) for u in updates if u.get("kind") == "update"]
    seconds: dict[str, float] = {}
    for urn, resource in resources.items():
        name = urn.rsplit("::", 1)[-1]
        end = recorded[urn]
        if ":Stash::" not in urn or end is None:
            continue
        # History knows whole seconds only.
        begun = next((s for s, e in spans if s and e and s <= end and (end - e).total_seconds() <= 1), None)
        if begun is None:
            continue
        waited = [recorded.get(needed) for needed in resource.get("dependencies") or ()]
        begin = max([begun, *(ended for ended in waited if ended and begun <= ended <= end)])
        seconds[name] = (end - begin).total_seconds()
    needs = {urn: tuple(one.get("dependencies") or ()) for urn, one in resources.items()}
    by_input = {
        urn: {key: tuple(urns) for key, urns in (one.get("propertyDependencies") or {}).items() if urns}
        for urn, one in resources.items()
    }
    known = {urn: when for urn, when in recorded.items() if when}
    return Past(seconds, needs, {urn: keys for urn, keys in by_input.items() if keys}, known)


def in_words(seconds: float) -> str:
    """`40 s`, `12 min`, `2 h 5 min`."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def finetune_seconds(
    seconds: float | None, old: dict[str, Any], new: dict[str, Any], data: float | None = 1.0
) -> float | None:
    """The last fine-tune's duration, scaled by the passes over the data and its size; the component's waits are not.

    One that was shorter than these had none, as on the emulator. ``data`` is how many times as large the new data are;
    None where nobody can tell, and then nobody can tell the duration. So it is with other numbers of steps or nodes.
    """
    if seconds is None:
        return None
    steps = [_number(recipe.get("max_steps")) or -1 for recipe in (old, new)]
    nodes = [_number(recipe.get("num_nodes_finetune")) or 1 for recipe in (old, new)]
    if nodes[0] != nodes[1] or (max(steps) > 0 and min(steps) <= 0):
        return None
    fixed = WAITS if seconds > WAITS else 0
    if max(steps) > 0:
        return fixed + (seconds - fixed) * steps[1] / steps[0]
    was, will = (_number(recipe.get("num_train_epochs")) for recipe in (old, new))
    if was is None and will is None:
        was = will = 1.0
    if data is None or not was or will is None:
        return None
    return fixed + (seconds - fixed) * will / was * data


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
