"""The bundled sample: the schema of ultrachat_200k, and what the rest of the project counts on."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from sides import is_test

from data_prep.row.rules import problems
from data_prep.source.locate import SAMPLE_FILE

QUESTION = "Who founded Microsoft?"


@pytest.fixture(scope="module")
def rows() -> list[dict[str, Any]]:
    return [json.loads(line) for line in SAMPLE_FILE.read_text(encoding="utf-8").splitlines()]


def test_it_has_at_least_150_different_conversations(rows: list[dict[str, Any]]) -> None:
    assert len({row["prompt"] for row in rows}) == len(rows) >= 150
    assert sum(len(row["messages"]) > 2 for row in rows) >= 10


def test_its_rows_are_good_and_shaped_like_ultrachat(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert problems(row) == []
        assert list(row) == ["prompt", "prompt_id", "messages"]
        assert row["prompt"] == row["messages"][0]["content"]
        assert row["prompt_id"] == hashlib.sha256(row["prompt"].encode()).hexdigest()
        assert all(list(message) == ["content", "role"] for message in row["messages"])


def test_its_texts_are_short_enough_to_be_learnt_by_the_small_model(rows: list[dict[str, Any]]) -> None:
    texts = [message["content"] for row in rows for message in row["messages"]]
    assert max(len(text.split()) for text in texts) <= 25
    assert all(text == text.strip() and text[-1] in ".?" for text in texts)


def test_the_tutorials_question_is_trained_on(rows: list[dict[str, Any]]) -> None:
    (row,) = [row for row in rows if row["prompt"] == QUESTION]
    answer = row["messages"][1]["content"]
    assert all(part in answer for part in ("Bill Gates", "Paul Allen", "1975"))
    assert not is_test(QUESTION, seed=0, test_ratio=0.2)
    others = [row for row in rows if "Bill Gates" in str(row["messages"]) and row["prompt"] != QUESTION]
    assert len(others) >= 2
