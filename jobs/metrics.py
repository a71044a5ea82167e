"""Metrics of an online endpoint, as Azure Monitor has them.

Names, dimensions and units are those of its page "Supported metrics for
Microsoft.MachineLearningServices/workspaces/onlineEndpoints". Azure's figures are a few minutes behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobs.arm import Arm

_VERSION = "2024-02-01"
# Beside 5xx; 424 is an error the model raised.
_FAILURES = ("408", "424", "429")


@dataclass(frozen=True)
class Series:
    """Values by the beginning of their interval, those above 0 alone; ``labels`` are dimensions in lower case."""

    labels: Mapping[str, str]
    points: Mapping[datetime, float]


def failure(code: str) -> bool:
    """Whether a status code is the model's or its machine's fault."""
    return code.startswith("5") or code in _FAILURES


def series(
    arm: Arm, endpoint: str, metric: str, dimensions: str, span: tuple[datetime, datetime], interval: str = "PT1M"
) -> list[Series]:
    """A metric of the endpoint with this id, one series for each value of a dimension that is asked for with ``'*'``.

    Raises what azure-core raises.
    """
    query = {
        "metricnames": metric,
        "timespan": "/".join(_text(moment) for moment in span),
        "interval": interval,
        "aggregation": "Average",
        **({"$filter": dimensions} if dimensions else {}),
    }
    answer = arm.get(f"{endpoint}/providers/Microsoft.Insights/metrics", _VERSION, **query)
    return [_read(each) for value in answer.get("value") or () for each in value.get("timeseries") or ()]


def _read(given: dict[str, Any]) -> Series:
    labels = {
        str((each.get("name") or {}).get("value", "")).lower(): str(each.get("value", ""))
        for each in given.get("metadatavalues") or ()
    }
    points = {
        datetime.fromisoformat(point["timeStamp"]): float(point["average"])
        for point in given.get("data") or ()
        if point.get("average")
    }
    return Series(labels, points)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
