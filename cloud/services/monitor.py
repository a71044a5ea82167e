"""Metrics of an online endpoint, as Azure Monitor has them.

Names, dimensions and units are those of its page "Supported metrics for
Microsoft.MachineLearningServices/workspaces/onlineEndpoints". Azure's figures are a few minutes behind.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cloud.arm import Arm

VERSION = "2024-02-01"
MODEL_ERROR = "424"
"""The container answered otherwise than 200; the dimension `modelStatusCode` says how."""
_MOST_SERIES = 100
"""Azure answers 10 where nothing is said, and does not tell that there are more."""


@dataclass(frozen=True)
class Series:
    """Values by the beginning of their interval, those above 0 alone; ``labels`` are dimensions in lower case."""

    labels: Mapping[str, str]
    points: Mapping[datetime, float]


class Blame(Enum):
    """Whose a request that was not answered with 200 is."""

    MODEL = "the model's, or its machine's"
    LOAD = "more requests at once than the deployment takes"
    CALLER = "the caller's"


def blame(code: str, model_code: str = "") -> Blame | None:
    """Of a status code and, beside a 424, the container's own; None for an answer."""
    if code == "429" or (code == MODEL_ERROR and model_code == "429"):
        return Blame.LOAD
    if code == MODEL_ERROR:
        # A route or a body that the container does not take; without its status it counts as the model's.
        bad_request = model_code.startswith("4") and model_code != "408"
        return Blame.CALLER if bad_request else Blame.MODEL
    if code.startswith("5") or code == "408":
        return Blame.MODEL
    return Blame.CALLER if code.startswith("4") else None


def series(
    arm: Arm, endpoint: str, metric: str, dimensions: str, span: tuple[datetime, datetime], interval: str = "PT1M"
) -> list[Series]:
    """A metric of the endpoint with this id, one series for each value of a dimension that is asked for with ``'*'``.

    Raises what azure-core raises; AzureError for an answer that says nothing, which is not that nobody has asked.
    """
    from azure.core.exceptions import AzureError

    query = {
        "metricnames": metric,
        "timespan": "/".join(text(moment) for moment in span),
        "interval": interval,
        "aggregation": "Average",
        **({"$filter": dimensions, "top": str(_MOST_SERIES)} if dimensions else {}),
    }
    answer = arm.get(f"{endpoint}/providers/Microsoft.Insights/metrics", VERSION, **query)
    if not (values := answer.get("value")):
        raise AzureError(f"Azure Monitor says nothing of {metric}")
    try:
        return [_read(each) for value in values for each in value.get("timeseries") or ()]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise AzureError(f"what Azure Monitor says of {metric} is not understood: {error!r}") from error


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
    if odd := [value for value in points.values() if not 0 < value < math.inf]:
        raise ValueError(odd[0])
    return Series(labels, points)


def text(moment: datetime) -> str:
    """As Azure Monitor reads a time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
