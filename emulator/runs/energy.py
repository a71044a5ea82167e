"""What the GPUs of jobs would have used, as Azure Monitor tells it: made up, as nothing here has one.

Each takes WATTS for as long as its job runs, whatever the stand-in does meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from emulator.arm import clock
from emulator.machine.store import Resource, Store
from emulator.runs.launching import plan
from emulator.subscription import skus
from emulator.subscription.quota import machines

WATTS = 300.0
"""What NVIDIA's data sheet allows an A100 PCIe of 80 GB."""
_JOBS = "Microsoft.MachineLearningServices/workspaces/jobs"
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Reading:
    """What a job's GPUs have used in a minute, at whose beginning it stands; ``compute`` is the cluster's name."""

    moment: datetime
    job: str
    compute: str
    joules: float


def readings(store: Store, workspace: str, since: datetime, until: datetime) -> list[Reading]:
    """Those of all jobs of the workspace, whose minute begins within the span."""
    found = [each for job in store.below(workspace, _JOBS) for each in _of_job(store, workspace, job)]
    return [each for each in found if since <= each.moment < until]


def _of_job(store: Store, workspace: str, job: Resource) -> Iterator[Reading]:
    name, started = str(job.internal.get("cluster") or ""), job.internal.get("started")
    cluster = store.get(f"{workspace}/computes/{name}") if name and started else None
    sku = skus.find(machines(cluster)) if cluster else None
    if sku is None or not sku.gpus:
        return
    gpus = sku.gpus * plan(job).nodes
    at, end = _moment(started), min(_moment(job.internal.get("ended")), clock.now())
    while at < end:
        minute = at.replace(second=0, microsecond=0)
        until = min(minute + _MINUTE, end)
        yield Reading(minute, job.name, name, (until - at).total_seconds() * WATTS * gpus)
        at = until


def _moment(text: str | None) -> datetime:
    """A time as jobs keep it; for one that has not come, the emulator's own."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else clock.now()
