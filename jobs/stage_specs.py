"""The specs of all stages of a stack, beside each other."""

from __future__ import annotations

from dataclasses import dataclass, field

from jobs.choosing.spec import ChoiceSpec
from jobs.dataset.spec import DatasetSpec
from jobs.promotion.spec import PromotionSpec, ShareSpec
from jobs.release.spec import ReleaseSpec
from jobs.training.spec import FinetuneSpec


@dataclass(frozen=True, kw_only=True)
class StageSpecs:
    """What the stages that follow on each other work on.

    With ``choice``, which of ``releases`` it will be is known when all are trained; without it there is one. ``shares``
    are what goes to a registry after each of them. With a ``promotion`` there are no data and no fine-tune.
    """

    dataset: DatasetSpec | None
    finetunes: tuple[FinetuneSpec, ...]
    releases: dict[str, ReleaseSpec]
    choice: ChoiceSpec | None = None
    shares: dict[str, ShareSpec] = field(default_factory=dict)
    promotion: PromotionSpec | None = None

    @property
    def finetune(self) -> FinetuneSpec:
        """The one whose model is released, by its name or as the only one; else the first."""
        return self.of(None)

    def of(self, recipe: str | None) -> FinetuneSpec:
        """The one of that name, or as `finetune` where it is not known."""
        some = [each for each in self.finetunes if each.recipe_name in self.releases]
        return next((each for each in some if each.recipe_name == recipe), some[0])

    @property
    def release(self) -> ReleaseSpec:
        """The one there is, or would be for the first recipe."""
        return self.releases[self.finetune.recipe_name if self.finetunes else ""]

    @property
    def directory(self) -> str:
        """Where the data are on this machine; "" where nothing is learnt from any."""
        return self.dataset.directory if self.dataset else ""
