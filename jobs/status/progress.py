"""How far a running fine-tune is, and how long it will still take: always an estimate, with what it is based on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from cloud.services.mlflow import Point


@dataclass(frozen=True)
class Progress:
    """`share` of the training from 0 to 1, None while unknown; `left` in seconds, None while unknown."""

    share: float | None
    left: float | None
    basis: str

    def to_json(self) -> dict[str, Any]:
        return {key: round(value, 3) if isinstance(value, float) else value for key, value in asdict(self).items()}

    def __str__(self) -> str:
        share = f"{self.share:.0%}".replace("%", " %") if self.share is not None else ""
        left = f"about {in_words(self.left)} left" if self.left is not None else "time left unknown"
        return ", ".join(part for part in (share, f"{left} ({self.basis})") if part)


def by_metrics(epochs: Sequence[Point], inputs: Mapping[str, str], now: datetime) -> Progress | None:
    """From the `epoch` that the component logs with every loss; None before the second one.

    `inputs` are the component's, of which `num_train_epochs` and `max_steps` say where the end is.
    """
    if len(epochs) < 2:
        return None
    last = epochs[-1]
    if last.value <= 0:  # of a long epoch, rounded
        return None
    steps = _number(inputs.get("max_steps"))
    share = last.step / steps if steps > 0 else last.value / (_number(inputs.get("num_train_epochs")) or 1)
    share = min(share, 1.0)
    done, seconds = share * (1 - epochs[0].value / last.value), last.at - epochs[0].at
    if done <= 0 or seconds <= 0:
        return None
    since = max(0.0, now.timestamp() - last.at)
    left = max(0.0, seconds * (1 - share) / done - since)
    return Progress(share, left, "estimated from the steps so far; saving comes on top")


def by_earlier(started: datetime | None, earlier: tuple[str, timedelta] | None, now: datetime) -> Progress:
    """From how long an earlier job took, where there was one."""
    if earlier is None:
        return Progress(None, None, "no earlier job to compare with")
    name, took = earlier
    ran = (now - started).total_seconds() if started else 0.0
    return Progress(None, max(0.0, took.total_seconds() - ran), f"estimated from {name}")


def in_words(seconds: float) -> str:
    """`40 s`, `12 min`, `2 h 5 min`."""
    if seconds < 90:
        return f"{max(round(seconds), 0)} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def _number(text: str | None) -> float:
    """0 for what is none."""
    try:
        return float(text or 0)
    except ValueError:
        return 0
