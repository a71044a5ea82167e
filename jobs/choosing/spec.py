"""What the choice among several recipes works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from cloud.target import Target

SMALLER_IS_BETTER = ("loss", "perplexity", "error", "runtime")
"""How the names of metrics end of which less is better; of all others more is."""


@dataclass(frozen=True, kw_only=True)
class ChoiceSpec:
    """Which of the models is the best by a metric that their jobs have logged.

    ``candidates`` are the fingerprints of what makes them, by the names of their recipes; ``lengths`` says how long the
    conversations are that each is measured with, where they differ.
    """

    target: Target
    model_name: str
    metric: str
    candidates: dict[str, str]
    lengths: dict[str, int]

    def to_inputs(self) -> dict[str, Any]:
        """As the state has it."""
        return {
            "subscriptionId": self.target.subscription_id,
            "resourceGroup": self.target.resource_group,
            "workspace": self.target.workspace,
            "modelName": self.model_name,
            "metric": self.metric,
            "candidates": dict(self.candidates),
            "lengths": dict(self.lengths),
        }

    @classmethod
    def from_inputs(cls, inputs: dict[str, Any]) -> Self:
        """What ``to_inputs`` came from."""
        return cls(
            target=Target(inputs["subscriptionId"], inputs["resourceGroup"], inputs["workspace"]),
            model_name=inputs["modelName"],
            metric=inputs["metric"],
            candidates=dict(inputs["candidates"]),
            lengths={name: int(length) for name, length in (inputs.get("lengths") or {}).items()},
        )

    @property
    def smaller_is_better(self) -> bool:
        return self.metric.endswith(SMALLER_IS_BETTER)
