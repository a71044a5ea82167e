"""A comparison as files: Markdown, one self-contained page, JSON, and the pictures that the Markdown shows."""

from __future__ import annotations

import json
from pathlib import Path

from jobs.comparison.recipes import Comparison
from jobs.comparison.table import HEAD, cells, markdown
from jobs.evaluation import charts, files

_HERE = Path(__file__).parent
_TITLES = {"held-out-loss": "Loss on the held-out data", "training-loss": "Loss while training"}
_COLOURS = ("#2f7ed8", "#c47f17", "#3a8f5c", "#a6477b", "#6b5bb5", "#b5473a", "#4a9aa8", "#8a94a3")


def write(found: Comparison, folder: Path) -> list[Path]:
    """Into `folder`, which is made; what was there of an earlier comparison is replaced. Raises OSError."""
    drawn = pictures(found)
    texts = {
        "recipes.md": markdown(found, list(drawn)),
        "recipes.html": page(found, drawn),
        "recipes.json": json.dumps(found.to_json(), indent=2, ensure_ascii=False) + "\n",
    }
    return files.put(folder, texts, drawn, _TITLES)


def pictures(found: Comparison) -> dict[str, str]:
    """Name → SVG, a curve for each recipe that has logged one."""
    curves = {
        "held-out-loss": [(row.recipe, row.losses.held_out) for row in found.rows if row.losses.held_out],
        "training-loss": [(row.recipe, row.losses.training) for row in found.rows if row.losses.training],
    }
    return {name: charts.curves(name, some, _COLOURS) for name, some in curves.items() if some}


def page(found: Comparison, drawn: dict[str, str]) -> str:
    """Loads nothing from anywhere; what comes from settings or Azure is escaped."""
    return files.rendered(
        _HERE,
        found=found,
        head=HEAD,
        rows=[(row.released, cells(row)) for row in found.rows],
        pictures=[(_TITLES[name], text) for name, text in drawn.items()],
        made=f"{found.at:%Y-%m-%d %H:%M} UTC",
    )
