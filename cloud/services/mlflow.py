"""Run history and MLflow tracking of a workspace by plain REST: times of a run, what it logged, and logging more.

Azure ML serves MLflow's own REST API below `/mlflow/v2.0/subscriptions/…` (azureml-mlflow 1.62 calls the same), so
neither its client library nor MLflow's is needed.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from cloud import client as azure
from cloud.arm import ML_SCOPE, Arm
from cloud.catalogue import ML_VERSION
from cloud.target import Target


@dataclass(frozen=True)
class Point:
    """One value of a metric; `at` is in seconds since 1970."""

    value: float
    step: int
    at: float


class RunHistory:
    """The runs of one workspace. Every method raises what azure-core raises (see cloud.arm)."""

    def __init__(self, target: Target, arm: Arm) -> None:
        self._target, self._arm = target, arm
        self._ml = Arm(ML_SCOPE, retries=azure.PROMPT_RETRIES)

    def times(self, run: str) -> tuple[datetime | None, datetime | None]:
        """When a run began and ended, as far as it has and is known."""
        from azure.core.exceptions import ResourceNotFoundError

        try:
            found = self._call("GET", f"history/v1.0{self._target.path}/runs/{run}/details")
        except ResourceNotFoundError:  # of a job that has only just been submitted, or was deleted
            return None, None
        return moment(found.get("startTimeUtc")), moment(found.get("endTimeUtc"))

    def metrics(self, run: str) -> dict[str, float]:
        """The last value of every metric."""
        data = self._call("GET", self._mlflow("runs/get"), {"run_id": run, "run_uuid": run})["run"].get("data") or {}
        return {str(each["key"]): float(each["value"]) for each in data.get("metrics") or ()}

    def history(self, run: str, key: str) -> list[Point]:
        """Every value of one metric in the order of its steps; empty for one that was never logged."""
        from azure.core.exceptions import ResourceNotFoundError

        query = {"run_id": run, "run_uuid": run, "metric_key": key}
        points: list[Point] = []
        while True:
            try:
                page = self._call("GET", self._mlflow("metrics/get-history"), query)
            except ResourceNotFoundError:  # no such run yet, or no such metric
                return points
            # Protobuf's JSON leaves a step of 0 out and writes 64-bit integers as text.
            points += [
                Point(float(each["value"]), int(each.get("step") or 0), int(each.get("timestamp") or 0) / 1000)
                for each in page.get("metrics") or ()
            ]
            if not page.get("next_page_token"):
                return sorted(points, key=lambda point: (point.step, point.at))
            query["page_token"] = page["next_page_token"]

    def log(self, run: str, metrics: Mapping[str, float]) -> None:
        """Adds one value to each metric, now."""
        now = int(time.time() * 1000)
        values = [{"key": key, "value": value, "timestamp": now, "step": 0} for key, value in metrics.items()]
        self._call("POST", self._mlflow("runs/log-batch"), body={"run_id": run, "metrics": values})

    def _mlflow(self, what: str) -> str:
        return f"mlflow/v2.0{self._target.path}/api/2.0/mlflow/{what}"

    def _call(self, method: str, path: str, query: Mapping[str, str] | None = None, body: Any = None) -> dict[str, Any]:
        return self._ml.run(method, f"https://{self._host}/{path}", query or {}, body) or {}

    @functools.cached_property
    def _host(self) -> str:
        """The region's host, as the workspace tells it; other clouds than the public one have others."""
        properties = self._arm.get(self._target.path, ML_VERSION)["properties"]
        return urlsplit(str(properties["mlFlowTrackingUri"])).netloc


def moment(text: object) -> datetime | None:
    """Azure writes up to seven digits of a second, of which Python reads six."""
    if not isinstance(text, str) or not text:
        return None
    head, _, fraction = text.removesuffix("Z").removesuffix("+00:00").partition(".")
    return datetime.fromisoformat(f"{head}.{(fraction or '0')[:6].ljust(6, '0')}+00:00")
