"""python -m jobs logs: what a job of the stack has written, the failing step first; --follow to its end."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from typing import Any

from cloud import client as azure
from cloud.arm import Arm
from cloud.errors import StageError, azure_errors, first_line
from cloud.states import ENDED, GIVEN_UP, SILENT
from cloud.target import Target
from jobs.training import stack_jobs
from jobs.training.joblog import JobLog, Run, failing
from settings.redaction import redact

ORDER = 3
HELP = "what the newest job has written, the failing step first"
_POLL_SECONDS = 3.0
_RETRY_SECONDS = 15.0
_UNREAD = "the logs could not be read"
_NONSENSE = (ValueError, KeyError, TypeError, AttributeError, IndexError)
_REFUSALS = 3  # in a row, of an answer that will hardly be another one soon
_FAILURES = 20  # in a row, each after the client's own retries: an hour or so


def arguments(parser: argparse.ArgumentParser) -> None:
    """--job and --attempt choose another job than the newest."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--job", metavar="NAME", help="another job than the newest")
    which.add_argument("--attempt", type=int, metavar="N", help="another attempt at the newest job's work")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the job ends; exit code 1 if it fails")


def run(chosen: argparse.Namespace) -> None:
    """Prints the logs that were asked for."""
    print_logs(chosen.stack, name=chosen.job, attempt=chosen.attempt, follow=chosen.follow)


def print_logs(
    stack: str, *, name: str | None, attempt: int | None, follow: bool, stop: threading.Event | None = None
) -> None:
    """Prints the logs of job ``name``, or of the stack's newest, or of attempt ``attempt`` at the same work.

    With ``follow`` new lines are printed until the job ends, and the exit code is 1 where it did not complete.
    Raises StageError when there is no such job.
    """
    from cloud.place import described

    place = described(stack)[1]
    target, stack = place.workspace, place.stack
    arm = Arm(retries=azure.PROMPT_RETRIES)
    with azure_errors(_UNREAD, f"workspace {target.workspace}"):
        name = name or _chosen(arm, target, stack, attempt)
        job = _job(arm, target, name)
        client = azure.ml_client(target)
        log = JobLog(client=client, job_name=name)
        status = stack_jobs.status_of(job)
        print(_title(name, job))
        runs = log.children()
        _print_all(log, runs)
        if follow and status not in ENDED:
            job = _follow(Arm(), target, log, runs, stop or threading.Event())
            status = stack_jobs.status_of(job)
        if status in GIVEN_UP and status != "Completed":
            from jobs.training.failures.explain import explained

            print(explained(log, status))
    if follow and status != "Completed":
        sys.exit(1)


def _chosen(arm: Arm, target: Target, stack: str, attempt: int | None) -> str:
    jobs = stack_jobs.of_stack(arm, target, stack)
    if not jobs:
        why, todo = f"stack {stack} has submitted none", "Run `pulumi up`, or name one with --job."
        raise StageError("there is no job to show", on=f"workspace {target.workspace}", why=why, todo=todo)
    newest = jobs[0]
    if attempt is None:
        return newest.name
    attempts = {job.attempt: job for job in jobs if (job.work, job.fingerprint) == (newest.work, newest.fingerprint)}
    if attempt not in attempts:
        there = ", ".join(str(number) for number in sorted(attempts))
        why = f"this {newest.work} has attempt {there}" if attempts else "there is none"
        raise StageError(f"there is no attempt {attempt}", on=f"job {newest.name}", why=why, todo="Choose one of them.")
    return attempts[attempt].name


def _job(arm: Arm, target: Target, name: str) -> dict[str, Any]:
    job = stack_jobs.one(arm, target, name)
    if job is None:
        todo = "`python -m jobs logs` without --job shows the stack's newest."
        raise StageError("there is no such job", on=f"job {name}", why=f"{target.workspace} has none", todo=todo)
    return job


def _title(name: str, job: dict[str, Any]) -> str:
    properties = job.get("properties") or {}
    url = ((properties.get("services") or {}).get("Studio") or {}).get("endpoint") or ""
    return "  ".join(filter(None, (name, str(properties.get("status")), str(properties.get("displayName")), url)))


def _print_all(log: JobLog, runs: list[Run]) -> None:
    """What is there so far: the failing step's lines first; told that there are none yet, or that they are refused."""
    culprit = failing(runs)
    news = sorted(log.news(), key=lambda each: culprit is None or each[0] != culprit.name)
    for run, lines in news:
        _print(run, lines, runs)
    for run, why in log.refused.items():
        title = next((each.title for each in runs if each.name == run), run)
        print(f"(the log of {title} cannot be read: {why})")
    if not news and not log.refused:
        print("(no lines yet)")


def _print(run: str, lines: list[str], runs: list[Run]) -> None:
    found = next((each for each in runs if each.name == run), None)
    print(f"--- {found.title}, {found.status}" if found else f"--- {run}")
    for line in lines:
        print(redact(line))


def _follow(arm: Arm, target: Target, log: JobLog, runs: list[Run], stop: threading.Event) -> dict[str, Any]:
    """Prints lines as they come; returns the job at its end, or as it is when ``stop`` is set.

    Azure may have no answer for a while; only after some in a row is that the end. So is a job that does not respond.
    """
    from azure.core.exceptions import AzureError

    from cloud.faults import passing

    shown, failures, silent, status = "", 0, 0.0, ""
    job: dict[str, Any] = {}
    while True:
        try:
            job = _job(arm, target, log.job_name)
            status = stack_jobs.status_of(job)
            for run, lines in log.news():
                if run != shown:
                    runs = log.children()
                    title = next((each.title for each in runs if each.name == run), run)
                    print(f"--- {title}")
                    shown = run
                for line in lines:
                    print(redact(line), flush=True)
            failures = 0
        except (AzureError, StageError, *_NONSENSE) as error:
            failures += 1
            if isinstance(error, _NONSENSE):
                error = StageError(
                    _UNREAD, on=f"job {log.job_name}", why=f"the answer makes no sense ({error!r})", todo=""
                )
            if failures >= (_FAILURES if passing(error) else _REFUSALS):
                raise error
            why = first_line(str(error))
            print(f"Azure gave no answer just now, trying again ({why})", file=sys.stderr, flush=True)
        now = time.monotonic()
        silent = (silent or now) if status == SILENT else 0.0
        if not failures and (status in ENDED or (silent and now - silent >= stack_jobs.SILENT_SECONDS)):
            print(f"{log.job_name}  {status}")
            return job
        if stop.wait(_RETRY_SECONDS if failures else _POLL_SECONDS):
            return job
