"""One job followed to its end: told of, given up where it does not respond, and ended where it reaches its limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cloud import client as azure
from cloud.errors import NotFinished, StageError, azure_errors, first_line
from cloud.faults import passing
from cloud.report import WARNING, Report
from cloud.states import CANCELLED, COMPLETED, ENDED, SILENT
from cloud.waiting import Stopped, TooLong, elapsed, in_words, pause, rising, seconds_here, tells_itself, wait
from jobs.training.joblog import JobLog
from jobs.training.limits import Limit
from jobs.training.stack_jobs import SILENT_SECONDS
from settings.redaction import redact

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Job

_POLL_SECONDS = (1.0, 15.0)  # at first, at most: soon enough for a job of a minute, seldom enough for one of hours
_SILENCE_SECONDS = 60.0
_LONG_SECONDS, _MOST_SECONDS = 24 * 3600.0, 72 * 3600.0  # it is said again that the job bills; the waiting ends
_FAILURES = 5  # looks in a row without an answer, each after the client's own retries: some ten minutes
_NEWS_LINES = 5  # of the log, at each look: progress, the whole log is in the studio
_NOT_YET = ("NotStarted", "Queued", "Preparing")
_NEAR = 0.8  # of the limit: time enough to raise it


class Silent(StageError):
    """A job did not respond any more and is cancelled."""


@dataclass(frozen=True, kw_only=True)
class Following:
    """How a job is followed.

    Attributes:
        work: what messages call it.
        stack: whose work it is, for the commands in messages.
        wait: whether a job is followed to its end.
        queued: says why a job gets no machine, or "".
        cancel: cancels a job and returns its state then.
        cancel_on_interrupt: whether an interrupt does that.
        limit: how long it may run, None for as long as it likes.
        several: whether the stack may have others of its kind, so that commands in messages have to name it.
    """

    client: MLClient
    work: str
    stack: str = ""
    wait: bool = True
    queued: Callable[[], str] | None = None
    cancel: Callable[[str], str] | None = None
    cancel_on_interrupt: bool = False
    limit: Limit | None = None
    several: bool = False

    def to_end(self, name: str, report: Report, stop: threading.Event) -> Job:
        """Waits for the job's end, telling each new status and log line.

        Raises Silent for one that no longer responds, NotFinished when ``stop`` was set or it is not waited for,
        StageError when it reached its limit.
        """
        since = said_at = warned_at = time.monotonic()
        status, log, silent, near = "", JobLog(client=self.client, job_name=name), 0.0, False

        def ended() -> Job | None:
            nonlocal said_at, warned_at, status, silent, near
            job = self._look(name, status, report, stop)
            before, status = status, azure.state(job.status)
            news = [] if status == before else [f"job {name}: {status} after {elapsed(since)}"]
            if (self.wait or self.limit) and status not in _NOT_YET:
                lines = log.new_lines()[-_NEWS_LINES:]
                news += lines if self.wait else []
            now = time.monotonic()
            if not news and now - said_at > _SILENCE_SECONDS:
                news = [f"job {name}: still {status} after {elapsed(since)}{self._why_queued(status)}"]
            if now - warned_at > _LONG_SECONDS:
                warned_at = now
                news.append(f"{WARNING}job {name} bills, after {elapsed(since)} of waiting for it")
            ran = log.ran() if self.limit and status not in (*ENDED, *CANCELLED) else 0.0
            if self.limit and ran > _NEAR * self.limit.seconds and not near:
                near = True
                news.append(f"{WARNING}job {name} has run for {in_words(ran)} and is cancelled at {self.limit}")
            for line in news:
                report(redact(line))
                said_at = now
            if status in ENDED:
                return job
            if self.limit and ran >= self.limit.seconds:
                return self._ended_by_limit(job, self.limit, log, report, stop)
            silent = (silent or now) if status == SILENT else 0.0
            if silent and now - silent >= SILENT_SECONDS:
                return self._given_up(job, report, stop)
            if not self.wait:
                raise self._submitted_only(job)
            return None

        here = seconds_here()
        try:
            return wait(
                ended, every=rising(*_POLL_SECONDS), most=min(_MOST_SECONDS, here), tell=tells_itself, stop=stop
            )
        except TooLong:
            why = f"`pulumi up` waits {_MOST_SECONDS / 3600:g} hours at most"
            if here < _MOST_SECONDS:
                why = "the machine that runs this update is taken away soon"
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
            todo = f"`{self.command('cancel', name)}` asks it again to end; then run `pulumi up`."
            why = f"it has not responded for {silence}, may bill, and is {status} after it was asked to end"
            raise StageError(
                f"the {self.work} could not be cancelled, it goes on", on=f"job {name}", why=why, todo=todo
            )
        why = f"Azure has heard nothing of it for {silence}; its machine is probably lost, and it was cancelled"
        todo = "`pulumi up` makes a new attempt."
        raise Silent(f"the {self.work} does not respond any more", on=f"job {name}", why=why, todo=todo)

    def _ended_by_limit(self, job: Job, limit: Limit, log: JobLog, report: Report, stop: threading.Event) -> Job:
        """Cancels a job that has run for as long as it may; the job where it has just completed."""
        name = str(job.name)
        report(f"{WARNING}job {name} has reached {limit}: it is cancelled")
        with azure_errors(f"the {self.work} could not be cancelled, it goes on", f"job {name}"):
            status = self.cancel(name) if self.cancel else azure.state(job.status)
        if status == COMPLETED:
            return self._look(name, status, report, stop)
        raise limit.reached(self.work, name, log, self.command("logs", name))

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
            try:
                pause(_POLL_SECONDS[1], tell=tells_itself, stop=stop)
            except Stopped:
                raise self._interrupted(name, status or "state unknown") from None
        job = self.client.jobs.get(name)
        return job

    def _why_queued(self, status: str) -> str:
        why = self.queued() if self.queued and status == "Queued" else ""
        return f"; {why}" if why else ""

    def _submitted_only(self, job: Job) -> NotFinished:
        name = str(job.name)
        return NotFinished(
            f"the {self.work} is under way in Azure ({azure.state(job.status)}); nothing has failed",
            on=f"job {name}",
            why="finetune.wait is false, and the release needs the model, so this update ends here",
            todo=f"Run `pulumi up` again when the job has completed: `{self.command('logs', name)} --follow` waits for "
            f"that. To end it: `{self.command('cancel', name)}`.",
        )

    def _goes_on(self, name: str, status: str, why: str) -> NotFinished:
        return NotFinished(
            f"the {self.work} goes on in Azure ({status})",
            on=f"job {name}",
            why=f"{why}; the job is left running, and bills while it does",
            todo="`pulumi up` takes it up again where it is then. To see what it does: "
            f"`{self.command('logs', name)} --follow`; to end it: `{self.command('cancel', name)}`.",
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

    def command(self, name: str, job: str) -> str:
        """The command of that name for this job, as messages show it."""
        of_stack = f" --stack {self.stack}" if self.stack else ""
        return f"python -m jobs {name}{of_stack}{f' --job {job}' if self.several else ''}"
