"""Jobs whose names are numbered attempts at one and the same work: found again, chosen, followed to their end.

The truth is on Azure: a name derives from the fingerprint of the work and the number of the attempt, so whatever
happened to an earlier run, the next one finds the job completed, running, failed or not there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jobs import client as azure
from jobs.errors import NotFinished, StageError, azure_errors
from jobs.joblog import JobLog
from jobs.specs import Report

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Job

COMPLETED = "Completed"
UNSUCCESSFUL = ("Failed", "Canceled", "NotResponding")
_LOG_LINES = 15
_POLL_SECONDS = (1.0, 15.0)  # at first, at most: soon enough for a job of a minute, seldom enough for one of hours
_SILENCE_SECONDS = 60.0
_NEWS_LINES = 5  # of the log, at each look: progress, the whole log is in the studio


@dataclass(frozen=True)
class Attempts:
    """One piece of work.

    ``names`` are those of its attempts, in order; ``work`` is what messages call it, ``change`` what a reader may
    have to change; ``wait`` says whether a job is followed to its end.
    """

    client: MLClient
    names: tuple[str, ...]
    work: str
    change: str
    wait: bool = True

    def run(self, submit: Callable[[str], Job], report: Report, stop: threading.Event) -> str:
        """The name of a completed attempt; ``submit`` makes the job of a name where a new one is needed.

        Raises StageError when the job failed or no attempt is left, NotFinished when ``stop`` was set or ``wait`` is
        false while the job goes on.
        """
        with azure_errors(f"the {self.work} could not be looked up", f"job {self.names[0]}"):
            there = self._found()
        name = self._choose(there)
        if name in there:
            report(f"job {name} is {azure.state(there[name].status)}: no new one is needed")
        else:
            with azure_errors(f"the {self.work} could not be submitted", f"job {name}"):
                job = submit(name)
            report(f"job {name} submitted, watch it at {studio(job)}")
        with azure_errors("the job could not be followed, it may go on", f"job {name}"):
            job = self._follow(name, report, stop)
        if job.status != COMPLETED:
            raise self._failure(job)
        return name

    def _found(self) -> dict[str, Job]:
        """The attempts that exist, in their order."""
        from azure.core.exceptions import ResourceNotFoundError

        found: dict[str, Job] = {}
        for name in self.names:
            try:
                found[name] = self.client.jobs.get(name)
            except ResourceNotFoundError:
                continue
        return found

    def _choose(self, there: dict[str, Job]) -> str:
        """A completed attempt, else one that runs, else a new one."""
        completed = [name for name, job in there.items() if job.status == COMPLETED]
        under_way = [name for name, job in there.items() if job.status not in UNSUCCESSFUL]
        unused = [name for name in self.names if name not in there]
        for candidates in (completed, under_way, unused):
            if candidates:
                return candidates[0]
        last, job = list(there.items())[-1]
        raise StageError(
            f"all {len(self.names)} attempts at this {self.work} failed",
            on=f"job {last}",
            why=f"the last one ended {azure.state(job.status)}; its logs are at {studio(job)}",
            todo=f"Change what made it fail ({self.change}), or raise finetune.maxAttempts to try the "
            "same once more; then run `pulumi up` again.",
        )

    def _follow(self, name: str, report: Report, stop: threading.Event) -> Job:
        """Waits for the job's end, telling each new status and log line."""
        since, told, pause = time.monotonic(), time.monotonic(), _POLL_SECONDS[0]
        status, log = "", JobLog(self.client, name)
        while True:
            job: Job = self.client.jobs.get(name)
            before, status = status, azure.state(job.status)
            news = [] if status == before else [f"job {name}: {status} after {azure.elapsed(since)}"]
            if self.wait and status not in ("NotStarted", "Queued", "Preparing"):
                news += log.new_lines()[-_NEWS_LINES:]
            if not news and time.monotonic() - told > _SILENCE_SECONDS:
                news = [f"job {name}: still {status} after {azure.elapsed(since)}"]
            for line in news:
                report(line)
                told = time.monotonic()
            if status == COMPLETED or status in UNSUCCESSFUL:
                return job
            if not self.wait:
                raise self._goes_on(job, "finetune.wait is false")
            if stop.wait(pause):
                raise self._goes_on(job, "you asked to stop waiting")
            pause = min(pause * 1.2, _POLL_SECONDS[1])

    def _goes_on(self, job: Job, why: str) -> NotFinished:
        return NotFinished(
            f"the {self.work} goes on in Azure ({azure.state(job.status)})",
            on=f"job {job.name}",
            why=why,
            todo="`pulumi up` takes it up again where it is then; to end it, "
            f"`az ml job cancel --name {job.name}` or Cancel at {studio(job)}.",
        )

    def _failure(self, job: Job) -> StageError:
        """Says which run failed, with its own reason and the end of its log."""
        log = JobLog(self.client, str(job.name))
        failed = [run for run in log.children() if run.status in UNSUCCESSFUL]
        culprit = failed[-1] if failed else job
        name = str(culprit.name)
        where = "" if culprit is job else f" in step {culprit.display_name or name}"
        why = f"it ended {azure.state(job.status)}{where}"
        if reason := log.reason(name):
            why += f": {reason.strip()}"
        if lines := log.tail(name, _LOG_LINES):
            why += ". Last lines of its log:\n  " + "\n  ".join(lines) + "\n"
        return StageError(
            f"the {self.work} did not succeed",
            on=f"job {job.name}",
            why=why,
            todo=f"See {studio(job)}. `pulumi up` makes a new attempt (finetune.maxAttempts at most).",
        )


def studio(job: Job) -> str:
    """Where people watch a job."""
    services = job.services or {}
    found = services.get("Studio")
    return str(found.endpoint) if found is not None and found.endpoint else "Azure ML studio"
