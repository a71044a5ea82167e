"""Jobs whose names are numbered attempts at one and the same work: found again, chosen, followed to their end.

The truth is on Azure: a name derives from the fingerprint of the work and the number of the attempt, so whatever
happened to an earlier run, the next one finds the job completed, running, failed or not there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloud import client as azure
from cloud.errors import AGAIN, NotFinished, StageError, azure_errors, first_line
from cloud.faults import job_taken, passing
from cloud.report import WARNING, Report
from cloud.states import CANCELLED, COMPLETED, ENDED, SILENT
from cloud.waiting import Stopped, TooLong, elapsed, rising, wait
from jobs.training.joblog import JobLog
from jobs.training.stack_jobs import SILENT_SECONDS, StackJob
from jobs.training.unsuccessful import studio, unsuccessful
from settings.redaction import redact

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Job

_FAILED = ("Failed",)
_POLL_SECONDS = (1.0, 15.0)  # at first, at most: soon enough for a job of a minute, seldom enough for one of hours
_SILENCE_SECONDS = 60.0
_LONG_SECONDS, _MOST_SECONDS = 24 * 3600.0, 72 * 3600.0  # it is said again that the job bills; the waiting ends
_FAILURES = 5  # looks in a row without an answer, each after the client's own retries: some ten minutes
_TAKEN = 50
"""Names of deleted jobs that are passed over, one request each: more deleted attempts at one work are a mistake."""
_NEWS_LINES = 5  # of the log, at each look: progress, the whole log is in the studio


class _Silent(StageError):
    """A job did not respond any more and is cancelled."""


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """One piece of work.

    Attributes:
        name: the job's name for the number of an attempt, which counts from 1.
        limit: how many may fail; cancelled ones do not count.
        work: what messages call it.
        change: what a reader may have to change when it fails.
        stack: whose work it is, for the commands in messages.
        wait: whether a job is followed to its end.
        queued: says why a job gets no machine, or "".
        listed: the stack's jobs, for attempts behind a deleted one.
        cancel: cancels a job and returns its state then.
        cancel_on_interrupt: whether an interrupt does that.
    """

    client: MLClient
    name: Callable[[int], str]
    limit: int
    work: str
    change: str
    stack: str = ""
    wait: bool = True
    queued: Callable[[], str] | None = None
    listed: Callable[[], Sequence[StackJob]] | None = None
    cancel: Callable[[str], str] | None = None
    cancel_on_interrupt: bool = False

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
                    job = self._follow(name, report, stop)
            except _Silent:
                if number not in there:
                    raise
                continue  # an earlier update's, cancelled now: the next attempt
            if job.status != COMPLETED:
                raise unsuccessful(self.client, job, work=self.work, limit=self.limit, logs=self._command("logs"))
            return name

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
        failed = [number for number, job in there.items() if number not in usable or job.status in _FAILED]
        if len(failed) < self.limit:
            return max(there, default=0) + 1
        last = there[failed[-1]]
        raise StageError(
            f"all {self.limit} attempts at this {self.work} failed",
            on=f"job {last.name}",
            why=f"the last one ended {azure.state(last.status)}; its logs are at {studio(last)}",
            todo=f"`{self._command('logs')}` shows why. Change what made it fail ({self.change}), or raise "
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
                report(f"job {name} submitted, watch it at {studio(job)}")
                return name
        raise last

    def _follow(self, name: str, report: Report, stop: threading.Event) -> Job:
        """Waits for the job's end, telling each new status and log line."""
        since = said_at = warned_at = time.monotonic()
        status, log, silent = "", JobLog(client=self.client, job_name=name), 0.0

        def ended() -> Job | None:
            nonlocal said_at, warned_at, status, silent
            job = self._look(name, status, report, stop)
            before, status = status, azure.state(job.status)
            news = [] if status == before else [f"job {name}: {status} after {elapsed(since)}"]
            if self.wait and status not in ("NotStarted", "Queued", "Preparing"):
                news += log.new_lines()[-_NEWS_LINES:]
            now = time.monotonic()
            if not news and now - said_at > _SILENCE_SECONDS:
                news = [f"job {name}: still {status} after {elapsed(since)}{self._why_queued(status)}"]
            if now - warned_at > _LONG_SECONDS:
                warned_at = now
                news.append(f"{WARNING}job {name} bills, after {elapsed(since)} of waiting for it")
            for line in news:
                report(redact(line))
                said_at = now
            if status in ENDED:
                return job
            silent = (silent or now) if status == SILENT else 0.0
            if silent and now - silent >= SILENT_SECONDS:
                return self._given_up(job, report, stop)
            if not self.wait:
                raise self._submitted_only(job)
            return None

        try:
            return wait(ended, every=rising(*_POLL_SECONDS), most=_MOST_SECONDS, stop=stop)
        except TooLong:
            why = f"`pulumi up` waits {_MOST_SECONDS / 3600:g} hours at most"
            raise self._goes_on(name, status, why) from None
        except Stopped:
            raise self._interrupted(name, status) from None

    def _given_up(self, job: Job, report: Report, stop: threading.Event) -> Job:
        """Cancels a job that has not responded for so long, as it may hold its machine and bill beside a new one."""
        name, silence = str(job.name), f"{SILENT_SECONDS / 60:g} minutes"
        report(f"{WARNING}job {name} has not responded for {silence}: it is cancelled")
        with azure_errors(f"the {self.work} could not be cancelled, it goes on", f"job {name}"):
            status = self.cancel(name) if self.cancel else SILENT
        if status == COMPLETED:
            return self._look(name, status, report, stop)
        if status not in (*ENDED, *CANCELLED, ""):
            todo = f"`{self._command('cancel')}` asks it again to end; then run `pulumi up`."
            why = f"it has not responded for {silence}, may bill, and is {status} after it was asked to end"
            raise StageError(
                f"the {self.work} could not be cancelled, it goes on", on=f"job {name}", why=why, todo=todo
            )
        why = f"Azure has heard nothing of it for {silence}; its machine is probably lost, and it was cancelled"
        todo = "`pulumi up` makes a new attempt."
        raise _Silent(f"the {self.work} does not respond any more", on=f"job {name}", why=why, todo=todo)

    def _look(self, name: str, status: str, report: Report, stop: threading.Event) -> Job:
        """The job, asked for some times more where Azure has no answer; ``status`` is what it was the last time."""
        from azure.core.exceptions import AzureError

        job: Job
        for _ in range(_FAILURES - 1):
            try:
                job = self.client.jobs.get(name)
            except AzureError as error:
                if not passing(error):
                    raise
                report(f"job {name}: Azure gave no answer just now, trying again ({first_line(str(error))})")
            else:
                return job
            if stop.wait(_POLL_SECONDS[1]):
                raise self._interrupted(name, status or "state unknown")
        job = self.client.jobs.get(name)
        return job

    def _why_queued(self, status: str) -> str:
        why = self.queued() if self.queued and status == "Queued" else ""
        return f"; {why}" if why else ""

    def _stopped(self, name: str) -> NotFinished:
        why = "you asked to stop before its job was submitted"
        return NotFinished(f"the {self.work} was not begun", on=f"job {name}", why=why, todo=AGAIN)

    def _submitted_only(self, job: Job) -> NotFinished:
        return NotFinished(
            f"the {self.work} is under way in Azure ({azure.state(job.status)}); nothing has failed",
            on=f"job {job.name}",
            why="finetune.wait is false, and the release needs the model, so this update ends here",
            todo=f"Run `pulumi up` again when the job has completed: `{self._command('logs')} --follow` waits for "
            f"that. To end it: `{self._command('cancel')}`.",
        )

    def _goes_on(self, name: str, status: str, why: str) -> NotFinished:
        return NotFinished(
            f"the {self.work} goes on in Azure ({status})",
            on=f"job {name}",
            why=f"{why}; the job is left running, and bills while it does",
            todo="`pulumi up` takes it up again where it is then. To see what it does: "
            f"`{self._command('logs')} --follow`; to end it: `{self._command('cancel')}`.",
        )

    def _interrupted(self, name: str, status: str) -> StageError:
        on = f"job {name}"
        if self.cancel is None or not self.cancel_on_interrupt:
            return self._goes_on(name, status, "you asked to stop waiting")
        with azure_errors(f"the {self.work} could not be cancelled, it goes on", on):
            status = self.cancel(name)
        again = f"`pulumi up` starts it again, as a new attempt (job {name} does not count as a failed one)."
        if status == COMPLETED:
            again = "`pulumi up` goes on with what it made."
        return StageError(
            f"the {self.work} was {'cancelled' if status in CANCELLED else 'interrupted'} ({status})",
            on=on,
            why="you interrupted `pulumi up`, and finetune.cancelOnInterrupt is true",
            todo=again,
        )

    def _command(self, name: str) -> str:
        return f"python -m jobs {name}{f' --stack {self.stack}' if self.stack else ''}"
