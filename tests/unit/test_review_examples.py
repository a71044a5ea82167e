"""Every recorded change gets the verdict, risk and sentence a reviewer would write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from review.pages.markdown import markdown
from review.pages.page import page
from tests.reviews.examples import INDEX, Example, examples, index, price_book
from tests.reviews.record import unplaced

EXAMPLES = [example for example in examples() if (example.folder / "events.jsonl").exists()]


def test_there_are_many() -> None:
    assert len(EXAMPLES) >= 30


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example.name))
def test_the_review_is_the_expected_one(example: Example, tmp_path: Path) -> None:
    report = example.report(price_book(tmp_path / "prices.json"))
    text = markdown(report)
    expected = example.change["expect"]
    assert str(report.verdict) == expected["verdict"]
    assert str(report.worst) == expected["risk"]
    assert expected["says"] in text
    assert text == (example.folder / "report.md").read_text(encoding="utf-8")
    # The other two forms tell the same and stand alone.
    assert json.loads(json.dumps(report.to_json(), allow_nan=False))["verdict"] == expected["verdict"]
    html = page(report)
    assert "http-equiv" not in html and "src=" not in html and "<link" not in html


def test_the_page_lists_them_all() -> None:
    assert INDEX.read_text(encoding="utf-8") == index(), "python -m tests.reviews.record --render"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example.name))
def test_an_edit_finds_its_place_in_the_program(example: Example) -> None:
    assert unplaced(example) == []


def test_nothing_to_say_is_one_line_and_no_failure(tmp_path: Path) -> None:
    example = next(one for one in EXAMPLES if one.name == "no-change")
    report = example.report(price_book(tmp_path / "prices.json"))
    assert len(markdown(report).splitlines()) == 1
    assert report.exit_code == 0


def test_a_failed_preview_is_never_approved(tmp_path: Path) -> None:
    failed = [one for one in EXAMPLES if one.name in ("broken-program", "retired-size")]
    assert len(failed) == 2
    for example in failed:
        report = example.report(price_book(tmp_path / "prices.json"))
        assert report.exit_code == 2
        assert "approve" not in markdown(report)
