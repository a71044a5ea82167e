"""The release that was left half way, if one was: which deployment is the new one, and what had the traffic before.

Both stand in tags of the new deployment, so that whoever takes the release up, or back, knows them on any machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from jobs.release.deployments import MODEL

BEFORE, BEGUN = "traffic_before", "release_begun"
"""Tags of a deployment: the traffic before it as JSON, and when its release began, in UTC."""


@dataclass(frozen=True)
class Unfinished:
    """A release that has not come to its end.

    Attributes:
        deployment: the new one.
        before: per cent by deployment before it, in all 100.
    """

    deployment: str
    before: Mapping[str, int]


def tags(before: Mapping[str, int]) -> dict[str, str]:
    """Tags of a new deployment whose release begins now."""
    return {BEFORE: json.dumps(dict(before)), BEGUN: datetime.now(UTC).isoformat(timespec="seconds")}


def ours(tags: Mapping[str, str]) -> bool:
    """Whether a deployment with these tags is a release's, and not somebody else's beside it."""
    return MODEL in tags or BEFORE in tags


def release(deployments: Mapping[str, Mapping[str, str]], traffic: Mapping[str, int]) -> Unfinished | None:
    """The unfinished release among an endpoint's deployments (name → tags), None where there is none.

    The end of a release is that the deployments before it are gone. Two deployments may each name the other, when a
    model that had been replaced came back: then the one that began later is the new one, and of two that do not say
    when they began the one with less traffic. A release without a deployment before it has nothing to go back to.
    Somebody else's deployment stays for ever, and says nothing of a release.
    """
    found = []
    strangers = {name for name, its in deployments.items() if not ours(its)}
    for name, its in deployments.items():
        before = _before(its)
        if (replaced := set(before) - strangers) and replaced <= set(deployments) - {name}:
            found.append((its.get(BEGUN, ""), name, before))
    if not found:
        return None
    _, name, before = max(found, key=lambda each: (each[0], -traffic.get(each[1], 0), each[1]))
    return Unfinished(name, before)


def _before(its: Mapping[str, str]) -> dict[str, int]:
    try:
        return {str(name): int(share) for name, share in json.loads(its.get(BEFORE, "{}")).items()}
    except (ValueError, AttributeError, TypeError, OverflowError, RecursionError):  # somebody else's tag
        return {}
