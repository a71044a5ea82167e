"""Which of several recipes is the best: by what their jobs have logged, and by nothing that was asked since."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from cloud.arm import Arm
from cloud.errors import StageError, azure_errors
from cloud.report import WARNING
from cloud.services.mlflow import RunHistory
from jobs.choosing.spec import ChoiceSpec
from jobs.training import registering


@dataclass(frozen=True)
class Chosen:
    """The best one, and what each was measured at."""

    name: str
    values: dict[str, float]

    def lines(self, spec: ChoiceSpec) -> list[str]:
        """What a reader is told."""
        order = sorted(self.values, key=lambda name: _rank(spec, name, self.values[name]))
        told = ", ".join(f"{name} {self.values[name]:.4g}" for name in order)
        found = [f"the best recipe by {spec.metric} is {self.name} ({told})"]
        if spec.lengths:
            lengths = ", ".join(f"{name} {length}" for name, length in sorted(spec.lengths.items()))
            found.append(
                f"{WARNING}they were measured with conversations cut at different lengths (max_seq_length: {lengths}), "
                f"so their {spec.metric} is of other tokens"
            )
        return found


def best(spec: ChoiceSpec) -> Chosen:
    """By the last value that each job has logged, as the model has the weights of the end.

    Raises StageError where a model or its value is not there.
    """
    arm = Arm()
    runs = RunHistory(spec.target, arm)
    values = {}
    with azure_errors("the best recipe could not be told", f"workspace {spec.target.workspace}"):
        for name, fingerprint in sorted(spec.candidates.items()):
            job = _job(arm, spec, name, fingerprint)
            value = runs.metrics(job).get(spec.metric)
            if value is None:
                raise StageError(
                    "the best recipe cannot be told",
                    on=f"recipe {name}",
                    why=f"its job {job} has logged no {spec.metric} (evaluation.bestBy)",
                    todo="Release one by its name (released), or choose a metric that all of them log: `python -m jobs "
                    "compare` shows what there is.",
                )
            values[name] = value
    if all(math.isnan(value) for value in values.values()):
        raise StageError(
            "the best recipe cannot be told",
            on=f"recipes {', '.join(values)}",
            why=f"{spec.metric} of every job is no number: their losses diverged",
            todo="Lower recipe.learning_rate or raise recipe.warmup_steps.",
        )
    return Chosen(of(spec, values), values)


def of(spec: ChoiceSpec, values: Mapping[str, float]) -> str:
    """The best of the values; of equals the first by name. A value that is no number is worse than any."""
    return min(values, key=lambda name: _rank(spec, name, values[name]))


def _rank(spec: ChoiceSpec, name: str, value: float) -> tuple[bool, float, str]:
    unknown = math.isnan(value)
    return unknown, 0.0 if unknown else value if spec.smaller_is_better else -value, name


def _job(arm: Arm, spec: ChoiceSpec, name: str, fingerprint: str) -> str:
    """The one that made the recipe's model."""
    found = registering.by_rest(arm, spec.target, spec.model_name, fingerprint)
    properties = (found or {}).get("properties") or {}
    job = str((properties.get("tags") or {}).get("job") or properties.get("jobName") or "")
    if not job:
        raise StageError(
            "the best recipe cannot be told",
            on=f"recipe {name}",
            why=f"its model is no longer registered as a version of {spec.model_name} that says which job made it",
            todo=f"`pulumi up --replace '**::finetune-{name}'` registers it again, without a new job.",
        )
    return job
