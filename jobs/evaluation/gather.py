"""Asks the models and the job's metrics for an evaluation."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from chat.phi_client import CONTRACT, ROUTES
from cloud.arm import Arm
from cloud.catalogue import ML_VERSION
from cloud.errors import StageError, azure_errors
from cloud.report import Report
from cloud.services import registry
from cloud.services.mlflow import RunHistory
from cloud.services.prices import PriceBook
from cloud.states import COMPLETED, HEALTHY
from data_prep.card.card import TEST, TRAIN, prepared
from data_prep.card.prompts import disagreement
from jobs.dataset.spec import PreparationSpec
from jobs.evaluation import held_out
from jobs.evaluation.result import BASE, SERVING, TUNED, Candidate, Evaluation, HeldOut, Losses
from jobs.golden import golden, judge
from jobs.golden.leaks import leaked
from jobs.golden.questions import Question, load
from jobs.keys import address
from jobs.release.spec import BASE_DEPLOYMENT
from jobs.status.reader import Reader
from jobs.status.stack import Stack
from jobs.status.status import Deployment, Job, Status


def evaluate(stack: Stack, book: PriceBook, report: Report, stop: threading.Event, minimum: float | None) -> Evaluation:
    """The newest fine-tuned model beside the base model and the one in service, as far as each answers.

    `minimum` comes before the stack's own minimum score. Raises StageError where there is nothing to evaluate.
    """
    status = Reader(stack, book).read()
    arm = Arm()
    runs = RunHistory(stack.target, arm)
    missing: list[str] = []
    with azure_errors("the model could not be evaluated", f"endpoint {stack.endpoint}"):
        losses = _losses(status, runs, missing)
        note, base_model = _base(stack, arm)
        chosen = _chosen(status, missing)
        _alike(chosen, missing)
        questions = _questions(stack, missing)
        learnt = _leaked(stack, questions, missing) if questions else ()
        candidates = _ask(stack, arm, chosen, questions, report, stop) if questions and chosen else ()
        tested = _tested(stack, arm, chosen, report, stop, missing)
        otherwise = _asked_otherwise(stack, missing)
    if not candidates and not losses.held_out:
        why = "; ".join(missing) or "no model answers, and no job has logged a loss"
        todo = f"Run `make up STACK={stack.name}` first."
        raise StageError("there is nothing to evaluate", on=f"stack {stack.name}", why=why, todo=todo)
    job = _made_by(status)
    return Evaluation(
        stack=stack.name,
        at=datetime.now(UTC),
        model=status.model,
        base_model=base_model,
        note=note,
        job=job.name if job else "",
        job_url=job.url if job else "",
        losses=losses,
        candidates=candidates,
        not_compared=tuple(missing),
        questions=len(questions),
        leaked=learnt,
        asked_otherwise=otherwise,
        test=tested,
        settings=stack.evaluation
        if minimum is None
        else stack.evaluation.model_copy(update={"minimum_score": minimum}),
    )


def log(stack: Stack, found: Evaluation) -> None:
    """Adds the scores to the metrics of the fine-tune's run. Raises StageError."""
    with azure_errors("the scores could not be logged", f"run {found.job}"):
        RunHistory(stack.target, Arm()).log(found.job, found.metrics())


def _made_by(status: Status) -> Job | None:
    """The attempt that made the model; there may be newer ones that failed. The newest while there is none."""
    return next((each for each in status.attempts if each.status == COMPLETED), status.job)


def _losses(status: Status, runs: RunHistory, missing: list[str]) -> Losses:
    """Of the job that made the model."""
    job = _made_by(status)
    if job is None:
        missing.append("losses: there is no fine-tune job")
        return Losses()
    losses = Losses(tuple(runs.history(job.name, "loss")), tuple(runs.history(job.name, "eval_loss")))
    if not losses.held_out:
        missing.append(f"held-out loss: job {job.name} has logged no eval_loss")
    missing.append(
        "held-out loss of the base model: the fine-tuning component measures after epochs, never before the first"
    )
    return losses


def _base(stack: Stack, arm: Arm) -> tuple[str, str]:
    """The registry's note on the base model, if it has one, and the base model's name."""
    if stack.stages is None:
        return "", ""
    model = stack.stages.release.base_model
    return registry.note(model, arm), f"{model.name}:{model.version}"


def _chosen(status: Status, missing: list[str]) -> list[tuple[str, Deployment]]:
    """Whom to ask, in which role; why somebody is not asked goes to `missing`."""
    healthy = [one for one in status.deployments if one.state == HEALTHY]
    base = next((one for one in healthy if one.name == BASE_DEPLOYMENT), None)
    tuned = next((one for one in healthy if one.model == status.model and one.name != BASE_DEPLOYMENT), None)
    serving = next((one for one in healthy if one.traffic), None)
    chosen = [(role, one) for role, one in ((BASE, base), (TUNED, tuned)) if one is not None]
    if base is None:
        missing.append(
            "base model: it is not deployed; serving.compareWithBase: true keeps it beside the fine-tuned one"
        )
    if tuned is None:
        missing.append(f"fine-tuned model: {status.model} is not deployed")
    if serving is None:
        missing.append("model in service: no deployment has traffic")
    elif tuned is not None and serving.name == tuned.name:
        missing.append("model in service: it is the fine-tuned model itself")
    else:
        chosen.append((SERVING, serving))
    return chosen


