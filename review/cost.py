"""What a stack costs before and after: idle, serving, per fine-tune and per month.

Only what costs by the hour can be told from a preview; what is billed by use is listed without a number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cloud.catalogue import CLUSTER, DEPLOYMENT, STAGE, Priced
from cloud.services.prices import EVERYWHERE, HOURS_A_MONTH, MACHINES, Meter, Price, PriceBook
from review.difference import at
from review.durations import Past
from review.events import Preview, State, Step
from review.training import finetunes
from review.training.finetunes import SIZE, Finetune, training_cluster
from review.words import shown, type_of
from settings.machines import HOURLY_DOLLARS, PRICES_SEEN
from settings.sections.hours import share_of


@dataclass(frozen=True)
class Amount:
    """US dollars before and after; None is unknown, 0 is nothing."""

    before: float | None
    after: float | None

    @property
    def known(self) -> bool:
        return self.before is not None and self.after is not None

    @property
    def percent(self) -> float | None:
        """Rise in per cent; infinite from nothing to something; None if unknown."""
        if self.before is None or self.after is None:
            return None
        if self.before == 0:
            return 0.0 if self.after == 0 else float("inf")
        return (self.after - self.before) / self.before * 100


@dataclass(frozen=True)
class Line:
    """What one resource costs an hour: always, and on top while a deployment answers."""

    resource: str
    what: str
    idle: Amount
    serving: Amount
    price: Price | None


@dataclass(frozen=True)
class Cost:
    """`idle` nobody trains or is served; `serving` with the deployments; `month` is 730 hours, or the office hours."""

    idle: Amount
    serving: Amount
    finetune: Amount
    month: Amount
    lines: list[Line] = field(default_factory=list)
    by_use: list[str] = field(default_factory=list)
    prices: dict[str, Price | None] = field(default_factory=dict)
    finetune_seconds: float | None = None
    unpriced: list[str] = field(default_factory=list)
    """What costs, or may cost, and has no price here: with one that is new or changes the cost is unknown."""
    trains: int = 0
    """How many fine-tunes the update starts."""
    quantities_change: bool = False
    """Whether machines, their number, their kind or their hours change, whatever they cost."""
    recipes: dict[str, Amount] = field(default_factory=dict)
    """Of several recipes what the job of each costs, of which `finetune` is the sum."""


@dataclass(frozen=True)
class _Part:
    """So many of something, always or only while serving; ``least`` where there may be fewer, by load."""

    resource: str
    meter: Meter
    count: float
    serving: bool
    least: float | None = None


def price_of(meter: Meter, book: PriceBook) -> Price | None:
    """Azure's price list, or the dearest price that policies judge by where that cannot be asked or has none."""
    if found := book.price(meter):
        return found
    seen = HOURLY_DOLLARS.get(meter.sku) if meter.service == MACHINES else None
    return Price(seen, "the dearest of all regions, settings/machines.py", PRICES_SEEN) if seen else None


def meters(step: Step, region: str) -> list[Meter]:
    """The prices a step will be asked for, old and new."""
    return [part.meter for state in (step.old, step.new) if state for part in _parts(step, state, region)]


_NOT_PAID = ("delete", "read")
"""What goes, and what somebody else has made and pays for."""


def region_of(step: Step) -> str | None:
    """The region a step tells."""
    found = step.state.inputs.get("location")
    return found.replace(" ", "").lower() if isinstance(found, str) else None


def cost(preview: Preview, past: Past, book: PriceBook) -> Cost:
    """Waits for the prices."""
    region = next((r for s in preview.steps if type_of(s) is CLUSTER and (r := region_of(s))), None)
    region = region or next((r for s in preview.steps if (r := region_of(s))), "")
    before, after = ([p for s in preview.steps for p in _of(s, side, region)] for side in ("old", "new"))
    prices = {part.meter.key: price_of(part.meter, book) for part in [*before, *after]}
    lines = _lines(before, after, prices)
    unpriced = [step for step in preview.steps if step.op not in _NOT_PAID and _without_price(step)]
    blind = any(step.changes for step in unpriced)
    idle, serving = _total([line.idle for line in lines]), _total([line.serving for line in lines])
    if blind:
        idle, serving = Amount(idle.before, None), Amount(serving.before, None)
    every = finetunes.of(preview, past)
    jobs = _jobs(preview, every, region, prices, book)
    return Cost(
        idle,
        serving,
        _total(list(jobs.values())),
        _month(preview, idle, serving),
        lines,
        [shown(step) for step in preview.steps if type_of(step).priced is Priced.BY_USE and step.op not in _NOT_PAID],
        prices,
        every[0].seconds[1] if len(every) == 1 else None,
        [shown(step) for step in unpriced],
        sum(each.starts for each in every),
        blind
        or len({share_of(release.get("hours")) for release in _stage(preview, "release") if release}) > 1
        or {(p.meter.key, p.count, p.serving) for p in before} != {(p.meter.key, p.count, p.serving) for p in after},
        jobs if len(jobs) > 1 else {},
    )


def _month(preview: Preview, idle: Amount, serving: Amount) -> Amount:
    """With what answers counted by its office hours, where it has some."""

    def month(idle: float | None, serving: float | None, release: dict[str, Any]) -> float | None:
        if idle is None or serving is None:
            return None
        return (idle + (serving - idle) * share_of(release.get("hours"))) * HOURS_A_MONTH

    was, will = _stage(preview, "release")
    return Amount(month(idle.before, serving.before, was), month(idle.after, serving.after, will))


