"""Whose doing a drift is, by Azure's activity log, where it may be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from cloud.errors import StageError
from cloud.services.activity import Write
from review.drift.found import Drift

Ask = Callable[[str, datetime], list[Write]]
"""Resource group by id, and since when. Raises StageError."""
_AROUND = timedelta(hours=1)
"""A policy changes what an update sends while it is sent, before Pulumi records the resource."""
_MOST = 3


@dataclass(frozen=True)
class Log:
    """What the log says of the drift; ``silence`` is why it says nothing, where it could not be read."""

    drift: list[Drift]
    silence: str = ""


def named(found: Sequence[Drift], recorded: Mapping[str, datetime], ask: Ask | None) -> Log:
    """The drift with who wrote to each resource since it was ``recorded``, by URN; without ``ask`` as it is."""
    if not found or ask is None:
        return Log(list(found))
    asked: dict[str, list[Write]] = {}
    now = datetime.now(UTC)
    told = []
    for one in found:
        group = _group(one.id)
        if not group:
            told.append(one)
            continue
        if group not in asked:
            times = [recorded.get(other.urn, now - timedelta(days=14)) for other in found if _group(other.id) == group]
            try:
                asked[group] = ask(group, min(times) - _AROUND)
            except StageError as error:
                return Log(list(found), f"Azure's activity log could not be read ({error.why.rstrip('.')})")
        told.append(_by(one, recorded.get(one.urn), asked[group]))
    return Log(told)


def _by(one: Drift, since: datetime | None, writes: Sequence[Write]) -> Drift:
    """With the writers. Nobody's hand only where Azure has written it and nobody else wrote to the resource since."""
    about = [write for write in writes if write.resource == one.id.lower()]
    after = [write for write in about if since is None or write.begun > since]
    people = [write for write in after if not write.by_azure]
    azure = [write for write in about if write.by_azure and (since is None or write.begun > since - _AROUND)]
    if people or not azure:
        return replace(one, who=_names(people) or f"nobody since {_minute(since)}, by the log")
    return replace(one, who=_names(azure), by_hand=False)


def _names(writes: Sequence[Write]) -> str:
    """The last write of each, the latest first."""
    last = {write.who: write for write in writes}
    latest = sorted(last.values(), key=lambda write: write.begun, reverse=True)
    more = f", and {len(latest) - _MOST} more" if len(latest) > _MOST else ""
    return ", ".join(f"{write.who} ({_minute(write.begun)})" for write in latest[:_MOST]) + more


def _minute(when: datetime | None) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if when else "two weeks ago"


def _group(resource: str) -> str:
    """The id of the resource group it lies in, empty where it lies in none."""
    parts = resource.split("/")
    return "/".join(parts[:5]) if len(parts) > 4 and parts[3].lower() == "resourcegroups" else ""
