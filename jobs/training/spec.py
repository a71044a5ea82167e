"""What the stage `finetune` works on."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import ClassVar

from cloud.target import RegistryAsset, Target
from jobs.spec import RecipeValue, Spec, digest, whole
from settings.sections.finetune import FinetuneSettings


def model_version(fingerprint: str) -> str:
    """From 1 to 2**31 - 1, decimal: the version of a model has to be a positive integer, and a preview has to know it.

    Two fingerprints may have the same one, which the tag `fingerprint` of the version tells.
    """
    return str(int(fingerprint, 16) % (2**31 - 1) + 1)


_DECIDE = (
    *("target", "dataset_name", "dataset_fingerprint", "base_model", "component", "recipe"),
    *("cluster", "gpus_per_node", "model_name"),
)
"""What decides the result, and where it runs: a new cluster means new attempts."""


@dataclass(frozen=True, kw_only=True)
class FinetuneSpec(Spec):
    """One fine-tuning: data, base model, component, recipe and where it runs.

    ``stack`` is written on every job and tells this stack's jobs from others'. ``finetune_config`` is the JSON that the
    component is to put before the base model's own finetune_config.json, or "". ``hourly_price`` is what a node costs
    where the stack says so and has a limit in dollars. ``recipe_name`` tells several recipes of a stack apart, and
    ``beside`` are the fingerprints of the others. With ``validation``, the data have a file for that.
    """

    CHANGES: ClassVar = "training"

    BESIDE: ClassVar = "finetune"
    ALWAYS: ClassVar = frozenset(
        {
            *("experiment", "model_name", "max_attempts", "wait", "cancel_on_interrupt", "supersede"),
            *(f"component.{key}" for key in ("registry", "name", "version")),
        }
    )

    WHERE_SET: ClassVar = frozenset({"finetune_config", "hourly_price", "recipe_name", "validation"})
    BETWEEN: ClassVar = frozenset({"beside"})

    target: Target
    dataset_name: str
    dataset_fingerprint: str
    base_model: RegistryAsset
    recipe: dict[str, RecipeValue]
    cluster: str
    gpus_per_node: int
    finetune: FinetuneSettings
    stack: str = ""
    finetune_config: str = ""
    hourly_price: float = 0
    recipe_name: str = ""
    beside: tuple[str, ...] = ()
    validation: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "recipe", {key: whole(value) for key, value in self.recipe.items()})

    @functools.cached_property
    def fingerprint(self) -> str:  # type: ignore[override]
        """Not over experiment, attempts, waiting and the like: they change how a result is obtained or found."""
        content = self.recorded()
        return digest({key: content[key] for key in (*_DECIDE, "finetune_config") if key in content})

    @property
    def stage(self) -> str:
        """Its name in the program: with several recipes each has a stage of its own."""
        return f"finetune-{self.recipe_name}" if self.recipe_name else "finetune"

    @property
    def held_out(self) -> str:
        """Of the data assets, the one that the fine-tune validates by."""
        return "validation" if self.validation else "test"

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
