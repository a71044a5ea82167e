"""Keeps an update of the endpoint itself from taking the model off the air.

An endpoint is updated with a PUT, and one that does not name the live traffic resets it.
"""

from __future__ import annotations

from collections.abc import Mapping

from jobs.errors import StageError, azure_errors
from jobs.specs import Target

_VERSION = "2025-12-01"


def guard(target: Target, endpoint: str, sent: Mapping[str, float]) -> None:
    """Raises StageError unless the traffic an update is going to send is the live one, or there is none."""
    from jobs.arm import Arm

    path = f"{target.path}/onlineEndpoints/{endpoint}"
    with azure_errors("the live traffic could not be read", f"endpoint {endpoint}"):
        found = Arm().find(path, _VERSION)
    live = _shares((found or {}).get("properties", {}).get("traffic"))
    if live and live != _shares(sent):
        raise StageError(
            "the endpoint was not updated",
            on=f"endpoint {endpoint}",
            why=f"its traffic is {live}, and the update would set it to {_shares(sent) or 'none at all'}",
            todo="Run `pulumi up --refresh`, which takes the live traffic into the update.",
        )


def _shares(traffic: Mapping[str, float] | None) -> dict[str, int]:
    return {name: int(share) for name, share in (traffic or {}).items() if int(share)}
