"""Everything that a comparison of recipes tells, word for word."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text
from status_azure import printed

from cloud.services.mlflow import Point
from jobs.comparison import files, gather, table
from jobs.comparison.recipes import ONLY, Comparison, Row, finite
from jobs.evaluation.result import Losses
from settings.stack import Settings


def curve(*values: float) -> tuple[Point, ...]:
    return tuple(Point(value, 10 * at, 0.5) for at, value in enumerate(values, 1))


BOLD = Row(
    recipe="bold",
    own="learning_rate=0.0001",
    model="phi:7",
    state="done",
    released=True,
    job="finetune-1-1",
    losses=Losses(curve(4.0, 1.5), curve(2.5, 3.0)),
    logged={"golden_score": 0.75, "golden_score_low": 0.4, "golden_score_high": 0.9},
    hours=2.51239,
    cost=1234.56789,
    memory=38.66,
)
BARE = Row(recipe="a|b", model="phi:8", state="to do", released=False)
FOUND = Comparison(
    stack="dev",
    at=datetime(2026, 11, 25, 12, 5, tzinfo=UTC),
    rows=(BOLD, BARE),
    remarks=("to know",),
    not_read=("Not read just now: <it> (no)",),
)


def test_its_json_has_everything() -> None:
    assert FOUND.to_json() == {
        "stack": "dev",
        "at": "2026-11-25T12:05:00+00:00",
        "recipes": [
            {
                "recipe": "bold",
                "own": "learning_rate=0.0001",
                "model": "phi:7",
                "state": "done",
                "released": True,
                "job": "finetune-1-1",
                "training_loss": [{"value": 4.0, "step": 10, "at": 0.5}, {"value": 1.5, "step": 20, "at": 0.5}],
                "held_out_losses": [{"value": 2.5, "step": 10, "at": 0.5}, {"value": 3.0, "step": 20, "at": 0.5}],
                "held_out_loss": 3.0,
                "best_held_out_loss": {"step": 10, "value": 2.5},
                "golden": {"score": 0.75, "low": 0.4, "high": 0.9},
                "hours": 2.5124,
                "cost": 1234.5679,
                "gpu_memory_gb": 38.7,
            },
            {
                "recipe": "a|b",
                "own": "",
                "model": "phi:8",
                "state": "to do",
                "released": False,
                "job": "",
                "training_loss": [],
                "held_out_losses": [],
                "held_out_loss": None,
                "best_held_out_loss": None,
                "golden": None,
                "hours": 0.0,
                "cost": 0.0,
                "gpu_memory_gb": None,
            },
        ],
        "remarks": ["to know"],
        "not_read": ["Not read just now: <it> (no)"],
    }
    assert dataclasses.replace(BARE, cost=None).to_json()["cost"] is None
    assert [finite(value) for value in (1.5, None, math.nan, math.inf)] == [1.5, None, None, None]


@pytest.mark.parametrize("key", ["golden_score", "golden_score_low", "golden_score_high"])
def test_a_golden_score_has_its_interval_or_is_none(key: str) -> None:
    logged = {name: value for name, value in BOLD.logged.items() if name != key}
    assert BOLD.golden == (0.75, 0.4, 0.9) and dataclasses.replace(BOLD, logged=logged).golden is None


def test_the_cells_of_a_row() -> None:
    told = [
        "bold (released)",
        "learning_rate=0.0001",
        "phi:7",
        "done",
        "4.000 → 1.500",
        "3.000 (lowest 2.500 at step 10)",
        "0.75 (0.40 to 0.90)",
        "2 h 31 min",
        "1,235",
        "39 GB (estimate)",
    ]
    assert table.cells(BOLD) == told
    assert table.cells(BARE) == ["a|b", "", "phi:8", "to do", "", "", "", "", "", ""]
    falling = dataclasses.replace(BOLD, losses=Losses((), curve(3.0, 2.5)), cost=None)
    assert table.cells(falling)[4:9] == ["", "2.500", told[6], told[7], "unknown"]


MARKDOWN = """\
# Recipes of stack dev

