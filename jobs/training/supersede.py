"""What becomes of a stack's fine-tuning of an earlier recipe that still runs when there is a new one."""

from __future__ import annotations

import threading

from cloud.arm import Arm
from cloud.errors import AGAIN, NotFinished, azure_errors
from cloud.report import WARNING, Report
from cloud.states import CANCELLED, ENDED
from jobs.training import stack_jobs
from jobs.training.spec import FinetuneSpec
from jobs.training.stack_jobs import FINETUNING


def earlier(spec: FinetuneSpec, report: Report, stop: threading.Event) -> None:
    """Cancels or keeps them, as ``spec.finetune.supersede`` says, and tells which; those beside it go on.

    Only jobs of the same stack in the same workspace are looked at: by their tags and names, never by what they run.
    Raises StageError, NotFinished when ``stop`` was set meanwhile.
    """
    if not spec.stack:
        return
    arm = Arm()
    with azure_errors("the stack's jobs could not be looked up", f"workspace {spec.target.workspace}"):
        jobs = stack_jobs.of_stack(arm, spec.target, spec.stack)
    for job in jobs:
        wanted = job.fingerprint in (spec.fingerprint, *spec.beside)
        if job.work != FINETUNING or wanted or job.status in (*ENDED, *CANCELLED):
            continue
        what = f"job {job.name} of an earlier recipe is {job.status}"
        if spec.finetune.supersede == "keep":
            report(
                f"{WARNING}{what} and goes on (finetune.supersede: keep). It bills, and the new job may have to wait "
                f"for its node; `python -m jobs cancel --stack {spec.stack} --job {job.name}` ends it"
            )
            continue
        report(f"{WARNING}{what}: it is cancelled (finetune.supersede: cancel)")
        with azure_errors("the job of an earlier recipe could not be cancelled", f"job {job.name}"):
            status = stack_jobs.cancel(arm, spec.target, job.name, report, stop)
        report(f"job {job.name}: {_outcome(status)}")
        if stop.is_set():
            why = "you asked to stop while the job of an earlier recipe was cancelled"
            raise NotFinished("the fine-tuning was not begun", on=f"job {job.name}", why=why, todo=AGAIN)


def _outcome(status: str) -> str:
    if status == "Completed":
        return "had just completed; with that recipe again, `pulumi up` registers its model without training"
    return status or "gone"
