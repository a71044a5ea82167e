"""A comparison as files: Markdown, one self-contained page, JSON, and the pictures that the Markdown shows."""

from __future__ import annotations

import json
from pathlib import Path

from jobs.comparison.recipes import Comparison, Row, finite
from jobs.comparison.table import HEAD, cells, markdown
from jobs.evaluation import charts, files

_HERE = Path(__file__).parent
_TITLES = {"held-out-loss": "Loss on the held-out data", "training-loss": "Loss while training"}
_MOST = 12
"""Curves in one picture."""
_COLOURS = ("#2f7ed8", "#c47f17", "#3a8f5c", "#a6477b", "#6b5bb5", "#b5473a", "#4a9aa8", "#8a94a3")


def write(found: Comparison, folder: Path) -> list[Path]:
    """Into `folder`, which is made; what was there of an earlier comparison is replaced. Raises OSError."""
    pictured = pictures(found)
    texts = {
        "recipes.md": markdown(found, {name: _titles(found)[name] for name in pictured}),
        "recipes.html": page(found, pictured),
        "recipes.json": json.dumps(found.to_json(), indent=2, ensure_ascii=False) + "\n",
    }
    return files.put(folder, texts, pictured, _TITLES)


def pictures(found: Comparison) -> dict[str, str]:
    """Name → SVG, a curve for each recipe that has logged one; of very many for the best, and the released one."""
    rows = drawn(found)
    curves = {
        "held-out-loss": [(row.recipe, row.losses.held_out) for row in rows if row.losses.held_out],
        "training-loss": [(row.recipe, row.losses.training) for row in rows if row.losses.training],
    }
    return {name: charts.curves(name, some, _COLOURS) for name, some in curves.items() if some}


def drawn(found: Comparison) -> list[Row]:
    """In the order of the table; as many curves as the eye keeps apart."""

    def rank(row: Row) -> tuple[bool, bool, float]:
        last = finite(row.losses.last)
        return not row.released, last is None, last or 0.0

    best = sorted(found.rows, key=rank)[:_MOST]
    return [row for row in found.rows if row in best]


def _titles(found: Comparison) -> dict[str, str]:
    if len(found.rows) <= _MOST:
        return _TITLES
    among = ", the released one among them" if any(row.released for row in found.rows) else ""
    some = f" (of the {_MOST} with the lowest on the held-out data{among})"
    return {name: f"{title}{some}" for name, title in _TITLES.items()}


def page(found: Comparison, pictured: dict[str, str]) -> str:
    """Loads nothing from anywhere; what comes from settings or Azure is escaped."""
    return files.rendered(
        _HERE,
        found=found,
        head=HEAD,
        rows=[(row.released, cells(row)) for row in found.rows],
        pictures=[(_titles(found)[name], text) for name, text in pictured.items()],
        made=f"{found.at:%Y-%m-%d %H:%M} UTC",
    )
