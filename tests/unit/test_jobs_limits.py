"""How long a job may run: what counts as running, which limit is the stricter, and what happens at it."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jobs_fake import FakeMl, Stop, install
from test_jobs_specs import FINETUNE

from cloud import place
from cloud.errors import StageError
from cloud.services.prices import Price, PriceBook
from jobs.commands import cancel
from jobs.training import finetune, limits
from jobs.training.joblog import covered
from settings.stack import load
from tests.changing import changed

FIRST, SECOND = (FINETUNE.job_name(attempt) for attempt in (1, 2))
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    return install(monkeypatch)


def runs_for(ml: FakeMl, name: str, hours: float, status: str = "Running") -> None:
    """A job whose step has been at work for so long."""
    ml.jobs.put(name, status, stack="", fingerprint=FINETUNE.fingerprint)
    now = datetime.now(UTC)
    ml.jobs.times[name] = (now - timedelta(hours=hours), now if status == "Canceled" else None)


@pytest.mark.parametrize(
    ("times", "hours"),
    [
        ([], 0),
        ([(None, None)], 0),  # it waits for a machine
        ([(at(-3), None)], 3),
        ([(at(-3), at(-1))], 2),
        ([(at(-5), at(-4)), (at(-2), None)], 3),  # between the steps it waited for a machine
        ([(at(-5), at(-1)), (at(-4), at(-3)), (None, None)], 4),  # two at once are one machine's hours once
    ],
)
def test_the_time_in_which_a_step_is_at_work_counts(times: list[Any], hours: float) -> None:
    assert covered(times, NOON) == hours * 3600


def test_a_job_that_reaches_its_hours_is_cancelled_and_what_to_do_is_said(ml: FakeMl) -> None:
    said: list[str] = []
    runs_for(ml, FIRST, 12.01)
    with pytest.raises(StageError, match="the fine-tuning reached its limit and was cancelled") as caught:
        finetune.run(FINETUNE, said.append, Stop())
    assert ml.jobs.cancels == [FIRST] and ml.jobs.submitted == []
    assert "it ran for 12 h 00 min, and it may for 12 h 00 min (finetune.maxHours is 12)" in str(caught.value)
    assert "raise finetune.maxHours" in caught.value.todo and "python -m jobs logs" in caught.value.todo
    assert f"warning: job {FIRST} has reached 12 h 00 min (finetune.maxHours is 12): it is cancelled" in said


def test_of_several_recipes_the_command_names_the_job(ml: FakeMl) -> None:
    runs_for(ml, FIRST, 13)
    with pytest.raises(StageError, match=f"python -m jobs logs --job {FIRST}` shows whether"):
        finetune.run(changed(FINETUNE, recipe_name="gentle"), lambda _: None, Stop())


def test_a_run_of_a_sweep_may_be_left_out(ml: FakeMl) -> None:
    runs_for(ml, FIRST, 13)
    with pytest.raises(StageError) as caught:
        finetune.run(changed(FINETUNE, recipe_name="sweep-0a7b338b"), lambda _: None, Stop())
    assert "raise finetune.maxHours or its part of sweep.maxHours, or give it less" in caught.value.todo
    assert "or go on without this run, by sweep.leaveOut: [sweep-0a7b338b]. What its" in caught.value.todo


def test_it_is_warned_of_in_time(ml: FakeMl) -> None:
    said: list[str] = []
    runs_for(ml, FIRST, 10)
    finetune.run(FINETUNE, said.append, Stop(lambda: setattr(ml.jobs.there[FIRST], "status", "Completed")))
    (warning,) = [line for line in said if line.startswith("warning: ")]
    assert warning == (
        f"warning: job {FIRST} has run for 10 h 00 min and is cancelled at 12 h 00 min (finetune.maxHours is 12)"
    )
    assert ml.jobs.cancels == []


def test_one_that_has_just_completed_is_used(ml: FakeMl) -> None:
    runs_for(ml, FIRST, 13)
    ml.jobs.cancelled[FIRST] = "Completed"
    finetune.run(FINETUNE, lambda _: None, Stop())
    assert [asset.path for asset in ml.models.there.values()] == [f"azureml://jobs/{FIRST}/outputs/mlflow_model_folder"]


@pytest.mark.parametrize(
    ("ran", "may", "again"),
    [
        (12.0, 12, False),  # as it is, another would end there as well
        (12.0, 24, True),
        (2.0, 12, True),  # somebody cancelled it
    ],
)
def test_what_the_next_update_does_of_a_job_that_was_cancelled(ml: FakeMl, ran: float, may: int, again: bool) -> None:
    runs_for(ml, FIRST, ran, "Canceled")
    spec = changed(FINETUNE, max_hours=may)
    assert spec.fingerprint == "7b963b464e21", "a limit retrains nobody"
    stop = Stop(lambda: setattr(ml.jobs.there[SECOND], "status", "Completed"))
    if again:
        finetune.run(spec, lambda _: None, stop)
    else:
        with pytest.raises(StageError, match="reached its limit and was cancelled"):
            finetune.run(spec, lambda _: None, stop)
    assert [job.name for job in ml.jobs.submitted] == ([SECOND] if again else [])


class Cluster:
    """``Arm`` with one cluster."""

    def find(self, path: str, version: str) -> dict[str, Any]:
        inner = {"vmSize": "STANDARD_NC24ADS_A100_V4"}
        return {"location": "eastus2", "properties": {"computeLocation": "eastus2", "properties": inner}}


@pytest.mark.parametrize(
    ("changes", "nodes", "listed", "hours", "setting"),
    [
        ({}, 1, None, 12, "finetune.maxHours"),
        ({"max_hours": 2.5}, 1, None, 2.5, "finetune.maxHours"),
        ({"max_cost": 36.70}, 1, 3.67, 10, "finetune.maxCost"),
        ({"max_cost": 36.70}, 2, 3.67, 5, "finetune.maxCost"),
        ({"max_cost": 100}, 1, 3.67, 12, "finetune.maxHours"),
        ({"max_cost": 10, "hourly_price": 2.0}, 1, None, 5, "finetune.maxCost"),
    ],
)
def test_the_stricter_of_hours_and_dollars_counts(
    changes: dict[str, Any],
    nodes: int,
    listed: float | None,
    hours: float,
    setting: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(PriceBook, "price", lambda *_: Price(listed, "NC24ads", "2026-11-29") if listed else None)
    spec = changed(FINETUNE, recipe=FINETUNE.recipe | {"num_nodes_finetune": nodes}, **changes)
    found = limits.of_finetuning(spec, Cluster())  # type: ignore[arg-type]
    assert (round(found.seconds / 3600, 6), found.setting) == (hours, setting)


def test_a_cost_that_nobody_can_reckon_ends_the_update_before_a_job(
    ml: FakeMl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PriceBook, "price", lambda *_: None)
    with pytest.raises(StageError, match=r"finetune\.maxCost cannot be kept.*compute\.hourlyPrice"):
        finetune.run(changed(FINETUNE, max_cost=50), lambda _: None, Stop())
    assert ml.jobs.submitted == []


def test_recorded_inputs_have_a_limit_only_where_one_is_set() -> None:
    assert not {"max_hours", "max_cost", "hourly_price"} & FINETUNE.to_inputs().keys()
    set_to = changed(FINETUNE, max_cost=50, hourly_price=3.0)
    assert (set_to.to_inputs()["max_cost"], set_to.to_inputs()["hourly_price"]) == (50, 3.0)
    assert type(set_to).from_inputs(set_to.to_inputs()) == set_to


def test_a_timer_cancels_what_is_past_its_limit_and_nothing_else(
    ml: FakeMl, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    long, short = "finetune-aaaaaaaaaaaa-1", "finetune-bbbbbbbbbbbb-1"
    for name, hours in ((long, 12.5), (short, 1.0)):
        ml.jobs.put(name, "Running", stack="dev", fingerprint=name[9:21])
        ml.jobs.times[name] = (datetime.now(UTC) - timedelta(hours=hours), None)
    settings = load("dev")
    monkeypatch.setattr(place, "described", lambda stack: (settings, place.Place.of(settings, stack, "0" * 8)))
    cancel.run(argparse.Namespace(stack="dev", job=None, yes=True, past_limit=True))
    assert ml.jobs.cancels == [long]
    assert f"{short} has run for 1 h 00 min; it may for 12 h 00 min" in capsys.readouterr().out
