"""Azure Monitor's metrics: of an endpoint, from the requests that were really routed; of a workspace, its jobs' energy.

Names, units and dimensions are those of Azure Monitor's reference page; of an endpoint's metrics those about requests
are there, of a workspace's GpuEnergyJoules, which is made up (emulator/runs/energy.py). Azure's are a few minutes late,
these where a fault rule says so. The wording of the refusals is from memory.
"""

from __future__ import annotations

import itertools
import re
import statistics
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import isodate

from emulator.arm import clock
from emulator.arm.errors import AzureError
from emulator.cloud.traffic import Sample
from emulator.faults.book import ARM_HOST, Faults
from emulator.faults.rules import METRIC
from emulator.machine.store import Resource
from emulator.resources.base import Kind
from emulator.resources.monitoring import METRICS, WORKSPACES
from emulator.runs import energy
from emulator.runs.energy import Reading

HOUR = timedelta(hours=1)
CONDITION = re.compile(r"\s*(\w+)\s+(eq|ne)\s+'([^']*)'\s*")
PERCENTILES = {f"RequestLatency_P{percent}": percent for percent in (50, 90, 95, 99)}
LATENCIES = ("RequestLatency", *PERCENTILES)
DIMENSIONS: Mapping[str, Callable[[Sample], str]] = {
    "deployment": lambda sample: sample.deployment,
    "statusCode": lambda sample: str(sample.status),
    "statusCodeClass": lambda sample: f"{sample.status // 100}xx",
    "modelStatusCode": lambda sample: str(sample.model_status or ""),
}
ENERGY = "GpuEnergyJoules"
KNOWN: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    **METRICS,
    WORKSPACES: {ENERGY: ("Scenario", "runId", "rootRunId", "InstanceId", "DeviceId", "ComputeName")},
}
OF_JOBS: Mapping[str, Callable[[Reading], str]] = {
    "rootRunId": lambda reading: reading.job,
    "ComputeName": lambda reading: reading.compute,
}
"""Those of the energy's dimensions that are told apart here."""
MOST_SERIES = 10
"""What a query with a filter answers unless its ``top`` says otherwise."""
Condition = tuple[str, str, str]
Span = tuple[datetime, datetime]


class Metric(Kind):
    """Metrics of an online endpoint: RequestsPerMinute and the RequestLatency family, split by their dimensions.

    Of a workspace GpuEnergyJoules, of one job or of all of them. A query with a filter gets ten series unless its `top`
    says more. A request that reached no container has no modelStatusCode, and is left out where that is asked for.
    """

    type = "Microsoft.Insights/metrics"
    virtual = True

    def collection(self, parent: str, members: list[Resource], query: Mapping[str, str]) -> dict[str, Any]:
        """The answer to a query. Raises AzureError for a resource, metric or dimension that is not there."""
        resource = self.cloud.store.get(parent)
        if resource is None:
            raise AzureError(404, "ResourceNotFound", f"The resource '{parent}' was not found.")
        names = [name for name in query.get("metricnames", "").split(",") if name]
        span = _span(query.get("timespan", ""))
        interval = isodate.parse_duration(query.get("interval", "PT1M"))
        conditions = _conditions(query.get("$filter", ""))
        for name in names:
            _known(resource, name, conditions)
        known = (span[0], min(span[1], clock.now() - self._behind(resource.id)))
        if resource.type.lower() == WORKSPACES:
            value = [self._energy(resource, known, conditions, span, interval) for _ in names]
            return self._answer(resource, span, query, value)
        found = [each for each in self.cloud.traffic.samples(resource.id, *known) if _meets(each, conditions)]
        value = [_metric(resource, name, found, conditions, span, interval, _most(query)) for name in names]
        return self._answer(resource, span, query, value)

    def _answer(
        self, resource: Resource, span: Span, query: Mapping[str, str], value: list[dict[str, Any]]
    ) -> dict[str, Any]:
        return {
            "cost": 0,
            "timespan": "/".join(_text(moment) for moment in span),
            "interval": query.get("interval", "PT1M"),
            "value": value,
            "namespace": resource.type,
            "resourceregion": str(resource.body.get("location", "")),
        }

    def _energy(
        self, workspace: Resource, known: Span, conditions: list[Condition], span: Span, interval: timedelta
    ) -> dict[str, Any]:
        """The sum of all jobs that meet the conditions, by interval."""
        found = [
            each
            for each in energy.readings(self.cloud.store, workspace.id, *known)
            if all(_same(OF_JOBS[name](each), value) is (how == "eq") for name, how, value in conditions)
        ]
        data = []
        for start in _starts(span, interval):
            inside = [each.joules for each in found if start <= each.moment < start + interval]
            data.append({"timeStamp": _text(start), **({"total": sum(inside)} if inside else {})})
        return {
            "id": f"{workspace.id}/providers/Microsoft.Insights/metrics/{ENERGY}",
            "type": "Microsoft.Insights/metrics",
            "name": {"value": ENERGY, "localizedValue": ENERGY},
            "unit": "Count",
            "timeseries": [{"metadatavalues": [], "data": data}] if found else [],
            "errorCode": "Success",
        }

    def _behind(self, resource_id: str) -> timedelta:
        """How late the figures are."""
        rule = Faults(self.cloud.store).hit(METRIC, "GET", ARM_HOST, resource_id)
        return timedelta(seconds=rule.seconds or 0) if rule else timedelta(0)


