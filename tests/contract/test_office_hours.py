"""A week of office hours on the emulator's clock: who answers when, and that the bill is hours times price."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from cloud import client as azure
from cloud.services.prices import PriceBook
from cloud.target import RegistryAsset, Target
from emulator.front import admin
from emulator.machine.home import SUBSCRIPTION_ID, Home
from jobs.pausing import by_hours
from jobs.release import rollout
from jobs.release.deployments import Endpoint
from jobs.release.spec import ReleaseSpec
from jobs.status.reader import Reader
from jobs.status.stack import Stack
from jobs.status.view import lines
from settings.sections.evaluation import EvaluationSettings
from settings.sections.serving import ServingSettings
from tests.contract.arm import Arm
from tests.contract.bodies import A100, endpoint_body
from tests.contract.conftest import make_workspace

GROUP, MODEL, VERSION = "rg-hours", "phi-hours", "2025-12-01"
HOURS = "Mon-Fri 07:00-19:00 Europe/Berlin"
PRICE = 3.67


def monday() -> datetime:
    """Midnight before a Monday in summer time in whose week clocks are put back, and ahead of this machine's clock."""
    year = datetime.now(UTC).year + 1
    sunday = max(day for day in range(25, 32) if date(year, 10, day).weekday() == 6)
    return datetime(year, 10, sunday, tzinfo=UTC) - timedelta(days=6)


@pytest.fixture
def spec(arm: Arm, models: Path) -> Iterator[ReleaseSpec]:
    from azure.ai.ml.entities import Model

    workspace = make_workspace(arm, GROUP, "hours")
    arm.put(f"{workspace}/onlineEndpoints/hours", VERSION, endpoint_body())
    target = Target(SUBSCRIPTION_ID, GROUP, "mlw-hours")
    model = Model(name=MODEL, version="1", path=str(models / "tuned"), type="mlflow_model")
    azure.ml_client(target).models.create_or_update(model)
    yield ReleaseSpec(
        target=target,
        endpoint="hours",
        model_name=MODEL,
        model_version="1",
        base_model=RegistryAsset("azureml", "Phi-4-mini-instruct", "1"),
        serving=ServingSettings.model_construct(vm_size=A100, hours=HOURS, request_timeout_seconds=60, drain_seconds=0),
        evaluation=EvaluationSettings.model_construct(questions="", latency_seconds=60),
    )
    arm.delete(f"{workspace}/onlineEndpoints/hours", VERSION)


@pytest.fixture
def clock(home: Home) -> Iterator[list[datetime]]:
    """The hour it is, which a test moves on; the emulator's with it."""
    yield [monday()]
    admin.call(home, "DELETE", "clock")


def test_a_week_costs_its_office_hours_alone(
    home: Home, spec: ReleaseSpec, clock: list[datetime], tmp_path: Path
) -> None:
    def now() -> datetime:
        return clock[0]

    def move_to(moment: datetime) -> None:
        clock[0] = moment
        admin.call(home, "POST", "clock", (moment - datetime.now(UTC)).total_seconds())

    def listed(meter: object) -> list[dict[str, object]]:
        return [{"retailPrice": PRICE, "unitOfMeasure": "1 Hour", "productName": "seen", "meterName": "2026-11-28"}]

    stack = Stack(
        name="hours",
        target=spec.target,
        location="eastus2",
        endpoint="hours",
        model_name=MODEL,
        cluster_size=A100,
        data_cluster_size=A100,
        hourly_price=0,
        request_timeout_seconds=60,
        system_prompt="",
        evaluation=spec.evaluation,
        hours=HOURS,
        stages=None,
    )
    reader = Reader(stack, PriceBook(tmp_path / "prices.json", fetch=listed), now)  # type: ignore[arg-type]
    stop = threading.Event()
    endpoint = Endpoint(client=azure.ml_client(spec.target), spec=spec, report=lambda _: None, stop=stop)

    # Deployed at seven on Monday morning; a workflow comes by every hour from then on, for a week and the next Monday.
    begin = monday() + timedelta(hours=5)
    move_to(begin)
    rollout.run(spec, lambda _: None, stop)
    served: list[datetime] = []
    while now() < begin + timedelta(days=7, hours=6):
        if endpoint.traffic():
            served.append(now())
        move_to(now() + timedelta(hours=1))
        by_hours.keep(endpoint, lambda _: spec, now)
        if now() == begin + timedelta(days=5):  # Saturday
            found = reader.read()
            assert found.spending.hourly == 0 and found.spending.so_far == pytest.approx(60 * PRICE, abs=0.25)
            assert any("begin again on" in line for line in lines(found))
    found = reader.read()
    # Five days of twelve hours, and of the Monday after, on which seven is an hour later in Greenwich, five hours.
    assert [
        len([each for each in served if each.date() == begin.date() + timedelta(days=day)]) for day in range(8)
    ] == [
        *[12] * 5,
        *[0] * 2,
        5,
    ]
    assert found.spending.hourly == PRICE
    assert found.spending.so_far == pytest.approx(65 * PRICE, abs=0.25)
    print(f"{sum(use.use.hours for use in found.spending.lines):.2f} h x {PRICE} USD = {found.spending.so_far:.2f} USD")
