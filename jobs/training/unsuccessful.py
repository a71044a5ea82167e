"""What is said of a job that did not succeed, and where people see why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud import client as azure
from cloud.errors import StageError
from jobs.training.joblog import JobLog

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Job


def unsuccessful(client: MLClient, job: Job, *, work: str, limit: int, logs: str) -> StageError:
    """Says which run failed, with its own reason, the end of its log and the likely cause."""
    from jobs.training.failures.explain import failure

    on, again = f"job {job.name}", f"`pulumi up` makes a new attempt; {limit} may fail (finetune.maxAttempts)."
    if job.status == "Canceled":
        why = "it was cancelled, by `python -m jobs cancel`, in the studio or by an update with another recipe"
        again = "`pulumi up` starts it again, as a new attempt."
        return StageError(f"the {work} was cancelled", on=on, why=why, todo=again)
    found = failure(JobLog(client=client, job_name=str(job.name)), azure.state(job.status))
    todo = f"{found.cause.todo} " if found.cause else ""
    todo += f"All of the log: `{logs}`, or {studio(job)}. {again}"
    return StageError(f"the {work} did not succeed", on=on, why=found.why, todo=todo)


def studio(job: Job) -> str:
    """Where people watch a job."""
    services = job.services or {}
    found = services.get("Studio")
    return str(found.endpoint) if found is not None and found.endpoint else "Azure ML studio"
