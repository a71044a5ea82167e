"""What a job's GPUs have used, as Azure Monitor has it: the metric GpuEnergyJoules of an Azure ML workspace.

Its name, unit, aggregation and the dimension rootRunId are those of Microsoft's page of metrics of
Microsoft.MachineLearningServices/workspaces. It is of the GPUs alone, and of each minute. What that is in carbon Azure
does not tell of a job: the smallest that its reports have (Microsoft.Carbon, carbonEmissionReports) is a resource and a
month, and a workspace is one resource.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cloud.services.monitor import VERSION, text

if TYPE_CHECKING:
    from cloud.arm import Arm

_METRIC = "GpuEnergyJoules"
KEPT = timedelta(days=93)
"""How long Azure Monitor keeps its metrics."""
_LATE = timedelta(minutes=5)
"""The last minute of a job may be told after its end; it is of this job all the same."""
KILOWATT_HOUR = 3_600_000.0
"""In joules."""


def joules(arm: Arm, workspace: str, job: str, span: tuple[datetime, datetime]) -> float | None:
    """Of all GPUs that the job ran on; None where Azure has none of it.

    Raises what azure-core raises; AzureError for an answer that says nothing, which is not that nothing was used.
    """
    from azure.core.exceptions import AzureError

    # Points stand at the beginning of their minute.
    begin, end = span[0].replace(second=0, microsecond=0), span[1] + _LATE
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
