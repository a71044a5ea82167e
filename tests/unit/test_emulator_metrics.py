"""Azure Monitor's metrics as the emulator answers them: how many series, and which requests have which dimension."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from emulator.arm.errors import AzureError
from emulator.cloud.parts import Cloud
from emulator.cloud.traffic import Traffic
from emulator.faults.book import Faults
from emulator.machine.store import Resource, Store
from emulator.resources.metrics import Metric
from emulator.resources.monitoring import ENDPOINTS

ENDPOINT = Resource({"id": "/e", "name": "e", "type": ENDPOINTS, "location": "eastus2", "properties": {}})


@pytest.fixture
def traffic() -> Traffic:
    return Traffic()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "state.db")
    store.put(ENDPOINT)
    yield store
    store.close()


@pytest.fixture
def metric(traffic: Traffic, store: Store) -> Metric:
    return Metric(cast(Cloud, SimpleNamespace(store=store, traffic=traffic)))


def ask(metric: Metric, dimensions: str, **query: str) -> dict[tuple[str, ...], float]:
    """Requests by the values of the dimensions that are asked for."""
    now = datetime.now(UTC)
    span = "/".join(
        f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (now - timedelta(minutes=5), now + timedelta(minutes=5))
    )
    given = {"metricnames": "RequestsPerMinute", "timespan": span, "$filter": dimensions, **query}
    series: list[dict[str, Any]] = metric.collection("/e", [], given)["value"][0]["timeseries"]
    return {
        tuple(each["value"] for each in one["metadatavalues"]): sum(point.get("average", 0) for point in one["data"])
        for one in series
    }


def test_a_query_that_does_not_say_how_many_series_gets_ten(metric: Metric, traffic: Traffic) -> None:
    for number in range(12):
        traffic.record("/e", f"m{number:02d}", 200, 0.1, 200)
    assert len(ask(metric, "deployment eq '*'")) == 10
    assert len(ask(metric, "deployment eq '*'", top="100")) == 12
    assert ask(metric, "") == {(): 12}
    with pytest.raises(AzureError, match="top"):
        ask(metric, "deployment eq '*'", top="many")


def test_the_containers_own_status_is_a_dimension_of_those_that_reached_it(metric: Metric, traffic: Traffic) -> None:
    for status, own in ((200, 200), (424, 400), (424, 500), (424, 500), (429, None), (503, None)):
        traffic.record("/e", "blue", status, 0.1, own)
    assert ask(metric, "statusCode eq '*'") == {("200",): 1, ("424",): 3, ("429",): 1, ("503",): 1}
    assert ask(metric, "statusCode eq '424' and modelStatusCode eq '*'") == {("400",): 1, ("500",): 2}
    assert ask(metric, "statusCodeClass eq '*'") == {("2xx",): 1, ("4xx",): 4, ("5xx",): 1}
    assert ask(metric, "modelStatusCode eq '*'") == {("200",): 1, ("400",): 1, ("500",): 2}


def test_figures_come_late_where_a_rule_says_so(metric: Metric, traffic: Traffic, store: Store) -> None:
    traffic.record("/e", "blue", 200, 0.1, 200)
    book = Faults(store)
    book.add({"kind": "metrics-late", "seconds": 60, "path": "/e", "count": 1})
    book.add({"kind": "metrics-late", "seconds": 60, "path": "/other"})
    assert ask(metric, "deployment eq '*'") == {}
    assert ask(metric, "deployment eq '*'") == {("blue",): 1}


W = "/subscriptions/s/resourceGroups/r/providers/Microsoft.MachineLearningServices/workspaces/w"
ML = "Microsoft.MachineLearningServices/workspaces"
BEGAN = datetime(2026, 11, 25, 10, 0, 30, tzinfo=UTC)


def put_job(store: Store, name: str, seconds: float, nodes: int = 1) -> None:
    end = BEGAN + timedelta(seconds=seconds)
    node = {
        "componentId": "azureml://registries/azureml/components/chat_completion_pipeline/versions/0.0.82",
        "inputs": {"num_nodes_finetune": {"job_input_type": "literal", "value": str(nodes)}},
        "outputs": {},
    }
    body = {
        "id": f"{W}/jobs/{name}",
        "name": name,
        "type": f"{ML}/jobs",
        "properties": {"jobType": "Pipeline", "jobs": {"finetune": node}},
    }
    store.put(Resource(body, {"cluster": "gpu", "started": BEGAN.isoformat(), "ended": end.isoformat()}))


def joules(metric: Metric, dimensions: str = "", **query: str) -> list[float | None]:
    given = {
        "metricnames": "GpuEnergyJoules",
        "timespan": "2026-11-25T10:00:00Z/2026-11-25T10:03:00Z",
        "$filter": dimensions,
        **query,
    }
    series = metric.collection(W, [], given)["value"][0]["timeseries"]
    return [point.get("total") for one in series for point in one["data"]]


def test_a_job_uses_so_many_watts_for_each_gpu_of_each_node_while_it_runs(metric: Metric, store: Store) -> None:
    inner = {"vmSize": "STANDARD_NC48ADS_A100_V4"}
    store.put(Resource({"id": W, "name": "w", "type": ML, "location": "eastus2", "properties": {}}))
    cluster = {"id": f"{W}/computes/gpu", "name": "gpu", "type": f"{ML}/computes", "properties": {"properties": inner}}
    store.put(Resource(cluster))
    put_job(store, "a", 60)
    put_job(store, "b", 60, nodes=2)
    # Two GPUs of 300 W; half a minute of it lies in each.
    assert joules(metric, "rootRunId eq 'a'") == [18_000, 18_000, None]
    assert joules(metric, "rootRunId eq 'b'") == [36_000, 36_000, None]
    assert joules(metric, "rootRunId ne 'b'", interval="PT1H") == [36_000]
    assert joules(metric, "ComputeName eq 'GPU'") == [54_000, 54_000, None]
    assert joules(metric, "rootRunId eq 'nobody'") == []
    with pytest.raises(AzureError, match="does not support requested dimension combination: deployment"):
        joules(metric, "deployment eq 'blue'")
    for not_told in ("DeviceId eq '0'", "rootRunId eq '*'"):
        with pytest.raises(AzureError, match="The emulator does not tell GpuEnergyJoules apart by"):
            joules(metric, not_told)
    with pytest.raises(AzureError, match="Failed to find metric"):
        metric.collection(W, [], {"metricnames": "RequestsPerMinute"})
