"""Who asks an endpoint: requests and errors of the last hour, and for how long nobody has asked at all.

Azure Monitor counts them at the endpoint and is a few minutes behind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cloud.arm import Arm
from cloud.services.monitor import Series, series
from jobs.release.judging.health import Health, counts, measured
from settings.redaction import redact

LOOK_BACK = timedelta(days=7)
"""How far back the last request is looked for."""
_RECENT, _HOUR, _MINUTE = timedelta(hours=1), timedelta(hours=1), timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Requests:
    """`recent` are the last hour's requests by deployment; `last` the hour of the last request since `since`, if any.

    `trouble` says why nothing is known, and is empty if something is.
    """

    recent: Mapping[str, Health]
    since: datetime | None
    last: datetime | None
    trouble: str = ""

    def idle(self, now: datetime) -> timedelta:
        """For how long at least nobody has asked; 0 where that is not known, or under an hour."""
        if self.since is None or self.trouble:
            return timedelta()
        # A request counted in an hour came at its end at the latest.
        quiet = now - (self.last + _HOUR if self.last else self.since)
        return quiet if quiet >= _HOUR else timedelta()

    def to_json(self, now: datetime) -> dict[str, Any]:
        return {
            "last_hour": {
                name: {
                    "requests": each.requests,
                    "failed": each.failed,
                    "busy": each.busy,
                    "refused": each.refused,
                    "p95_seconds": each.p95_seconds,
                }
                for name, each in self.recent.items()
            },
            "idle_hours": round(self.idle(now).total_seconds() / 3600, 2),
            "trouble": self.trouble,
        }


NOTHING = Requests(recent={}, since=None, last=None)
"""Of an endpoint without a deployment."""


def read(arm: Arm, endpoint: str, standing_since: datetime, now: datetime) -> Requests:
    """Of the endpoint with this id, one of whose deployments stands since then; `trouble` where Azure does not say."""
    from azure.core.exceptions import AzureError

    since = max(standing_since, now - LOOK_BACK)
    try:
        recent = _recent(arm, endpoint, now)
        last = _last(arm, endpoint, since, now)
    except AzureError as error:
        return Requests(
            recent={},
            since=None,
            last=None,
            trouble=redact(str(error)).splitlines()[0] if str(error) else type(error).__name__,
        )
    return Requests(recent=recent, since=since, last=last)


def _recent(arm: Arm, endpoint: str, now: datetime) -> dict[str, Health]:
    end = now.replace(second=0, microsecond=0) + _MINUTE
    span = (end - _RECENT, end)
    counted = counts(arm, endpoint, "deployment eq '*'", span)
    latencies = series(arm, endpoint, "RequestLatency_P95", "deployment eq '*'", span)
    names = sorted({each.labels.get("deployment", "") for each in counted})
    return {name: measured(_of(name, counted), _of(name, latencies)) for name in names}


def _of(name: str, found: Sequence[Series]) -> list[Series]:
    return [each for each in found if each.labels.get("deployment", "") == name]


def _last(arm: Arm, endpoint: str, since: datetime, now: datetime) -> datetime | None:
    begin = since.replace(minute=0, second=0, microsecond=0)
    end = now.replace(minute=0, second=0, microsecond=0) + _HOUR
    found = series(arm, endpoint, "RequestsPerMinute", "", (begin, end), "PT1H")
    return max((moment.astimezone(UTC) for each in found for moment in each.points), default=None)
