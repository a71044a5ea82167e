"""A card as files: Markdown, one self-contained page, JSON, and its curves."""

from __future__ import annotations

import json
from pathlib import Path

from jobs.card.card import ModelCard
from jobs.evaluation import charts, files

_HERE = Path(__file__).parent
_CURVES = "card-loss"
_COLOURS = ("#8a94a3", "#2f7ed8")


def write(card: ModelCard, folder: Path) -> list[Path]:
    """Into ``folder``, which is made. Raises OSError."""
    drawn = pictures(card)
    texts = {
        "card.md": markdown(card, list(drawn)),
        "card.html": page(card, drawn),
        "card.json": json.dumps(card.to_json(), indent=2, ensure_ascii=False) + "\n",
    }
    return files.put(folder, texts, drawn, (_CURVES,))


def pictures(card: ModelCard) -> dict[str, str]:
    """Name → SVG; nothing where no loss was logged."""
    both = [("training", card.losses.training), ("held out", card.losses.held_out)]
    some = [(name, points) for name, points in both if points]
    return {_CURVES: charts.curves(_CURVES, some, _COLOURS)} if some else {}


def markdown(card: ModelCard, drawn: list[str]) -> str:
    """For a terminal, a registry or a wiki."""
    lines = [f"# {card.model}, version {card.version}\n", f"{files.cell(card.summary)}.\n"]
    for section in card.sections:
        lines.append(f"## {section.title}\n")
        if section.rows:
            lines.append(files.table(["", ""], [[name, value] for name, value in section.rows]))
        lines += [f"{files.cell(note)}.\n" for note in section.notes]
        if section.title.startswith("Training"):
            lines += [f"![Loss]({name}.svg)\n" for name in drawn]
    if card.not_read:
        lines += ["## Not read\n", *(f"- {files.cell(told)}" for told in card.not_read), ""]
    lines.append(f"{card.at:%Y-%m-%d %H:%M} UTC")
    return "\n".join(lines) + "\n"


def page(card: ModelCard, drawn: dict[str, str]) -> str:
    """Loads nothing from anywhere; what comes from data, settings or Azure is escaped."""
    return files.rendered(
        _HERE, card=card, pictures=[("Loss", text) for text in drawn.values()], made=f"{card.at:%Y-%m-%d %H:%M} UTC"
    )
