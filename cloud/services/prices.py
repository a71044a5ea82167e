"""Prices from the public Azure Retail Prices API (https://prices.azure.com), asked once and kept with their date.

These are list prices for pay-as-you-go in US dollars: what a customer has agreed on with Microsoft is not in them.
Reviews tell with them what a change will cost, `python -m jobs status` what has been spent.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from settings.machines import spelled

URL = "https://prices.azure.com/api/retail/prices"
API_VERSION = "2023-01-01-preview"
FRESH = timedelta(days=7)
TIMEOUT = (2.0, 5.0)  # seconds to connect and to answer: nobody should hang on a price
HOURS_A_MONTH = 730
"""As Azure's price pages count."""
PER_HOUR = {"1 Hour": 1.0, "1/Hour": 1.0, "1/Day": 24.0, "1 Day": 24.0}
"""Hours in the API's units of measure that a standing cost comes in."""


@dataclass(frozen=True)
class Price:
    """US dollars an hour, what Azure calls the meter, and the day it was asked."""

    hourly: float
    meter: str
    asked: str


@dataclass(frozen=True)
class Meter:
    """What is asked for: a service, and its SKU as ARM names it (machines) or as the price list does."""

    service: str
    region: str
    sku: str
    meter: str = ""
    """Its name, where a SKU has several."""

    def __post_init__(self) -> None:
        if self.service == MACHINES:
            object.__setattr__(self, "sku", spelled(self.sku))

    @property
    def key(self) -> str:
        return f"{self.service}/{self.region}/{self.meter or self.sku}"

    @property
    def filter(self) -> str:
        """The API compares with case."""
        name = "armSkuName" if self.service == MACHINES else "skuName"
        terms = {"serviceName": self.service, "armRegionName": self.region, name: self.sku, "priceType": "Consumption"}
        if self.meter:
            terms["meterName"] = self.meter
        return " and ".join(f"{key} eq '{value}'" for key, value in terms.items())


EVERYWHERE = "Global"
"""The region of meters that are the same in all."""
MACHINES = "Virtual Machines"
"""The service whose meters price the machines of clusters and deployments by their ARM name."""

Fetch = Callable[[Meter], list[dict[str, Any]]]


class PriceBook:
    """Asks in the background from the first `want` on, so that a preview's time is not lengthened by it.

    The file keeps what was found and when. What is older than a week is asked again; if that fails, the old
    price is better than none and its date says how old it is.
    """

    def __init__(self, file: Path, today: date | None = None, fetch: Fetch | None = None) -> None:
        self._file = file
        self._today = today or date.today()
        self._fetch = fetch or fetch_items
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="prices")
        self._asked: dict[str, Future[Price | None]] = {}
        self._lock = threading.Lock()
        self._known = _load(file)
        self.failures: list[str] = []

    @classmethod
    def of_stack(cls, stack: str) -> PriceBook:
        """The prices of a stack's machines; its reviews, its status and its limits share the file."""
        return cls(Path(".review") / stack / "prices.json")

    def want(self, meter: Meter) -> None:
        """Begins to find a price out."""
        with self._lock:
            if meter.key not in self._asked:
                self._asked[meter.key] = self._pool.submit(self._find, meter)

    def price(self, meter: Meter) -> Price | None:
        """Waits for it. None is a price nobody can tell."""
        self.want(meter)
        return self._asked[meter.key].result()

    def close(self) -> None:
        """Writes what is known now."""
        self._pool.shutdown(wait=True)
        for key, asked in self._asked.items():
            if price := asked.result():
                self._known[key] = price
        if self._known:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            content = {key: asdict(price) for key, price in sorted(self._known.items())}
            self._file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    def _find(self, meter: Meter) -> Price | None:
        known = self._known.get(meter.key)
        if known and self._today - date.fromisoformat(known.asked) < FRESH:
            return known
        # Whatever goes wrong on the way to a price list must not end the caller, who says "unknown" then.
        try:
            found = choose(self._fetch(meter))
        except (OSError, ValueError, KeyError, TypeError) as error:
            self.failures.append(f"{meter.key}: {type(error).__name__}")
            return known
        return Price(*found, self._today.isoformat()) if found else known


def fetch_items(meter: Meter) -> list[dict[str, Any]]:
    """All rows the API has, following its pages. Raises OSError (requests' errors are) and ValueError."""
    import requests

    items: list[dict[str, Any]] = []
    address: str | None = URL
    parameters: dict[str, str] | None = {"api-version": API_VERSION, "$filter": meter.filter}
    while address:
        if not address.startswith("https://prices.azure.com"):
            raise ValueError("the price list continues on another host")
        answer = requests.get(address, params=parameters, timeout=TIMEOUT)
        answer.raise_for_status()
        page = answer.json()
        items += page["Items"]
        address, parameters = page.get("NextPageLink"), None
    return items


def choose(items: list[dict[str, Any]]) -> tuple[float, str] | None:
    """The one row that is meant: a Linux machine at the normal rate, for an hour.

    Where several remain, the dearest: a review should not promise too little.
    """
    fitting = [
        (float(item["retailPrice"]) / PER_HOUR[item["unitOfMeasure"]], f"{item['productName']}, {item['meterName']}")
        for item in items
        if item.get("type", "Consumption") == "Consumption"
        and item.get("unitOfMeasure") in PER_HOUR
        and item.get("currencyCode", "USD") == "USD"
        and float(item.get("tierMinimumUnits") or 0) == 0
        and item.get("isPrimaryMeterRegion", True)
        and not _other_rate(f"{item.get('productName')} {item.get('skuName')} {item.get('meterName')}")
    ]
    return max(fitting, default=None)


def _other_rate(text: str) -> bool:
    return any(word in text for word in ("Windows", "Spot", "Low Priority", "Cloud Services", "DevTest"))


def _load(file: Path) -> dict[str, Price]:
    known: dict[str, Price] = {}
    # A cache somebody has broken is worth no more than none.
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        for key, value in json.loads(file.read_text(encoding="utf-8")).items():
            date.fromisoformat(value["asked"])
            known[key] = Price(**value)
    return known
