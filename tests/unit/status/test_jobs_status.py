"""What the status tells of a stack, in every state that it can be in."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from status_azure import A100, HISTORY, MLFLOW, NOW, STACK, WANTED, WORKSPACE, Azure, printed, read
from test_jobs_specs import FINETUNE, RELEASE

from cloud.errors import StageError
from cloud.services.prices import PriceBook
from jobs.paused import BY_HAND, BY_HOURS, Pause, Served
from jobs.promotion.spec import PromotionSpec
from jobs.release import unfinished
from jobs.stage_specs import StageSpecs
from jobs.status.reader import Reader
from jobs.status.view import lines, view


def test_a_stack_in_service(azure: Azure, tmp_path: Path) -> None:
    azure.job(FINETUNE.job_name(1), "Failed", 9, ended=8.5)
    azure.job(FINETUNE.job_name(2), "Completed", 8, ended=6)
    azure.job("finetune-ffffffffffff-1", "Completed", 30, ended=29)
    azure.registered()
    azure.deployment("base", hours_ago=5)
    azure.deployment(WANTED.deployment_name, hours_ago=5, traffic=100)
    found = read(tmp_path)
    assert [(stage.name, stage.state) for stage in found.stages] == [
        ("dataset", "done"),
        ("finetune", "done"),
        ("release", "done"),
    ]
    assert found.done and not found.moving
    told = found.to_json()
    assert (told["job"], told["job_status"]) == (FINETUNE.job_name(2), "Completed")
    assert [(one["name"], one["traffic"]) for one in told["deployments"]] == [
        (WANTED.deployment_name, 100),
        ("base", 0),
    ]
    assert list(told["attempts"]) == [FINETUNE.job_name(2), FINETUNE.job_name(1)]
    # Both attempts, the earlier model's job, and two deployments of two machines each, at 4 dollars an hour.
    assert told["cost"]["so_far"] == pytest.approx((0.5 + 2 + 1 + 2 * 5 + 2 * 5) * 4)
    assert told["cost"]["hourly"] == 16
    text = printed(view(found), 160)
    assert "so far" in text and "94.00" in text and "goes on: 16.00 an hour" in text
    assert "made-up price" in text and "2026-11-25" in text


def test_every_job_of_the_stack_costs_what_the_machine_does_that_it_ran_on(azure: Azure, tmp_path: Path) -> None:
    azure.job(FINETUNE.job_name(1), "Completed", 3, ended=2, machine=A100)
    azure.job("finetune-ffffffffffff-1", "Running", 5, machine="Standard_NC48ads_A100_v4")
    azure.job("prepare-eeeeeeeeeeee-1", "Failed", 9, ended=7)
    azure.job("finetune-dddddddddddd-1", "Queued", 1)
    azure.job("finetune-cccccccccccc-1", "Running", 100)
    azure.jobs[-1]["properties"]["tags"]["stack"] = "another"
    prices = {A100: 4.0, "Standard_NC48ads_A100_v4": 8.0, "Standard_D4s_v3": 0.25}
    azure.get(f"{HISTORY}/finetune-dddddddddddd-1/details", {})

    def listed(meter: Any) -> list[dict[str, Any]]:
        return [{"retailPrice": prices[meter.sku], "unitOfMeasure": "1 Hour", "productName": "p", "meterName": "m"}]

    found = Reader(STACK, PriceBook(tmp_path / "p.json", date(2026, 11, 25), listed), lambda: NOW).read()
    assert {line.use.what: (line.use.vm_size, line.use.hours, line.use.now) for line in found.spending.lines} == {
        f"job {FINETUNE.job_name(1)}": (A100, 1, False),
        "job finetune-ffffffffffff-1": ("Standard_NC48ads_A100_v4", 5, True),
        "job prepare-eeeeeeeeeeee-1": ("Standard_D4s_v3", 2, False),
    }
    assert (found.spending.so_far, found.spending.hourly) == (4 + 40 + 0.5, 8)
    assert found.job and found.job.name == FINETUNE.job_name(1)
    assert {job.name: job.status for job in found.others} == {
        "finetune-ffffffffffff-1": "Running",
        "finetune-dddddddddddd-1": "Queued",
    }
    assert found.to_json()["other_jobs"]["finetune-ffffffffffff-1"] == "Running"
    assert "5 h; of another recipe" in printed(view(found), 160)
    assert "job finetune-ffffffffffff-1: Running" in lines(found)


def test_a_run_whose_history_azure_does_not_know_costs_its_own_line_alone(azure: Azure, tmp_path: Path) -> None:
    azure.job(FINETUNE.job_name(1), "Completed", 3, ended=1)
    azure.job(FINETUNE.job_name(2), "Running", 0.1)
    azure.refuse("GET", f"{HISTORY}/{FINETUNE.job_name(1)}/details", 404, "NotFound")
    azure.refuse("GET", f"{MLFLOW}/metrics/get-history", 404, "RESOURCE_DOES_NOT_EXIST")
    found = read(tmp_path)
    assert found.attempts[0].started is not None and found.attempts[1].started is None
    assert str(found.progress) == "time left unknown (no earlier job to compare with)"
    assert [line.use.what for line in found.spending.lines] == [f"job {FINETUNE.job_name(2)}"]


@pytest.mark.parametrize(
    ("path", "what", "unknown"),
    [
        (f"{WORKSPACE}/jobs", "the jobs", {"finetune"}),
        (STACK.endpoint_path, "the endpoint", {"release"}),
        (f"{STACK.endpoint_path}/deployments", "the deployments", {"release"}),
        (f"{WORKSPACE}/models/{STACK.model_name}/versions", "data and model", {"dataset", "finetune"}),
        (f"{MLFLOW}/metrics/get-history", "how far the job is", set()),
    ],
)
@pytest.mark.parametrize("nonsense", [False, True])
def test_one_answer_that_fails_takes_nothing_else_away(
    azure: Azure, tmp_path: Path, path: str, what: str, unknown: set[str], nonsense: bool
) -> None:
    azure.job(FINETUNE.job_name(1), "Running", 1)
    if nonsense:
        azure.get(path, {"value": ["?"], "metrics": ["?"], "tags": "?", "properties": "?"})
    else:
        azure.refuse("GET", path, 500, "InternalServerError")
    found = read(tmp_path)
    if not (nonsense and what in ("the endpoint", "how far the job is")):
        assert [each.split(" (")[0] for each in found.not_read] == [f"Not read just now: {what}"]
        assert {each.name for each in found.stages if each.state == "unknown"} == unknown
    assert not found.done


def test_a_stack_that_takes_anothers_model_tells_of_it(azure: Azure, tmp_path: Path) -> None:
    taken = PromotionSpec(
        target=STACK.target,
        registry="mlr-phi",
        stack="dev",
        model_name=RELEASE.model_name,
        model_version="994526542",
        model_fingerprint=FINETUNE.fingerprint,
        evidence={"proved_by": "dev"},
    )
    stages = StageSpecs(dataset=None, finetunes=(), releases={"": WANTED}, promotion=taken)
    stack = dataclasses.replace(STACK, name="prod", stages=stages)
    azure.deployment(WANTED.deployment_name, traffic=100)
    found = read(tmp_path, stack)
    assert [(stage.name, stage.state, stage.detail) for stage in found.stages] == [
        ("promotion", "done", "phi-ultrachat:994526542, which dev has proved"),
        ("release", "done", f"100 % on {WANTED.deployment_name}"),
    ]
    assert (found.model, found.model_state, found.job) == ("phi-ultrachat:994526542", "in registry mlr-phi", None)
    assert found.done and found.to_json()["model"] == "phi-ultrachat:994526542"


def test_a_stack_before_anything_is_done(azure: Azure, tmp_path: Path) -> None:
    found = read(tmp_path)
    told = found.to_json()
    assert (told["job_status"], told["model_state"], told["endpoint_state"]) == ("not there",) * 3
    assert told["cost"]["so_far"] == 0 and told["deployments"] == []
    assert {stage["state"] for stage in told["stages"]} == {"to do"}
    assert not found.done
    assert "no machine has run yet" in printed(view(found))


def test_a_stack_that_is_not_up(azure: Azure, tmp_path: Path) -> None:
    azure.refuse("GET", WORKSPACE, 404, "ResourceNotFound")
    with pytest.raises(StageError, match="make up STACK=dev"):
        read(tmp_path)


def test_without_the_data_the_newest_job_is_told(azure: Azure, tmp_path: Path) -> None:
    azure.job("finetune-aaaaaaaaaaaa-1", "Completed", 30, ended=29)
    azure.job("finetune-bbbbbbbbbbbb-1", "Running", 1)
    found = read(tmp_path, dataclasses.replace(STACK, stages=None))
    assert found.job and found.job.name == "finetune-bbbbbbbbbbbb-1"
    assert found.model == "phi-ultrachat:1002255155"
    assert found.stages[0].detail == "the data are not prepared here: make data"


def test_a_paused_endpoint_is_told_with_what_it_has_cost_until_then(azure: Azure, tmp_path: Path) -> None:
    azure.registered()
    pause = Pause(at=NOW - timedelta(hours=14), by=BY_HAND, version="994526542", deployment="mold")
    tags = {**pause.tags(), **Served(pause.at, {A100: 24.0}).tags()}
    endpoint = {"tags": tags, "properties": {"provisioningState": "Succeeded", "traffic": {}}}
    azure.get(STACK.endpoint_path, endpoint)
    azure.get(f"{STACK.endpoint_path}/deployments", {"value": []})
    found = read(tmp_path)
    assert found.stages[2].state == "paused" and found.done
    assert (found.spending.so_far, found.spending.hourly) == (24 * 4, 0)
    assert found.to_json()["paused"]["version"] == "994526542"
    text = " ".join(printed(view(found), 160).split())
    assert "Paused by hand on 2026-11-24 at 22:00 UTC: no deployment bills." in text and "nothing runs" in text
    assert any("resume --stack dev` brings version 994526542 back." in line for line in lines(found))

    azure.get(STACK.endpoint_path, {**endpoint, "tags": dataclasses.replace(pause, by=BY_HOURS).tags()})
    closed = lines(read(tmp_path, dataclasses.replace(STACK, hours="Mon-Fri 13:00-22:00 UTC")))[-1]
    assert closed.endswith("Its office hours (Mon-Fri 13:00-22:00 UTC) begin again on 2026-11-25 at 13:00 UTC.")

    # One that stands again, or still, counts from the pause on.
    azure.deployment("mold", hours_ago=30)
    azure.get(STACK.endpoint_path, endpoint)
    still = read(tmp_path)
    assert (still.spending.so_far, still.spending.hourly) == (24 * 4 + 14 * 2 * 4, 8)
    assert "mold still stands and bills" in lines(still)[-1]


@pytest.mark.parametrize(
    ("hours", "hours_ago", "late"),
    [
        ("", 30, ""),
        ("Wed 09:00-17:00 UTC", 30, ""),  # it is Wednesday noon
        ("Wed 07:00-09:00 UTC", 30, "3 h"),
        ("Wed 07:00-09:01 UTC", 30, ""),
        ("Wed 07:00-09:00 UTC", 3.5, "3 h"),
        ("Wed 07:00-09:00 UTC", 2.5, ""),  # made after them
        ("Tue 07:00-09:00 UTC", 26.5, "26 h 30 min"),
    ],
)
def test_machines_that_outlast_their_hours_are_told(
    hours: str, hours_ago: float, late: str, azure: Azure, tmp_path: Path
) -> None:
    azure.deployment("mold", hours_ago=hours_ago, traffic=100)
    found = read(tmp_path, dataclasses.replace(STACK, hours=hours))
    told = [line for line in lines(found) if "machines still bill" in line]
    assert bool(told) is bool(late)
    assert not late or f"are over for {late}, and machines" in told[0]


@pytest.mark.parametrize(
    ("left", "told"), [(2, "rollback --now --stack dev` goes back"), (-1, "keep-hours --stack dev`")]
)
def test_what_is_kept_of_before_is_told_and_is_no_release_that_is_half_way(
    left: float, told: str, azure: Azure, tmp_path: Path
) -> None:
    azure.deployment("mold", hours_ago=9)
    azure.deployment("mnew", hours_ago=4, traffic=100)
    azure.traffic.pop("mold")
    ended = unfinished.done(4 + left, NOW - timedelta(hours=4))
    azure.deployments[1]["tags"] |= {**unfinished.tags({"mold": 100}), **ended}
    found = read(tmp_path)
    assert not found.half_released and found.to_json()["kept"] == "mold"
    assert told in lines(found)[-1] and lines(found)[-1].startswith("mold ")