def _of(step: Step, side: str, region: str) -> Iterator[_Part]:
    state = step.old if side == "old" else step.new
    if state is not None:
        yield from _parts(step, state, region)


def _parts(step: Step, state: State, region: str) -> Iterator[_Part]:
    inputs, row = state.inputs, type_of(step)
    if row is CLUSTER:
        cluster = at(inputs, "properties.properties") or {}
        size, nodes = cluster.get("vmSize"), at(cluster, "scaleSettings.minNodeCount") or 0
        if isinstance(size, str):
            yield _Part(shown(step), Meter(MACHINES, region, size), float(nodes), serving=False)
    elif row is DEPLOYMENT:
        size, count = at(inputs, "properties.instanceType"), at(inputs, "sku.capacity")
        if isinstance(size, str):
            many = float(count) if isinstance(count, int | float) else 1.0
            yield _Part(shown(step), Meter(MACHINES, region, size), many, serving=True)
    elif row.priced is Priced.BY_TIER:
        tier = at(inputs, "sku.name")
        if isinstance(tier, str):
            yield _Part(shown(step), Meter(row.service, region, tier), 1, serving=False)
    elif row.priced is Priced.BY_HOUR:
        yield _Part(shown(step), Meter(row.service, EVERYWHERE, "Standard", row.meter), 1, serving=False)
    elif row is STAGE and step.name == "release":
        release = inputs.get("input") or {}
        size, count = release.get("instance_type"), release.get("instance_count")
        if isinstance(size, str) and isinstance(count, int | float):
            most, least = at(release, "scale.max") or 0, at(release, "scale.min") or 0
            machines, fewest = Meter(MACHINES, region, size), float(least) if most > least > 0 else None
            yield _Part("deployment", machines, float(max(count, most)), serving=True, least=fewest)
            if release.get("compare_with_base"):
                yield _Part("deployment base", Meter(MACHINES, region, size), float(count), serving=True)


def _without_price(step: Step) -> bool:
    """Whether it is none of what is free, billed by use, or counted here."""
    if step.type.startswith(("finetune-phi:", "pulumi:pulumi:", "pulumi:providers:")):
        return False
    priced = type_of(step).priced
    return priced is Priced.UNKNOWN or (
        priced in (Priced.BY_MACHINE, Priced.BY_TIER) and not any(_parts(step, step.state, ""))
    )


def _lines(before: list[_Part], after: list[_Part], prices: dict[str, Price | None]) -> list[Line]:
    lines = []
    for resource in dict.fromkeys(part.resource for part in [*after, *before]):
        was = next((p for p in before if p.resource == resource), None)
        will = next((p for p in after if p.resource == resource), None)
        either = will or was
        assert either is not None
        amount = Amount(_worth(was, prices), _worth(will, prices))
        nothing = Amount(0.0, 0.0)
        idle = nothing if either.serving else amount
        lines.append(Line(resource, _what(was, will, prices), idle, amount, prices[either.meter.key]))
    return lines


def _what(was: _Part | None, will: _Part | None, prices: dict[str, Price | None]) -> str:
    texts = [_many(part, prices) if part else "nothing" for part in (was, will)]
    return texts[0] if texts[0] == texts[1] else " → ".join(texts)


def _many(part: _Part, prices: dict[str, Price | None]) -> str:
    """How many of what; where the load decides, also what the fewest and the most cost, as the sums have the most."""
    if part.least is None:
        return f"{part.count:g} × {part.meter.meter or part.meter.sku}"
    price = prices[part.meter.key]
    by_load = f"{part.least:g} to {part.count:g} × {part.meter.sku} by load"
    if price is None:
        return by_load
    least, most = (number * price.hourly * HOURS_A_MONTH for number in (part.least, part.count))
    return f"{by_load} ({least:,.0f} to {most:,.0f} USD in 730 hours; counted at the most)"


def _worth(part: _Part | None, prices: dict[str, Price | None]) -> float | None:
    if part is None or part.count == 0:
        return 0.0
    price = prices[part.meter.key]
    return part.count * price.hourly if price else None


def _total(amounts: list[Amount]) -> Amount:
    def add(values: list[float | None]) -> float | None:
        return None if any(value is None for value in values) else sum(value for value in values if value is not None)

    return Amount(add([amount.before for amount in amounts]), add([amount.after for amount in amounts]))


def _stage(preview: Preview, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    step = preview.step(name, STAGE.type)
    old, new = (step.old, step.new) if step else (None, None)
    return (old.inputs.get("input") or {} if old else {}), (new.inputs.get("input") or {} if new else {})


def _jobs(
    preview: Preview, every: list[Finetune], region: str, prices: dict[str, Price | None], book: PriceBook
) -> dict[str, Amount]:
    """By recipe: the nodes that train, for as long as the job takes, and until they are released again."""
    cluster = training_cluster(preview)

    def one(state: State | None, spec: dict[str, Any], length: float | None, nodes: float) -> float | None:
        size = at(state.inputs, SIZE) if state else None
        if not isinstance(size, str) or not spec:
            return 0.0
        meter = Meter(MACHINES, region, size)
        price = prices.setdefault(meter.key, price_of(meter, book))
        return price.hourly * length / 3600 * nodes if price and length is not None else None

    if cluster is None:
        return {}
    return {
        each.recipe: Amount(
            one(cluster.old, each.old, each.seconds[0], each.nodes[0]),
            one(cluster.new, each.new, each.seconds[1], each.nodes[1]),
        )
        for each in every
    }
