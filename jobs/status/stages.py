"""How far each stage of a stack is, by what there is on Azure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from cloud.states import COMPLETED
from jobs.choosing import choose
from jobs.paused import Pause
from jobs.status.status import DONE, PAUSED, TO_DO, Deployment, Job, Stage, serving_it
from jobs.training.spec import FinetuneSpec

if TYPE_CHECKING:
    from jobs.promotion.spec import PromotionSpec
    from jobs.release.spec import ReleaseSpec
    from jobs.stage_specs import StageSpecs

_ALL = ("dataset", "finetune", "release")
NOT_PREPARED = tuple(Stage(name, "unknown", "the data are not prepared here: make data") for name in _ALL)
"""Of a stack whose data, which name the results, are not on this machine."""


def of_stack(
    specs: StageSpecs,
    best: str | None,
    dataset_there: bool,
    registered: Mapping[str, str],
    jobs: Sequence[Job],
    deployments: Sequence[Deployment],
    pause: Pause | None,
) -> tuple[Stage, ...]:
    """`registered` are versions of models by the fingerprints of what made them; `best` the recipe that is released,
    None while nobody knows."""
    if specs.promotion is not None:
        return _taken(specs.promotion, specs.release, deployments, pause)
    data = specs.dataset
    assert data is not None  # without a promotion
    found = [Stage("dataset", DONE if dataset_there else TO_DO, f"{data.train_asset}:{data.fingerprint}")]
    found += [_trained(each, registered.get(each.fingerprint, ""), jobs) for each in specs.finetunes]
    if best is None:
        return (*found, Stage("release", TO_DO, "of the best, once all recipes are trained"))
    release = specs.releases[best]
    deployed = serving_it(
        deployments, release, f"{release.model_name}:{registered.get(specs.of(best).fingerprint, '')}"
    )
    return (*found, _released(deployed.name if deployed else release.deployment_name, deployed, pause))


def _taken(
    taken: PromotionSpec, release: ReleaseSpec, deployments: Sequence[Deployment], pause: Pause | None
) -> tuple[Stage, ...]:
    """Of a stack that takes another one's model."""
    model = f"{taken.model_name}:{taken.model_version}"
    deployed = serving_it(deployments, release, model)
    released = _released(deployed.name if deployed else release.deployment_name, deployed, pause)
    return Stage("promotion", DONE, f"{model}, which {taken.stack} has proved"), released


def best(specs: StageSpecs, jobs: Sequence[Job], metrics: Callable[[str], Mapping[str, float]]) -> str | None:
    """The recipe that is released; None while nobody knows, as not all are trained that are compared.

    ``metrics`` gives what a job has logged.
    """
    if specs.choice is None:
        return specs.finetune.recipe_name if specs.finetunes else ""
    values = {}
    for each in specs.finetunes:
        job = next((job for job in jobs if job.fingerprint == each.fingerprint and job.status == COMPLETED), None)
        value = metrics(job.name).get(specs.choice.metric) if job else None
        if value is None:
            return None
        values[each.recipe_name] = value
    return choose.of(specs.choice, values)


def _trained(spec: FinetuneSpec, registered: str, jobs: Sequence[Job]) -> Stage:
    attempt = next((job for job in jobs if job.fingerprint == spec.fingerprint), None)
    model = spec.finetune.model_name
    if registered:
        return Stage(spec.stage, DONE, f"{model}:{registered}")
    if attempt is None:
        return Stage(spec.stage, TO_DO, f"{model}:{spec.model_version}")
    if attempt.status == COMPLETED:
        return Stage(spec.stage, "registering", attempt.name)
    return Stage(spec.stage, attempt.status.lower(), attempt.name)


def _released(name: str, found: Deployment | None, pause: Pause | None) -> Stage:
    if pause and not (found and found.traffic):
        return Stage("release", PAUSED, f"since {pause.at:%Y-%m-%d %H:%M} UTC")
    if found is None:
        return Stage("release", TO_DO, name)
    if found.state == "Succeeded":
        return Stage("release", DONE if found.traffic == 100 else "under way", f"{found.traffic} % on {name}")
    return Stage("release", found.state.lower(), name)
