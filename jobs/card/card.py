"""The card of one version of the model: what is known of it, in sections of rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from jobs.evaluation.result import Losses

UNTOLD = "not told"


@dataclass(frozen=True)
class Section:
    """`rows` are names and values, `notes` what a reader has to know beside them."""

    title: str
    rows: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """`summary` is a sentence for a list of models; `losses` are its curves."""

    model: str
    version: str
    at: datetime
    summary: str
    sections: tuple[Section, ...]
    losses: Losses
    not_read: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "version": self.version,
            "at": self.at.isoformat(timespec="seconds"),
            "summary": self.summary,
            "sections": {each.title: {"rows": dict(each.rows), "notes": list(each.notes)} for each in self.sections},
            "training_loss": [asdict(point) for point in self.losses.training],
            "held_out_loss": [asdict(point) for point in self.losses.held_out],
            "not_read": list(self.not_read),
        }