| recipe | its own | model | state | training loss | held-out loss | golden score | time | cost in USD | GPU memory |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| bold (released) | learning_rate=0.0001 | phi:7 | done | 4.000 → 1.500 | 3.000 (lowest 2.500 at step 10) | 0.75 (0.40 to 0.90) | 2 h 31 min | 1,235 | 39 GB (estimate) |
| a\\|b |  | phi:8 | to do |  |  |  |  |  |  |

- to know
- Not read just now: &lt;it> (no)

Loss:

![Loss](loss.svg)


2026-11-25 12:05 UTC
"""  # noqa: E501


def test_the_markdown_has_a_row_for_each_recipe() -> None:
    assert table.markdown(FOUND, {"loss": "Loss"}) == MARKDOWN


def test_the_table_in_a_terminal() -> None:
    text = printed(table.view(FOUND), 260)
    rows = [[cell.strip() for cell in line.strip("│┃").split("│")] for line in text.splitlines() if line[0] == "│"]
    assert rows == [table.cells(BOLD), table.cells(BARE)]
    head = next(line for line in text.splitlines() if line[0] == "┃")
    assert [cell.strip() for cell in head.strip("┃").split("┃")] == list(table.HEAD)
    assert text.startswith("Recipes of stack dev")
    notes = [(part.plain, part.style) for part in table.view(FOUND).renderables if isinstance(part, Text)]
    assert notes == [("to know", "dim"), ("Not read just now: <it> (no)", "red")]


def test_the_page_tells_the_same() -> None:
    text = files.page(FOUND, {"held-out-loss": "<svg>curves</svg>"})
    shown = " ".join(re.sub(r"<[^>]*>", " ", text.partition("</style>")[2]).split())
    assert shown == (
        "Recipes side by side Stack dev to know. Not read just now: &lt;it&gt; (no) "
        f"{' '.join(table.HEAD)} {' '.join(table.cells(BOLD))} a|b phi:8 to do Loss on the held-out data curves "
        "2026-11-25 12:05 UTC"
    )
    assert "<td><strong>bold (released)</strong></td>" in text and "<td>a|b</td>" in text


def colours(svg: str) -> list[str]:
    return re.findall(r"\.color-\d+ a:visited\{stroke:(#[0-9a-f]{6});", svg)


def test_each_curve_has_its_colour_and_its_name() -> None:
    rows = tuple(dataclasses.replace(BOLD, recipe=f"run-{at}", released=False) for at in range(8))
    drawn = files.pictures(dataclasses.replace(FOUND, rows=rows))
    assert list(drawn) == ["held-out-loss", "training-loss"]
    for name, svg in drawn.items():
        assert colours(svg) == [
            "#2f7ed8",
            "#c47f17",
            "#3a8f5c",
            "#a6477b",
            "#6b5bb5",
            "#b5473a",
            "#4a9aa8",
            "#8a94a3",
        ]
        assert f"chart-{name}" in svg and all(row.recipe in svg for row in rows)
    values = re.findall(r'<desc class="value">([^<]*)</desc>', drawn["held-out-loss"])
    assert values[:2] == ["10: 2.5", "20: 3"] and "10: 4" in drawn["training-loss"]


def test_only_what_was_logged_is_drawn() -> None:
    one = dataclasses.replace(FOUND, rows=(dataclasses.replace(BOLD, losses=Losses(curve(4.0, 3.0), ())), BARE))
    assert list(files.pictures(one)) == ["training-loss"]
    assert "a|b" not in files.pictures(one)["training-loss"]


@pytest.mark.parametrize(
    ("count", "released", "title"),
    [
        (12, True, "Loss while training"),
        (13, False, "Loss while training (of the 12 with the lowest on the held-out data)"),
        (
            13,
            True,
            "Loss while training (of the 12 with the lowest on the held-out data, the released one among them)",
        ),
    ],
)
def test_the_title_says_which_of_many_are_drawn(count: int, released: bool, title: str) -> None:
    rows = tuple(dataclasses.replace(BOLD, recipe=f"run-{at}", released=released and not at) for at in range(count))
    found = dataclasses.replace(FOUND, rows=rows)
    assert files._titles(found)["training-loss"] == title
    assert files._titles(found)["held-out-loss"] == title.replace("while training", "on the held-out data")


def test_the_best_come_by_their_loss_and_the_unknown_last() -> None:
    def row(name: str, last: float | None) -> Row:
        losses = Losses((), () if last is None else (Point(last, 1, 0.0),))
        return dataclasses.replace(BARE, recipe=name, losses=losses)

    worst = [row(f"w{at}", 5.0 + at) for at in range(10)]
    rows = (row("unknown", None), row("nan", math.nan), row("best", -1.0), *worst, row("good", 1.0))
    found = files.drawn(dataclasses.replace(FOUND, rows=rows))
    assert [each.recipe for each in found] == ["best", *(each.recipe for each in worst), "good"]
    live = dataclasses.replace(rows[0], released=True)
    found = files.drawn(dataclasses.replace(FOUND, rows=(live, *rows[1:])))
    assert [each.recipe for each in found] == ["unknown", "best", *(each.recipe for each in worst[:-1]), "good"]


def test_its_files(tmp_path: Path) -> None:
    (tmp_path / "training-loss.svg").write_text("of before")
    found = dataclasses.replace(FOUND, rows=(dataclasses.replace(BARE, recipe="ü"),))
    written = files.write(found, tmp_path / ".")
    assert [path.name for path in written] == ["recipes.md", "recipes.html", "recipes.json"]
    assert not (tmp_path / "training-loss.svg").exists()
    text = written[2].read_text(encoding="utf-8")
    assert json.loads(text) == found.to_json()
    assert text.startswith('{\n  "stack": "dev",\n') and '"recipe": "ü"' in text and text.endswith("\n}\n")


@pytest.mark.parametrize(
    ("costs", "total"), [([], 0), ([1.0, 2.5], 3.5), ([1.0, None], None), ([0.0], 0.0), ([None], None)]
)
def test_a_sum_with_an_unknown_part_is_unknown(costs: list[float | None], total: float | None) -> None:
    assert gather._sum(costs) == total


def settings(**own: Any) -> Settings:
    recipes = {"gentle": {"learning_rate": 1e-5}, "bold": {"learning_rate": 1e-4, **own}}
    return Settings.model_validate({"purgeOnDestroy": True, "recipes": recipes, "released": "gentle"})


ESTIMATED = "GPU memory is an estimate for each GPU, not measured (docs/models.md)"
NOT_ASKED = "No model was asked the golden questions yet: `python -m jobs evaluate` asks the released one"


@pytest.mark.parametrize(
    ("rows", "own", "told"),
    [
        ((BOLD,), {}, [ESTIMATED]),
        ((BARE,), {}, [NOT_ASKED]),
        ((BARE, BOLD), {}, [ESTIMATED]),
        ((dataclasses.replace(BARE, memory=0.0),), {}, [NOT_ASKED, ESTIMATED]),
        (
            (BOLD,),
            {"max_seq_length": 512},
            [
                "The held-out losses do not compare: conversations are cut at different lengths (max_seq_length), so "
                "they are of other tokens",
                ESTIMATED,
            ],
        ),
    ],
)
def test_what_a_reader_has_to_know(rows: tuple[Row, ...], own: dict[str, Any], told: list[str]) -> None:
    assert gather._remarks(rows, settings(**own)) == told


def test_the_only_recipe_is_called_so() -> None:
    assert ONLY == "the only recipe"
