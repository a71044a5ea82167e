"""Azure Monitor's figures: what is asked for, whose a failed request is, and what a job's GPUs have used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from azure.core.exceptions import AzureError

from cloud.services import energy, monitor
from cloud.services.monitor import Blame, Series, blame

SPAN = (
    datetime(2026, 11, 29, 12, 3, 4, 5, timezone(timedelta(hours=2))),
    datetime(2026, 11, 29, 12, 30, tzinfo=timezone(timedelta(hours=2))),
)


class Arm:
    def __init__(self, answer: Any) -> None:
        self.answer, self.asked = answer, []  # type: ignore[var-annotated]

    def get(self, path: str, version: str, **query: str) -> Any:
        self.asked.append((path, version, query))
        return self.answer


def series(*told: dict[str, Any]) -> dict[str, Any]:
    return {"value": [{"timeseries": list(told)}, {"timeseries": None}]}


POINT = "2026-11-29T10:00:00Z"


@pytest.mark.parametrize("dimensions", ["", "deployment eq '*'"])
def test_a_metric_of_an_endpoint(dimensions: str) -> None:
    told = {
        "metadatavalues": [{"name": {"value": "Deployment"}, "value": "m1"}, {"name": None}],
        "data": [{"timeStamp": POINT, "average": 2}, {"timeStamp": POINT, "average": 0}, {"timeStamp": POINT}],
    }
    arm: Any = Arm(series(told, {}))
    assert monitor.series(arm, "/e", "Requests", dimensions, SPAN) == [
        Series({"deployment": "m1", "": ""}, {datetime(2026, 11, 29, 10, tzinfo=UTC): 2.0}),
        Series({}, {}),
    ]
    query = {
        "metricnames": "Requests",
        "timespan": "2026-11-29T10:03:04Z/2026-11-29T10:30:00Z",
        "interval": "PT1M",
        "aggregation": "Average",
    }
    more = {"$filter": dimensions, "top": "100"} if dimensions else {}
    assert arm.asked == [("/e/providers/Microsoft.Insights/metrics", "2024-02-01", {**query, **more})]
    monitor.series(arm, "/e", "Requests", dimensions, SPAN, "PT1H")
    assert arm.asked[-1][2]["interval"] == "PT1H"


@pytest.mark.parametrize("answer", [{}, {"value": []}])
def test_no_word_is_not_nothing(answer: Any) -> None:
    arm: Any = Arm(answer)
    with pytest.raises(AzureError, match=r"^Azure Monitor says nothing of Requests$"):
        monitor.series(arm, "/e", "Requests", "", SPAN)
    with pytest.raises(AzureError, match=r"^Azure Monitor says nothing of GpuEnergyJoules$"):
        energy.joules(arm, "/w", "job", SPAN)


@pytest.mark.parametrize("average", [-1, float("inf"), "x", [1]])
def test_figures_that_are_not_understood(average: Any) -> None:
    arm: Any = Arm(series({"data": [{"timeStamp": POINT, "average": average}]}))
    with pytest.raises(AzureError, match=r"^what Azure Monitor says of Requests is not understood: "):
        monitor.series(arm, "/e", "Requests", "", SPAN)


@pytest.mark.parametrize(
    ("code", "model_code", "whose"),
    [
        ("200", "", None),
        ("302", "", None),
        ("400", "", Blame.CALLER),
        ("401", "", Blame.CALLER),
        ("408", "", Blame.MODEL),
        ("429", "", Blame.LOAD),
        ("424", "", Blame.MODEL),
        ("424", "200", Blame.MODEL),
        ("424", "400", Blame.CALLER),
        ("424", "408", Blame.MODEL),
        ("424", "429", Blame.LOAD),
        ("424", "500", Blame.MODEL),
        ("500", "429", Blame.MODEL),
        ("503", "", Blame.MODEL),
        ("400", "429", Blame.CALLER),
    ],
)
def test_whose_a_failed_request_is(code: str, model_code: str, whose: Blame | None) -> None:
    assert blame(code, model_code) is whose


def test_what_the_gpus_of_a_job_have_used() -> None:
    told = series({"data": [{"total": 1.5}, {"total": None}, {}]}, {"data": [{"total": "2"}]}, {"data": None})
    arm: Any = Arm(told)
    assert energy.joules(arm, "/w", "job", SPAN) == 3.5
    query = {
        "metricnames": "GpuEnergyJoules",
        "timespan": "2026-11-29T10:03:00Z/2026-11-29T10:35:00Z",
        "interval": "PT1H",
        "aggregation": "Total",
        "$filter": "rootRunId eq 'job'",
    }
    assert arm.asked == [("/w/providers/Microsoft.Insights/metrics", "2024-02-01", query)]
    none: Any = Arm(series({"data": [{"total": 0}]}))
    assert energy.joules(none, "/w", "job", SPAN) is None
    assert (timedelta(days=93), 3_600_000) == (energy.KEPT, energy.KILOWATT_HOUR)
