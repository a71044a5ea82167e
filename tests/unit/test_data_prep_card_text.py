"""The card as people read it, whole: the page, the paragraph and tags of a data asset, and the lines on the screen."""

from __future__ import annotations

import dataclasses
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from data_prep.card import text
from data_prep.card.card import Card, is_far
from data_prep.card.told import warnings

PLAIN = Card(
    settings={"source": "a.jsonl", "model": "Phi-4-mini-instruct", "mask": False, "seed": 7, "duplicates": "report"},
    source={"kind": "file", "sha256": "0123456789abcdef"},
    shape="messages",
    rows={"in": 50, "train": 40, "test": 10, "rejected": 0, "repaired": 0, "left_out": 0, "dropped": 0, "set_aside": 0},
    rejected={},
    repaired={},
    unused={},
    set_aside={},
    private={"rows": 0},
    duplicates={"repeated": 1, "near": None, "leaking": None, "questions": 49, "asked": 0},
    turns={"10": 8, "2": 42},
    tokens={
        "counted_by": "estimate",
        "sample": 50,
        "bytes_per_token": 4.0,
        "train": 12345,
        "test": 1234,
        "median": 20,
        "p95": 30,
        "longest": 40,
        "context": None,
        "too_long_by_estimate": 0,
        "histogram": {"1024": 8, "64": 42},
    },
    languages={},
    recipe={"model": "Phi-4-mini-instruct", "vm_size": "unknown", "tokens": 12345, "hours": "unknown", "cost_usd": 1.5},
    files={"train_data.jsonl": "aa", "test_data.jsonl": "bb"},
    fingerprint="0123456789ab",
    versions={"python": "3.11"},
)
FULL = dataclasses.replace(
    PLAIN,
    settings={**PLAIN.settings, "source": "60 % a|b.jsonl, 40 % c.jsonl", "mask": True, "duplicates": "drop"},
    source={"kind": "hub", "revision": "abc123", "licence": "MIT"},
    shape="pair 30, messages 20",
    rows={
        "in": 5000,
        "train": 4000,
        "test": 600,
        "validation": 200,
        "rejected": 5,
        "repaired": 4,
        "left_out": 3,
        "dropped": 2,
        "set_aside": 6,
        "with_calls": 9,
    },
    rejected={"tools": 2, "mark": 3},
    repaired={"control": 4},
    unused={"note": 3, "mood": 7},
    set_aside={"weight 0": 4, "label false": 2},
    private={"email": 3, "card": 2, "rows": 4},
    duplicates={
        "repeated": 11,
        "near": 12,
        "leaking": 13,
        "questions": 14,
        "asked": 15,
        "asked_validation": 16,
        "asked_between": 17,
        "leaking_validation": 18,
        "leaking_between": None,
    },
    tokens={
        **PLAIN.tokens,
        "counted_by": "tokenizer.json abc",
        "sample": 256,
        "validation": 6789,
        "context": 4096,
        "too_long_by_estimate": 21,
    },
    languages={"en": 200, "de": 50, "fr": 50},
    recipe={**PLAIN.recipe, "vm_size": "Standard_X", "tokens": 1234567, "hours": 0.5},
    files={**PLAIN.files, "validation_data.jsonl": "cc"},
    parts=[
        {
            "source": "a|b.jsonl",
            "share": 0.6,
            "rows": {"in": 30, "rejected": 1},
            "taken": {"train": 20, "test": 8},
            "origin": {"kind": "file", "sha256": "fedcba9876543210"},
        },
        {
            "source": "c.jsonl",
            "share": 0.4,
            "rows": {"in": 20, "rejected": 0},
            "taken": {"train": 18, "test": 2},
            "origin": {"kind": "hub", "revision": "r1", "licence": "MIT"},
        },
    ],
    manifest=[
        {
            "file": "a.csv",
            "split": "by ratio",
            "rows": 30,
            "shape": "pair",
            "format": "CSV",
            "separator": "tab",
            "encoding": "utf-16",
            "below": "data",
            "compression": "gzip",
            "sha256": "s1",
        },
        {
            "file": "b.jsonl",
            "split": "test",
            "rows": 20,
            "shape": "messages",
            "format": "JSON Lines",
            "encoding": "utf-8",
            "sha256": "s2",
        },
    ],
)
PAGES = Path(__file__).resolve().parents[1] / "fixtures" / "cards"


