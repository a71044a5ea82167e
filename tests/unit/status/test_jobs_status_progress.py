"""How far a job is, and what its machines cost."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest
from status_azure import MLFLOW, NOW, STACK, Azure, printed, read
from test_jobs_specs import FINETUNE

from cloud.services.mlflow import Point
from cloud.services.prices import PriceBook
from jobs.status.progress import by_earlier, by_metrics
from jobs.status.reader import Reader
from jobs.status.spending import HourPrice, Use, spending
from jobs.status.view import lines, view


def test_a_running_job_tells_how_far_it_is_and_what_that_is_based_on(azure: Azure, tmp_path: Path) -> None:
    azure.job(FINETUNE.job_name(1), "Running", 1, num_train_epochs="4")
    first = NOW.timestamp() - 1000
    points = [
        {
            "key": "epoch",
            "value": epoch,
            "timestamp": str(int((first + 500 * epoch) * 1000)),
            "step": str(int(epoch * 20)),
        }
        for epoch in (0.5, 1.0, 2.0)
    ]
    azure.get(f"{MLFLOW}/metrics/get-history", {"metrics": points})
    found = read(tmp_path)
    assert found.moving and found.progress is not None
    assert found.progress.share == 0.5
    assert found.progress.left == pytest.approx(1000)  # half of the way took 1,000 s, counted from the first loss on
    assert "60 min; 50 %, about 17 min left (estimated from the steps so far" in printed(view(found), 250)
    assert not any("left" in line for line in lines(found)), "a log gets it once a minute, not with every look"


def test_before_the_first_losses_an_earlier_job_is_the_measure(azure: Azure, tmp_path: Path) -> None:
    azure.job("finetune-aaaaaaaaaaaa-1", "Completed", 30, ended=28)
    azure.job(FINETUNE.job_name(1), "Preparing", 0.5)
    found = read(tmp_path)
    assert str(found.progress) == "about 90 min left (estimated from finetune-aaaaaaaaaaaa-1)"


def test_time_left_without_a_measure() -> None:
    assert str(by_earlier(NOW, None, NOW)) == "time left unknown (no earlier job to compare with)"
    assert by_metrics([Point(0.5, 1, 0)], {}, NOW) is None
    steps = [Point(0.1, 10, NOW.timestamp() - 30), Point(0.4, 40, NOW.timestamp())]
    by_steps = by_metrics(steps, {"max_steps": "50", "num_train_epochs": "3"}, NOW)
    assert by_steps and by_steps.share == 0.8 and by_steps.left == pytest.approx(10)
    # The first half per cent of a long epoch, as some trainers round it.
    assert by_metrics([Point(0.0, 1, 0), Point(0.0, 10, 60)], {"num_train_epochs": "3"}, NOW) is None
    late = by_metrics(steps, {"max_steps": "50"}, NOW + timedelta(hours=1))
    assert late and late.left == 0


def test_a_price_nobody_knows_is_told_plainly_and_makes_the_sum_unknown(azure: Azure, tmp_path: Path) -> None:
    azure.job(FINETUNE.job_name(1), "Completed", 2, ended=1)
    found = Reader(STACK, PriceBook(tmp_path / "p.json", fetch=lambda meter: []), lambda: NOW).read()
    assert found.to_json()["cost"]["so_far"] is None
    text = printed(view(found), 160)
    assert "unknown" in text and "Azure's price list has none" in text


def test_the_setting_hourly_price_comes_before_the_price_list(azure: Azure, tmp_path: Path) -> None:
    azure.job(FINETUNE.job_name(1), "Completed", 2, ended=1)
    found = read(tmp_path, dataclasses.replace(STACK, hourly_price=3.0))
    assert found.to_json()["cost"]["so_far"] == 3
    assert "the setting compute.hourlyPrice" in " ".join(found.spending.notes())


def test_costs_add_up() -> None:
    uses = [
        Use(what="a", vm_size="x", count=2, hours=3, now=True),
        Use(what="b", vm_size="y", count=1, hours=1, now=False),
    ]
    found = spending(uses, {"x": HourPrice(1.5, ""), "y": HourPrice(None, "")})
    assert (found.so_far, found.hourly) == (None, 3)
    assert [line.cost for line in found.lines] == [9, None]
