"""A card as JSON, Markdown, page and description."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from test_jobs_card_sections import KNOWN

from jobs.card import files, publish
from jobs.card.card import ModelCard, Section

CARD = ModelCard(
    model="phi",
    version="7",
    at=datetime(2026, 11, 25, 12, 0, 59, tzinfo=UTC),
    summary="A | model",
    sections=(
        Section("Data", (("source", "h|b"), ("rows", "3")), ("beside <it>",)),
        Section("Training and what it cost", (("time", "2 h"),)),
        Section("Recipe", ()),
    ),
    losses=KNOWN.losses,
    not_read=("Not read just now: energy (no)",),
)


def test_its_json_has_each_section_by_its_title() -> None:
    assert CARD.to_json() == {
        "model": "phi",
        "version": "7",
        "at": "2026-11-25T12:00:59+00:00",
        "summary": "A | model",
        "sections": {
            "Data": {"rows": {"source": "h|b", "rows": "3"}, "notes": ["beside <it>"]},
            "Training and what it cost": {"rows": {"time": "2 h"}, "notes": []},
            "Recipe": {"rows": {}, "notes": []},
        },
        "training_loss": [{"value": 4.0, "step": 10, "at": 1.0}, {"value": 1.5, "step": 20, "at": 2.0}],
        "held_out_loss": [{"value": 2.5, "step": 10, "at": 1.0}, {"value": 3.0, "step": 20, "at": 2.0}],
        "not_read": ["Not read just now: energy (no)"],
    }


MARKDOWN = """\
# phi, version 7

A \\| model.

## Data

|  |  |
| --- | --- |
| source | h\\|b |
| rows | 3 |

beside &lt;it>.

## Training and what it cost

|  |  |
| --- | --- |
| time | 2 h |

![Loss](card-loss.svg)

## Recipe

## Not read

- Not read just now: energy (no)

2026-11-25 12:00 UTC
"""


def test_the_markdown_has_each_section_and_the_curves_beside_the_training() -> None:
    assert files.markdown(CARD, ["card-loss"]) == MARKDOWN
    bare = dataclasses.replace(CARD, sections=(), not_read=())
    assert files.markdown(bare, ["card-loss"]) == "# phi, version 7\n\nA \\| model.\n\n2026-11-25 12:00 UTC\n"


def test_the_page_has_the_same() -> None:
    text = files.page(CARD, {"card-loss": "<svg>curves</svg>"})
    shown = " ".join(re.sub(r"<[^>]*>", " ", text.partition("</style>")[2]).split())
    for told in ("phi", "version 7", "A | model", "h|b", "beside &lt;it&gt;", "energy (no)", "Loss", "<svg>curves"):
        assert told in shown or told in text, told
    assert "2026-11-25 12:00 UTC" in shown


def test_its_curves_are_drawn_where_a_loss_was_logged() -> None:
    (name,) = drawn = files.pictures(CARD)
    assert name == "card-loss"
    assert re.findall(r"\.color-\d a:visited\{stroke:(#[0-9a-f]{6});", drawn[name]) == ["#8a94a3", "#2f7ed8"]
    assert "training" in drawn[name] and "held out" in drawn[name] and "chart-card-loss" in drawn[name]
    alone = dataclasses.replace(CARD, losses=dataclasses.replace(CARD.losses, training=()))
    assert "held out" in files.pictures(alone)[name] and "training" not in files.pictures(alone)[name]
    assert files.pictures(dataclasses.replace(CARD, losses=type(CARD.losses)())) == {}


def test_it_is_written_over_an_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "card-loss.svg").write_text("of before")
    written = files.write(dataclasses.replace(CARD, losses=type(CARD.losses)(), summary="ü"), tmp_path)
    assert [path.name for path in written] == ["card.md", "card.html", "card.json"]
    assert not (tmp_path / "card-loss.svg").exists()
    text = (tmp_path / "card.json").read_text(encoding="utf-8")
    assert text.startswith('{\n  "model": "phi",\n') and '"summary": "ü"' in text and text.endswith("}\n")
    assert json.loads(text)["version"] == "7"


REST = "\n\n… the rest is in model_card.md, beside the model\n"


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("a\n" * 2_000, "a\n" * 2_000),
        ("a\n" * 2_000 + "b", "a\n" * 1_999 + "a" + REST),
        ("long " * 799 + "end\n" + "b" * 999, "long " * 799 + "end" + REST),
    ],
)
def test_a_description_ends_with_a_whole_line(text: str, short: str) -> None:
    expected = (
        short if short is not None else "long " * 799 + "end\n\n… the rest is in model_card.md, beside the model\n"
    )
    assert publish._short(text) == expected


def test_anothers_model_is_published_by_its_own_stack() -> None:
    assert str(publish.refuse_taken("prod", "dev")) == (
        "the card could not be published (stack prod): its model is that of stack dev (model.promote), in a registry "
        "that this stack only reads. Publish it there: `python -m jobs card --publish --stack dev`."
    )
