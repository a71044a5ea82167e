"""Asks Azure, and the data on this machine, for what a card says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cloud import client as azure
from cloud.arm import ML_SCOPE, Arm
from cloud.catalogue import ML_VERSION
from cloud.errors import StageError, azure_errors
from cloud.services import energy, registry
from cloud.services.mlflow import RunHistory
from cloud.services.prices import PriceBook
from cloud.target import RegistryAsset
from data_prep.card import card as data_cards
from jobs.card import sections
from jobs.card.card import ModelCard
from jobs.card.sections import Known
from jobs.evaluation.result import Losses
from jobs.release.rollback import Version
from jobs.status.answers import Answers
from jobs.status.reader import Reader
from jobs.status.stack import Stack
from settings.models import model as known_model

if TYPE_CHECKING:
    from jobs.status.status import Status


def card(
    subject: Stack, version: Version, book: PriceBook, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> ModelCard:
    """Of a version of the stack's model. Raises StageError where the version itself cannot be read."""
    answers = Answers()
    arm = Arm(retries=azure.PROMPT_RETRIES)
    with azure_errors("the model could not be read", f"model {subject.model_name}:{version.version}"):
        found = _version(subject, arm, version.version)
    tags = {str(key): str(value) for key, value in (found.get("tags") or {}).items()}
    status = answers.of("jobs and what they cost", Reader(subject, book, now).read, None)
    job = tags.get("job", "")
    # What another stack has trained is in its own workspace.
    runs = RunHistory(subject.target, arm) if job and _own(subject) else None
    losses = answers.of("losses", lambda: _losses(runs, job), Losses()) if runs else Losses()
    logged: Mapping[str, float] = answers.of("what the job has logged", lambda: runs.metrics(job), {}) if runs else {}
    known = Known(
        stack=subject,
        version=version,
        tags=tags,
        registered=str(version.created),
        data=_data(subject, tags.get("dataset_fingerprint", "")),
        recipe=_recipe(subject, tags),
        losses=losses,
        logged=logged,
        joules=answers.of("energy", lambda: _energy(subject, arm, job, status), None) if runs else None,
        base=known_model(tags.get("base_model", "").partition("/models/")[2].partition("/")[0]),
        base_tags=answers.of("the base model", lambda: _base(tags, arm), {}),
        jobs=tuple(each for each in status.jobs if each.fingerprint == version.fingerprint) if status else (),
        costs={line.use.what: line.cost for line in status.spending.lines} if status else {},
        at=now(),
    )
    return ModelCard(
        model=subject.model_name,
        version=version.version,
        at=known.at,
        summary=sections.summary(known),
        sections=sections.of(known),
        losses=losses,
        not_read=tuple(answers.told()),
    )


def _own(subject: Stack) -> bool:
    return subject.stages is None or subject.stages.promotion is None


def _version(subject: Stack, arm: Arm, version: str) -> dict[str, Any]:
    """Its properties, from the workspace or from the registry it was taken from."""
    if not _own(subject) and subject.stages and subject.stages.promotion:
        asset = RegistryAsset(subject.stages.promotion.registry, subject.model_name, version)
        shelf = registry.shelf(asset, registry.MODELS, Arm(ML_SCOPE))
        found = shelf.version() if shelf else None
    else:
        found = arm.find(f"{subject.target.path}/models/{subject.model_name}/versions/{version}", ML_VERSION)
    if found is None:
        raise StageError(
            "the model could not be read",
            on=f"model {subject.model_name}:{version}",
            why="there is no such version any more",
            todo="`python -m jobs rollback --stack STACK --to 0` lists those there are.",
        )
    return dict(found["properties"])


def _losses(runs: RunHistory, job: str) -> Losses:
    return Losses(tuple(runs.history(job, "loss")), tuple(runs.history(job, "eval_loss")))


def _data(subject: Stack, fingerprint: str) -> data_cards.Card | None:
    """The data card on this machine, where it is that of the data which the model has learnt from."""
    directory = Path(subject.stages.directory) if subject.stages and subject.stages.directory else None
    found = data_cards.read(directory) if directory else None
    return found if found and fingerprint and data_cards.combined(found.files) == fingerprint else None


def _recipe(subject: Stack, tags: Mapping[str, str]) -> dict[str, str]:
    """Whole, where the stack's file still has it; else what the version's tag has room for."""
    for spec in subject.stages.finetunes if subject.stages else ():
        if spec.fingerprint == tags.get("fingerprint"):
            return {key: str(value) for key, value in sorted(spec.recipe.items())}
    pairs = (part.partition("=") for part in tags.get("recipe", "").split(", ") if "=" in part)
    return {key: value for key, _, value in pairs}


def _base(tags: Mapping[str, str], arm: Arm) -> dict[str, Any]:
    parts = tags.get("base_model", "").removeprefix("azureml://registries/").split("/")
    return registry.tags(RegistryAsset(parts[0], parts[2], parts[4]), arm) if len(parts) == 5 else {}


def _energy(subject: Stack, arm: Arm, job: str, status: Status | None) -> float | None:
    """What Azure Monitor has of the job's GPUs, in joules."""
    found = next((each for each in status.jobs if each.name == job), None) if status else None
    if found is None or found.started is None or found.ended is None:
        return None
    return energy.joules(arm, subject.target.path, job, (found.started, found.ended))
