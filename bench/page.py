"""docs/benchmarks.md: a table a part, ratios to the limits first."""

from __future__ import annotations

from pathlib import Path

import pygal
from pygal.style import CleanStyle

from bench.figures import Figure, Section
from data_prep.card.text import svg

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "benchmarks.md"
HEAD = """\
# Benchmarks

`make bench` measures what people wait for here, on a throw-away emulator, and writes this page: about {minutes:.0f}
minutes, and it takes moto and Azurite for comparison. `make bench OPTIONS="emulator preview"` measures these parts anew
and keeps the others' last figures. Each figure is a median of the runs counted beside it, with the median distance from
it; a limit is what is promised on two quiet cores.

| machine | |
|---|---|
"""


def write(sections: dict[str, tuple[Section, dict[str, str]]], minutes: float) -> None:
    """The page of all parts measured so far, in order, each with what it was measured on."""
    _, newest = max(sections.values(), key=lambda each: each[1].get("date", ""))
    text = HEAD.format(minutes=minutes) + "".join(f"| {name} | {value} |\n" for name, value in newest.items())
    shares = {f"{each.name}": each.share for part, _ in sections.values() for each in part.figures if each.share}
    _bars({name: share for name, share in shares.items() if share}, "measured ÷ promised", DOCS / "bench-limits.svg")
    text += "\n![What was measured, as a share of what is promised: 1 is the limit](bench-limits.svg)\n"
    for name, (section, on) in sections.items():
        text += f"\n## {section.title}\n\n{_table(section.figures)}"
        if (load := float(on.get("load_avg_1min", 0))) > BUSY:
            busy = f"{load:.1f} processes wanted its {on['cpu_count']} cores"
            text += f"\nThe machine was busy with other work: {busy}.\n"
        if section.text:
            text += f"\n{section.text.strip()}\n"
        if section.bars:
            _bars(section.bars, section.bars_title, DOCS / f"bench-{name}.svg")
            text += f"\n![{section.bars_title}](bench-{name}.svg)\n"
    PAGE.write_text(text, encoding="utf-8")


BUSY = 2.5
"""Processes that want to run; a bench of its own has hardly more than two."""


def _table(figures: tuple[Figure, ...]) -> str:
    lines = ["| | ÷ limit | measured | limit | runs |", "|---|---:|---:|---:|---:|"]
    for each in figures:
        limit = _limit(each)
        share = "" if each.share is None else f"{each.share:.2f}"
        share = f"**{share or 'above'}**" if each.held is False else share
        note = f" ({each.note})" if each.note else ""
        value = f"{_number(each.median)} ± {_number(each.spread)} {each.unit}"
        lines.append(f"| {each.name}{note} | {share} | {value} | {limit} | {len(each.values)} |")
    return "\n".join(lines) + "\n"


def _limit(figure: Figure) -> str:
    if figure.most is not None:
        return f"≤ {_number(figure.most)} {figure.unit}"
    return f"≥ {_number(figure.least)} {figure.unit}" if figure.least is not None else ""


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def _bars(values: dict[str, float], title: str, path: Path) -> None:
    chart = pygal.HorizontalBar(
        width=760, height=80 + 28 * len(values), js=(), no_prefix=True, style=CleanStyle, show_legend=False, title=title
    )
    chart.x_labels = list(values)
    chart.add("", [round(value, 3) for value in values.values()])
    path.write_bytes(svg(chart))