@pytest.mark.parametrize(("name", "card"), [("plain", PLAIN), ("full", FULL)])
def test_the_page_and_the_card_are_these(name: str, card: Card) -> None:
    assert text.markdown(card).decode() == (PAGES / f"{name}.md").read_text(encoding="utf-8")
    assert card.to_json().decode() == (PAGES / f"{name}.json").read_text(encoding="utf-8")


def test_a_data_asset_is_described_in_a_paragraph() -> None:
    assert text.description(FULL) == (
        "Chat conversations for fine-tuning, one JSON object a line. From 60 % a|b.jsonl, 40 % c.jsonl (revision "
        "abc123): 5000 rows in, 4000 train, 600 test, 200 validation, 5 rejected. About 12,345 training tokens "
        "(tokenizer.json abc, on a sample of 256 rows). Licence as the source states it: MIT."
    )
    assert text.description(PLAIN) == (
        "Chat conversations for fine-tuning, one JSON object a line. From a.jsonl (SHA-256 0123456789ab): 50 rows in, "
        "40 train, 10 test, 0 rejected. About 12,345 training tokens (an estimate of 4 bytes a token, as English "
        "takes: other languages and code may take twice as many, and the tokenizer is not at hand). Licence as the "
        "source states it: unknown."
    )


def test_a_data_asset_is_found_by_its_tags() -> None:
    plain = {
        "fingerprint": "0123456789ab",
        "source": "a.jsonl",
        "revision": "0123456789abcdef",
        "licence": "unknown",
        "rows_in": "50",
        "rows_train": "40",
        "rows_test": "10",
        "rows_rejected": "0",
        "tokens_train": "12345",
        "duplicates": "1",
        "near_duplicates": "not looked for",
        "leaking_rows": "not looked for",
        "private_rows": "0",
        "masked": "false",
        "seed": "7",
    }
    assert text.tags(PLAIN) == plain
    assert text.tags(FULL) == {
        **plain,
        "source": "60 % a|b.jsonl, 40 % c.jsonl",
        "revision": "abc123",
        "licence": "MIT",
        "rows_in": "5000",
        "rows_train": "4000",
        "rows_test": "600",
        "rows_validation": "200",
        "rows_rejected": "5",
        "duplicates": "11",
        "near_duplicates": "12",
        "leaking_rows": "13",
        "private_rows": "4",
        "masked": "true",
    }
    unknown = dataclasses.replace(PLAIN, source={"kind": "file", "licence": "a \x1b[1m\n b" + "c" * 300})
    assert text.tags(unknown)["revision"] == "unknown"
    assert len(text.tags(unknown)["licence"]) == 256 and "\x1b" not in text.tags(unknown)["licence"]


def test_what_somebody_should_look_at_is_a_line_each() -> None:
    assert list(warnings(PLAIN)) == []
    lines = [
        "not to be learnt by their own mark: weight 0 (4 rows), label false (2 rows)",
        "not used: mood (7 rows), note (3 rows); data.columns names the part of one, data.ignore what may go",
        "9 rows offer tools or call them, which are a part of their texts, between the model's own marks",
        "personal data or secrets in 4 rows (email 3, card 2), masked",
        "21 rows may be too long for the model, by an estimate",
        "15 test rows begin with the question of a training row, so that they test memory",
        "13 test rows are nearly equal to a training row (left out as duplicates)",
        "16 validation rows begin with the question of a training row, so that they choose what was learnt by heart",
        "18 validation rows are nearly equal to a training row (left out as duplicates)",
        "17 test rows begin with the question of a validation row, so that they judge by what was chosen with",
    ]
    assert list(warnings(FULL)) == lines
    left = {"mask": False, "duplicates": "near"}
    otherwise = list(warnings(dataclasses.replace(FULL, settings={**FULL.settings, **left})))
    assert otherwise[3] == lines[3].replace("masked", "left as they are (mask: true replaces them)")
    assert otherwise[6] == "13 test rows are nearly equal to a training row (duplicates: drop leaves them out)"
    many = {f"{'c' * 50}{at:02}": 1 for at in range(14)}
    (line,) = warnings(dataclasses.replace(PLAIN, unused=many))
    assert line.count(f"{'c' * 39}… (1 rows)") == 12 and " and 2 more; data.columns names" in line


