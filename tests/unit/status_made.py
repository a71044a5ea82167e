"""A status that has something in each of its fields."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from jobs.paused import BY_HAND, Pause
from jobs.release.judging.health import Health
from jobs.status.progress import Progress
from jobs.status.spending import HourPrice, Use, spending
from jobs.status.status import Deployment, Job, Stage, Status
from jobs.status.usage import Requests

NOW = datetime(2026, 11, 25, 12, 30, 15, tzinfo=UTC)


def ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def job(name: str, status: str, began: float | None, ended: float | None = None, **other: str) -> Job:
    return Job(
        name=name,
        version=other.get("version", "7"),
        status=status,
        url=f"https://ml.azure.com/runs/{name}",
        created=None,
        inputs={},
        recipe=other.get("recipe", ""),
        started=None if began is None else ago(began),
        ended=None if ended is None else ago(ended),
    )


RUNNING = job("finetune-1-2", "Running", 2)
WHOLE = Status(
    stack="dev",
    at=NOW,
    stages=(
        Stage("dataset", "done", "ultrachat-train:1"),
        Stage("finetune", "running"),
        Stage("release", "to do", "m7"),
    ),
    job=RUNNING,
    attempts=(RUNNING, job("finetune-1-1", "Failed", 4, 3)),
    others=(
        job("finetune-2-1", "Queued", None, recipe="bold"),
        job("finetune-3-1", "Running", 0.5),
        job("prepare-4-1", "Running", 0.25, version=""),
    ),
    progress=Progress(0.25, 5400.0, "a guess"),
    model="phi:7",
    model_state="not there",
    endpoint="phi",
    endpoint_state="Succeeded",
    deployments=(
        Deployment(
            name="m6",
            state="Succeeded",
            traffic=90,
            model="phi:6",
            vm_size="big",
            count=2,
            since=ago(10),
            tags={"traffic_before": '{"base": 100}'},
        ),
        Deployment(
            name="base",
            state="Updating",
            traffic=10,
            model="azureml://registries/azureml/models/Phi-4/versions/3",
            vm_size="small",
            count=1,
            since=None,
            tags={"model": "Phi-4:3"},
        ),
    ),
    spending=spending(
        [
            Use(what="job finetune-1-2", vm_size="big", count=3, hours=2, now=True),
            Use(what="deployment base", vm_size="small", count=1, hours=1000.126, now=False),
        ],
        {"big": HourPrice(4.0, "made up"), "small": HourPrice(0.12345678, "list price of a day (small one)")},
    ),
    usage=Requests(
        recent={
            "m6": Health(requests=10, failed=1, p95_seconds=1.5, busy=2, refused=3),
            "m5": Health(requests=5, failed=4, p95_seconds=None, busy=1),
        },
        since=ago(5),
        last=ago(3),
    ),
    hours="Mon-Fri 08:00-18:00 UTC",
    recipe="gentle",
    not_read=("Not read just now: energy (no)",),
)
PAUSE = Pause(at=ago(14), by=BY_HAND, version="7", deployment="m7", coming="8")
