"""What is asked of a workspace's run history and of its MLflow, and how both answers are read."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from cloud import client as azure
from cloud.arm import Arm
from cloud.services import mlflow
from cloud.services.mlflow import Point, RunHistory, moment
from cloud.target import Target
from tests.unit.arm_fake import ArmFake, install

TARGET = Target("s", "rg", "ws")
WORKSPACE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"
HOST = "https://eastus2.api.azureml.ms"
RUN = f"{HOST}/history/v1.0{WORKSPACE}/runs/job/details"
MLFLOW = f"{HOST}/mlflow/v2.0{WORKSPACE}/api/2.0/mlflow"
ASKED_FIRST = ("GET", f"https://management.azure.com{WORKSPACE}?api-version=2025-12-01")


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> ArmFake:
    monkeypatch.setattr(mlflow, "time", SimpleNamespace(time=lambda: 1764000000.25))
    fake = install(monkeypatch)
    fake.get(
        WORKSPACE, {"properties": {"mlFlowTrackingUri": f"azureml://eastus2.api.azureml.ms/mlflow/v1.0{WORKSPACE}"}}
    )
    return fake


@pytest.fixture
def runs(arm: ArmFake) -> RunHistory:
    return RunHistory(TARGET, Arm())


def test_its_requests_carry_a_token_of_azure_ml_and_are_tried_thrice(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    monkeypatch.setattr(mlflow, "Arm", lambda *args, **more: made.append((args, more)))
    RunHistory(TARGET, Arm.__new__(Arm))
    assert made == [(("https://ml.azure.com/.default",), {"retries": 3})]
    assert azure.PROMPT_RETRIES == 3


def test_when_a_run_began_and_ended(arm: ArmFake, runs: RunHistory) -> None:
    assert runs.times("job") == (None, None), "only just submitted, or deleted"
    arm.get(RUN, {"startTimeUtc": "2026-11-29T10:00:00.1234567+00:00", "endTimeUtc": None})
    assert runs.times("job") == (datetime(2026, 11, 29, 10, 0, 0, 123456, UTC), None)
    arm.get(RUN, {"startTimeUtc": "2026-11-29T10:00:00Z", "endTimeUtc": "2026-11-29T11:00:00Z"})
    assert runs.times("job") == (datetime(2026, 11, 29, 10, tzinfo=UTC), datetime(2026, 11, 29, 11, tzinfo=UTC))
    assert arm.sent == [ASKED_FIRST, *[("GET", RUN)] * 3], "the workspace tells its host once"


def test_the_last_value_of_every_metric(arm: ArmFake, runs: RunHistory) -> None:
    arm.get(
        f"{MLFLOW}/runs/get", {"run": {"data": {"metrics": [{"key": "loss", "value": "2.5"}, {"key": 1, "value": 0}]}}}
    )
    assert runs.metrics("job") == {"loss": 2.5, "1": 0.0}
    for nothing in ({}, {"data": None}, {"data": {}}, {"data": {"metrics": None}}):
        arm.get(f"{MLFLOW}/runs/get", {"run": nothing})
        assert runs.metrics("job") == {}
    assert arm.sent[1] == ("GET", f"{MLFLOW}/runs/get?run_id=job&run_uuid=job")


def test_every_value_of_a_metric_page_by_page_in_the_order_of_steps(arm: ArmFake, runs: RunHistory) -> None:
    arm.then(
        "GET",
        f"{MLFLOW}/metrics/get-history",
        (200, {}, {"metrics": [{"value": 1, "timestamp": "3500", "step": "20"}], "next_page_token": "more"}),
        (
            200,
            {},
            {"metrics": [{"value": "2", "timestamp": 1000}, {"value": 3, "step": 20}], "next_page_token": "last"},
        ),
        (200, {}, {"metrics": None}),
    )
    assert runs.history("job", "loss") == [Point(2.0, 0, 1.0), Point(3.0, 20, 0.0), Point(1.0, 20, 3.5)]
    asked = f"{MLFLOW}/metrics/get-history?run_id=job&run_uuid=job&metric_key=loss"
    assert arm.sent[1:] == [("GET", asked), ("GET", f"{asked}&page_token=more"), ("GET", f"{asked}&page_token=last")]


def test_a_metric_that_is_not_there_yet_has_no_history(arm: ArmFake, runs: RunHistory) -> None:
    page = {"metrics": [{"value": 1}], "next_page_token": "more"}
    assert runs.history("job", "loss") == []
    arm.then(
        "GET", f"{MLFLOW}/metrics/get-history", (200, {}, page), (404, {}, {"error": {"code": "X", "message": "no"}})
    )
    assert runs.history("job", "loss") == [Point(1.0, 0, 0.0)], "what was read until then"


def test_values_are_logged_in_one_call(arm: ArmFake, runs: RunHistory) -> None:
    arm.then("POST", f"{MLFLOW}/runs/log-batch", (200, {}, {}))
    runs.log("job", {"score": 0.5, "exact": 0.25})
    assert arm.sent[1:] == [("POST", f"{MLFLOW}/runs/log-batch")]
    assert arm.bodies == [
        {
            "run_id": "job",
            "metrics": [
                {"key": "score", "value": 0.5, "timestamp": 1764000000250, "step": 0},
                {"key": "exact", "value": 0.25, "timestamp": 1764000000250, "step": 0},
            ],
        }
    ]


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2026-11-25T12:00:00Z", 0),
        ("2026-11-25T12:00:00.5Z", 500000),
        ("2026-11-25T12:00:00.1234567Z", 123456),
        ("2026-11-25T12:00:00.000001+00:00", 1),
    ],
)
def test_a_moment_is_read_to_the_sixth_digit(text: str, microsecond: int) -> None:
    assert moment(text) == datetime(2026, 11, 25, 12, 0, 0, microsecond, UTC)


@pytest.mark.parametrize("nothing", [None, "", 7])
def test_what_is_no_moment(nothing: object) -> None:
    assert moment(nothing) is None
