"""What a job's GPUs have used, as Azure Monitor has it: the metric GpuEnergyJoules of an Azure ML workspace.

Its name, unit and the dimension rootRunId are those of Microsoft's page of metrics of
Microsoft.MachineLearningServices/workspaces. It is kept for 93 days. What that is in carbon Azure does not tell of a
job: its reports of emissions are of months, subscriptions and services.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cloud.services.monitor import VERSION, text

if TYPE_CHECKING:
    from cloud.arm import Arm

_METRIC = "GpuEnergyJoules"
KILOWATT_HOUR = 3_600_000.0
"""In joules."""


def joules(arm: Arm, workspace: str, job: str, span: tuple[datetime, datetime]) -> float | None:
    """Of all GPUs that the job ran on; None where Azure has none of it.

    Raises what azure-core raises; AzureError for an answer that says nothing, which is not that nothing was used.
    """
    from azure.core.exceptions import AzureError

    begin, end = span[0], max(span[1], span[0] + timedelta(minutes=1))
    query = {
        "metricnames": _METRIC,
        "timespan": "/".join(text(moment) for moment in (begin, end)),
        "interval": "PT1H",
        "aggregation": "Total",
        "$filter": f"rootRunId eq '{job}'",
    }
    answer = arm.get(f"{workspace}/providers/Microsoft.Insights/metrics", VERSION, **query)
    if not (values := answer.get("value")):
        raise AzureError(f"Azure Monitor says nothing of {_METRIC}")
    totals = [
        float(point["total"])
        for value in values
        for series in value.get("timeseries") or ()
        for point in series.get("data") or ()
        if point.get("total")
    ]
    return sum(totals) if totals else None