def _alike(chosen: Sequence[tuple[str, Deployment]], missing: list[str]) -> None:
    """Says where the models are served by different programs."""
    served = {role: one.tags.get(CONTRACT, "") for role, one in chosen}
    if len(kinds := {kind for kind in served.values() if kind}) > 1:
        told = ", ".join(f"{role}: {kind}" for role, kind in served.items() if kind in kinds)
        missing.append(f"seconds: the models are served by different programs, whose speed differs by itself ({told})")


def _questions(stack: Stack, missing: list[str]) -> tuple[Question, ...]:
    if not stack.evaluation.questions:
        missing.append("answers: evaluation.questions names no file of golden questions")
        return ()
    return load(stack.evaluation.questions, stack.evaluation.judge)


def _leaked(stack: Stack, questions: tuple[Question, ...], missing: list[str]) -> tuple[str, ...]:
    """The questions that stand in what the model was trained on or chosen by, where that is on this machine."""
    directory = stack.stages.directory if stack.stages else ""
    train = Path(directory) / TRAIN
    if not directory or not train.exists():
        missing.append("leaks: the training data are not on this machine, so no question was looked for in them")
        return ()
    try:
        return leaked(questions, [train.with_name(name) for name in prepared(train.parent) if name != TEST])
    except (OSError, ValueError, LookupError, TypeError) as error:
        missing.append(f"leaks: {train} cannot be read ({error})")
        return ()


def _asked_otherwise(stack: Stack, missing: list[str]) -> str:
    """That the model learnt with another system prompt than it is asked with; "" where not, or nobody can see it."""
    train = Path(stack.stages.directory if stack.stages else "") / TRAIN
    if not train.is_file():
        return ""
    try:
        return disagreement(train, stack.system_prompt)
    except (OSError, ValueError, LookupError, TypeError) as error:
        missing.append(f"system prompt: {train} cannot be read ({error})")
        return ""


def _tested(
    stack: Stack,
    arm: Arm,
    chosen: Sequence[tuple[str, Deployment]],
    report: Report,
    stop: threading.Event,
    missing: list[str],
) -> HeldOut | None:
    """The base and the fine-tuned model on rows of the test file, which no model has learnt from."""
    most = stack.evaluation.test_rows
    asked = [(role, one) for role, one in chosen if role in (BASE, TUNED)]
    directory = Path(stack.stages.directory if stack.stages else "")
    if not most or not asked:
        return None
    elsewhere = stack.stages is None or isinstance(stack.stages.dataset, PreparationSpec)
    if elsewhere or not directory.name or not (directory / TEST).is_file():
        missing.append("test file: it is not on this machine (make data), or is on Azure alone (data.runOn: cluster)")
        return None
    try:
        found = held_out.read(directory, most, stack.evaluation.confidence_percent)
    except (OSError, ValueError, LookupError, TypeError) as error:
        missing.append(f"test file: {directory / TEST} cannot be read ({error})")
        return None
    missing.append(
        "loss on the test file: a managed endpoint tells answers and no probabilities, so they are compared as texts"
    )
    return dataclasses.replace(found, candidates=_ask(stack, arm, asked, found.questions, report, stop, "test rows"))


def _ask(
    stack: Stack,
    arm: Arm,
    chosen: Sequence[tuple[str, Deployment]],
    questions: tuple[Question, ...],
    report: Report,
    stop: threading.Event,
    what: str = "questions",
) -> tuple[Candidate, ...]:
    """One after the other, so that nobody's latency suffers from somebody else's questions."""
    endpoint = arm.get(stack.endpoint_path, ML_VERSION)["properties"]
    url, key = address(arm, stack.endpoint_path, endpoint)
    ROUTES.tell(url, {one.name: one.tags.get(CONTRACT, "") for _, one in chosen})
    asking = golden.Asking(
        timeout=stack.request_timeout_seconds,
        system=stack.system_prompt,
        samples=stack.evaluation.samples,
        judge=judge.of(stack.evaluation.judge),
    )
    found: list[Candidate] = []
    for role, one in chosen:
        report(f"{role} ({one.name}): {len(questions)} {what}")
        scores = golden.ask_all(url, key, one.name, questions, asking, report, stop)
        if stop.is_set():
            why, todo = "you asked to stop; nothing was written", "Run it again when you like."
            raise StageError("the evaluation is not finished", on=f"deployment {one.name}", why=why, todo=todo)
        found.append(Candidate(role, one.short_model, dataclasses.replace(scores, deployment=one.name)))
        report(f"{role} ({one.name}): {scores}")
    return tuple(found)
