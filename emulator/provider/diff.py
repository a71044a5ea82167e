"""What differs between two sets of inputs, and what that asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi.provider.experimental.provider import DiffResponse, PropertyDiff, PropertyDiffKind

from .rows import ResourceType

CREATE_BEFORE_DELETE = "__createBeforeDelete"
"""Input set on resources with a made-up name: their replacement may exist beside them."""

ABSENT = object()
_REPLACING = {
    PropertyDiffKind.ADD: PropertyDiffKind.ADD_REPLACE,
    PropertyDiffKind.DELETE: PropertyDiffKind.DELETE_REPLACE,
    PropertyDiffKind.UPDATE: PropertyDiffKind.UPDATE_REPLACE,
}


def diff(row: ResourceType, old: Mapping[str, Any], new: Mapping[str, Any]) -> DiffResponse:
    """Compare old with new inputs of one resource.

    A property that differs inside an input of the resource's path, or one of ``row.replaces``,
    asks for a replacement: of the old one first, unless its name was made up.
    """
    replacing = {*row.path_parameters, *row.replaces}
    found: dict[str, PropertyDiff] = {}
    for path, kind in _changes(_comparable(old), _comparable(new), ""):
        if _root(path) in replacing:
            kind = _REPLACING[kind]
        found[path] = PropertyDiff(kind, input_diff=True)
    roots = sorted({_root(path) for path in found})
    replaces = [name for name in roots if name in replacing]
    return DiffResponse(
        changes=bool(found),
        replaces=replaces,
        delete_before_replace=bool(replaces) and not old.get(CREATE_BEFORE_DELETE, False),
        diffs=roots,
        detailed_diff=found,
    )


def _comparable(inputs: Mapping[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in inputs.items() if not k.startswith("__")}
    if isinstance(kept.get("location"), str):
        # "West US 2" and "westus2" are the same region.
        kept["location"] = kept["location"].replace(" ", "").lower()
    return kept


def _changes(old: Any, new: Any, path: str) -> Iterator[tuple[str, PropertyDiffKind]]:
    """Yield the path and kind of every difference, as deep as both sides have the same shape."""
    if old is ABSENT:
        yield path, PropertyDiffKind.ADD
    elif new is ABSENT:
        yield path, PropertyDiffKind.DELETE
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}):
            yield from _changes(old.get(key, ABSENT), new.get(key, ABSENT), _join(path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for i in range(max(len(old), len(new))):
            before = old[i] if i < len(old) else ABSENT
            after = new[i] if i < len(new) else ABSENT
            yield from _changes(before, after, f"{path}[{i}]")
    elif old != new:
        yield path, PropertyDiffKind.UPDATE


def _join(path: str, key: str) -> str:
    """The engine's property path syntax: a key that is no plain word goes in quoted brackets."""
    if not re.fullmatch(r"[A-Za-z_$][\w$]*", key):
        quoted = key.replace("\\", "\\\\").replace('"', '\\"')
        return f'{path}["{quoted}"]'
    return f"{path}.{key}" if path else key


def _root(path: str) -> str:
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def follow(inputs: Any, before: Any, after: Any) -> Any:
    """``inputs`` brought up to date with what changed between two reads of the same resource.

    ``before`` and ``after`` are outputs reduced to what can be an input. Only differences between
    them are taken over, so that defaults Azure filled in do not turn into inputs.
    """
    if before == after:
        return inputs
    if isinstance(inputs, Mapping) and isinstance(before, Mapping) and isinstance(after, Mapping):
        followed = {k: v for k, v in inputs.items() if k in after or k not in before}
        for key, new in after.items():
            if before.get(key, ABSENT) != new:
                known = key in inputs and key in before
                followed[key] = follow(inputs[key], before[key], new) if known else new
        return followed
    if isinstance(inputs, list) and isinstance(before, list) and isinstance(after, list):
        shared = min(len(inputs), len(before))
        return [follow(inputs[i], before[i], new) if i < shared else new for i, new in enumerate(after)]
    return after
