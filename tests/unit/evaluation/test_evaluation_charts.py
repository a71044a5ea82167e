"""What an evaluation's pictures hold: the numbers, rounded, and as many labels as there is room for."""

from __future__ import annotations

import dataclasses
import re

import pytest
from evaluation_made import WHOLE
from evaluation_made import made as _made

from cloud.services.mlflow import Point
from jobs.evaluation import charts
from jobs.evaluation.charts import _options
from jobs.evaluation.result import Evaluation, Losses
from jobs.golden.golden import Result, Sample, Scores


def values(svg: str) -> list[str]:
    """What is shown beside a pointer: each bar's or point's value."""
    return re.findall(r'<desc class="value">([^<]*)</desc>', svg)


def of_length(count: int) -> Evaluation:
    """With so many questions, each a third right after 1.23456 s."""
    made = _made("yes")
    first = made.candidates[0]
    result = Result("Who?", "me", (Sample(answer="I", score=1 / 3, exact=False, seconds=1.23456),))
    scores = Scores(first.scores.deployment, (result,) * count)
    return dataclasses.replace(made, candidates=(dataclasses.replace(first, scores=scores),))


@pytest.mark.parametrize(("count", "width"), [(1, 440), (12, 440), (13, 1100)])
def test_many_questions_have_the_width_of_the_page(count: int, width: int) -> None:
    pictures = charts.charts(of_length(count))
    for name in ("score", "latency"):
        assert f'viewBox="0 0 {width} 300"' in pictures[name]
        assert ("wide-chart" in pictures[name]) is (width == 1100)


def test_values_have_three_digits() -> None:
    pictures = charts.charts(of_length(2))
    assert values(pictures["score"]) == ["0.333", "0.333"]
    assert values(pictures["latency"]) == ["1.235", "1.235"]


@pytest.mark.parametrize(
    ("count", "shown"), [(3, ["1", "2", "3"]), (24, [str(each) for each in range(1, 25, 2)]), (25, ["1", "4", "7"])]
)
def test_not_every_question_has_its_number_where_there_are_many(count: int, shown: list[str]) -> None:
    labels = [each for each in charts._bars("score", "score", ("#000000",), of_length(count)).x_labels if each]
    assert labels[: len(shown)] == shown
    assert len(labels) <= 12


@pytest.mark.parametrize(
    ("last", "steps"),
    [
        (5, [0, 1, 2, 3, 4, 5]),
        (12, [0, 2, 4, 6, 8, 10, 12]),
        (200, [0, 50, 100, 150, 200]),
        (590, [0, 100, 200, 300, 400, 500]),
        (6_000, [0, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000]),
    ],
)
def test_steps_on_the_axis_are_round(last: int, steps: list[int]) -> None:
    assert charts._steps([0, last - 1, last]) == steps


def test_a_long_curve_is_thinned_and_has_no_dots() -> None:
    curve = tuple(Point(2.0 - number / 1_000, number, number) for number in range(700))
    made = dataclasses.replace(_made("yes"), losses=Losses(curve, ()))
    picture = charts.charts(made)["loss"]
    assert "<circle" not in picture
    few = dataclasses.replace(made, losses=Losses(curve[:40], ()))
    assert charts.charts(few)["loss"].count("<circle") == 40


def test_a_picture_is_made_for_both_colour_schemes_and_runs_nothing() -> None:
    options = _options("loss", ("#111111",))
    style = options.pop("style")
    assert options == {
        "width": 440,
        "height": 300,
        "truncate_label": -1,
        "js": (),
        "classes": ("chart", "chart-loss"),
        "legend_at_bottom": True,
        "legend_at_bottom_columns": 3,
        "margin": 8,
        "margin_bottom": 40,
        "legend_box_size": 11,
        "print_values": False,
        "disable_xml_declaration": True,
    }
    wide = _options("loss", ("#111111",), wide=True)
    assert (wide["width"], wide["classes"]) == (1100, ("chart", "chart-loss", "wide-chart"))
    assert {
        key: getattr(style, key)
        for key in (
            *("background", "plot_background", "foreground", "foreground_strong", "foreground_subtle"),
            *("guide_stroke_color", "major_guide_stroke_color", "colors", "font_family", "label_font_size"),
            *("major_label_font_size", "legend_font_size", "title_font_size", "opacity", "opacity_hover"),
            "stroke_width",
        )
    } == {
        "background": "transparent",
        "plot_background": "transparent",
        "foreground": "currentColor",
        "foreground_strong": "currentColor",
        "foreground_subtle": "currentColor",
        "guide_stroke_color": "#8a94a366",
        "major_guide_stroke_color": "#8a94a366",
        "colors": ("#111111",),
        "font_family": "system-ui, sans-serif",
        "label_font_size": 13,
        "major_label_font_size": 13,
        "legend_font_size": 14,
        "title_font_size": 14,
        "opacity": 1,
        "opacity_hover": 1,
        "stroke_width": 2.5,
    }


