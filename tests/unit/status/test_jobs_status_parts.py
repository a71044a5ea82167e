"""What a status is made of: answers, costs, requests, how far a job is."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import AzureError, HttpResponseError
from status_azure import A100, NOW
from status_made import job

from cloud.errors import StageError
from cloud.services.mlflow import Point
from cloud.services.prices import PriceBook
from jobs.release.judging.health import Health
from jobs.status import usage
from jobs.status.answers import Answers, known
from jobs.status.progress import Progress, by_earlier, by_metrics, in_words
from jobs.status.spending import HourPrice, Line, Use, dollars, hour_prices, spending
from jobs.status.status import Stage


def raised(error: Exception) -> Any:
    def read() -> None:
        raise error

    return read


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (StageError("a", on="b", why="it is so", todo="d"), "it is so"),
        (AzureError("the first line\nthe second"), "the first line"),
        (HttpResponseError("Forbidden\nmore"), "Forbidden"),
        (KeyError("x"), "the answer makes no sense (KeyError: 'x')"),
        (ValueError("no number"), "the answer makes no sense (ValueError: no number)"),
        (TypeError("t"), "the answer makes no sense (TypeError: t)"),
        (AttributeError("a"), "the answer makes no sense (AttributeError: a)"),
        (IndexError("i"), "the answer makes no sense (IndexError: i)"),
    ],
)
def test_what_is_not_answered_is_noted_with_its_reason(error: Exception, why: str) -> None:
    answers = Answers()
    assert answers.of("the jobs", lambda: 1, 0) == 1 and answers.missing == {}
    assert answers.of("the jobs", raised(error), 7) == 7
    assert answers.told() == [f"Not read just now: the jobs ({why})"]
    silence = answers.silence("stack dev")
    assert str(silence) == f"the state could not be read (stack dev): {why}. Run it again."


def test_a_fault_of_the_program_is_not_taken_for_an_answer() -> None:
    with pytest.raises(RuntimeError):
        Answers().of("the jobs", raised(RuntimeError("x")), 0)
    assert Answers().silence("stack dev").why == "no answer"


@pytest.mark.parametrize(
    ("missing", "unknown"),
    [
        ((), set()),
        (("the jobs",), {"finetune-gentle"}),
        (("data and model",), {"dataset", "finetune-gentle"}),
        (("the endpoint",), {"release"}),
        (("the deployments",), {"release"}),
        (("energy",), set()),
    ],
)
def test_a_stage_is_unknown_where_what_tells_of_it_was_not_read(missing: tuple[str, ...], unknown: set[str]) -> None:
    answers = Answers()
    answers.missing.update(dict.fromkeys(missing, "no"))
    every = tuple(Stage(name, "done", "x") for name in ("dataset", "finetune-gentle", "promotion", "release"))
    assert known(every, answers) == tuple(
        Stage(each.name, "unknown" if each.name in unknown else "done", "x") for each in every
    )


def test_an_hour_costs_what_the_setting_says_or_the_price_list(tmp_path: Path) -> None:
    asked = []

    def listed(meter: Any) -> list[dict[str, Any]]:
        asked.append((meter.service, meter.region, meter.sku))
        row = {"retailPrice": 4.0, "unitOfMeasure": "1 Hour", "productName": "made up", "meterName": "A100"}
        return [row] if meter.sku == A100 else []

    book = PriceBook(tmp_path / "p.json", date(2026, 11, 25), listed)
    sizes = [A100, "Standard_Own", A100, "Standard_Nowhere"]
    found = hour_prices(sizes, "eastus2", book, {"Standard_Own": 2.5, A100: 0})
    assert found == {
        A100: HourPrice(4.0, "list price of 2026-11-25 (made up, A100)"),
        "Standard_Own": HourPrice(2.5, "the setting compute.hourlyPrice"),
        "Standard_Nowhere": HourPrice(None, "price unknown: Azure's price list has none, or could not be reached"),
    }
    assert list(found) == [A100, "Standard_Own", "Standard_Nowhere"]
    assert sorted(asked) == [("Virtual Machines", "eastus2", A100), ("Virtual Machines", "eastus2", "Standard_Nowhere")]


def test_costs_are_hours_times_machines_times_the_price() -> None:
    uses = [
        Use(what="a", vm_size="x", count=2, hours=3.0, now=True),
        Use(what="b", vm_size="y", count=4, hours=0.5, now=False),
        Use(what="c", vm_size="x", count=1, hours=1.0, now=True),
    ]
    prices = {"x": HourPrice(1.5, "a list"), "y": HourPrice(2.25, "")}
    found = spending(uses, prices)
    assert (found.lines, found.so_far, found.hourly) == (
        (Line(uses[0], 9.0), Line(uses[1], 4.5), Line(uses[2], 1.5)),
        15.0,
        4.5,
    )
    assert found.prices == prices
    unknown = spending(uses, {**prices, "x": HourPrice(None, "nobody knows")})
    assert (unknown.so_far, unknown.hourly, [line.cost for line in unknown.lines]) == (None, None, [None, 4.5, None])
    assert unknown.notes() == ["x: nobody knows", "y: 2.25 USD an hour, "]
    assert (spending([], {}).so_far, spending([], {}).hourly) == (0, 0)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "unknown"),
        (0, "0.00"),
        (0.0099, "under 0.01"),
        (0.01, "0.01"),
        (999.994, "999.99"),
        (1000, "1,000"),
        (2679.4, "2,679"),
    ],
)
def test_dollars_are_told_as_people_read_them(value: float | None, told: str) -> None:
    assert dollars(value) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "0 s"),
        (0.6, "1 s"),
        (89.9, "90 s"),
        (90, "2 min"),
        (119.4 * 60, "119 min"),
        (119.6 * 60, "2 h"),
        (120 * 60, "2 h"),
        (125 * 60, "2 h 5 min"),
    ],
)
def test_times_are_told_as_people_read_them(seconds: float, told: str) -> None:
    assert in_words(seconds) == told


@pytest.mark.parametrize(
    ("progress", "told"),
    [
        (Progress(0.5, 1000.0, "a guess"), "50 %, about 17 min left (a guess)"),
        (Progress(None, 30.0, "a guess"), "about 30 s left (a guess)"),
        (Progress(0.5, None, "a guess"), "50 %, time left unknown (a guess)"),
        (Progress(0.0, 0.0, "a guess"), "0 %, about 0 s left (a guess)"),
    ],
)
def test_progress_in_words(progress: Progress, told: str) -> None:
    assert str(progress) == told


LOGGED = [Point(0.5, 5, NOW.timestamp() - 1000), Point(1.5, 15, NOW.timestamp() - 100)]


@pytest.mark.parametrize(
    ("inputs", "share", "left"),
    [
        # A whole epoch took 900 s; 100 have gone since the last loss.
        ({"num_train_epochs": "3"}, 0.5, 1350 - 100),
        ({"num_train_epochs": "3", "max_steps": "-1"}, 0.5, 1350 - 100),
        ({"num_train_epochs": "3", "max_steps": "0"}, 0.5, 1350 - 100),
        ({"num_train_epochs": "3", "max_steps": "30"}, 0.5, 1350 - 100),
        ({"num_train_epochs": "3", "max_steps": "60"}, 0.25, 4050 - 100),
        ({"max_steps": "some", "num_train_epochs": "2"}, 0.75, 450 - 100),
        ({}, 1.0, 0),
        ({"max_steps": "10"}, 1.0, 0),
    ],
)
def test_how_far_a_job_is_by_its_losses(inputs: dict[str, str], share: float, left: float) -> None:
    found = by_metrics(LOGGED, inputs, NOW)
    assert found is not None
    assert (found.share, found.left) == (pytest.approx(share), pytest.approx(left))
    assert found.basis == "estimated from the steps so far; saving comes on top"


@pytest.mark.parametrize(
    "logged",
    [
        [],
        LOGGED[:1],
        [LOGGED[0], LOGGED[0]],
        [Point(0.5, 5, 100.0), Point(1.5, 15, 100.0)],
        [Point(-1.0, 5, 0.0), Point(0.0, 15, 100.0)],
    ],
)
def test_losses_that_say_nothing_of_the_time(logged: list[Point]) -> None:
    assert by_metrics(logged, {"num_train_epochs": "3"}, NOW) is None


def test_how_far_a_job_is_by_an_earlier_one() -> None:
    earlier = ("finetune-0", timedelta(hours=2))
    began = NOW - timedelta(hours=0.5)
    assert by_earlier(began, earlier, NOW) == Progress(None, 5400.0, "estimated from finetune-0")
    assert by_earlier(None, earlier, NOW) == Progress(None, 7200.0, "estimated from finetune-0")
    assert by_earlier(NOW - timedelta(hours=3), earlier, NOW) == Progress(None, 0.0, "estimated from finetune-0")
    assert by_earlier(began, None, NOW) == Progress(None, None, "no earlier job to compare with")


@pytest.mark.parametrize(
    ("inputs", "nodes"),
    [
        ({}, 1),
        ({"num_nodes_finetune": "3"}, 3),
        ({"num_nodes_finetune": "", "number": "2/4"}, 4),
        ({"number": "2/4"}, 4),
        ({"number": ""}, 1),
        ({"number": "all"}, 1),
        ({"num_nodes_finetune": "-1"}, 1),
    ],
)
def test_on_how_many_machines_a_job_is(inputs: dict[str, str], nodes: int) -> None:
    assert dataclasses.replace(job("finetune-1", "Running", 1), inputs=inputs).nodes == nodes


def test_how_long_a_job_has_run() -> None:
    running = job("finetune-1", "Running", 2)
    assert running.started is not None and (running.machine, running.fingerprint) == ("", "")
    assert running.hours(running.started + timedelta(hours=1.5)) == 1.5
    assert dataclasses.replace(running, ended=running.started + timedelta(minutes=30)).hours(NOW) == 0.5
    assert dataclasses.replace(running, started=None).hours(NOW) == 0.0


def test_what_is_asked_of_azure_monitor() -> None:
    """The last hour by the minute, and back to a week by the hour."""
    asked: list[dict[str, str]] = []
    labels = [{"name": {"value": "deployment"}, "value": "m1"}]
    counted = {"metadatavalues": [*labels, {"name": {"value": "statuscode"}, "value": "200"}]}

    def get(path: str, version: str, **query: str) -> dict[str, Any]:
        asked.append({"path": path, **query})
        if query["interval"] == "PT1H":
            points = [{"timeStamp": f"2026-11-2{day}T08:00:00Z", "average": 1.0} for day in (4, 3)]
            return {"value": [{"timeseries": [{"metadatavalues": [], "data": points}]}]}
        if query["metricnames"] == "RequestLatency_P95":
            data = [{"timeStamp": "2026-11-25T12:20:00Z", "average": 1500.0}]
            return {"value": [{"timeseries": [{"metadatavalues": labels, "data": data}]}]}
        found = (
            []
            if "modelStatusCode" in query["$filter"]
            else [counted | {"data": [{"timeStamp": "2026-11-25T12:20:00Z", "average": 3.0}]}]
        )
        return {"value": [{"timeseries": found}]}

    arm: Any = SimpleNamespace(get=get)
    now = datetime(2026, 11, 25, 12, 30, 15, 5, UTC)
    found = usage.read(arm, "/endpoint", now - timedelta(days=30), now)
    assert found == usage.Requests(
        recent={"m1": Health(requests=3, failed=0, p95_seconds=1.5)},
        since=now - timedelta(days=7),
        last=datetime(2026, 11, 24, 8, tzinfo=UTC),
    )
    (counts,) = [
        each
        for each in asked
        if each["metricnames"] == "RequestsPerMinute"
        and "m" in each["interval"].lower()
        and "modelStatusCode" not in each.get("$filter", "")
        and each["interval"] == "PT1M"
    ]
    (slow,) = [each for each in asked if each["metricnames"] == "RequestLatency_P95"]
    assert counts["timespan"] == slow["timespan"] == "2026-11-25T11:31:00Z/2026-11-25T12:31:00Z"
    assert (counts["metricnames"], counts["interval"]) == ("RequestsPerMinute", "PT1M")
    assert slow["$filter"] == "deployment eq '*'"
    assert asked[-1] == {
        "path": "/endpoint/providers/Microsoft.Insights/metrics",
        "metricnames": "RequestsPerMinute",
        "timespan": "2026-11-18T12:00:00Z/2026-11-25T13:00:00Z",
        "interval": "PT1H",
        "aggregation": "Average",
    }
    young = usage.read(arm, "/endpoint", now - timedelta(hours=2), now)
    assert young.since == now - timedelta(hours=2)


@pytest.mark.parametrize(("error", "told"), [(AzureError("no\nmore"), "no"), (AzureError(""), "AzureError")])
def test_why_nothing_is_known_of_the_requests(error: AzureError, told: str) -> None:
    arm: Any = SimpleNamespace(get=lambda *_, **__: raised(error)())
    found = usage.read(arm, "/endpoint", NOW, NOW)
    assert found == usage.Requests(recent={}, since=None, last=None, trouble=told)
