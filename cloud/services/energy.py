"""What a job's GPUs have used, as Azure Monitor has it: the metric GpuEnergyJoules of an Azure ML workspace.

Its name, unit and the dimension rootRunId are those of Microsoft's page of metrics of
Microsoft.MachineLearningServices/workspaces. It is kept for 93 days. What that is in carbon Azure does not tell of a
job: its reports of emissions are of months, subscriptions and services.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cloud.arm import Arm

_VERSION = "2024-02-01"
_METRIC = "GpuEnergyJoules"
KILOWATT_HOUR = 3_600_000.0
"""In joules."""


def joules(arm: Arm, workspace: str, job: str, span: tuple[datetime, datetime]) -> float | None:
    """Of all GPUs that the job ran on; None where Azure has none of it. Raises what azure-core raises."""
    begin, end = span[0], max(span[1], span[0] + timedelta(minutes=1))
    query = {
        "metricnames": _METRIC,
        "timespan": "/".join(moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for moment in (begin, end)),
        "interval": "PT1H",
        "aggregation": "Total",
        "$filter": f"rootRunId eq '{job}'",
    }
    answer = arm.get(f"{workspace}/providers/Microsoft.Insights/metrics", _VERSION, **query)
    totals = [
        float(point["total"])
        for value in answer.get("value") or ()
        for series in value.get("timeseries") or ()
        for point in series.get("data") or ()
        if point.get("total")
    ]
    return sum(totals) if totals else None