@pytest.mark.parametrize(
    ("rows", "ratios", "source", "told"),
    [
        ({"train": 40, "test": 10}, {"test_ratio": 0.2}, {}, []),
        ({"train": 50, "test": 0}, {"test_ratio": 0.0}, {}, []),
        ({"train": 0, "test": 0}, {"test_ratio": 0.2}, {}, []),
        ({"train": 10, "test": 40}, {"test_ratio": 0.2}, {}, ["80% are test rows, and 20% were asked for: 50 rows"]),
        ({"train": 10, "test": 40}, {"test_ratio": 0.2}, {"held_back": "test.jsonl"}, []),
        ({"train": 10, "test": 40}, {"test_ratio": 0.2}, {"test_sha256": "x"}, []),
        ({"train": 10, "test": 40, "validation": 50}, {"test_ratio": 0.8, "validation_ratio": 0.1}, {}, []),
        (
            {"train": 10, "test": 40, "validation": 50, "files": 3},
            {"test_ratio": 0.8, "validation_ratio": 0.1},
            {},
            [
                "40% are test rows, and 80% were asked for: 100 rows",
                "50% are validation rows, and 10% were asked for: 100 rows",
            ],
        ),
        (
            {"train": 10, "test": 40, "validation": 50, "files": 3},
            {"test_ratio": 0.8, "validation_ratio": 0.1},
            {"validated_by": "dev.jsonl"},
            [],
        ),
        (
            {"train": 10, "test": 40, "validation": 50, "files": 3},
            {"test_ratio": 0.8, "validation_ratio": 0.1},
            {"held_back": "test.jsonl"},
            ["83% are validation rows, and 10% were asked for: 60 rows"],
        ),
    ],
)
def test_a_ratio_that_is_missed_is_told_of_rows_that_are_divided_by_one(
    rows: dict[str, int], ratios: dict[str, float], source: dict[str, str], told: list[str]
) -> None:
    files = FULL.files if rows.pop("files", 2) == 3 else PLAIN.files
    card = dataclasses.replace(
        PLAIN, rows={**PLAIN.rows, **rows}, settings={**PLAIN.settings, **ratios}, source=source, files=files
    )
    rest = " begin with 49 different questions, and rows with the same one stay together"
    assert list(warnings(card)) == [f"{line}{rest}" for line in told]


def test_what_chance_makes_of_a_ratio_is_not_far() -> None:
    assert [is_far(share, 0.2, 10_000) for share in (0.151, 0.149, 0.249, 0.251)] == [False, True, False, True]
    assert [is_far(share, 0.2, 100) for share in (0.081, 0.079, 0.319, 0.321)] == [False, True, False, True]
    assert not is_far(0.0, 0.2, 0)


def test_a_histogram_is_drawn_in_order_and_without_anything_that_moves() -> None:
    card = dataclasses.replace(PLAIN, turns={"1000": 8, "999": 42})
    tree = ElementTree.fromstring(text.pictures(card)["card-turns.svg"])
    assert tree.get("viewBox") == "0 0 640 320"
    said = [each.text for each in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert said.index("999") < said.index("1,000")
    assert {"messages in a conversation", "rows"} <= set(said)
    tokens = ElementTree.fromstring(text.pictures(PLAIN)["card-tokens.svg"])
    said = [each.text for each in tokens.iter("{http://www.w3.org/2000/svg}text")]
    assert said.index("64") < said.index("1,024") and "tokens in a conversation, up to" in said
    assert list(text.pictures(PLAIN)) == ["card-turns.svg", "card-tokens.svg"]
