"""What `jobs status` and its dashboard tell, from Azure's answers as ARM, run history and MLflow give them."""

from __future__ import annotations

import dataclasses
import io
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from arm_fake import ArmFake, install
from jobs_fake import Stop
from rich.console import Console
from test_jobs_specs import DATASET, FINETUNE, RELEASE

from cloud.errors import StageError
from cloud.services.mlflow import Point, RunHistory, moment
from cloud.services.prices import PriceBook
from jobs import __main__ as cli
from jobs.paused import BY_HAND, BY_HOURS, Pause, Served
from jobs.promotion.spec import PromotionSpec
from jobs.release import unfinished
from jobs.stage_specs import StageSpecs
from jobs.status import watch
from jobs.status.progress import Progress, by_earlier, by_metrics
from jobs.status.reader import Reader
from jobs.status.spending import HourPrice, Use, spending
from jobs.status.stack import Stack
from jobs.status.status import Job, Status
from jobs.status.view import lines, view
from tests.changing import changed

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
A100 = "Standard_NC24ads_A100_v4"
DATA = DATASET
WANTED = changed(RELEASE, model_version="994526542", model_fingerprint=FINETUNE.fingerprint)
STACK = Stack(
    name="dev",
    target=FINETUNE.target,
    location="eastus2",
    endpoint="phi",
    model_name=RELEASE.model_name,
    cluster_size=A100,
    data_cluster_size="Standard_D4s_v3",
    hourly_price=0,
    request_timeout_seconds=90,
    system_prompt="",
    evaluation=RELEASE.evaluation,
    stages=StageSpecs(dataset=DATA, finetunes=(FINETUNE,), releases={"": WANTED}),
)
WORKSPACE = STACK.target.path
HISTORY = f"https://eastus2.api.azureml.ms/history/v1.0{WORKSPACE}/runs"
MLFLOW = f"https://eastus2.api.azureml.ms/mlflow/v2.0{WORKSPACE}/api/2.0/mlflow"


class Azure(ArmFake):
    """Things put into a workspace; `blind` is an Azure Monitor that refuses."""

    jobs: list[dict[str, Any]]
    deployments: list[dict[str, Any]]
    traffic: dict[str, int]
    series: tuple[list[Any], list[Any], list[Any]]
    blind: bool

    def job(
        self, name: str, status: str, hours_ago: float, ended: float | None = None, machine: str = "", **inputs: str
    ) -> None:
        tags = {"stack": "dev", "fingerprint": name.split("-")[1], **({"vmSize": machine} if machine else {})}
        created = NOW - timedelta(hours=hours_ago)
        node = {"inputs": {key: {"job_input_type": "literal", "value": value} for key, value in inputs.items()}}
        body = {
            "name": name,
            "systemData": {"createdAt": f"{created:%Y-%m-%dT%H:%M:%S}.1234567Z"},
            "properties": {
                "status": status,
                "tags": tags,
                "jobs": {"chat": node},
                "services": {"Studio": {"endpoint": f"https://ml.azure.com/runs/{name}"}},
            },
        }
        self.jobs.append(body)
        self.get(f"{WORKSPACE}/jobs", {"value": self.jobs})
        end = NOW - timedelta(hours=ended) if ended is not None else None
        times = {"startTimeUtc": created.isoformat(), "endTimeUtc": end.isoformat() if end else None}
        self.get(f"{HISTORY}/{name}/details", times)
        self.get(f"{MLFLOW}/metrics/get-history", {})

    def deployment(self, name: str, state: str = "Succeeded", hours_ago: float = 1, traffic: int = 0) -> None:
        self.deployments.append(
            {
                "name": name,
                "sku": {"name": "Default", "capacity": 2},
                "tags": {"model": f"phi:{name}"},
                "systemData": {"createdAt": (NOW - timedelta(hours=hours_ago)).isoformat()},
                "properties": {"provisioningState": state, "instanceType": A100, "model": "azureml:phi:1"},
            }
        )
        self.traffic[name] = traffic
        endpoint = {"properties": {"provisioningState": "Succeeded", "traffic": self.traffic}}
        self.get(STACK.endpoint_path, endpoint)
        self.get(f"{STACK.endpoint_path}/deployments", {"value": self.deployments})

    def asked(self, name: str, code: str, *minutes_ago: int, latency: float = 1500) -> None:
        """Requests to a deployment, one at each of those minutes."""
        moments = [f"{NOW - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}" for minutes in minutes_ago]
        labels = [
            {"name": {"value": key}, "value": value} for key, value in (("deployment", name), ("statuscode", code))
        ]
        counts = [{"timeStamp": moment, "average": 1.0} for moment in moments] + [{"timeStamp": moments[0][:-3] + "9Z"}]
        self.series[0].append({"metadatavalues": labels, "data": counts})
        slow = [{"timeStamp": moment, "average": latency} for moment in moments]
        self.series[1].append({"metadatavalues": labels[:1], "data": slow})
        hours = {f"{NOW - timedelta(minutes=minutes):%Y-%m-%dT%H:00:00Z}" for minutes in minutes_ago}
        self.series[2].append({"metadatavalues": [], "data": [{"timeStamp": hour, "average": 0.1} for hour in hours]})

    def __call__(self, request: Any, *, stream: bool = False) -> Any:
        """The three questions about metrics differ in their query alone."""
        path, query = urlsplit(request.url).path, parse_qs(urlsplit(request.url).query)
        if path.endswith("/metrics") and not self.blind:
            of = 2 if query["interval"] == ["PT1H"] else int(query["metricnames"] == ["RequestLatency_P95"])
            # None of these 424 is the caller's.
            found = [] if "modelStatusCode" in query.get("$filter", [""])[0] else self.series[of]
            self.get(path, {"value": [{"timeseries": found}]})
        return super().__call__(request, stream=stream)

    def registered(self) -> None:
        version = {"name": "994526542", "properties": {"tags": {"fingerprint": "7b963b464e21"}}}
        self.get(f"{WORKSPACE}/models/{RELEASE.model_name}/versions/994526542", version)
        self.get(f"{WORKSPACE}/data/{DATA.train_asset}/versions/{DATA.fingerprint}", {"properties": {}})


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Azure:
    fake = install(monkeypatch)
    fake.__class__ = Azure
    assert isinstance(fake, Azure)
    fake.jobs, fake.deployments, fake.traffic = [], [], {}
    fake.series, fake.blind = ([], [], []), False
    uri = f"azureml://eastus2.api.azureml.ms/mlflow/v1.0{WORKSPACE}"
    fake.get(WORKSPACE, {"properties": {"mlFlowTrackingUri": uri}})
    fake.get(f"{WORKSPACE}/jobs", {"value": []})
    return fake


