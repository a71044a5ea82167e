"""How a deployment fares under traffic, as Azure Monitor counts it at the endpoint.

Metric names, dimensions and units are those of Azure Monitor's page "Supported metrics for
Microsoft.MachineLearningServices/workspaces/onlineEndpoints". Azure's figures are a few minutes behind.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from jobs.errors import azure_errors

if TYPE_CHECKING:
    from jobs.specs import ReleaseSpec

_VERSION = "2024-02-01"
_MINUTE = timedelta(minutes=1)
# Those that are the model's or its machine's fault; 424 is an error the model raised.
_FAILURES = (408, 424, 429)


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
        return f"{self.requests} requests, {self.failed} failed ({self.failed_percent:.1f} %){latency}"


def read(spec: ReleaseSpec, since: datetime, until: datetime | None = None) -> Health:
    """The spec's deployment from ``since`` on, in whole minutes. Raises StageError."""
    from jobs.arm import Arm

    arm = Arm()
    until = until or datetime.now(UTC)
    first = since.replace(second=0, microsecond=0)
    span = f"{_text(first)}/{_text(max(until, first + _MINUTE))}"
    of = f"deployment eq '{spec.deployment_name}'"
    with azure_errors("the endpoint's metrics could not be read", f"endpoint {spec.endpoint}"):
        counted = _series(arm, spec, "RequestsPerMinute", f"{of} and statusCode eq '*'", span)
        latencies = _series(arm, spec, "RequestLatency_P95", of, span)
    requests = failed = 0.0
    for code, values in counted:
        requests += sum(values)
        if code.startswith("5") or code in map(str, _FAILURES):
            failed += sum(values)
    milliseconds = [value for _, values in latencies for value in values]
    return Health(round(requests), round(failed), statistics.fmean(milliseconds) / 1000 if milliseconds else None)


def _series(arm: Any, spec: ReleaseSpec, metric: str, dimensions: str, span: str) -> list[tuple[str, list[float]]]:
    """For each status code ("" where the metric is not split by it) the values of the minutes that have one."""
    target = spec.target
    path = (
        f"/subscriptions/{target.subscription_id}/resourceGroups/{target.resource_group}/providers"
        f"/Microsoft.MachineLearningServices/workspaces/{target.workspace}/onlineEndpoints/{spec.endpoint}"
        "/providers/Microsoft.Insights/metrics"
    )
    query = {"metricnames": metric, "timespan": span, "interval": "PT1M", "aggregation": "Average"}
    answer = arm.get(path, _VERSION, **query, **{"$filter": dimensions})
    found: list[tuple[str, list[float]]] = []
    for value in answer.get("value") or ():
        for series in value.get("timeseries") or ():
            codes = [
                str(each.get("value", ""))
                for each in series.get("metadatavalues") or ()
                if str((each.get("name") or {}).get("value", "")).lower() == "statuscode"
            ]
            values = [point["average"] for point in series.get("data") or () if point.get("average")]
            found.append((codes[0] if codes else "", values))
    return found


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
