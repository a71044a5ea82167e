"""Rows read as a whole: what is made of each, and the account of everything else that it held."""

from __future__ import annotations

from typing import Any

import pytest

from data_prep.row.reading import Read, Reader
from data_prep.row.rules import Problem

U, A = {"content": "Why?", "role": "user"}, {"content": "So.", "role": "assistant"}
S = {"content": "Be.", "role": "system"}
BEFORE = [{"content": "a", "role": "user"}, {"content": "b", "role": "assistant"}]
QA = {"messages": [U, A]}
UNMADE = "and nothing can be made of it in a row taken as"
UNWRITTEN = "which the chat template does not write: it would not be learnt"
NOT_ONE = Problem("weight", "must be 0 or 1: the fine-tune component learns an answer or does not", "weight")


WHY = {
    "question": "is what the model is asked",
    "system": "says how the model is to answer",
    "context": "is what the answer rests on",
    "history": "is what was said before",
    "answer": "is what the model is to say",
    "label": "says whether the answer is a good one",
    "picture": "is no text",
    "tools": "is what the model may call, or has called",
}


def left(key: str, part: str, shape: str) -> Problem:
    """That a column means something, of which nothing can be made beside the rest."""
    return Problem(key, f"{WHY[part]}, {UNMADE} {shape}", f"column-{part}")


def unlearnt(key: str) -> Problem:
    return Problem(key, f"{WHY['tools']}, {UNWRITTEN}", "column-tools")