def book(folder: Path) -> PriceBook:
    row = {
        "retailPrice": 4.0,
        "unitOfMeasure": "1 Hour",
        "productName": "made-up price, Linux",
        "meterName": "NC24ads A100 v4",
    }
    return PriceBook(folder / "prices.json", date(2026, 11, 25), lambda meter: [row])


def read(folder: Path, stack: Stack = STACK) -> Status:
    return Reader(stack, book(folder), lambda: NOW).read()


def printed(content: Any, width: int = 110) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(content)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


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


def test_the_command(
    azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Stack, "of", lambda name: STACK)
    monkeypatch.setattr(PriceBook, "of_stack", lambda name: book(tmp_path))
    azure.registered()
    azure.deployment(WANTED.deployment_name, traffic=100)
    cli.main(["status", "--stack", "dev", "--json"])
    assert json.loads(capsys.readouterr().out)["deployments"][0]["traffic"] == 100
    cli.main(["status", "--stack", "dev"])
    assert "100 %" in capsys.readouterr().out
    cli.main(["status", "--stack", "dev", "--watch"])  # no terminal, and everything is done
    assert "all done; cost so far" in capsys.readouterr().out
    cli.main(["status", "--stack", "dev", "--watch", "--json"])
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["stages"][2]["state"] == "done"


def test_a_release_left_half_way_is_told_of(
    azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Stack, "of", lambda name: STACK)
    monkeypatch.setattr(PriceBook, "of_stack", lambda name: book(tmp_path))
    azure.deployment(WANTED.deployment_name, traffic=90)
    azure.deployment("mnew", traffic=10)
    azure.deployments[1]["tags"] |= unfinished.tags({WANTED.deployment_name: 100})
    cli.main(["status", "--stack", "dev"])
    assert "The release of mnew has not come to its end" in " ".join(capsys.readouterr().out.split())
    cli.main(["status", "--stack", "dev", "--json"])
    assert json.loads(capsys.readouterr().out)["half_released"] == "mnew"
    azure.deployments[1]["tags"] |= unfinished.tags({})
    cli.main(["status", "--stack", "dev"])
    assert "has not come to its end" not in capsys.readouterr().out


# --- the dashboard


