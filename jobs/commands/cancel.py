"""python -m jobs cancel: ends the stack's jobs that are under way, whatever recipe they belong to."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from cloud import client as azure
from cloud.arm import Arm
from cloud.errors import StageError, azure_errors
from cloud.states import ENDED
from jobs.console import ask, yes_option
from jobs.training import stack_jobs
from jobs.training.stack_jobs import FINETUNING, StackJob

if TYPE_CHECKING:
    from cloud.place import Place
    from settings.stack import Settings

ORDER = 4
HELP = "end the jobs that are under way"


def arguments(parser: argparse.ArgumentParser) -> None:
    """--job chooses one of several, --past-limit those that have run for too long."""
    yes_option(parser)
    parser.add_argument(
        "--past-limit",
        action="store_true",
        help="a fine-tuning that has reached finetune.maxHours or finetune.maxCost alone; for a timer",
    )
    parser.add_argument("--job", metavar="NAME", help="this one alone")


def run(chosen: argparse.Namespace) -> None:
    """Cancels the job of that name, or all that run, after a yes."""
    from cloud.place import described

    (settings, place), name = described(chosen.stack), chosen.job
    target, stack = place.workspace, place.stack
    arm = Arm(retries=azure.PROMPT_RETRIES)
    with azure_errors("the jobs could not be read", f"workspace {target.workspace}"):
        known = stack_jobs.of_stack(arm, target, stack)
    running = [job for job in known if not job.ended and name in (None, job.name)]
    if chosen.past_limit:
        running = _past_limit(running, settings, place)
    if not running:
        _nothing(known, stack, name)
        return
    for job in running:
        print(f"{job.name}: {job.status}, {job.work} ({job.display_name})")
    question = "Cancel this job?" if len(running) == 1 else f"Cancel these {len(running)} jobs?"
    ask(f"{question} What it has learnt so far is lost.", chosen.yes, "Nothing was cancelled")
    for job in running:
        with azure_errors("the job could not be cancelled", f"job {job.name}"):
            status = stack_jobs.cancel(arm, target, job.name, print)
        print(f"{job.name}: {_outcome(job, status)}")


def _past_limit(running: list[StackJob], settings: Settings, place: Place) -> list[StackJob]:
    """Those that have run for as long as the stack's file says now; told of each."""
    from cloud.waiting import in_words
    from jobs import specs
    from jobs.training import limits
    from jobs.training.joblog import JobLog

    every, client = specs.specs(settings, place, ""), azure.ml_client(place.workspace)
    by_recipe = {each.recipe_name: each for each in every.finetunes}
    past = []
    for job in running:
        if job.work != FINETUNING:
            continue
        limit = limits.of_finetuning(by_recipe.get(job.recipe, every.finetune), Arm())
        with azure_errors("the jobs could not be read", f"job {job.name}"):
            ran = JobLog(client=client, job_name=job.name).ran()
        print(f"{job.name} has run for {in_words(ran)}; it may for {limit}")
        past += [job] if ran >= limit.seconds else []
    return past


def _outcome(job: StackJob, status: str) -> str:
    if status == "Canceled":
        return f"cancelled. A later `pulumi up` starts the {job.work} again, as attempt {job.attempt + 1}."
    if status == "Completed":
        return "had just completed. `pulumi up` uses what it made."
    if status in ENDED:
        return f"had just ended, {status}."
    return f"will be cancelled, still {status or 'gone'}. It may bill until its node lets go: {job.url}"


def _nothing(known: list[StackJob], stack: str, name: str | None) -> None:
    if name is None:
        newest = f"; the newest job, {known[0].name}, is {known[0].status}" if known else ""
        print(f"No job of stack {stack} is under way{newest}. Nothing to cancel.")
        return
    found = next((job for job in known if job.name == name), None)
    if found is not None:
        print(f"{name} is {found.status} already. Nothing to cancel.")
        return
    raise StageError(
        "nothing was cancelled",
        on=f"job {name}",
        why=f"it is no job of stack {stack}"
        + (f", which has {', '.join(job.name for job in known[:5])}" if known else ", which has none"),
        todo="Leave out --job to see what runs. Cancel the jobs of others in the studio or with `az ml job cancel`.",
    )
