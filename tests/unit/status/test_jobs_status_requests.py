"""Requests, errors and idleness of an endpoint, by its metrics."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from status_azure import MLFLOW, STACK, Azure, printed, read

from cloud.services.mlflow import Point, RunHistory, moment
from jobs.status.view import lines, view


def test_requests_and_errors_of_the_last_hour(azure: Azure, tmp_path: Path) -> None:
    azure.deployment("mold", hours_ago=30, traffic=90)
    azure.deployment("mnew", hours_ago=2, traffic=10)
    azure.asked("mold", "200", 3, 2)
    azure.asked("mold", "424", 1)
    found = read(tmp_path)
    assert found.idle == timedelta()
    assert found.to_json()["requests"] == {
        "last_hour": {"mold": {"requests": 3, "failed": 1, "busy": 0, "refused": 0, "p95_seconds": 1.5}},
        "idle_hours": 0,
        "trouble": "",
        "idle_cost": 0,
    }
    text = printed(view(found), 200)
    assert "in the last hour 3 requests, 1 failed (33.3 %), 95 % within 1.5 s" in text
    assert "in the last hour no request" in text
    assert "failed requests in the last hour: 1" in lines(found)
    assert not any("429" in line for line in lines(found))


def test_requests_turned_away_for_load_are_told_apart(azure: Azure, tmp_path: Path) -> None:
    azure.deployment("mold", hours_ago=30, traffic=100)
    azure.asked("mold", "429", 3, 2, 1)
    found = read(tmp_path)
    assert found.to_json()["requests"]["last_hour"]["mold"]["busy"] == 3
    told = "requests turned away for load (429) in the last hour: 3; serving.maxConcurrentRequests or serving.instances"
    assert any(line.startswith(told) for line in lines(found))
    assert not any(line.startswith("failed requests") for line in lines(found))


def test_an_endpoint_nobody_asks_says_what_it_costs(azure: Azure, tmp_path: Path) -> None:
    azure.deployment("base", hours_ago=2)
    azure.deployment("mold", hours_ago=100, traffic=100)
    azure.asked("mold", "200", 14 * 60)
    for recent in azure.series[:2]:
        recent.clear()
    found = read(tmp_path)
    # Asked between 22:00 and 23:00 of the day before; two machines since then, and two for two hours.
    assert found.idle == timedelta(hours=13)
    assert found.idle_cost == pytest.approx((13 * 2 + 2 * 2) * 4)
    assert "has asked the endpoint for 13 h or more" in printed(view(found), 200)
    assert "cost 120.00 USD meanwhile. `pulumi destroy --stack dev` ends that." in printed(view(found), 200)


def test_an_endpoint_nobody_ever_asked_is_idle_since_it_stands_or_a_week(azure: Azure, tmp_path: Path) -> None:
    azure.deployment("mold", hours_ago=3, traffic=100)
    assert read(tmp_path).idle == timedelta(hours=3)
    azure.deployments.clear()
    azure.deployment("mold", hours_ago=1000, traffic=100)
    assert read(tmp_path).idle == timedelta(days=7)


def test_requests_nobody_may_read_are_said_to_be_unknown(azure: Azure, tmp_path: Path) -> None:
    azure.deployment("mold", hours_ago=30, traffic=100)
    azure.blind = True
    azure.refuse("GET", f"{STACK.endpoint_path}/providers/Microsoft.Insights/metrics", 403, "AuthorizationFailed")
    found = read(tmp_path)
    assert found.idle == timedelta()
    text = printed(view(found), 200)
    assert "Requests are not known: (AuthorizationFailed)" in text and "in the last hour" not in text


def test_azures_times_have_seven_digits() -> None:
    assert moment("2026-11-25T12:00:00.1234567Z") == datetime(2026, 11, 25, 12, 0, 0, 123456, UTC)
    assert moment("2026-11-25T12:00:00+00:00") == datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert moment(None) is None and moment("") is None


def test_metrics_are_read_page_by_page_and_logged_in_one_call(azure: Azure) -> None:
    from cloud.arm import Arm

    point = {"key": "loss", "value": 2.5, "timestamp": "1000"}
    azure.then(
        "GET",
        f"{MLFLOW}/metrics/get-history",
        (200, {}, {"metrics": [{**point, "step": "20"}], "next_page_token": "2"}),
        (200, {}, {"metrics": [point]}),
    )
    azure.get(f"{MLFLOW}/runs/get", {"run": {"data": {"metrics": [point]}}})
    azure.then("POST", f"{MLFLOW}/runs/log-batch", (200, {}, {}))
    runs = RunHistory(STACK.target, Arm())
    assert runs.history("job", "loss") == [Point(2.5, 0, 1), Point(2.5, 20, 1)]
    assert runs.metrics("job") == {"loss": 2.5}
    runs.log("job", {"score": 0.5, "exact": 0.25})
    (sent,) = azure.bodies
    assert sent["run_id"] == "job"
    assert [(each["key"], each["value"], each["step"]) for each in sent["metrics"]] == [
        ("score", 0.5, 0),
        ("exact", 0.25, 0),
    ]
