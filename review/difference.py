"""Two trees of properties, before and after: what differs, what of it is noise, and nothing secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cloud.adoption import UNKNOWN
from review.words import role_named
from settings.redaction import is_secret_name, redact

ABSENT = "(not set)"
MASK = "(secret)"
LATER = "(known after the update)"
_SIGNATURE = "4dabf18193072939515e22adb298388d"  # marks a secret in the engine's JSON
_LONGEST = 160

_NOISE = re.compile(
    r"(^|\.)(__\w+|azureApiVersion|provisioningState|systemData|etag|eTag|created\w*|lastModified\w*|modified\w*"
    r"|\w*(Time|Date|Timestamp)|statusOf\w+|(model_)?fingerprint|roleAssignmentName|allocationState\w*|currentNodeCount|targetNodeCount)($|\.|\[)"
)


@dataclass(frozen=True)
class PropertyChange:
    """One property, as text that may be shown. `noise` is what a provider fills in by itself."""

    path: str
    before: str
    after: str
    noise: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {self.before} → {self.after}"


def difference(before: dict[str, Any], after: dict[str, Any]) -> list[PropertyChange]:
    """Every leaf that differs, sorted by path, secrets masked."""
    old, new = leaves(before), leaves(after)
    found = []
    for path in sorted(old.keys() | new.keys()):
        if path not in old or path not in new or old[path] != new[path]:
            was, will = (_text(path, tree[path]) if path in tree else ABSENT for tree in (old, new))
            if was == will == MASK:
                will = f"{MASK}, another one"
            found.append(PropertyChange(path, was, will, is_noise(path)))
    return found


def leaves(tree: dict[str, Any]) -> dict[str, Any]:
    """Every value below, by its path."""
    return dict(_leaves(tree))


def at_leaf(tree: dict[str, Any], path: str) -> Any:
    """The value at a path as `leaves` writes it; None if there is none."""
    return leaves(tree).get(path)


def put_leaf(tree: Any, path: str, value: Any) -> bool:
    """Sets what is there at a path; whether it was. A key may hold dots: the one that is there counts."""
    if isinstance(tree, list):
        index, _, rest = path.removeprefix("[").partition("]")
        place: Any = int(index)
        if place >= len(tree):
            return False
        if rest:
            return put_leaf(tree[place], rest.removeprefix("."), value)
        tree[place] = value
        return True
    if not isinstance(tree, dict):
        return False
    if path in tree:
        tree[path] = value
        return True
    below = [key for key in tree if path.startswith((f"{key}.", f"{key}["))]
    return any(put_leaf(tree[key], path[len(key) :].removeprefix("."), value) for key in below)


def is_noise(path: str) -> bool:
    """Timestamps, states and versions no person has written."""
    return bool(_NOISE.search(path))


def at(tree: dict[str, Any], path: str) -> Any:
    """The value at a dotted path, None if there is none."""
    value: Any = tree
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def short_id(value: str) -> str:
    """The last part of an ARM id; everything else as it is."""
    return value.rstrip("/").rsplit("/", 1)[-1] if value.startswith("/subscriptions/") else value


def text_of(path: str, value: Any) -> str:
    """A value as it may be shown, secrets masked."""
    return _text(path, value) if value is not None else ABSENT


def without_secrets(tree: Any, path: str = "") -> Any:
    """The same tree without the secrets in it: what is called one, and what is told by its form."""
    if isinstance(tree, dict):
        return {key: without_secrets(value, f"{path}.{key}" if path else str(key)) for key, value in tree.items()}
    if isinstance(tree, list):
        return [without_secrets(item, path) for item in tree]
    if not isinstance(tree, str):
        return tree
    return MASK if _secret(path) and tree != "[secret]" else redact(tree)


def _secret(path: str) -> bool:
    """Whether the value at a path is secret: by its own name, or by that of something it is a part of."""
    return any(is_secret_name(part) for part in re.split(r"[.\[\]]+", path))


def _leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict) and tree and _SIGNATURE not in tree:
        for key, value in tree.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, list) and any(isinstance(item, dict) for item in tree):
        for index, item in enumerate(tree):
            yield from _leaves(item, f"{path}[{index}]")
    elif path:
        yield path, tree


def _text(path: str, value: Any) -> str:
    if value == UNKNOWN:
        return LATER
    if (isinstance(value, dict) and _SIGNATURE in value) or value == "[secret]" or _secret(path):
        return MASK
    if path.endswith("roleDefinitionId"):
        return role_named(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return "[" + ", ".join(_text("", item) for item in value) + "]"
    text = redact(short_id(str(value))) or '""'
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
