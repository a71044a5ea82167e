"""Each rule for a row with its whole words, and each repair with all that it changes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from data_prep import DataError
from data_prep.row import rules
from data_prep.row.repairs import chosen, repaired
from data_prep.row.rules import MAX_BYTES, in_order, is_bare, problems, question, record, sound

U, A = {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}
S = {"role": "system", "content": "Be."}
TURNS = "(only the first message may be system; then user and assistant take turns, user first)"
OF_TOOL = (
    "is what a tool answered, which the fine-tune component would have the model say, and all questions after it: it "
    "takes a message of a tool for a part of the answer"
)
NO_TEXT = "is no text, and the model learns from texts alone"
CALL = "is a call of a tool, or tells of tools, and would not be learnt"
HALF = "has half of a surrogate pair"
LONG = "x" * 50
CUT = "x" * 39 + "…"


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (5, [("row", "must be an object with the key messages, is a number", "row-type")]),
        ({"b": 1, "a": 2, "c": None}, [("messages", "is missing (the row has: a, b)", "messages-missing")]),
        ({LONG: 1, "y" * 50: 1}, [("messages", f"is missing (the row has: {LONG}, {'y' * 27}…)", "messages-missing")]),
        ({}, [("messages", "is missing (the row has: nothing)", "messages-missing")]),
        ({"messages": {}}, [("messages", "must be a list of {role, content}, is an object", "messages-type")]),
        (
            {"messages": []},
            [("messages", "must hold at least one user and one assistant message, is empty", "messages-empty")],
        ),
        ({"messages": [U, A] * 501}, [("messages", "must be at most 1000 messages, are 1002", "too-many-turns")]),
        ({"messages": [U, A] * 500}, []),
        (
            {"messages": [3, U]},
            [("messages[0]", "must be an object with role and content, is a number", "message-type")],
        ),
        (
            {"messages": [{**U, "role": LONG}, A]},
            [("messages[0].role", f"must be one of system, user, assistant, is '{CUT[1:]}", "role-unknown")],
        ),
        (
            {"messages": [{**U, "role": {}}, A]},
            [("messages[0].role", "must be one of system, user, assistant, is an object", "role-unknown")],
        ),
        (
            {"messages": [{}, {"role": "assistant", "content": []}]},
            [
                ("messages[0].role", "is missing", "role-missing"),
                ("messages[0].content", "is missing", "content-missing"),
                ("messages[1].content", "must be text, is a list", "content-type"),
            ],
        ),
        ({"messages": [U, {**A, "tool_calls": [1]}]}, [("messages[1].tool_calls", CALL, "tools")]),
        (
            {"messages": [U, {"role": "assistant", "functions": [1], "content": None, "name": "x"}]},
            [("messages[1].functions", CALL, "tools")],
        ),
        ({"messages": [U, {**A, "image": "x", "audio": [], "x": 1}]}, [("messages[1].image", NO_TEXT, "picture")]),
        (
            {"messages": [{**U, "weight": 0}, {**A, "weight": "0"}]},
            [
                (
                    "messages[1].weight",
                    "marks an answer that is not to be learnt, and the fine-tune component learns every answer",
                    "weight",
                )
            ],
        ),
        ({"messages": [U, {**A, "weight": LONG}]}, [("messages[1].weight", f"must be 0 or 1, is {CUT}", "weight")]),
        ({"messages": [U, {**A, "weight": 0.5}]}, [("messages[1].weight", "must be 0 or 1, is 0.5", "weight")]),
        ({"messages": [{**U, "weight": 5}, {**A, "weight": 1.0}]}, []),
        (
            {"messages": [{"role": "tool", "content": "x", "images": ["y"]}, A]},
            [("messages[0].role", OF_TOOL, "tool-result"), ("messages[0].images", NO_TEXT, "picture")],
        ),
        ({"messages": [{"role": "tool"}]}, [("messages[0].role", OF_TOOL, "tool-result")]),
        ({"messages": [U, {**A, "content": " \n"}]}, [("messages[1].content", "must not be empty", "content-empty")]),
        (
            {"messages": [U, {**A, "content": "\x0c <|end|>"}]},
            [
                ("messages[1].content", "must hold no control characters, has form feed at character 1", "control"),
                ("messages[1].content", "must hold no marks of the chat template, has <|end|> at character 3", "mark"),
            ],
        ),
        (
            {"messages": [U, {**A, "content": "ab\ud800"}]},
            [("messages[1].content", f"{HALF} at character 3, which UTF-8 cannot hold", "surrogate")],
        ),
        (
            {"prompt": "a<|user|>", "prompt_id": "\x08", "messages": [U, A]},
            [
                ("prompt", "must hold no marks of the chat template, has <|user|> at character 2", "mark"),
                ("prompt_id", "must hold no control characters, has backspace at character 1", "control"),
            ],
        ),
        ({"prompt": 5, "prompt_id": None, "messages": [U, A]}, []),
        ({"messages": [A]}, [("messages[0].role", f"must be user here, is assistant {TURNS}", "order")]),
        ({"messages": [U, A, S]}, [("messages[2].role", f"must be user here, is system {TURNS}", "order")]),
        ({"messages": [S, A]}, [("messages[1].role", f"must be user here, is assistant {TURNS}", "order")]),
        ({"messages": [S, U, U]}, [("messages[2].role", f"must be assistant here, is user {TURNS}", "order")]),
        (
            {"messages": [U, A, U]},
            [("messages[2].role", "must be assistant, as the last message, is user", "last")],
        ),
    ],
)  # fmt: skip
def test_a_row_breaks_these_rules_and_no_others(row: Any, expected: list[tuple[str, str, str]]) -> None:
    assert [(each.field, each.rule, each.code) for each in problems(row)] == expected


@pytest.mark.parametrize(
    ("character", "name"),
    [
        *(("\x00", "NUL"), ("\x08", "backspace"), ("\x0c", "form feed"), ("\x1b", "escape"), ("\x7f", "delete")),
        *(("\x0b", "U+000B"), ("\x0e", "U+000E"), ("\x1f", "U+001F"), ("\x80", "U+0080"), ("\x9f", "U+009F")),
    ],
)
def test_a_control_character_is_named_with_its_place(character: str, name: str) -> None:
    row = {"messages": [U, {**A, "content": f"ab{character}c"}]}
    (problem,) = problems(row)
    assert problem.rule == f"must hold no control characters, has {name} at character 3"
    assert not sound(orjson.dumps(row))
    mended, changed = repaired(row, ("control",))
    assert mended == {"messages": [U, {**A, "content": "ab\nc" if character in "\x0b\x0c" else "abc"}]}
    assert changed == ["control"]


@pytest.mark.parametrize("character", ["\t", "\n", "\r", " ", "~", "\xa0", "é", "\u2028"])
def test_what_is_no_control_character_is_let_through(character: str) -> None:
    row = {"messages": [U, {**A, "content": f"ab{character}c"}]}
    assert problems(row) == [] and sound(orjson.dumps(row))
    assert repaired(row, ("control",)) == (row, [])


@pytest.mark.parametrize("name", ["tool", "/tool", "tool_call", "/tool_call", "tool_response", "/tool_response"])
def test_marks_of_tools_are_no_words_either(name: str) -> None:
    row = {"messages": [U, {**A, "content": f"a<|{name}|>"}]}
    (problem,) = problems(row)
    assert problem.rule == f"must hold no marks of the chat template, has <|{name}|> at character 2"
    assert not sound(orjson.dumps(row))


def test_a_row_has_so_much_text_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_BYTES", 2**20)
    assert problems({"messages": [U, {**A, "content": "x" * (2**20 - 4)}]}) == []
    (problem,) = problems({"messages": [U, {**A, "content": "é" * (3 * 2**18 - 2)}]})
    assert (problem.field, problem.rule) == ("messages", "must be at most 1 MB of text, are 1.5 MB")
    (problem,) = problems({"messages": [U, {**A, "content": "x" * (2**20 - 3)}]})
    assert problem == rules.Problem("messages", "must be at most 1 MB of text, are 1.0 MB", "too-large")


def test_the_longest_line_that_is_sound_without_a_look() -> None:
    line = b'{"messages":"' + b"x" * (MAX_BYTES - 15) + b'"}'
    assert MAX_BYTES == 8_388_608 and len(line) == MAX_BYTES and sound(line) and not sound(line + b" ")


def test_a_row_in_order_is_known_at_a_glance() -> None:
    good: list[Any] = [[U, A], [S, U, A], [U, A, U, A], [U, A] * 500]
    bad: list[Any] = [
        *([U], [], [A, U], [U, U], [S, A], [U, S, A], [U, A, U], [S, U], [U, A] * 501, [{**U, "content": ""}, A]),
        *([{**U, "content": " "}, A], [{**U, "content": 5}, A], [U, {"role": "assistant"}], [U, 5], (U, A), None, "UA"),
    ]
    assert [each for each in good if not in_order({"messages": each})] == []
    assert [each for each in bad if in_order({"messages": each})] == []
    assert not in_order({}) and not in_order([]) and not in_order(None)
    assert is_bare({"messages": [U, A]}) and not is_bare({"messages": [U, {**A, "x": 1}]})


def test_what_is_written_of_a_row() -> None:
    made = {"prompt": "Why?", "prompt_id": "", "messages": [U, A]}
    hashed = "5d8a995a6fa7cf7c577cc9d49ca9e00d4aee4d0bcd5e2ad5caff27e2a8097276"  # pragma: allowlist secret
    assert record(made) == {"prompt": "Why?", "prompt_id": hashed, "messages": [U, A]}
    assert list(record(made)) == ["prompt", "prompt_id", "messages"]
    assert list(record(made)["messages"][0]) == ["content", "role"]
    assert record({"prompt": "", "prompt_id": 7, "messages": [S, U, A]})["prompt"] == "Why?"
    assert record({"prompt": "P", "prompt_id": "id", "messages": [U, A]})["prompt_id"] == "id"
    assert (question({"messages": [U, A]}), question({"messages": [S, U, A]})) == ("Why?", "Why?")


B, V = {"role": "assistant", "content": "Or."}, {"role": "user", "content": "Who?"}
FIVE = {"role": "assistant", "content": 5}
EMPTY, TOOL = {"role": "assistant", "content": " "}, {"role": "tool", "content": "x"}


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("role-names", [{**U, "role": "Human"}, {**A, "role": "gpt"}], [U, A]),
        ("control", [{**U, "content": "a\x0b\x0c\x85b\x00"}, FIVE], [{**U, "content": "a\nb"}, FIVE]),
        ("control", [{**U, "content": "a\n\x0cb\x0b\nc\ud800"}, A], [{**U, "content": "a\nb\nc"}, A]),
        ("marks", [{**U, "content": "a<|end|>b"}, FIVE], [{**U, "content": "ab"}, FIVE]),
        ("drop-unlearnt", [U, A, V, {**B, "weight": 0}, U, A], [U, A]),
        ("drop-unlearnt", [U, {**A, "weight": 1}, V, {**B, "weight": "0"}], [U, {**A, "weight": 1}]),
        ("drop-unlearnt", [{**U, "weight": 0}, {**A, "weight": 0.5}], None),
        ("drop-results", [U, A, V, B, TOOL, A], [U, A, V, B]),
        ("drop-results", [U, A, V, TOOL, A], [U, A]),
        ("drop-results", [U, A], None),
        ("drop-empty", [EMPTY, U, {**EMPTY, "name": "x"}, {**TOOL, "content": ""}, {"role": "user"}, A],
         [U, {**EMPTY, "name": "x"}, {**TOOL, "content": ""}, A]),
        ("merge-roles", [U, V, A, B, {**B, "name": "x"}, {**B, "content": 5}],
         [{**U, "content": "Why?\n\nWho?"}, {**A, "content": "So.\n\nOr."}, {**B, "name": "x"}, {**B, "content": 5}]),
        ("merge-roles", [U, {**V, "content": 5}, V, TOOL, TOOL], None),
        ("drop-lead", [A, B, U, A], [U, A]),
        ("drop-lead", [S, A, U, A], [S, U, A]),
        ("drop-lead", [A], []),
        ("drop-lead", [U, A], None),
        ("drop-tail", [U, A, U, V], [U, A]),
        ("drop-tail", [U], []),
        ("drop-tail", [U, A, S], None),
    ],
)  # fmt: skip
def test_a_repair_changes_this_and_nothing_else(name: str, before: list[Any], after: list[Any] | None) -> None:
    row = {"messages": before, "prompt": "P", "prompt_id": "id"}
    expected = (row, []) if after is None else ({"messages": after}, [name])
    assert repaired(row, (name,)) == expected


def test_what_is_no_list_of_objects_is_not_repaired() -> None:
    for row in (5, {}, {"messages": "x"}, {"messages": [U, 5]}):
        assert repaired(row, ("drop-empty", "merge-roles")) == (row, [])


def test_repairs_are_made_in_their_order_and_an_unknown_one_is_named() -> None:
    assert chosen(["drop-tail", "marks", "role-names"]) == ("role-names", "marks", "drop-tail")
    with pytest.raises(DataError) as raised:
        chosen(["spelling", "marks", "commas"])
    assert str(raised.value) == (
        "there is no repair commas, spelling: they are role-names, control, marks, drop-unlearnt, drop-results, "
        "drop-empty, merge-roles, drop-lead, drop-tail"
    )
