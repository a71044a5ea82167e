"""How a deployment fares under traffic, as Azure Monitor counts it at the endpoint."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from jobs.errors import azure_errors
from jobs.metrics import Series, failure, series

if TYPE_CHECKING:
    from jobs.specs import ReleaseSpec

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Health:
    """Counts of requests, and 95 % of the answers took at most so many seconds; None where nothing was measured."""

    requests: int
    failed: int
    p95_seconds: float | None

    @property
    def failed_percent(self) -> float:
        return 100 * self.failed / self.requests if self.requests else 0.0

    def __str__(self) -> str:
        if not self.requests:
            return "no requests measured yet"
        latency = "" if self.p95_seconds is None else f", 95 % within {self.p95_seconds:.1f} s"
        asked = f"{self.requests} request{'' if self.requests == 1 else 's'}"
        return f"{asked}, {self.failed} failed ({self.failed_percent:.1f} %){latency}"


def read(spec: ReleaseSpec, since: datetime, until: datetime | None = None) -> Health:
    """The spec's deployment from ``since`` on, in whole minutes. Raises StageError."""
    from jobs.arm import Arm

    arm, endpoint = Arm(), f"{spec.target.path}/onlineEndpoints/{spec.endpoint}"
    first = since.replace(second=0, microsecond=0)
    span = (first, max(until or datetime.now(UTC), first + _MINUTE))
    of = f"deployment eq '{spec.deployment_name}'"
    with azure_errors("the endpoint's metrics could not be read", f"endpoint {spec.endpoint}"):
        counted = series(arm, endpoint, "RequestsPerMinute", f"{of} and statusCode eq '*'", span)
        latencies = series(arm, endpoint, "RequestLatency_P95", of, span)
    return measured(counted, latencies)


def measured(counted: Sequence[Series], latencies: Sequence[Series]) -> Health:
    """From ``RequestsPerMinute`` by status code and ``RequestLatency_P95``, both by the minute."""
    requests = failed = 0.0
    for each in counted:
        requests += sum(each.points.values())
        if failure(each.labels.get("statuscode", "")):
            failed += sum(each.points.values())
    milliseconds = [value for each in latencies for value in each.points.values()]
    return Health(round(requests), round(failed), statistics.fmean(milliseconds) / 1000 if milliseconds else None)
