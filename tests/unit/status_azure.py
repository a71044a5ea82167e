"""A stack in service, as Azure's services tell of it."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from arm_fake import ArmFake, install
from rich.console import Console
from test_jobs_specs import DATASET, FINETUNE, RELEASE

from cloud.services.prices import PriceBook
from jobs.stage_specs import StageSpecs
from jobs.status.reader import Reader
from jobs.status.stack import Stack
from jobs.status.status import Status
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
