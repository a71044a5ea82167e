"""Azure's price list: what it is asked, which of its rows is meant, and what is kept of that."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests

from cloud.services import prices
from cloud.services.prices import Meter, Price, PriceBook, choose, fetch_items

MACHINE = Meter("Virtual Machines", "eastus2", "standard_nc24ads_a100_v4")
TIER = Meter("Container Registry", "eastus2", "Premium", "Premium Registry Unit")
DAY = date(2026, 11, 22)


def row(**other: Any) -> dict[str, Any]:
    told = {"retailPrice": 3.67, "unitOfMeasure": "1 Hour", "productName": "NC", "meterName": "NC24", "skuName": "a"}
    return {key: value for key, value in {**told, **other}.items() if value is not None}


class Answer:
    def __init__(self, page: dict[str, Any], status: int = 200) -> None:
        self.json, self._status = lambda: page, status

    def raise_for_status(self) -> None:
        if self._status != 200:
            raise requests.HTTPError(f"{self._status}")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was asked; two pages, then one that leads elsewhere."""
    seen: list[Any] = []
    more = "https://prices.azure.com:443/api/retail/prices?$skip=100"
    pages = {
        prices.URL: Answer({"Items": [1], "NextPageLink": more}),
        more: Answer({"Items": [2], "NextPageLink": None}),
    }

    def get(address: str, **how: Any) -> Answer:
        seen.append((address, how))
        return pages[address]

    monkeypatch.setattr(requests, "get", get)
    return seen


def test_the_list_is_asked_page_by_page(asked: list[Any]) -> None:
    assert fetch_items(MACHINE) == [1, 2]
    wanted = (
        "serviceName eq 'Virtual Machines' and armRegionName eq 'eastus2' and "
        "armSkuName eq 'Standard_NC24ads_A100_v4' and priceType eq 'Consumption'"
    )
    assert asked == [
        (
            "https://prices.azure.com/api/retail/prices",
            {"params": {"api-version": "2023-01-01-preview", "$filter": wanted}, "timeout": (2.0, 5.0)},
        ),
        ("https://prices.azure.com:443/api/retail/prices?$skip=100", {"params": None, "timeout": (2.0, 5.0)}),
    ]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer({"Items": [], "NextPageLink": "https://example.org/x"}), ValueError),
        (Answer({}, 503), OSError),
        (Answer({}), KeyError),
    ],
    ids=["elsewhere", "refused", "no rows"],
)
def test_what_is_no_price_list_is_an_error(
    answer: Answer, error: type[Exception], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(requests, "get", lambda *_, **__: answer)
    with pytest.raises(error):
        fetch_items(MACHINE)
    book = PriceBook(tmp_path / "prices.json")
    assert book.price(MACHINE) is None
    (failure,) = book.failures
    assert failure.startswith("Virtual Machines/eastus2/Standard_NC24ads_A100_v4: ")


def test_a_meter_by_its_name_and_its_tier() -> None:
    assert (MACHINE.sku, MACHINE.key) == (
        "Standard_NC24ads_A100_v4",
        "Virtual Machines/eastus2/Standard_NC24ads_A100_v4",
    )
    assert TIER.key == "Container Registry/eastus2/Premium Registry Unit"
    assert TIER.filter == (
        "serviceName eq 'Container Registry' and armRegionName eq 'eastus2' and skuName eq 'Premium' and "
        "priceType eq 'Consumption' and meterName eq 'Premium Registry Unit'"
    )
    assert prices.EVERYWHERE == "Global" and prices.HOURS_A_MONTH == 730


NONE = [
    row(type="Reservation"),
    row(unitOfMeasure="1 GB"),
    row(unitOfMeasure=None),
    row(currencyCode="EUR"),
    row(tierMinimumUnits=100.0),
    row(isPrimaryMeterRegion=False),
    *[row(**{key: f"x {word}"}) for word in ("Windows", "Spot", "Low Priority") for key in ("productName", "skuName")],
    row(meterName="NC24 Spot"),
    row(productName="Cloud Services"),
    row(skuName="DevTest"),
]


@pytest.mark.parametrize("other", NONE, ids=[str(at) for at in range(len(NONE))])
def test_a_row_that_is_not_meant(other: dict[str, Any]) -> None:
    assert choose([other]) is None


@pytest.mark.parametrize(
    ("told", "hourly"),
    [
        (row(), 3.67),
        (row(type="Consumption", currencyCode="USD", tierMinimumUnits=0, isPrimaryMeterRegion=True), 3.67),
        (row(skuName=None, tierMinimumUnits=None), 3.67),
        (row(unitOfMeasure="1/Hour"), 3.67),
        (row(unitOfMeasure="1/Day", retailPrice="24"), 1.0),
        (row(unitOfMeasure="1 Day", retailPrice=48), 2.0),
    ],
)
def test_a_row_that_is_meant_is_the_price_of_an_hour(told: dict[str, Any], hourly: float) -> None:
    assert choose([told]) == (hourly, "NC, NC24")


def test_the_dearest_of_several() -> None:
    assert choose([row(retailPrice=1), row(retailPrice=3, meterName="b"), row(retailPrice=2)]) == (3.0, "NC, b")


def test_what_was_found_is_kept_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "er" / "prices.json"
    book = PriceBook(file, DAY, lambda meter: [row(retailPrice=4)] if meter == MACHINE else [row(meterName="unit")])
    book.want(TIER)
    assert book.price(MACHINE) == Price(4.0, "NC, NC24", "2026-11-22")
    book.close()
    assert file.read_text() == (
        json.dumps(
            {
                TIER.key: {"hourly": 3.67, "meter": "NC, unit", "asked": "2026-11-22"},
                MACHINE.key: {"hourly": 4.0, "meter": "NC, NC24", "asked": "2026-11-22"},
            },
            indent=2,
        )
        + "\n"
    )
    PriceBook(tmp_path / "none.json", DAY, lambda meter: []).close()
    assert not (tmp_path / "none.json").exists()


@pytest.mark.parametrize(("day", "hourly"), [(28, 4.0), (29, 5.0)])
def test_it_is_asked_again_after_a_week(day: int, hourly: float, tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text(json.dumps({MACHINE.key: {"hourly": 4, "meter": "m", "asked": "2026-11-22"}}))
    book = PriceBook(file, date(2026, 11, day), lambda meter: [row(retailPrice=5)])
    price = book.price(MACHINE)
    assert price is not None and price.hourly == hourly
    assert book.failures == []


def test_a_list_that_names_it_no_more_leaves_the_old_price(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text(json.dumps({MACHINE.key: {"hourly": 4, "meter": "m", "asked": "2026-01-01"}}))
    assert PriceBook(file, DAY, lambda meter: []).price(MACHINE) == Price(4, "m", "2026-01-01")


@pytest.mark.parametrize("text", ["{", "[]", "3", '{"a": 3}', '{"a": {}}', '{"a": {"asked": "x"}}', "[" * 9000])
def test_a_file_that_somebody_has_broken_is_none(text: str, tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text(text)
    assert PriceBook(file, DAY, lambda meter: []).price(MACHINE) is None


def test_the_file_of_a_stack_and_the_day_of_today(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(prices, "fetch_items", lambda meter: [row()])
    book = PriceBook.of_stack("dev")
    price = book.price(MACHINE)
    assert price == Price(3.67, "NC, NC24", date.today().isoformat())
    book.close()
    assert (tmp_path / ".review" / "dev" / "prices.json").exists()
