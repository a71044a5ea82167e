"""Asks Azure for what each recipe's jobs have logged and took."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from cloud import client as azure
from cloud.arm import Arm
from cloud.services.mlflow import RunHistory
from cloud.states import COMPLETED
from jobs.comparison.recipes import ONLY, Comparison, Row
from jobs.evaluation.result import Losses
from jobs.preflight import memory
from jobs.status.answers import Answers
from jobs.status.status import Job, Status
from jobs.training.model_defaults import shown
from jobs.training.spec import FinetuneSpec
from settings.checks.memory import GIB

if TYPE_CHECKING:
    from jobs.stage_specs import StageSpecs
    from settings.stack import Settings

ESTIMATED = "GPU memory is an estimate for each GPU, not measured (docs/models.md)"
_NOTHING: tuple[Losses, dict[str, float]] = (Losses(), {})
_DIFFERENT = (
    "The held-out losses do not compare: conversations are cut at different lengths (max_seq_length), so they are of "
    "other tokens"
)


def compare(status: Status, specs: StageSpecs, settings: Settings) -> Comparison:
    """Of the recipes that the settings name now. What Azure has no answer to is left out, and said."""
    arm, answers = Arm(retries=azure.PROMPT_RETRIES), Answers()
    runs = RunHistory(specs.release.target, arm)
    costs = {line.use.what: line.cost for line in status.spending.lines}

    # As long as nobody knows which of them is the best, the one in service is that of before.
    live = {one.short_model for one in status.deployments if one.traffic}

    def released(spec: FinetuneSpec) -> bool:
        model = f"{spec.finetune.model_name}:{spec.model_version}"
        return model in live if status.recipe is None else spec.recipe_name == status.recipe

    def row(spec: FinetuneSpec) -> Row:
        name = spec.recipe_name or ONLY
        jobs = [job for job in status.jobs if job.fingerprint == spec.fingerprint]
        made_by = next((job for job in jobs if job.status == COMPLETED), jobs[0] if jobs else None)
        stage = next((each for each in status.stages if each.name == spec.stage), None)
        estimate = memory.estimate_of(settings, settings.trained[spec.recipe_name])
        found = Row(
            recipe=name,
            own=shown(settings.own.get(spec.recipe_name, {})),
            model=f"{spec.finetune.model_name}:{spec.model_version}",
            state=stage.state if stage else "",
            released=released(spec),
            hours=sum(job.hours(status.at) for job in jobs),
            cost=_sum([costs.get(f"job {job.name}", 0.0) for job in jobs]),
            memory=estimate.bytes / GIB if estimate else None,
        )
        if made_by is None:
            return found
        what = f"what {made_by.name} has logged"
        losses, logged = answers.of(what, lambda: _logged(runs, made_by), _NOTHING)
        return Row(**{**vars(found), "job": made_by.name, "losses": losses, "logged": logged})

    with ThreadPoolExecutor(6, thread_name_prefix="recipes") as pool:
        rows = tuple(pool.map(row, specs.finetunes))
    return Comparison(
        stack=status.stack,
        at=status.at,
        rows=rows,
        remarks=tuple(_remarks(rows, settings)),
        not_read=(*status.not_read, *answers.told()),
    )


def _logged(runs: RunHistory, job: Job) -> tuple[Losses, dict[str, float]]:
    losses = Losses(tuple(runs.history(job.name, "loss")), tuple(runs.history(job.name, "eval_loss")))
    return losses, runs.metrics(job.name)


def _remarks(rows: Sequence[Row], settings: Settings) -> list[str]:
    lengths = {recipe.max_seq_length for recipe in settings.trained.values()}
    told = [_DIFFERENT] if len(lengths) > 1 else []
    if not any(row.golden for row in rows):
        told.append("No model was asked the golden questions yet: `python -m jobs evaluate` asks the released one")
    return [*told, ESTIMATED] if any(row.memory is not None for row in rows) else told


def _sum(costs: Sequence[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None
