"""Keys that say what others are where those are not given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NO_KEYS = {"storage": {"sharedKeys": False}}
"""By localAuth: false."""


def with_implied(given: Any) -> Any:
    """The raw settings, with what some of them say about keys that are not there; what is there stays as it is."""
    if not isinstance(given, Mapping):
        return given
    return _below(_NO_KEYS, given) if _is_off(given.get("localAuth")) else given


def _is_off(value: Any) -> bool:
    """As `pulumi config set` writes it, too."""
    return value is False or (isinstance(value, str) and value.lower() == "false")


def _below(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """``given``, and of ``defaults`` what it does not have."""
    found = {**defaults, **given}
    for key, value in defaults.items():
        if isinstance(value, Mapping) and isinstance(own := given.get(key), Mapping):
            found[key] = _below(value, own)
    return found