def written(svg: str) -> list[str]:
    """All texts of a picture: the axes' numbers, their names, the legend."""
    return re.findall(r">([^<>]+)</text>", svg)


def test_what_is_written_in_the_pictures() -> None:
    pictures = charts.charts(WHOLE)
    assert list(pictures) == ["loss", "score", "latency"]
    down = ["2", "2.2", "2.4", "2.6", "2.8", "3", "3.2", "3.4", "3.6", "3.8", "4"]
    assert written(pictures["loss"]) == [
        *(*down, "0", "5", "10", "15", "20"),
        *("step", "loss, nats a token", "training", "held out"),
    ]
    models = ["base model", "fine-tuned", "in service"]
    assert written(pictures["score"]) == ["0", "0.25", "0.5", "0.75", "1", "1", "2", "question", "score", *models]
    assert written(pictures["latency"])[-7:] == ["1", "2", "question", "seconds", *models]
    assert values(pictures["loss"]) == ["10: 4", "20: 2.5", "10: 2", "20: 3"]
    assert values(pictures["score"]) == ["0", "0", "0.75", "1", "1", "1"]
    assert values(pictures["latency"]) == ["2", "0.5", "1.5", "0.5", "0.5"], "of no answer there is no bar"
    drawn = {name: re.findall(r"\.color-\d a:visited\{stroke:(#[0-9a-f]{6});", svg) for name, svg in pictures.items()}
    bars = ["#8a94a3", "#2f7ed8", "#c47f17"]
    assert drawn == {"loss": bars[:2], "score": bars, "latency": bars}


def test_a_picture_begins_with_its_name_and_size_and_has_no_script() -> None:
    for name, svg in charts.charts(WHOLE).items():
        start = f'<svg xmlns="http://www.w3.org/2000/svg" id="chart-chart-{name}" class="chart chart-{name}"'
        assert svg.startswith(f'{start} viewBox="0 0 440 300">') and svg.endswith("</svg>") and "<script" not in svg
        assert len(re.findall(r"<circle[^>]* r=\"2\"", svg)) == (4 if name == "loss" else 0)
    assert charts.charts(WHOLE)["loss"].count("guides") == 25, "guides beside the losses alone, not at each step"


def test_points_that_are_no_numbers_are_left_out_and_digits_are_few() -> None:
    curve = (Point(1.23456789, 1, 0.0), Point(float("nan"), 2, 0.0), Point(float("inf"), 3, 0.0), Point(1.0, 4, 0.0))
    assert values(charts.curves("x", [("a", curve)], ("#111111",))) == ["1: 1.2346", "4: 1"]
    for count, kept in ((300, 300), (301, 151), (601, 201)):
        long = [Point(1.0 + step % 2, step, 0.0) for step in range(count)]
        lines = re.findall(r' d="([^"]*)"', charts.curves("x", [("a", long)], ("#111111",)))
        assert max(line.count(" ") for line in lines) == 2 * kept - 1, count


@pytest.mark.parametrize(("many", "width"), [(6, 440), (7, 1100)])
def test_many_curves_have_the_width_of_the_page(many: int, width: int) -> None:
    some = [(f"run {at}", [Point(1.0, 1, 0.0), Point(2.0, 2, 0.0)]) for at in range(many)]
    svg = charts.curves("x", some, ("#111111",))
    assert f'viewBox="0 0 {width} 300"' in svg
    columns = set(re.findall(r'<g id="[^"]*" class="legend[^"]*"><rect x="([\d.]+)"', svg))
    assert len(columns) == (5 if many == 7 else 3), columns
