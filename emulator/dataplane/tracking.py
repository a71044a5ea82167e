"""MLflow's tracking REST as Azure ML serves it for the runs of a job: get a run, its metrics' history, log more."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from emulator.arm.errors import user_error
from emulator.cloud.parts import Cloud
from emulator.machine.store import Resource
from emulator.runs.launching import training_run
from emulator.runs.runner import metrics_file

READS = ("runs/get", "metrics/get-history")
WRITES = ("runs/log-metric", "runs/log-batch")
WHAT = "|".join((*READS, *WRITES))
MOST_METRICS = 1000
"""MLflow's limit for one log-batch."""

Point = dict[str, Any]
"""{"key", "value", "step", "timestamp"}, as MLflow has it."""


def answer(cloud: Cloud, job: Resource, run: str, method: str, what: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Answer one call about a run of the job; `given` is the query of a GET or the body of a POST.

    Raises:
        AzureError: the call is malformed, or is made with the wrong method.
    """
    what = what.lower()
    if method != ("GET" if what in READS else "POST"):
        raise user_error(f"{method} is not allowed on {what}.", 405)
    if what in WRITES:
        points = [given] if what == "runs/log-metric" else given.get("metrics") or []
        _log(cloud, job, run, [_point(each) for each in points])
        return {}
    points = _points(cloud, job, run)
    if what == "metrics/get-history":
        return {"metrics": [point for point in points if point["key"] == given.get("metric_key")]}
    return {"run": _run(job, run, points)}


def _points(cloud: Cloud, job: Resource, run: str) -> list[Point]:
    """What the training step logs it logs to the pipeline's root as well, and to no run between."""
    points: list[Point] = []
    if run in (job.name, training_run(job)):
        for entry in _entries(cloud, job):
            at = {"step": entry["step"], "timestamp": entry["timestamp"]}
            points += [{"key": key, "value": value, **at} for key, value in entry["metrics"].items()]
    return points + list(job.internal.get("logged", {}).get(run, ()))


def _entries(cloud: Cloud, job: Resource) -> list[dict[str, Any]]:
    try:
        text = metrics_file(cloud, job).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    # The last line may be half written.
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def _log(cloud: Cloud, job: Resource, run: str, points: list[Point]) -> None:
    if len(points) > MOST_METRICS:
        raise user_error(f"A batch has at most {MOST_METRICS} metrics, not {len(points)}.")
    with cloud.store.lock:
        current = cloud.store.get(job.id) or job
        current.internal.setdefault("logged", {}).setdefault(run, []).extend(points)
        cloud.store.put(current)


def _point(given: Mapping[str, Any]) -> Point:
    try:
        # Protobuf's JSON writes 64-bit integers as text.
        return {
            "key": str(given["key"]),
            "value": float(given["value"]),
            "step": int(given.get("step") or 0),
            "timestamp": int(given["timestamp"]),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise user_error("A metric needs key, value and timestamp, and step if it has one.") from error


def _run(job: Resource, run: str, points: list[Point]) -> dict[str, Any]:
    last = {str(point["key"]): point for point in points}
    info: dict[str, Any] = {
        "run_id": run,
        "run_uuid": run,
        "run_name": str(job.properties.get("displayName") or run),
        "experiment_id": str(job.properties.get("experimentName")),
        "status": {"Completed": "FINISHED", "Failed": "FAILED", "Canceled": "KILLED"}.get(
            job.internal["status"], "RUNNING"
        ),
        "lifecycle_stage": "active",
    }
    for name, when in (("start_time", job.internal.get("started")), ("end_time", job.internal.get("ended"))):
        if when:
            info[name] = int(datetime.fromisoformat(when).timestamp() * 1000)
    tags = [{"key": key, "value": str(value)} for key, value in (job.properties.get("tags") or {}).items()]
    return {"info": info, "data": {"metrics": list(last.values()), "params": [], "tags": tags}}