def _known(resource: Resource, name: str, conditions: list[Condition]) -> None:
    known = KNOWN.get(resource.type.lower(), {})
    if name not in known or (name not in ("RequestsPerMinute", ENERGY) and name not in LATENCIES):
        raise AzureError(
            400,
            "BadRequest",
            f"Failed to find metric configuration for provider: {resource.type.split('/')[0]}, resource Type: "
            f"{resource.type.partition('/')[2]}, metric: {name}, Valid metrics: {', '.join(known)}",
        )
    supported = KNOWN[resource.type.lower()][name]
    asked = [dimension for dimension, _, _ in conditions]
    if unknown := [dimension for dimension in asked if dimension not in supported]:
        raise AzureError(
            400,
            "BadRequest",
            f"Metric: {name} does not support requested dimension combination: {', '.join(unknown).lower()}, "
            f"supported ones are: {', '.join(supported)}",
        )
    odd = [dimension for dimension, _, value in conditions if dimension not in OF_JOBS or value == "*"]
    if name == ENERGY and odd:
        raise AzureError(400, "BadRequest", f"The emulator does not tell {name} apart by {', '.join(odd)}.")


def _metric(
    resource: Resource,
    name: str,
    samples: list[Sample],
    conditions: list[Condition],
    span: Span,
    interval: timedelta,
    most: int,
) -> dict[str, Any]:
    split = [dimension for dimension, _, value in conditions if value == "*"]

    def key(sample: Sample) -> tuple[str, ...]:
        return tuple(DIMENSIONS[dimension](sample) for dimension in split)

    series = [
        {
            "metadatavalues": [
                {"name": {"value": dimension.lower(), "localizedValue": dimension.lower()}, "value": value}
                for dimension, value in zip(split, values, strict=True)
            ],
            "data": list(_data(name, list(group), span, interval)),
        }
        for values, group in itertools.groupby(sorted(samples, key=key), key)
        # Unproven: that a request without a value of a dimension is left out where it is split by it.
        if all(values)
    ]
    return {
        "id": f"{resource.id}/providers/Microsoft.Insights/metrics/{name}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": name, "localizedValue": name},
        "unit": "Count" if name == "RequestsPerMinute" else "MilliSeconds",
        "timeseries": series[:most] if conditions else series,
        "errorCode": "Success",
    }


def _data(name: str, samples: list[Sample], span: Span, interval: timedelta) -> Iterator[dict[str, Any]]:
    """A point for each interval; one without a value where nothing was measured."""
    for start in _starts(span, interval):
        inside = [each.milliseconds for each in samples if start <= each.moment < start + interval]
        point: dict[str, Any] = {"timeStamp": _text(start)}
        if inside:
            point["average"] = _average(name, inside, interval)
        yield point


def _starts(span: Span, interval: timedelta) -> Iterator[datetime]:
    start = span[0]
    while start < span[1]:
        yield start
        start += interval


def _average(name: str, milliseconds: list[float], interval: timedelta) -> float:
    if name == "RequestsPerMinute":
        return len(milliseconds) / (interval / timedelta(minutes=1))
    if name == "RequestLatency":
        return statistics.fmean(milliseconds)
    ordered = sorted(milliseconds)
    return ordered[min(len(ordered) - 1, len(ordered) * PERCENTILES[name] // 100)]


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _meets(sample: Sample, conditions: list[Condition]) -> bool:
    for dimension, relation, value in conditions:
        same = DIMENSIONS[dimension](sample) == value
        if value != "*" and same is (relation == "ne"):
            return False
    return True


def _conditions(text: str) -> list[Condition]:
    """``deployment eq 'a' and statusCode eq '*'``."""
    found: list[Condition] = []
    for part in re.split(r"\s+and\s+", text) if text.strip() else ():
        match = CONDITION.fullmatch(part)
        if match is None:
            raise AzureError(400, "BadRequest", f"Invalid filter string: {text}")
        found.append((match[1], match[2], match[3]))
    return found


def _most(query: Mapping[str, str]) -> int:
    text = query.get("top", str(MOST_SERIES))
    if not text.isdigit() or not int(text):
        raise AzureError(400, "BadRequest", f"The top query parameter is invalid: {text}")
    return int(text)


def _span(text: str) -> tuple[datetime, datetime]:
    """``start/end``; the last hour where there is none."""
    if not text:
        now = clock.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
        return now - HOUR, now
    try:
        start, end = (isodate.parse_datetime(part).astimezone(UTC) for part in text.split("/"))
    except ValueError:
        raise AzureError(400, "BadRequest", f"Invalid time span: {text}") from None
    return start, end


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
