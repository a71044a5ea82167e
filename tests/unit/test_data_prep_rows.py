"""The row checks, what is written of a row, and the split."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from sides import is_test

from data_prep.row.rules import problems, record

USER = {"role": "user", "content": "Why?"}
ASSISTANT = {"role": "assistant", "content": "Because."}
SYSTEM = {"role": "system", "content": "Be brief."}


@pytest.mark.parametrize(
    "messages",
    [
        [USER, ASSISTANT],
        [SYSTEM, USER, ASSISTANT],
        [USER, ASSISTANT, USER, ASSISTANT],
        [{**USER, "name": None}, {**ASSISTANT, "weight": 1}],
    ],
)
def test_a_legal_conversation_has_no_problems(messages: list[dict[str, Any]]) -> None:
    assert problems({"messages": messages}) == []


@pytest.mark.parametrize(
    ("row", "field", "rule"),
    [
        (5, "row", "an object with the key messages"),
        ({}, "messages", "is missing (the row has: nothing)"),
        ({"text": "x", "messages": None}, "messages", "is missing (the row has: text)"),
        ({"messages": "x"}, "messages", "must be a list of {role, content}, is text"),
        ({"messages": []}, "messages", "is empty"),
        ({"messages": ["x"]}, "messages[0]", "must be an object with role and content, is text"),
        ({"messages": [USER, None]}, "messages[1]", "must be an object with role and content, is null"),
        ({"messages": [{"content": "x"}, ASSISTANT]}, "messages[0].role", "is missing"),
        ({"messages": [{**USER, "role": "human"}, ASSISTANT]}, "messages[0].role", "is 'human'"),
        ({"messages": [{**USER, "role": ["user"]}, ASSISTANT]}, "messages[0].role", "is a list"),
        ({"messages": [USER, {"role": "assistant"}]}, "messages[1].content", "is missing"),
        ({"messages": [USER, {**ASSISTANT, "content": 5}]}, "messages[1].content", "is a number"),
        ({"messages": [USER, {**ASSISTANT, "content": " \n"}]}, "messages[1].content", "must not be empty"),
        ({"messages": [ASSISTANT, USER]}, "messages[0].role", "must be user here, is assistant"),
        ({"messages": [USER, USER, ASSISTANT]}, "messages[1].role", "must be assistant here, is user"),
        ({"messages": [USER, ASSISTANT, SYSTEM]}, "messages[2].role", "must be user here, is system"),
        ({"messages": [USER, ASSISTANT, USER]}, "messages[2].role", "as the last message"),
        ({"messages": [SYSTEM]}, "messages[0].role", "must be assistant, as the last message, is system"),
    ],
)
def test_a_bad_row_names_its_field_and_rule(row: Any, field: str, rule: str) -> None:
    (problem,) = problems(row)
    assert problem.field == field
    assert rule in problem.rule


def test_every_bad_message_of_a_row_is_named() -> None:
    found = problems({"messages": [{"role": "bot", "content": ""}, {"role": "assistant"}]})
    assert [problem.field for problem in found] == [
        "messages[0].role",
        "messages[0].content",
        "messages[1].content",
    ]


def test_a_record_keeps_the_ultrachat_keys_only() -> None:
    row = {"prompt": "P", "prompt_id": "id", "messages": [{**USER, "name": "x"}, ASSISTANT], "extra": 1}
    assert record(row) == {
        "prompt": "P",
        "prompt_id": "id",
        "messages": [{"content": "Why?", "role": "user"}, {"content": "Because.", "role": "assistant"}],
    }


def test_a_missing_prompt_is_the_first_question_and_its_hash() -> None:
    made = record({"messages": [SYSTEM, USER, ASSISTANT], "prompt": None})
    assert made["prompt"] == "Why?"
    assert made["prompt_id"] == hashlib.sha256(b"Why?").hexdigest()


def test_the_side_depends_on_question_seed_and_ratio() -> None:
    # Written down, so that a change of the hash, which would move rows of every data set, is noticed.
    assert [number for number in range(20) if is_test(f"Is {number} odd?", 0, 0.2)] == [4, 8, 13, 17]
    assert [number for number in range(20) if is_test(f"Is {number} odd?", 1, 0.2)] == [2, 7]


def test_spacing_and_capitals_do_not_part_the_same_question() -> None:
    for number in range(50):
        assert is_test(f"Is {number} even?", 0, 0.5) == is_test(f"  is  {number}\nEVEN? ", 0, 0.5)


def test_the_share_of_test_rows_is_near_the_ratio() -> None:
    share = sum(is_test(f"Is {number} odd?", 0, 0.2) for number in range(10_000)) / 10_000
    assert share == pytest.approx(0.2, abs=0.012)  # three standard deviations of a binomial


def test_a_larger_ratio_only_adds_test_rows() -> None:
    small = {number for number in range(500) if is_test(str(number), 0, 0.2)}
    assert small < {number for number in range(500) if is_test(str(number), 0, 0.3)}
