"""How long a fine-tuning may run: each limit whole, what is asked for its price, and what is said at its end."""

from __future__ import annotations

from typing import Any

import pytest
from test_jobs_specs import FINETUNE

from cloud.arm import Arm
from cloud.errors import StageError
from cloud.services.prices import Meter, Price, PriceBook
from jobs.training import limits
from jobs.training.joblog import Run
from jobs.training.limits import Limit
from tests.changing import changed
from tests.unit import arm_fake

SWEEP = "sweep-0a7b338b"
LEFT_OUT = f"; or go on without this run, by sweep.leaveOut: [{SWEEP}]"
CLUSTER = "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws/computes/gpu"
INNER = {"vmSize": "STANDARD_NC24ADS_A100_V4"}


class Book:
    """A price book with one price."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, hourly: float | None) -> None:
        self.asked: list[Meter] = []
        self.stacks: list[str] = []
        self.closed = 0
        self.hourly = hourly
        monkeypatch.setattr(PriceBook, "of_stack", self.of_stack)

    def of_stack(self, stack: str) -> Book:
        self.stacks.append(stack)
        return self

    def price(self, meter: Meter) -> Price | None:
        self.asked.append(meter)
        return None if self.hourly is None else Price(self.hourly, "NC24ads", "2026-11-29")

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(
    ("changes", "nodes", "limit"),
    [
        ({}, 1, Limit(seconds=43_200, setting="finetune.maxHours", by="finetune.maxHours is 12")),
        ({"max_cost": 900}, 1, Limit(seconds=43_200, setting="finetune.maxHours", by="finetune.maxHours is 12")),
        (
            {"max_cost": 8},
            1,
            Limit(
                seconds=7_200,
                setting="finetune.maxCost",
                by="finetune.maxCost is 8 USD, and Standard_NC24ads_A100_v4 costs 4.00 an hour",
            ),
        ),
        (
            {"max_cost": 8},
            2,
            Limit(
                seconds=3_600,
                setting="finetune.maxCost",
                by="finetune.maxCost is 8 USD, and 2 x Standard_NC24ads_A100_v4 costs 8.00 an hour",
            ),
        ),
        (
            {"recipe_name": SWEEP, "max_hours": 1.5},
            1,
            Limit(
                seconds=5_400,
                setting="finetune.maxHours or its part of sweep.maxHours",
                by="finetune.maxHours or its part of sweep.maxHours is 1.5",
                otherwise=LEFT_OUT,
            ),
        ),
        (
            {"recipe_name": SWEEP, "max_cost": 4},
            1,
            Limit(
                seconds=3_600,
                setting="finetune.maxCost or its part of sweep.maxCost",
                by="finetune.maxCost or its part of sweep.maxCost is 4 USD, and Standard_NC24ads_A100_v4 costs 4.00 an "
                "hour",
                otherwise=LEFT_OUT,
            ),
        ),
        (
            {"recipe_name": "gentle"},
            1,
            Limit(seconds=43_200, setting="finetune.maxHours", by="finetune.maxHours is 12"),
        ),
    ],
)
def test_the_limit_whole(monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], nodes: int, limit: Limit) -> None:
    book, azure = Book(monkeypatch, 4.0), arm_fake.install(monkeypatch)
    azure.get(CLUSTER, {"location": "westus", "properties": {"computeLocation": "eastus2", "properties": INNER}})
    recipe = FINETUNE.recipe | ({"num_nodes_finetune": nodes} if nodes > 1 else {})
    assert limits.of_finetuning(changed(FINETUNE, stack="dev", recipe=recipe, **changes), Arm()) == limit
    if "max_cost" not in changes:
        assert (azure.sent, book.stacks) == ([], []), "nobody is asked for a price that nothing hangs on"
        return
    assert azure.sent == [("GET", f"https://management.azure.com{CLUSTER}?api-version=2025-12-01")]
    assert book.asked == [Meter("Virtual Machines", "eastus2", "Standard_NC24ads_A100_v4")]
    assert (book.stacks, book.closed) == (["dev"], 1)


def test_a_price_that_the_stack_says_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    book, azure = Book(monkeypatch, None), arm_fake.install(monkeypatch)
    azure.get(CLUSTER, {"properties": {"properties": INNER}})
    found = limits.of_finetuning(changed(FINETUNE, max_cost=6, hourly_price=2.0), Arm())
    assert (found.seconds, book.stacks) == (10_800, [])


@pytest.mark.parametrize(
    ("there", "hourly", "asked", "why"),
    [
        (
            {"location": "westus", "properties": {"properties": INNER}},
            None,
            1,
            "a Standard_NC24ads_A100_v4 costs in westus",
        ),
        ({"properties": {"properties": INNER}}, 0.0, 1, "a Standard_NC24ads_A100_v4 costs in its region"),
        ({"properties": {"computeLocation": "eastus2"}}, 4.0, 0, "a machine of it costs in eastus2"),
        (None, 4.0, 0, "a machine of it costs in its region"),
    ],
)
def test_a_cost_that_nobody_can_reckon(
    monkeypatch: pytest.MonkeyPatch, there: Any, hourly: float | None, asked: int, why: str
) -> None:
    book, azure = Book(monkeypatch, hourly), arm_fake.install(monkeypatch)
    if there:
        azure.get(CLUSTER, there)
    with pytest.raises(StageError) as refused:
        limits.of_finetuning(changed(FINETUNE, max_cost=6), Arm())
    assert str(refused.value) == (
        f"finetune.maxCost cannot be kept (cluster gpu): nobody knows what {why}: Azure's price list has no such "
        "machine, or could not be reached. Say the price in compute.hourlyPrice, or set finetune.maxCost to 0 and keep "
        "to finetune.maxHours; then run `pulumi up` again. Nothing was begun."
    )
    assert (len(book.asked), book.closed) == (asked, 1)


def test_azure_that_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    arm_fake.install(monkeypatch).refuse("GET", CLUSTER, 403, "AuthorizationFailed", "not you")
    with pytest.raises(StageError) as refused:
        limits.of_finetuning(changed(FINETUNE, max_cost=6), Arm())
    assert str(refused.value).startswith("the price of the cluster's machines could not be looked up (cluster gpu): ")


class Log:
    """A job's log: the runs below it, the last lines of each, and how long it ran."""

    def __init__(self, *runs: str, lines: dict[str, list[str]] | None = None, hours: float = 2) -> None:
        self.runs, self.lines, self.hours = runs, lines or {}, hours

    def children(self) -> list[Run]:
        return [Run(name=name, parent="job", title=name, status="Canceled") for name in self.runs]

    def tail(self, run: str, lines: int) -> list[str]:
        return self.lines.get(run, [])[-lines:]

    def ran(self) -> float:
        return self.hours * 3600


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (Log(), ""),
        (Log(lines={"job": ["one", " two "]}), " The last it said: two"),
        (Log("a", "b", lines={"job": ["x"], "a": ["y"], "b": ["z", "epoch 2"]}), " The last it said: epoch 2"),
        (Log("a", "b", lines={"job": ["x"], "a": ["y"]}), ""),
    ],
)
def test_what_is_said_of_a_job_that_reached_it(log: Any, said: str) -> None:
    limit = Limit(seconds=7_200, setting="s", by="s is 2", otherwise="; or else")
    assert str(limit.reached("training", "job", log, "logs")) == (
        "the training reached its limit and was cancelled (job job): it ran for 2 h 00 min, and it may for 2 h 00 min "
        f"(s is 2); as it is, it would reach that again. `logs` shows whether it went on until then or hung.{said} If "
        "it needs longer, raise s, or give it less to do or a faster machine; if it hung, mend that, and raise s a "
        "little to try the same again; or else. What its steps had saved by then is still in their outputs in the "
        "studio; the next attempt begins anew."
    )


@pytest.mark.parametrize(
    ("status", "hours", "ended"),
    [
        ("Canceled", 2.0, True),
        ("CancelRequested", 1.98, True),
        ("Canceled", 1.979, False),
        ("Failed", 3.0, False),
        ("Completed", 3.0, False),
    ],
)
def test_a_job_was_cancelled_for_it(status: str, hours: float, ended: bool) -> None:
    log: Any = Log(hours=hours)
    assert limits.at_end(Limit.of_hours(2, "s"), status, log) is ended
    assert limits.at_end(None, status, log) is False
