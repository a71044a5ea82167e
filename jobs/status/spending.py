"""What a stack's machines have cost so far: hours that jobs ran and deployments stood, times the price of an hour.

An estimate from list prices, not the bill: storage, registry and logs are billed by use, a cluster's node also while it
is being prepared and until it is released again, and what is deleted is no longer seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cloud.services.prices import MACHINES, Meter, PriceBook


@dataclass(frozen=True, kw_only=True)
class Use:
    """`count` machines of one size for some hours; `now` whether they run still."""

    what: str
    vm_size: str
    count: int
    hours: float
    now: bool


@dataclass(frozen=True)
class HourPrice:
    """US dollars an hour of one machine, and where that is from; None for a price nobody can tell."""

    hourly: float | None
    source: str


@dataclass(frozen=True)
class Line:
    """One use and its cost in US dollars; None where the price is unknown."""

    use: Use
    cost: float | None


@dataclass(frozen=True, kw_only=True)
class Spending:
    """`so_far` in US dollars, `hourly` what goes on costing; None if any price in it is unknown."""

    lines: tuple[Line, ...]
    so_far: float | None
    hourly: float | None
    prices: dict[str, HourPrice]

    def to_json(self) -> dict[str, Any]:
        return {
            "currency": "USD",
            "so_far": _rounded(self.so_far),
            "hourly": _rounded(self.hourly),
            "lines": [{**asdict(line.use), "cost": _rounded(line.cost)} for line in self.lines],
            "prices": {size: asdict(price) for size, price in self.prices.items()},
        }

    def notes(self) -> list[str]:
        """A sentence a price, with its source."""
        return [
            f"{size}: {f'{price.hourly:.2f} USD an hour, {price.source}' if price.hourly is not None else price.source}"
            for size, price in self.prices.items()
        ]


def spending(uses: Sequence[Use], prices: dict[str, HourPrice]) -> Spending:
    """`prices` by VM size."""

    def cost(use: Use) -> float | None:
        hourly = prices[use.vm_size].hourly
        return None if hourly is None else hourly * use.hours * use.count

    def rate(use: Use) -> float | None:
        hourly = prices[use.vm_size].hourly
        return None if hourly is None else hourly * use.count

    lines = tuple(Line(use, cost(use)) for use in uses)
    running = _total(rate(use) for use in uses if use.now)
    return Spending(lines=lines, so_far=_total(line.cost for line in lines), hourly=running, prices=prices)


def hour_prices(sizes: Iterable[str], region: str, book: PriceBook, own: dict[str, float]) -> dict[str, HourPrice]:
    """The price of each VM size: `own` (the setting compute.hourlyPrice) where it has one, else Azure's price list."""
    wanted = list(dict.fromkeys(sizes))
    meters = {size: Meter(MACHINES, region, size) for size in wanted if not own.get(size)}
    for meter in meters.values():
        book.want(meter)
    return {
        size: _listed(book, meters[size]) if size in meters else HourPrice(own[size], "the setting compute.hourlyPrice")
        for size in wanted
    }


def dollars(value: float | None) -> str:
    """`3.67`, `2,679`, `unknown`; what is under a cent is not nothing."""
    if value is None:
        return "unknown"
    if 0 < value < 0.01:
        return "under 0.01"
    return f"{value:,.0f}" if value >= 1000 else f"{value:,.2f}"


def _listed(book: PriceBook, meter: Meter) -> HourPrice:
    price = book.price(meter)
    if price is None:
        return HourPrice(None, "price unknown: Azure's price list has none, or could not be reached")
    return HourPrice(price.hourly, f"list price of {price.asked} ({price.meter})")


def _total(amounts: Iterable[float | None]) -> float | None:
    known = list(amounts)
    return None if any(each is None for each in known) else sum(each for each in known if each is not None)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