@pytest.mark.parametrize(
    ("row", "read"),
    [
        (5, Read(5)),
        ({"mood": "x"}, Read({"mood": "x"})),
        (QA, Read(QA, "messages")),
        ({**QA, "prompt": "P", "prompt_id": "i", "id": 3}, Read({**QA, "prompt": "P", "prompt_id": "i"}, "messages")),
        ({**QA, "prompt": None, "prompt_id": None}, Read(QA, "messages")),
        ({"conversations": [U, A], "prompt": "P"}, Read(QA, "sharegpt", (), (left("prompt", "question", "sharegpt"),))),
        ({"conversations": [U, A], "prompt": "Why?", "x": "So."}, Read(QA, "sharegpt")),
        ({**QA, "mood": "x", "note": "", "list": [], "number": 7}, Read(QA, "messages", ("mood",))),
        (
            {"messages": [{**U, "mood": "x"}, {**A, "mood": "y", "Note": 1}], "Mood": 1},
            Read(QA, "messages", ("mood", "Note", "Mood")),
        ),
        ({**QA, "system": "Be."}, Read({"messages": [S, U, A]}, "messages")),
        ({"messages": [S, U, A], "system": "Be."}, Read({"messages": [S, U, A]}, "messages")),
        (
            {"messages": [S, U, A], "system": "Do."},
            Read({"messages": [S, U, A]}, "messages", (), (left("system", "system", "messages"),)),
        ),
        ({**QA, "context": "x"}, Read(QA, "messages", (), (left("context", "context", "messages"),))),
        ({**QA, "history": "x"}, Read(QA, "messages", (), (left("history", "history", "messages"),))),
        ({**QA, "answer": "x"}, Read(QA, "messages", (), (left("answer", "answer", "messages"),))),
        ({**QA, "label": 3}, Read(QA, "messages", (), (left("label", "label", "messages"),))),
        ({**QA, "videos": ["a"]}, Read(QA, "messages", (), (left("videos", "picture", "messages"),))),
        ({**QA, "tools": [1]}, Read(QA, "messages", (), (unlearnt("tools"),))),
        ({**QA, "tool_choice": "auto"}, Read(QA, "messages", (), (unlearnt("tool_choice"),))),
        ({**QA, "rejected": "x", "text": "y"}, Read(QA, "messages", ("rejected", "text"))),
        ({**QA, "label": True}, Read(QA, "messages")),
        ({**QA, "label": "True"}, Read(QA, "messages")),
        ({**QA, "label": "true"}, Read(QA, "messages")),
        ({**QA, "label": "good"}, Read(QA, "messages", ("label",))),
        ({**QA, "label": 1}, Read(QA, "messages", (), (left("label", "label", "messages"),))),
        ({**QA, "label": False}, Read(QA, "messages", aside="label false")),
        ({**QA, "label": "false"}, Read(QA, "messages", aside="label false")),
        ({**QA, "label": 0}, Read(QA, "messages", (), (left("label", "label", "messages"),))),
        ({**QA, "weight": 1}, Read(QA, "messages")),
        ({**QA, "loss_weight": "1.0"}, Read(QA, "messages")),
        ({**QA, "weight": True}, Read(QA, "messages")),
        ({**QA, "weight": "true"}, Read(QA, "messages")),
        ({**QA, "weight": 0.5}, Read(QA, "messages", (), (NOT_ONE,))),
        ({**QA, "weight": 0}, Read(QA, "messages", aside="weight 0")),
        ({**QA, "weight": "0.0"}, Read(QA, "messages", aside="weight 0")),
        ({**QA, "weight": False}, Read(QA, "messages", aside="weight 0")),
        (
            {"messages": [U, {**A, "tool_calls": [1]}, {"role": "tool", "content": "x"}, 5]},
            Read(
                {"messages": [U, {**A, "tool_calls": [1]}, {"role": "tool", "content": "x"}, 5]},
                "messages",
                (),
                (
                    Problem("messages[1].tool_calls", f"is a call of a tool, or tells of tools, {UNWRITTEN}", "tools"),
                    Problem("messages[2].role", f"is that of a tool, {UNWRITTEN}", "tools"),
                ),
            ),
        ),
        (
            {"instruction": "Why?", "input": " ", "output": "So.", "question": "Who?"},
            Read(QA, "alpaca", (), (left("question", "question", "alpaca"),)),
        ),
        ({"instruction": "Why?", "response": "So.", "answer": "So."}, Read(QA, "alpaca")),
        (
            {"instruction": "Why?", "answer": "No.", "output": "So."},
            Read(QA, "alpaca", (), (left("answer", "answer", "alpaca"),)),
        ),
        (
            {"question": "Why?", "input": "x", "context": ["y", 5], "answer": "So."},
            Read({"messages": [{"content": ["Why?", "x", ["y", 5]], "role": "user"}, A]}, "pair"),
        ),
        (
            {"question": "Why?", "input": "x", "context": "y", "answer": "So."},
            Read({"messages": [{"content": "Why?\n\nx\n\ny", "role": "user"}, A]}, "pair"),
        ),
        ({"input": "Why?", "output": "So."}, Read(QA, "pair")),
        ({"prompt": "Why?"}, Read({"messages": [U, {"content": None, "role": "assistant"}]}, "pair")),
        ({"response": "So."}, Read({"messages": [{"content": None, "role": "user"}, A]}, "pair")),
        ({"prompt": [U], "completion": "So."}, Read(QA, "pair")),
        ({"prompt": "Why?", "completion": [A], "history": [S]}, Read({"messages": [S, U, A]}, "pair")),
        ({"prompt": "Why?", "completion": "So.", "history": [["a", "b"]]}, Read({"messages": [*BEFORE, U, A]}, "pair")),
        (
            {"prompt": "Why?", "completion": "So.", "history": [["a"]]},
            Read(QA, "pair", (), (left("history", "history", "pair"),)),
        ),
        ({"question": "Why?", "answers": ["So.", "So."]}, Read(QA, "pair")),
        ({"question": "Why?", "answers": {"text": ["So.", "No."]}}, Read(QA, "pair", ("answers (all but the first)",))),
        ({"chosen": [U, A], "rejected": "x"}, Read(QA, "preference", ("rejected",))),
        ({"chosen": [U, A], "prompt": "Why?"}, Read(QA, "preference")),
        ({"chosen": [U, A], "prompt": "Who?"}, Read(QA, "preference", (), (left("prompt", "question", "preference"),))),
        (
            {"preferred_output": [A], "input": {"messages": [U], "mood": "x", "id": 3}},
            Read(QA, "preference", ("mood",)),
        ),
        (
            {"chosen": "So.", "prompt": "Why?", "history": [["a", "b"]]},
            Read({"messages": [*BEFORE, U, A]}, "preference"),
        ),
        ({"data": ["Why?", "So.", "Why?"]}, Read({"messages": [U, A, U]}, "turns")),
        ({"turns": ["Why?"]}, Read({"turns": ["Why?"]})),
        ({"text": "Human: Why?\nAssistant: So."}, Read(QA, "text")),
        ({"text": "Human: Why?\nAssistant: So.", "prompt": "Why?"}, Read(QA, "text")),
        ({"chat": "Human: Why?\nAssistant: So.", "system": "Be."}, Read({"messages": [S, U, A]}, "text")),
    ],
)
def test_a_row_and_the_account_of_it(row: Any, read: Read) -> None:
    assert Reader().read(row) == read


