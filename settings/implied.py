"""Keys that say what others are where those are not given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_NO_KEYS = {"storage": {"sharedKeys": False}}
"""By localAuth: false."""
SEALED: Mapping[str, Any] = {
    "network": "private",
    "localAuth": False,
    "highBusinessImpact": True,
    "encryption": {"infrastructure": True},
    "identity": {"contributorScope": "workspace"},
    "vault": {"purgeProtection": True, "retentionDays": 90},
    "monitoring": {"diagnostics": True, "allResources": True},
    "protect": True,
}
"""By sealed: true. What cannot be undone and may not fit, as `outbound.to: approved`, is not in it."""


def with_implied(given: Any) -> Any:
    """The raw settings, with what some of them say about keys that are not there; what is there stays as it is."""
    if not isinstance(given, Mapping):
        return given
    if _is(given.get("sealed"), "true"):
        given = _below(SEALED, given)
    return _below(_NO_KEYS, given) if _is(given.get("localAuth"), "false") else given


def loosened(effective: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Keys of a sealed stack that are other than the profile says, each with its value; a key of its own it has, too.

    `effective` is the whole tree under the keys of a stack file, without `finetune-phi:` before them.
    """
    if not (effective.get("encryption") or {}).get("key"):
        yield "encryption.key", ""
    for key, value in SEALED.items():
        own = effective.get(key)
        if not isinstance(value, Mapping):
            if own != value:
                yield key, own
            continue
        for inner, wanted in value.items():
            if (there := (own or {}).get(inner)) != wanted:
                yield f"{key}.{inner}", there


def _is(value: Any, word: str) -> bool:
    """As `pulumi config set` writes it, too."""
    return str(value).lower() == word if isinstance(value, bool | str) else False


def _below(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """``given``, and of ``defaults`` what it does not have."""
    found = {**defaults, **given}
    for key, value in defaults.items():
        if isinstance(value, Mapping) and isinstance(own := given.get(key), Mapping):
            found[key] = _below(value, own)
    return found
