"""Prices, durations, office hours, and the thresholds of a review."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from cloud.services.prices import Meter, PriceBook, choose
from review import cost
from review.__main__ import main
from review.cost import Amount, Cost
from review.durations import Past, finetune_seconds, in_words, past
from review.errors import ReviewError
from review.events import Preview, State, Step
from review.known.judge import NEW, UNHEARD, Level
from review.known.stages import STAGES
from review.report import build
from review.risks import Risk
from review.training import finetunes
from review.verdict import Thresholds, Verdict

METER = Meter("Virtual Machines", "eastus2", "Standard_NC24ads_A100_v4")


def _book(folder: Path) -> PriceBook:
    return PriceBook(folder / "prices.json", fetch=lambda meter: [])


def _row(price: float, **other: Any) -> dict[str, Any]:
    return {"retailPrice": price, "unitOfMeasure": "1 Hour", "productName": "NC", "meterName": "NC24", **other}


def test_the_price_is_that_of_a_linux_machine_at_the_normal_rate() -> None:
    rows = [
        _row(9, productName="NC Windows"),
        _row(1, skuName="NC24 Spot"),
        _row(2, unitOfMeasure="1 GB"),
        _row(0.5, type="Reservation"),
        _row(3.5),
        _row(3.67),
    ]
    assert choose(rows) == (3.67, "NC, NC24")
    assert choose([]) is None
    assert choose([_row(2.4, unitOfMeasure="1/Day")]) == (pytest.approx(0.1), "NC, NC24")


def test_prices_are_asked_once_a_week_and_outlive_an_outage(tmp_path: Path) -> None:
    asked = []

    def fetch(meter: Meter) -> list[dict[str, Any]]:
        asked.append(meter)
        return [_row(4)]

    def refuse(meter: Meter) -> list[dict[str, Any]]:
        raise OSError("no way out")

    file, day = tmp_path / "prices.json", date(2026, 11, 22)
    for _ in range(2):
        book = PriceBook(file, day, fetch)
        price = book.price(METER)
        assert price and (price.hourly, price.asked) == (4, "2026-11-22")
        book.close()
    assert len(asked) == 1
    later = PriceBook(file, day + timedelta(days=30), refuse)
    old = later.price(METER)
    assert old and old.asked == "2026-11-22", "with the day it was asked"
    assert later.failures
    assert PriceBook(tmp_path / "none.json", day, refuse).price(METER) is None


def test_a_broken_cache_is_none(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text('{"a": {"asked": 3}}')
    price = PriceBook(file, fetch=lambda meter: [_row(4)]).price(METER)
    assert price and price.hourly == 4


def test_office_hours_are_what_a_month_of_serving_costs(tmp_path: Path) -> None:
    def release(**more: str) -> State:
        return State({"input": {"instance_type": "Standard_NC24ads_A100_v4", "instance_count": 2, **more}}, {})

    book = PriceBook(tmp_path / "prices.json", fetch=lambda meter: [_row(4)])
    urn = "urn:pulumi:dev::p::pulumi:index:Stash::release"
    hours = {"hours": "Mon-Fri 07:00-19:00 Europe/Berlin"}
    step = Step(urn, "pulumi:index:Stash", "update", release(), release(**hours), "")
    found = cost.cost(Preview(steps=[step]), Past(), book)
    assert (found.serving.before, found.serving.after) == (8, 8)
    assert found.month.before == 8 * 730 and found.month.after == pytest.approx(8 * 730 * 60 / 168)
    assert found.quantities_change
    same = Step(urn, "pulumi:index:Stash", "update", release(**hours), release(**hours), "")
    assert not cost.cost(Preview(steps=[same]), Past(), book).quantities_change


@pytest.mark.parametrize(
    ("was", "will", "level", "why"),
    [
        (NEW, "", Level.NONE, ""),
        (NEW, "Mon-Fri 07:00-19:00 UTC", Level.MEDIUM, "no answer outside of Mon-Fri 07:00-19:00 UTC"),
        ("Mon-Fri 07:00-19:00 UTC", "Mon-Fri 08:00-18:00 UTC", Level.MEDIUM, "no answer outside of"),
        ("Mon-Fri 07:00-19:00 UTC", "", Level.MEDIUM, "more machine hours are paid for: around the clock"),
        ("Mon-Fri 07:00-19:00 UTC", None, Level.MEDIUM, "more machine hours are paid for: around the clock"),
        ("Mon-Fri 07:00-19:00 UTC", "Mon-Fri 08:00-20:00 UTC", Level.LOW, "at other hours"),
        ("", "/subscriptions/somebody", UNHEARD[0], UNHEARD[1]),
    ],
)
def test_other_office_hours(was: object, will: object, level: Level, why: str) -> None:
    (row,) = [row for row in STAGES["release"] if row.matches("input.hours")]
    found = row.judge(was, will)
    assert found[0] == level and why in found[1]


def _cost(before: float | None, after: float | None, change: bool = True) -> Cost:
    amount = Amount(before, after)
    return Cost(amount, amount, amount, amount, quantities_change=change)


@pytest.mark.parametrize(
    ("text", "crossed"),
    [
        ("risk=high", 0),
        ("risk=medium", 1),
        ("cost=+20%", 1),
        ("cost=50", 0),
        ("risk=low,cost=10%,policy=mandatory", 2),
        ("", 0),
    ],
)
def test_thresholds(text: str, crossed: int) -> None:
    risks = [Risk(Level.MEDIUM, "a", "b")]
    assert len(Thresholds.parse(text).crossed(Preview(), risks, _cost(100, 130), [])) == crossed


def test_an_unknown_price_crosses_only_where_machines_change() -> None:
    threshold = Thresholds.parse("cost=+20%")
    assert threshold.crossed(Preview(), [], _cost(None, None), [])
    assert not threshold.crossed(Preview(), [], _cost(None, None, change=False), [])


@pytest.mark.parametrize("text", ["risk=huge", "cost=cheap", "colour=red", "policy"])
def test_a_threshold_nobody_knows_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ReviewError, match="risk=high,policy=mandatory"):
        Thresholds.parse(text)
    assert main(["--stack", "dev", "--fail-on", text]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_durations_come_from_the_last_run() -> None:
    prefix = "urn:pulumi:dev::finetune-phi::finetune-phi:infra:Stages$pulumi:index:Stash::"
    state = {
        "deployment": {
            "resources": [
                {"urn": prefix + "dataset", "modified": "2026-11-22T10:00:30.123456789Z"},
                {
                    "urn": prefix + "finetune",
                    "modified": "2026-11-22T10:40:30.123456789Z",
                    "dependencies": [prefix + "dataset"],
                },
            ]
        }
    }
    update = {"kind": "update", "startTime": "2026-11-22T10:00:00.000Z", "endTime": "2026-11-22T10:50:00.000Z"}
    assert past(state, [update]).seconds == {"dataset": pytest.approx(30, abs=1), "finetune": 2400}
    assert past(state, []).seconds == {}
    assert past({}, []).dependencies == {}
    assert finetune_seconds(2400, {"num_train_epochs": 1}, {"num_train_epochs": 2}) == 2 * 1980 + 420
    assert finetune_seconds(100, {"num_train_epochs": 1}, {"num_train_epochs": 2}) == 200
    assert finetune_seconds(None, {}, {}) is None
    assert finetune_seconds(2400, {}, {}, 100) == 420 + 198_000
    assert finetune_seconds(2400, {"num_train_epochs": 1}, {"num_train_epochs": 1}, None) is None
    assert finetune_seconds(2400, {"max_steps": 10}, {"max_steps": 20}, None) == 420 + 2 * 1980
    assert finetune_seconds(2400, {"max_steps": 10}, {"num_train_epochs": 1}) is None
    assert finetune_seconds(2400, {}, {"num_nodes_finetune": 2}) is None
    seconds = (0.2, 33, 89.4, 90, 2400, 7140, 7200, 7500)
    words = ["1 s", "33 s", "89 s", "2 min", "40 min", "119 min", "2 h", "2 h 5 min"]
    assert [in_words(each) for each in seconds] == words


def test_a_fine_tune_costs_all_the_nodes_it_trains_on() -> None:
    old, new = ({"input": {"recipe": {"num_train_epochs": 1, **more}}} for more in ({}, {"num_nodes_finetune": 3}))
    preview = Preview([_step("pulumi:index:Stash", "finetune", "update", old, new)])
    assert [one.nodes for one in finetunes.of(preview, Past())] == [(1, 3)]


@pytest.mark.parametrize(
    ("cards", "grows", "told"),
    [
        (
            ({"fingerprint": "a", "tokens": 10}, {"fingerprint": "b", "tokens": 1000}),
            100,
            "0.20 → 20.00 USD (+9,900 %)",
        ),
        (({"fingerprint": "a", "rows": 10}, {"fingerprint": "b", "rows": 20}), 2, "0.20 → 0.40 USD (+100 %)"),
        (({}, {}), None, "what the fine-tune costs is unknown"),
        (({"fingerprint": "other", "tokens": 10}, {"fingerprint": "b", "tokens": 20}), None, "is unknown"),
    ],
    ids=["tokens", "rows", "no card", "a card of other data"],
)
def test_more_data_cost_more_and_data_of_unknown_size_an_unknown_amount(
    cards: tuple[dict[str, Any], ...], grows: float | None, told: str, tmp_path: Path
) -> None:
    stash, compute = "pulumi:index:Stash", "azure-native:machinelearningservices:Compute"
    machine = {"properties": {"properties": {"vmSize": "Standard_NC24ads_A100_v4"}}, "location": "eastus2"}
    learns = [{"input": {"dataset_fingerprint": each, "fingerprint": each}} for each in "ab"]
    preview = Preview(
        [
            _step(compute, "cluster", "same", machine, machine),
            _step(stash, "finetune", "update", *learns),
        ],
        outputs=tuple({"trainingData": card} for card in cards),  # type: ignore[arg-type]
        finished=True,
    )
    book = PriceBook(tmp_path / "p.json", fetch=lambda meter: [_row(7.2)])
    report = build("dev", preview, Past({"finetune": 100}), book, Thresholds())
    assert finetunes.data_grows(preview, *(each["input"] for each in learns)) == grows
    assert report.verdict is Verdict.PERSON
    assert any(told in reason for reason in report.reasons), report.reasons


def test_without_azures_price_list_the_dearest_price_seen_counts_with_its_day(tmp_path: Path) -> None:
    price = cost.price_of(METER, _book(tmp_path))
    assert price and (price.hourly, price.asked) == (3.67, "2026-11-28")
    assert cost.price_of(Meter("Virtual Machines", "eastus2", "Standard_Unheard"), _book(tmp_path)) is None


def _step(type_: str, name: str, op: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> Step:
    states = [State(inputs, {}) if inputs is not None else None for inputs in (old, new)]
    return Step(f"urn::{type_}::{name}", type_, op, *states, "")
