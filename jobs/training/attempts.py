"""Jobs whose names are numbered attempts at one and the same work: found again, chosen, followed to their end.

The truth is on Azure: a name derives from the fingerprint of the work and the number of the attempt, so whatever
happened to an earlier run, the next one finds the job completed, running, failed or not there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloud import client as azure
from cloud.errors import AGAIN, NotFinished, StageError, azure_errors
from cloud.faults import job_taken
from cloud.report import Report
from cloud.states import CANCELLED, COMPLETED, ENDED
from jobs.training import limits
from jobs.training.following import Following, Silent
from jobs.training.joblog import JobLog
from jobs.training.stack_jobs import MACHINE, StackJob
from jobs.training.unsuccessful import studio, unsuccessful

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Job

_FAILED = ("Failed",)
_TAKEN = 50
"""Names of deleted jobs that are passed over, one request each: more deleted attempts at one work are a mistake."""


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """One piece of work.

    Attributes:
        name: the job's name for the number of an attempt, which counts from 1.
        limit: how many may fail; cancelled ones do not count.
        change: what a reader may have to change when it fails.
        following: how its jobs are followed.
        listed: the stack's jobs, for attempts behind a deleted one.
        machine: the size of the machines it runs on now; those that failed on others do not count. Empty: all count.
    """

    name: Callable[[int], str]
    limit: int
    change: str
    following: Following
    listed: Callable[[], Sequence[StackJob]] | None = None
    machine: str = ""

    @property
    def client(self) -> MLClient:
        """Of the workspace."""
        return self.following.client

    @property
    def work(self) -> str:
        """What messages call it."""
        return self.following.work

    def run(
        self,
        submit: Callable[[str], Job],
        report: Report,
        stop: threading.Event,
        without: Collection[str] = (),
    ) -> str:
        """The name of a completed attempt; ``submit`` makes the job of a name where a new one is needed.

        ``without`` names completed attempts that are of no use any more. Raises StageError when the job failed or no
        attempt is left, NotFinished when ``stop`` was set, which submits nothing any more, or ``wait`` is false while
        the job goes on.
        """
        while True:
            with azure_errors(f"the {self.work} could not be looked up", f"job {self.name(1)}"):
                there = self._found()
            number = self._choose(there, without)
            if number in there:
                name = self.name(number)
                report(f"job {name} is {azure.state(there[number].status)}: no new one is needed")
            else:
                if stop.is_set():
                    raise self._stopped(self.name(number))
                name = self._submitted(number, submit, report)
            try:
                with azure_errors("the job could not be followed, it may go on", f"job {name}"):
                    job = self.following.to_end(name, report, stop)
            except Silent:
                if number not in there:
                    raise
                continue  # an earlier update's, cancelled now: the next attempt
            if job.status != COMPLETED:
                raise self._unsuccessful(job)
            return name

    def _unsuccessful(self, job: Job) -> StageError:
        logs = self.following.command("logs", str(job.name))
        self._check_limit(job)
        return unsuccessful(self.client, job, work=self.work, limit=self.limit, logs=logs)

    def _check_limit(self, job: Job) -> None:
        """Raises StageError for a job that was cancelled for having run as long as it may: another would as well."""
        limit, log = self.following.limit, JobLog(client=self.client, job_name=str(job.name))
        if limit is not None and limits.at_end(limit, azure.state(job.status), log):
            name = str(job.name)
            raise limit.reached(self.work, name, log, self.following.command("logs", name))

    def _found(self) -> dict[int, Job]:
        """The attempts that exist, by number, in their order.

        They are asked for by name, as a list may be behind; it says how far to ask where deleted ones left gaps.
        """
        jobs = self.listed() if self.listed else ()
        last = max((job.attempt for job in jobs if job.name == self.name(job.attempt)), default=0)
        found: dict[int, Job] = {}
        number = 1
        # Cancelled jobs are attempts beyond the limit.
        while (job := self._get(self.name(number))) is not None or number < max(self.limit, last):
            if job is not None:
                found[number] = job
            number += 1
        return found

    def _get(self, name: str) -> Job | None:
        from azure.core.exceptions import ResourceNotFoundError

        try:
            job: Job = self.client.jobs.get(name)
        except ResourceNotFoundError:
            return None
        return job

    def _choose(self, there: Mapping[int, Job], without: Collection[str]) -> int:
        """The number of a completed attempt, else of one that runs, else of a new one."""
        usable = {number: job for number, job in there.items() if self.name(number) not in without}
        completed = [number for number, job in usable.items() if job.status == COMPLETED]
        # One that does not respond is given its time, and cancelled before there is a new one.
        under_way = [number for number, job in usable.items() if job.status not in (*ENDED, *CANCELLED)]
        for candidates in (completed, under_way):
            if candidates:
                return candidates[0]
        failed = [
            number
            for number, job in there.items()
            if (number not in usable or job.status in _FAILED) and ran_on(job, self.machine)
        ]
        if len(failed) < self.limit:
            if there:
                self._check_limit(there[max(there)])
            return max(there, default=0) + 1
        last, on = there[failed[-1]], f" on {self.machine}" if self.machine else ""
        logs = self.following.command("logs", str(last.name))
        raise StageError(
            f"all {self.limit} attempts at this {self.work} failed",
            on=f"job {last.name}",
            why=f"the last one ended {azure.state(last.status)}{on}; its logs are at {studio(last)}",
            todo=f"`{logs}` shows why. Change what made it fail ({self.change}), or raise "
            "finetune.maxAttempts to try the same once more; then run `pulumi up` again.",
        )

    def _submitted(self, number: int, submit: Callable[[str], Job], report: Report) -> str:
        """The name of the new job, or of the same one that somebody else submitted at this moment."""
        for attempt in range(number, number + _TAKEN):
            name = self.name(attempt)
            try:
                with azure_errors(f"the {self.work} could not be submitted", f"job {name}"):
                    job = submit(name)
            except StageError as error:
                if not job_taken(error.__cause__, name):
                    raise
                with azure_errors(f"the {self.work} could not be looked up", f"job {name}"):
                    others = self._get(name)
                if others is not None:
                    report(f"job {name} was submitted by another `pulumi up` just now: following that one")
                    return name
                last = error
                report(f"the name {name} is still taken by a deleted job")
            else:
                may = f"; it may run for {self.following.limit}" if self.following.limit else ""
                report(f"job {name} submitted, watch it at {studio(job)}{may}")
                return name
        raise last

    def _stopped(self, name: str) -> NotFinished:
        why = "you asked to stop before its job was submitted"
        return NotFinished(f"the {self.work} was not begun", on=f"job {name}", why=why, todo=AGAIN)


def ran_on(job: Job, machine: str) -> bool:
    """Whether a job was on machines of that size; one that does not say was, as was each where no size is given."""
    return not machine or str((job.tags or {}).get(MACHINE) or machine) == machine
