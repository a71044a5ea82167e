"""What an attempt does otherwise than the one before it, which ran out of the GPU's memory: the same batch in parts.

The gradients of smaller batches are added up until there are as many conversations as before, so it is the same recipe,
and the same model but for the rounding; it takes longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cloud import client as azure
from cloud.errors import azure_errors
from cloud.report import WARNING, Report
from jobs.spec import RecipeValue
from jobs.training import attempts
from jobs.training.joblog import JobLog
from jobs.training.spec import FinetuneSpec

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

TAG = "adapted"
"""Tag of a job and of the model that it made: what was other than in the recipe."""
_BATCH, _ADDED_UP = "per_device_train_batch_size", "gradient_accumulation_steps"
_MEMORY = "GPU memory"
"""The name of the cause in failures/causes.py."""


def adapted(
    client: MLClient,
    spec: FinetuneSpec,
    name: str,
    literals: dict[str, RecipeValue],
    report: Report,
    machine: str = "",
) -> dict[str, RecipeValue]:
    """The inputs that are other in the attempt of that name, told; none where no earlier one ran out of memory.

    What did so on other machines than those of the size ``machine`` says nothing about these.
    """
    times = _out_of_memory(client, spec, name, machine) if spec.finetune.adapt else 0
    batch, added_up = int(literals.get(_BATCH, 1)), int(literals.get(_ADDED_UP, 1))
    for _ in range(times):
        batch, added_up = smaller(batch, added_up)
    found: dict[str, RecipeValue] = {_BATCH: batch, _ADDED_UP: added_up}
    if not times:
        return {}
    if found[_BATCH] == literals.get(_BATCH, 1):
        report(f"{WARNING}an earlier attempt ran out of GPU memory, and a batch of {batch} has no smaller part")
        return {}
    report(
        f"{WARNING}an earlier attempt ran out of GPU memory: job {name} trains with {_BATCH}={batch} and "
        f"{_ADDED_UP}={added_up} in their place (finetune.adapt), as many conversations to a step as before"
    )
    return found


def smaller(batch: int, added_up: int) -> tuple[int, int]:
    """Half of the batch, or the largest part below it by which the product stays what it is."""
    part = next((each for each in range(batch // 2, 0, -1) if batch % each == 0), batch)
    return part, added_up * batch // part


def _out_of_memory(client: MLClient, spec: FinetuneSpec, name: str, machine: str) -> int:
    """How many attempts before the one of that name ended so, on such machines."""
    from azure.core.exceptions import ResourceNotFoundError

    from jobs.training.failures.explain import failure

    found, last = 0, int(name.rpartition("-")[2])
    for number in range(1, last):
        earlier = spec.job_name(number)
        with azure_errors("the fine-tuning could not be looked up", f"job {earlier}"):
            try:
                job = client.jobs.get(earlier)
            except ResourceNotFoundError:
                continue
            status = azure.state(job.status)
            if status == "Failed" and attempts.ran_on(job, machine):
                cause = failure(JobLog(client=client, job_name=earlier), status).cause
                found += cause is not None and cause.name == _MEMORY
    return found
