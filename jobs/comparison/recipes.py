"""What there is to compare: a row for each recipe, and what a reader has to know of all of them."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from jobs.evaluation.result import Losses

ONLY = "the only recipe"
"""What a recipe without a name is called."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One recipe. `job` is the one that made its model, or the newest; `hours` and `cost` are those of all its jobs.

    `logged` are the job's metrics, `cost` in US dollars, None where a price is unknown; `memory` is the estimate for
    one GPU in GB, None where nothing is known of the model.
    """

    recipe: str
    own: str = ""
    """What it has other than the recipe that all share."""
    model: str
    state: str
    released: bool
    job: str = ""
    losses: Losses = field(default_factory=Losses)
    logged: dict[str, float] = field(default_factory=dict)
    hours: float = 0.0
    cost: float | None = 0.0
    memory: float | None = None

    @property
    def golden(self) -> tuple[float, float, float] | None:
        """The score on the golden questions with its interval, where the model was evaluated."""
        keys = ("golden_score", "golden_score_low", "golden_score_high")
        found = [self.logged[key] for key in keys if key in self.logged]
        return (found[0], found[1], found[2]) if len(found) == len(keys) else None

    def to_json(self) -> dict[str, Any]:
        best, golden = self.losses.best, self.golden
        return {
            "recipe": self.recipe,
            "own": self.own,
            "model": self.model,
            "state": self.state,
            "released": self.released,
            "job": self.job,
            "training_loss": [asdict(point) for point in self.losses.training],
            "held_out_losses": [asdict(point) for point in self.losses.held_out],
            "held_out_loss": finite(self.losses.last),
            "best_held_out_loss": {"step": best.step, "value": best.value} if best else None,
            "golden": dict(zip(("score", "low", "high"), golden, strict=True)) if golden else None,
            "hours": round(self.hours, 4),
            "cost": None if self.cost is None else round(self.cost, 4),
            "gpu_memory_gb": None if self.memory is None else round(self.memory, 1),
        }


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """`remarks` are what a reader has to know, `not_read` of what Azure had no answer."""

    stack: str
    at: datetime
    rows: tuple[Row, ...]
    remarks: tuple[str, ...] = ()
    not_read: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "stack": self.stack,
            "at": self.at.isoformat(),
            "recipes": [row.to_json() for row in self.rows],
            "remarks": list(self.remarks),
            "not_read": list(self.not_read),
        }


def finite(value: float | None) -> float | None:
    """JSON has no word for what is no number."""
    return value if value is not None and math.isfinite(value) else None
