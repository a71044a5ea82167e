"""A measurement: a value for each run, and the limit that is promised. Statistics are pyperf's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyperf

RUNS = 5
"""So many at least."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A quantity, run by run.

    Attributes:
        unit: ``s``, ``ms``, ``/s``, ``MB``, ``x`` for a ratio, or what is counted.
        most: the limit it keeps below.
        least: the limit it keeps above.
    """

    name: str
    values: tuple[float, ...]
    unit: str
    most: float | None = None
    least: float | None = None
    note: str = ""

    @property
    def held(self) -> bool | None:
        """Whether the median keeps to the limit; None without one."""
        if self.most is not None:
            return self.median <= self.most
        return self.median >= self.least if self.least is not None else None

    @property
    def share(self) -> float | None:
        """Of the limit, so that 1 is the limit itself and less is better; None where the limit is nothing at all."""
        if self.most is not None:
            return self.median / self.most if self.most else None
        return self.least / self.median if self.least is not None else None

    @property
    def median(self) -> float:
        return float(self._benchmark().median()) if any(self.values) else 0.0

    @property
    def spread(self) -> float:
        """The median distance from the median."""
        return float(self._benchmark().median_abs_dev()) if len(self.values) > 1 and any(self.values) else 0.0

    def _benchmark(self) -> pyperf.Benchmark:
        return pyperf.Benchmark(
            [
                pyperf.Run([max(value, 1e-9)], metadata={"name": self.name}, collect_metadata=False)
                for value in self.values
            ]
        )


@dataclass(frozen=True, kw_only=True)
class Section:
    """What a part has found.

    Attributes:
        text: Markdown below the table: what was done, what is counted, pictures.
        bars: of a picture, label → value; drawn beside the table where there are any.
    """

    title: str
    figures: tuple[Figure, ...]
    text: str = ""
    bars: dict[str, float] | None = None
    bars_title: str = ""

    def plain(self) -> dict[str, Any]:
        figures = [each.__dict__ for each in self.figures]
        return {**self.__dict__, "figures": figures}

    @classmethod
    def read(cls, plain: dict[str, Any]) -> Section:
        figures = [Figure(**{**each, "values": tuple(each["values"])}) for each in plain["figures"]]
        return cls(**{**plain, "figures": tuple(figures)})


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share (0 to 1) lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


def machine() -> dict[str, str]:
    """What it was measured on, as pyperf tells it, and how busy that was."""
    run = pyperf.Run([1.0], collect_metadata=True)
    told = run.get_metadata()
    wanted = ("cpu_model_name", "cpu_count", "platform", "python_version", "load_avg_1min", "date")
    memory = next(line.split()[1] for line in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in line)
    return {**{name: str(told[name]) for name in wanted if name in told}, "memory": f"{int(memory) // 1_048_576} GB"}
