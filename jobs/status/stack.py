"""A stack as its settings describe it: where it is on Azure and what its stages should have made.

Nothing of Pulumi is asked, so it also holds before the first `pulumi up` has ended, and while one is running.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from cloud.target import Target
from settings.sections.evaluation import EvaluationSettings

if TYPE_CHECKING:
    from jobs.stage_specs import StageSpecs


@dataclass(frozen=True, kw_only=True)
class Stack:
    """`stages` are None while the data, which name their results, are not prepared on this machine.

    `hourly_price` is what an hour of a `cluster_size` machine costs by the settings, in US dollars, and
    `carbon_intensity` the grams of CO2 that a kilowatt-hour of the grid stands for; 0 for unknown.
    """

    name: str
    target: Target
    location: str
    endpoint: str
    model_name: str
    cluster_size: str
    data_cluster_size: str
    hourly_price: float
    carbon_intensity: float = 0
    request_timeout_seconds: int
    system_prompt: str
    evaluation: EvaluationSettings
    hours: str = ""
    stages: StageSpecs | None

    @classmethod
    def of(cls, name: str) -> Self:
        """The stack of that name, by its settings file. Raises SettingsError, CredentialError, and StageError
        where it takes another stack's model and there is none.
        """
        from cloud.place import described
        from data_prep import DataError
        from jobs import specs
        from jobs.promotion.found import proved

        settings, place = described(name)
        try:
            stages = specs.specs(settings, place, specs.dataset_version(settings), proved(settings, place))
        except DataError:
            stages = None
        return cls(
            name=place.stack,
            target=place.workspace,
            location=settings.location,
            endpoint=place.names.endpoint,
            model_name=settings.finetune.model_name,
            cluster_size=settings.compute.vm_size,
            data_cluster_size=settings.data.cluster.vm_size,
            hourly_price=settings.compute.hourly_price,
            carbon_intensity=settings.compute.carbon_intensity,
            request_timeout_seconds=settings.serving.request_timeout_seconds,
            system_prompt=settings.flow.system_prompt,
            evaluation=settings.evaluation,
            hours=settings.serving.hours,
            stages=stages,
        )

    @property
    def endpoint_path(self) -> str:
        """The endpoint's id in Azure Resource Manager."""
        return f"{self.target.path}/onlineEndpoints/{self.endpoint}"