@pytest.mark.parametrize(
    ("options", "row", "read"),
    [
        (
            {"ignore": ["Mood"]},
            {"messages": [{**U, "MOOD": 1}, A], "mood": 1, "note": 1},
            Read(QA, "messages", ("note",)),
        ),
        ({"ignore": ["tools", "label"]}, {**QA, "tools": [1], "label": 3}, Read(QA, "messages")),
        ({"columns": {"x": "label"}}, {**QA, "x": 1}, Read(QA, "messages")),
        ({"columns": {"x": "label"}}, {**QA, "x": "0"}, Read(QA, "messages", aside="label false")),
        ({"columns": {"x": "label"}}, {**QA, "X": 0}, Read(QA, "messages", aside="label false")),
        ({"columns": {"x": "messages"}}, {"x": [U, A], "messages": [S, U, A]}, Read(QA, "messages", ("messages",))),
        (
            {"columns": {"prompt": "context"}},
            {**QA, "prompt": "x"},
            Read({**QA, "prompt": "x"}, "messages", (), (left("prompt", "context", "messages"),)),
        ),
        (
            {"columns": {"x": "answer"}},
            {"instruction": "Why?", "output": "No.", "x": "So."},
            Read(QA, "alpaca", (), (left("output", "answer", "alpaca"),)),
        ),
        (
            {"shape": "pair"},
            {"messages": [S, U, A], "question": "Why?", "answer": "So."},
            Read(QA, "pair", ("messages",)),
        ),
        (
            {"shape": "pair"},
            {"question": "Why?", "answer": "So.", "response": "No.", "query": "x"},
            Read({"messages": [U, {**A, "content": "No."}]}, "pair", ("answer", "query")),
        ),
        ({"shape": "alpaca"}, QA, Read(QA)),
        ({"shape": "text"}, {"chosen": "Human: Why?\nAssistant: So."}, Read(QA, "text")),
        (
            {"model": "Phi-4-mini-instruct"},
            {**QA, "tool_choice": "auto"},
            Read(QA, "messages", (), (left("tool_choice", "tools", "messages"),)),
        ),
    ],
)
def test_settings_say_what_else_is_read_and_what_not(options: dict[str, Any], row: Any, read: Read) -> None:
    assert Reader(**options).read(row) == read


def test_a_row_that_holds_nothing_besides_is_not_looked_at_twice() -> None:
    reader = Reader(ignore=["Mood"])
    rows = [QA, {**QA, "prompt": 1, "prompt_id": 2}, {**QA, "id": 5, "created_at": 1, "mood": "x"}]
    others = [{**QA, "note": ""}, {**QA, "system": "x"}, {"messages": [U, {**A, "id": 1}]}, {**QA, 5: 1}]
    for _ in range(2):
        assert [row for row in rows if not reader.untouched(row)] == []
        assert [row for row in others if reader.untouched(row)] == []
    for named in (Reader("sharegpt"), Reader("pair"), Reader(columns={"x": "text"})):
        assert not named.untouched(QA)
    assert Reader("messages").untouched(QA)
    for at in range(1100):  # rows with keys of their own
        assert reader.untouched({**QA, f"a{at}_id": 1}) and len(reader._plain) <= 1001
