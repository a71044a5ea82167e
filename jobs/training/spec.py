"""What the stage `finetune` works on."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any

from cloud.target import RegistryAsset, Target
from jobs.spec import RecipeValue, Spec, digest, whole


def model_version(fingerprint: str) -> str:
    """From 1 to 2**31 - 1, decimal: the version of a model has to be a positive integer, and a preview has to know it.

    Two fingerprints may have the same one, which the tag `fingerprint` of the version tells.
    """
    return str(int(fingerprint, 16) % (2**31 - 1) + 1)


@dataclass(frozen=True)
class FinetuneSpec(Spec):
    """One fine-tuning: data, base model, component, recipe and where it runs.

    ``supersede`` says what happens to a job of an earlier recipe that still runs: cancel or keep; ``stack`` is written
    on every job and tells this stack's jobs from others'. ``finetune_config`` is the JSON that the component is to put
    before the base model's own finetune_config.json, or "".
    """

    target: Target
    dataset_name: str
    dataset_fingerprint: str
    base_model: RegistryAsset
    component: RegistryAsset
    recipe: dict[str, RecipeValue]
    cluster: str
    gpus_per_node: int
    experiment: str
    model_name: str
    max_attempts: int
    wait: bool
    cancel_on_interrupt: bool = False
    supersede: str = "cancel"
    stack: str = ""
    finetune_config: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "recipe", {key: whole(value) for key, value in self.recipe.items()})

    @functools.cached_property
    def fingerprint(self) -> str:  # type: ignore[override]
        """Over what decides the result, and over where it runs: a new cluster means new attempts.

        Not over experiment, attempts, waiting and the like: they change how a result is obtained or found.
        """
        content = dataclasses.asdict(self)
        for how in ("experiment", "max_attempts", "wait", "cancel_on_interrupt", "supersede", "stack"):
            del content[how]
        if not self.finetune_config:
            del content["finetune_config"]
        return digest(content)

    def to_inputs(self) -> dict[str, Any]:
        """As every spec, but what is not set is not there: nothing changes for a stack of before there was the key."""
        inputs = super().to_inputs()
        if not self.finetune_config:
            del inputs["finetune_config"]
        return inputs

    def job_name(self, attempt: int) -> str:
        """Attempts count from 1."""
        return f"finetune-{self.fingerprint}-{attempt}"

    def is_job(self, name: str) -> bool:
        """Whether it is the name of an attempt."""
        return name.rpartition("-")[0] == self.job_name(1).rpartition("-")[0]

    @property
    def model_version(self) -> str:
        """The number under which the model is registered."""
        return model_version(self.fingerprint)
