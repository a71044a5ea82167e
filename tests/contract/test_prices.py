"""The price list, asked by the review's own client."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloud.services.prices import Meter, PriceBook
from emulator.dataplane.prices import MARK
from emulator.machine.home import Home

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize(
    ("meter", "hourly"),
    [
        (Meter("Virtual Machines", "eastus2", "Standard_NC24ads_A100_v4"), 4.0),
        (Meter("Container Registry", "westeurope", "Premium"), 1.6 / 24),
    ],
)
def test_a_price_is_made_up_and_says_so(meter: Meter, hourly: float, tmp_path: Path) -> None:
    book = PriceBook(tmp_path / "prices.json")
    price = book.price(meter)
    assert price and price.hourly == pytest.approx(hourly)
    assert MARK in price.meter
    assert book.failures == []


@pytest.mark.parametrize("sku", ["Standard_NV72ads_A10_v5", "Standard_Nothing"])
def test_what_is_not_on_the_list_has_no_price(home: Home, sku: str, tmp_path: Path) -> None:
    del home
    book = PriceBook(tmp_path / "prices.json")
    assert book.price(Meter("Virtual Machines", "eastus2", sku)) is None
    assert book.failures == []
