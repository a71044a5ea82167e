"""How the traffic is shared: per cent by deployment."""

from __future__ import annotations

from collections.abc import Mapping


def shares(traffic: Mapping[str, float] | None) -> dict[str, int]:
    """Whole numbers, those at 0 left out."""
    return {name: int(share) for name, share in (traffic or {}).items() if int(share)}


def shown(traffic: Mapping[str, int]) -> str:
    """For people: ``90 % m0123, 10 % m4567``."""
    return ", ".join(f"{share} % {name}" for name, share in sorted(traffic.items())) or "no traffic at all"