def test_a_log_tells_each_change_once_and_ends_when_all_is_done(
    azure: Azure, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    azure.job(FINETUNE.job_name(1), "Running", 1)
    reader = Reader(STACK, book(tmp_path), lambda: NOW)

    def finish() -> None:
        azure.jobs.clear()
        azure.job(FINETUNE.job_name(1), "Completed", 1, ended=0.5)
        azure.registered()
        azure.deployment(WANTED.deployment_name, traffic=100)

    watch.watch(reader.read, Stop(lambda: None, finish), Console(force_terminal=False))
    out = capsys.readouterr().out
    assert out.count(f"job {FINETUNE.job_name(1)}: Running") == 1
    assert "stage release: done" in out
    assert "all done; cost so far: 10.00 USD" in out.splitlines()[-1]  # half an hour, and two machines for one
    assert "an estimate, list price of 2026-11-25 (made-up price" in out.splitlines()[-1]


def test_a_failure_to_read_is_borne_for_a_while(azure: Azure, tmp_path: Path) -> None:
    azure.job(FINETUNE.job_name(1), "Running", 1)
    reader = Reader(STACK, book(tmp_path), lambda: NOW)

    class Everything(set[str]):
        def __contains__(self, key: object) -> bool:
            return True

    def cut() -> None:
        azure.unreachable = Everything()

    stop = Stop(cut)
    with pytest.raises(StageError, match=r"the state could not be read \(stack dev\): no route to host"):
        watch.watch(reader.read, stop, Console(force_terminal=False))
    assert len(stop.waited) == 5


def test_the_workspaces_own_answer_may_fail_as_any_other(azure: Azure, tmp_path: Path) -> None:
    azure.job(FINETUNE.job_name(1), "Running", 1)
    azure.unreachable.add(f"GET {WORKSPACE}".lower())
    found = Reader(STACK, book(tmp_path), lambda: NOW).read()
    assert found.job is not None and found.job.status == "Running"
    assert "Not read just now: the workspace" in [line.split(" (")[0] for line in found.not_read]


def test_the_dashboard_shows_a_bar_and_ends_cleanly(azure: Azure, tmp_path: Path) -> None:
    azure.job(FINETUNE.job_name(1), "Running", 1)
    reader = Reader(STACK, book(tmp_path), lambda: NOW)
    screen = io.StringIO()

    def press() -> None:
        raise KeyboardInterrupt

    watch.watch(reader.read, Stop(lambda: None, press), Console(file=screen, force_terminal=True, width=120, height=40))
    shown = screen.getvalue()
    assert "Stack dev" in shown[shown.index("\x1b[?1049l") :], "the last look stays on the screen"
    assert "time left unknown" in shown
    assert shown.count("\x1b[?1049h") == shown.count("\x1b[?1049l") == 1  # the other screen was left again
    text = printed(watch.dashboard(reader.read(), "the network is gone"), 120)
    assert "the network is gone" in text and "━" in text


def test_every_line_stands_for_itself(azure: Azure, tmp_path: Path) -> None:
    azure.job(FINETUNE.job_name(1), "Running", 1)
    azure.deployment("mold", traffic=100)
    found = lines(read(tmp_path))
    assert "deployment mold: Succeeded, 100 % of the traffic" in found
    assert f"job {FINETUNE.job_name(1)}: Running" in found


@pytest.mark.parametrize("data", [True, False])
def test_a_stack_is_told_by_its_settings(data: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs import specs

    monkeypatch.setenv("ARM_SUBSCRIPTION_ID", "00000000-0000-4000-8000-0000000000a1")
    if data:
        monkeypatch.setattr(specs, "dataset_version", lambda settings: "0123456789ab")
    else:
        monkeypatch.chdir(tmp_path)
    found = Stack.of("org/finetune-phi/dev")
    assert (found.name, found.cluster_size, found.evaluation.questions) == ("dev", A100, "golden/general.jsonl")
    assert found.target.workspace.startswith("mlw-") and found.endpoint
    assert (found.stages is not None) is data
    if found.stages is not None:
        assert found.stages.release.model_version == found.stages.finetune.model_version
        assert found.stages.dataset.fingerprint == "0123456789ab"


@pytest.mark.parametrize(
    ("given", "nodes"), [({}, 1), ({"num_nodes_finetune": "3"}, 3), ({"num_nodes_finetune": ""}, 1)]
)
def test_a_job_costs_as_many_machines_as_it_trains_on(given: dict[str, str], nodes: int) -> None:
    assert Job(name="finetune-1", version="1", status="Running", url="", created=None, inputs=given).nodes == nodes


def test_a_model_of_the_time_before_numbers_is_found_by_its_job(azure: Azure, tmp_path: Path) -> None:
    azure.job(FINETUNE.job_name(1), "Completed", 9, ended=8)
    old = {"name": "7b963b464e21", "properties": {"tags": {"job": "finetune-7b963b464e21-1"}}}
    other = {"name": "3", "properties": {"tags": None, "jobName": "finetune-aaaaaaaaaaaa-1"}}
    azure.get(f"{WORKSPACE}/models/{RELEASE.model_name}/versions", {"value": [other, old]})
    found = read(tmp_path)
    assert (found.model, found.model_state) == ("phi-ultrachat:7b963b464e21", "registered")
    assert (found.stages[1].state, found.stages[1].detail) == ("done", "phi-ultrachat:7b963b464e21")


def test_progress_as_json_has_no_more_digits_than_say_something() -> None:
    assert Progress(1 / 3, 12.34567, "a guess").to_json() == {"share": 0.333, "left": 12.346, "basis": "a guess"}
    assert Progress(None, None, "a guess").to_json() == {"share": None, "left": None, "basis": "a guess"}
