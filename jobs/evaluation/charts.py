"""The pictures of an evaluation as SVG that follows the page's colours, without scripts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cloud.services.mlflow import Point
from jobs.evaluation.result import BASE, SERVING, TUNED, Evaluation

COLOURS = {BASE: "#8a94a3", TUNED: "#2f7ed8", SERVING: "#c47f17"}
_TRAINING, _HELD_OUT = "#8a94a3", "#2f7ed8"
_MOST_POINTS = 300  # of a curve: more is not seen, and makes the page large
_DOTS = 40  # points of a curve that are drawn as such
_NARROW = 12  # questions whose bars fit into a third of a page
_MANY, _COLUMNS = 6, 5  # curves that take the width of the page, and how many of their names stand side by side
_LABELS = 12, 6  # numbers of questions, steps that are written below an axis


def charts(found: Evaluation) -> dict[str, str]:
    """Name → SVG, for what there is to show: loss, score, latency."""
    pictures: dict[str, str] = {}
    if found.losses.training or found.losses.held_out:
        pictures["loss"] = _losses(found)
    if found.candidates:
        colours = tuple(COLOURS[each.role] for each in found.candidates)
        scores = _bars("score", "score", colours, found)
        for each in found.candidates:
            scores.add(each.role, [round(result.score, 3) for result in each.scores.results])
        pictures["score"] = _svg(scores)
        latency = _bars("latency", "seconds", colours, found)
        for each in found.candidates:
            latency.add(
                each.role,
                [None if result.seconds is None else round(result.seconds, 3) for result in each.scores.results],
            )
        pictures["latency"] = _svg(latency)
    return pictures


def _losses(found: Evaluation) -> str:
    both = [("training", found.losses.training), ("held out", found.losses.held_out)]
    return curves("loss", both, (_TRAINING, _HELD_OUT), wide=len(found.rows) > _NARROW)


def curves(
    name: str, some: Sequence[tuple[str, Sequence[Point]]], colours: tuple[str, ...], *, wide: bool = False
) -> str:
    """Losses by step, a curve each; there has to be a point."""
    import pygal

    many = len(some) > _MANY
    options = _options(name, colours, wide=wide or many)
    chart = pygal.XY(
        **(options | {"legend_at_bottom_columns": _COLUMNS} if many else options),
        x_title="step",
        y_title="loss, nats a token",
        show_x_guides=False,
        show_dots=max(len(points) for _, points in some) <= _DOTS,
        dots_size=2,
        x_labels=_steps([point.step for _, points in some for point in points]),
    )
    for label, points in some:
        every = -(-len(points) // _MOST_POINTS) or 1
        shown = [point for point in points[::every] if math.isfinite(point.value)]
        chart.add(label, [(point.step, round(point.value, 4)) for point in shown])
    return _svg(chart)


def _bars(name: str, unit: str, colours: tuple[str, ...], found: Evaluation) -> Any:
    import pygal

    options = _options(name, colours, wide=len(found.rows) > _NARROW)
    chart = pygal.Bar(**options, x_title="question", y_title=unit, range=(0, 1) if unit == "score" else None)
    count = len(found.rows)
    every = -(-count // _LABELS[0]) if count > _NARROW else 1
    if unit == "score":
        chart.y_labels = (0, 0.25, 0.5, 0.75, 1)
    chart.x_labels = [str(number) if (number - 1) % every == 0 else "" for number in range(1, count + 1)]
    return chart


def _steps(every: Sequence[int]) -> list[int]:
    """Round numbers of steps for the axis."""
    last = max(every)
    rough = max(1, last / _LABELS[1])
    unit = 10 ** math.floor(math.log10(rough))
    width = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    return list(range(0, last + 1, width))


def _options(name: str, colours: tuple[str, ...], *, wide: bool = False) -> dict[str, Any]:
    from pygal.style import Style

    style = Style(
        background="transparent",
        plot_background="transparent",
        foreground="currentColor",
        foreground_strong="currentColor",
        foreground_subtle="currentColor",
        guide_stroke_color="#8a94a366",
        major_guide_stroke_color="#8a94a366",
        colors=colours,
        font_family="system-ui, sans-serif",
        label_font_size=13,
        major_label_font_size=13,
        legend_font_size=14,
        title_font_size=14,
        opacity=1,
        opacity_hover=1,
        stroke_width=2.5,
    )
    return {
        "style": style,
        "width": 1100 if wide else 440,
        "height": 300,
        "truncate_label": -1,
        "js": (),
        "classes": ("chart", f"chart-{name}", *(("wide-chart",) if wide else ())),
        "legend_at_bottom": True,
        "legend_at_bottom_columns": 3,
        "margin": 8,
        # pygal forgets the title of the x axis when it makes room for the legend.
        "margin_bottom": 40,
        "legend_box_size": 11,
        "print_values": False,
        "disable_xml_declaration": True,
    }


def _svg(chart: Any) -> str:
    """Without the scripts a page does not need, and with a name in its style instead of a random one."""
    from data_prep.card.text import svg

    name = chart.config.classes[1]
    text = svg(chart).decode()
    text = text[text.index("<svg") :] if "<svg" in text else text[text.index("<ns") :]
    return text.replace(chart.uuid, name)
