"""The shapes that rows come in: what each becomes, and that nothing which a row holds is lost without a word."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from data_prep.errors import DataError
from data_prep.prepare import Prepared, Request, prepare
from data_prep.row.reading import Read, Reader
from data_prep.row.rules import problems, record

USER, ANSWER = {"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}
Q_A = "user: Why? | assistant: So."


def said(read: Read) -> str:
    """The messages of a row in short."""
    assert not problems(read.row), problems(read.row)
    return " | ".join(f"{each['role']}: {each['content']}" for each in record(read.row)["messages"])


def read(row: Any, **options: Any) -> Read:
    return Reader(**options).read(row)


@pytest.mark.parametrize(
    ("shape", "row", "expected"),
    [
        ("messages", {"messages": [USER, ANSWER]}, Q_A),
        ("messages", {"system": "Be.", "messages": [USER, ANSWER]}, f"system: Be. | {Q_A}"),
        ("messages", {"systemPrompt": "Be.", "messages": [USER, ANSWER]}, f"system: Be. | {Q_A}"),
        ("messages", {"messages": [{"role": "developer", "content": "Be."}, USER, ANSWER]}, f"system: Be. | {Q_A}"),
        ("messages", {"messages": [{"role": "Human", "content": "Why?"}, {"role": "AI", "content": "So."}]}, Q_A),
        ("messages", {"messages": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]}, Q_A),
        ("messages", {"Messages": json.dumps([USER, ANSWER])}, Q_A),
        ("messages", {"messages": repr([USER, ANSWER])}, Q_A),
        ("messages", {"messages": {"role": ["user", "assistant"], "content": ["Why?", "So."]}}, Q_A),
        ("messages", {"messages": [list(USER.items()), list(ANSWER.items())]}, Q_A),
        ("messages", {"messages": [{**USER, "weight": 0}, {**ANSWER, "weight": 1}]}, Q_A),
        ("sharegpt", {"conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "So."}]}, Q_A),
        ("sharegpt", {"conversation": [USER, ANSWER], "model": "x", "turn": 1}, Q_A),
        ("sharegpt", {"system": "Be.", "conversations": json.dumps([USER, ANSWER])}, f"system: Be. | {Q_A}"),
        ("alpaca", {"instruction": "Why?", "input": "", "output": "So."}, Q_A),
        ("alpaca", {"instruction": "Why?", "input": "x", "output": "So."}, "user: Why?\n\nx | assistant: So."),
        (
            "alpaca",
            {"system": "Be.", "instruction": "Why?", "output": "So.", "history": [["Hi", "Ho"]]},
            f"system: Be. | user: Hi | assistant: Ho | {Q_A}",
        ),
        (
            "alpaca",
            {"instruction": "Why?", "context": "x", "response": "So.", "category": "y"},
            "user: Why?\n\nx | assistant: So.",
        ),
        ("pair", {"prompt": "Why?", "completion": "So."}, Q_A),
        ("pair", {"system_prompt": "Be.", "question": "Why?", "response": "So."}, f"system: Be. | {Q_A}"),
        ("pair", {"question": "Why?", "context": ["x", "y"], "answer": "So."}, "user: Why?\n\nx\n\ny | assistant: So."),
        ("pair", {"Question": "Why?", "Answer ": "So."}, Q_A),
        ("pair", {"inputs": "Why?", "targets": "So."}, Q_A),
        ("pair", {"question": "Why?", "answers": {"text": ["So."], "answer_start": [3]}}, Q_A),
        ("pair", {"prompt": [USER], "completion": [ANSWER]}, Q_A),
        ("pair", {"prompt": "Why?", "completion": "So.", "label": True}, Q_A),
        ("preference", {"prompt": "Why?", "chosen": "So.", "rejected": "No."}, Q_A),
        ("preference", {"prompt": [USER], "chosen": [ANSWER], "rejected": [ANSWER]}, Q_A),
        ("preference", {"chosen": [USER, ANSWER], "rejected": [USER]}, Q_A),
        ("preference", {"prompt": "Why?", "chosen": [USER, ANSWER]}, Q_A),
        ("preference", {"chosen": "\n\nHuman: Why?\n\nAssistant: So.", "rejected": "x"}, Q_A),
        ("preference", {"input": {"messages": [USER]}, "preferred_output": [ANSWER]}, Q_A),
        ("turns", {"id": "1", "data": ["Why?", "So."]}, Q_A),
        ("turns", {"dialog": ["Why?", "So."]}, Q_A),
        (
            "tree",
            {
                "prompt": {
                    "text": "Why?",
                    "role": "prompter",
                    "replies": [
                        {"text": "No.", "role": "assistant", "rank": 1, "replies": []},
                        {
                            "text": "So.",
                            "role": "assistant",
                            "rank": 0,
                            "replies": [{"text": "Oh?", "role": "prompter", "replies": []}],
                        },
                    ],
                }
            },
            Q_A,
        ),
    ],
)
def test_what_becomes_of_a_shape(shape: str, row: dict[str, Any], expected: str) -> None:
    found = read(row)
    assert (found.shape, said(found), found.problems) == (shape, expected, ())


@pytest.mark.parametrize(
    "text",
    [
        "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\nSo.<|im_end|>\n",
        "<|im_start|>user<|im_sep|>Why?<|im_end|><|im_start|>assistant<|im_sep|>So.<|im_end|>",
        "<|user|>\nWhy?<|end|>\n<|assistant|>\nSo.<|end|>\n<|endoftext|>",
        "<|user|>Why?<|end|><|assistant|>So.<|end|><|endoftext|>",
        "<|user|>\nWhy?</s>\n<|assistant|>\nSo.</s>\n",
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nWhy?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nSo.<|eot_id|>",
        "<bos><start_of_turn>user\nWhy?<end_of_turn>\n<start_of_turn>model\nSo.<end_of_turn>\n",
        "<s>[INST] Why? [/INST] So. </s>",
        "### Human: Why?### Assistant: So.",
        "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
        "### Instruction:\nWhy?\n\n### Response:\nSo.",
        "USER: Why? ASSISTANT: So.</s>",
    ],
)
def test_a_known_template_is_taken_off(text: str) -> None:
    found = read({"text": text})
    assert (found.shape, said(found)) == ("text", Q_A)


@pytest.mark.parametrize("text", ["So.", "<|user|>Why?<|end|> and more", "Question: is there an answer?", "[INST] x"])
def test_a_text_without_one_is_no_conversation(text: str) -> None:
    (problem,) = problems(read({"text": text}).row)
    assert problem.code == "messages-missing"


@pytest.mark.parametrize(
    ("row", "unused"),
    [
        ({"messages": [USER, ANSWER], "id": 1, "created_at": "x", "num_turns": 2, "mood": None, "tags": []}, ()),
        ({"messages": [USER, ANSWER], "mood": "x", "verified": False}, ("mood", "verified")),
        (
            {"messages": [{**USER, "name": "Ann", "id": 3}, {**ANSWER, "reasoning_content": "x"}]},
            ("name", "reasoning_content"),
        ),
        ({"prompt": "Why?", "chosen": "So.", "rejected": "No."}, ("rejected",)),
        ({"instruction": "Why?", "output": "So.", "text": "### Instruction:\nWhy?"}, ("text",)),
        ({"question": "Why?", "answers": {"text": ["So.", "Thus."]}}, ("answers (all but the first)",)),
        ({"conversations": [USER, ANSWER], "prompt": "Why?"}, ()),
    ],
)
def test_what_nothing_is_made_of_is_named(row: dict[str, Any], unused: tuple[str, ...]) -> None:
    found = read(row)
    assert (found.unused, found.problems) == (unused, ())
    assert read(row, ignore=list(unused)).unused == ()


@pytest.mark.parametrize(
    ("row", "field", "code"),
    [
        ({"messages": [USER, ANSWER], "tools": [{"type": "function"}]}, "tools", "column-tools"),
        ({"messages": [USER, ANSWER], "context": "x"}, "context", "column-context"),
        ({"messages": [USER, ANSWER], "images": ["a.png"]}, "images", "column-picture"),
        ({"messages": [{"role": "system", "content": "A"}, USER, ANSWER], "system": "B"}, "system", "column-system"),
        ({"prompt": "Why?", "completion": "So.", "response": "No."}, "response", "column-answer"),
        ({"prompt": "Why?", "completion": "So.", "label": 3}, "label", "column-label"),
        ({"prompt": "Why?", "completion": "So.", "weight": 0.5}, "weight", "weight"),
    ],
)
def test_what_would_change_the_meaning_is_refused(row: dict[str, Any], field: str, code: str) -> None:
    (problem,) = read(row).problems
    assert (problem.field, problem.code) == (field, code)
    left = read(row, ignore=[field])
    assert (left.problems, left.unused) == ((), ())


@pytest.mark.parametrize(
    ("message", "field", "code"),
    [
        ({**ANSWER, "weight": 0}, "messages[1].weight", "weight"),
        ({**ANSWER, "weight": 0.3}, "messages[1].weight", "weight"),
        ({**ANSWER, "train": False}, "messages[1].weight", "weight"),
        ({**ANSWER, "tool_calls": [{"id": "c"}]}, "messages[1].tool_calls", "tools"),
        ({"role": "assistant", "content": None, "function_call": {"name": "f"}}, "messages[1].function_call", "tools"),
        ({"role": "tool", "content": "x"}, "messages[1].role", "tool-result"),
        ({"from": "observation", "value": "x"}, "messages[1].role", "tool-result"),
        ({**ANSWER, "images": ["x"]}, "messages[1].images", "picture"),
    ],
)
def test_a_message_that_cannot_be_learnt_as_it_is_meant(message: dict[str, Any], field: str, code: str) -> None:
    (problem,) = problems(read({"messages": [USER, message]}).row)
    assert (problem.field, problem.code) == (field, code)


@pytest.mark.parametrize(
    ("row", "aside"),
    [
        ({"prompt": "Why?", "completion": "No.", "label": False}, "label false"),
        ({"prompt": "Why?", "completion": "No.", "label": "False"}, "label false"),
        ({"messages": [USER, ANSWER], "weight": 0}, "weight 0"),
    ],
)
def test_a_row_that_is_not_to_be_learnt_is_set_aside(row: dict[str, Any], aside: str) -> None:
    assert read(row).aside == aside


def test_the_settings_name_the_parts_of_columns() -> None:
    row = {"Frage": "Why?", "Antwort": "So.", "Rolle": "Be.", "Gut": 1, "Stimmung": "x"}
    columns = {"Frage": "question", "antwort": "answer", "Rolle": "system", "Gut": "label"}
    found = read(row, columns=columns)
    assert (said(found), found.unused, found.problems) == (f"system: Be. | {Q_A}", ("Stimmung",), ())
    assert read({**row, "Gut": 0}, columns=columns).aside == "label false"
    with pytest.raises(
        DataError, match=r"the column question cannot hold 'Frage'.*; the column comes first, Frage: question"
    ):
        Request(columns={"question": "Frage"})


def test_two_words_of_two_parts_are_not_one() -> None:
    parts = [{"type": "text", "text": "Why"}, {"type": "input_text", "text": "not?\n"}, "Or?"]
    found = read({"messages": [{"role": "user", "content": parts}, ANSWER]})
    assert said(found) == "user: Why\nnot?\nOr? | assistant: So."


MIXED = [
    *({"messages": [{"role": "user", "content": f"Is {at} odd?"}, ANSWER]} for at in range(15)),
    *({"prompt": f"Is {at} even?", "completion": "No.", "label": at % 2 == 0, "mood": "x"} for at in range(15)),
]


def made(path: Path, rows: list[dict[str, Any]], said: list[str] | None = None, **options: Any) -> Prepared:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    tell = (lambda _: None) if said is None else said.append
    return prepare(Request(source=str(path), directory=path.parent / "out", **options), tell)


def test_each_row_is_read_in_its_own_shape_and_the_card_accounts_for_all(tmp_path: Path) -> None:
    heard: list[str] = []
    card = made(tmp_path / "x.jsonl", MIXED, heard).card
    assert "the rows are taken each in its own shape: messages, pair (--shape overrides it)" in heard
    assert card.shape == "messages 15, pair 15"
    assert (card.unused, card.set_aside) == ({"mood": 15}, {"label false": 7})
    assert card.rows["train"] + card.rows["test"] + card.rows["set_aside"] == card.rows["in"] == 30
    page = (tmp_path / "out" / "card.md").read_text()
    assert "| columns and keys that nothing was made of (rows) | mood 15 |" in page
    assert "| set aside by their own mark | 7 (label false 7) |" in page


def test_a_kind_of_problem_is_one_message(tmp_path: Path) -> None:
    bad = [{"messages": [USER, {**ANSWER, "weight": 0}]}, {"messages": [USER, ANSWER], "tools": [1]}] * 20
    with pytest.raises(DataError) as raised:
        made(tmp_path / "x.jsonl", [*MIXED, *bad])
    text = str(raised.value)
    assert text.count("x.jsonl:31: messages[1].weight marks an answer that is not to be learnt") == 1
    assert "; 19 more like it (:33, :35, …): leave these rows out (data.badRows: skip), or end each" in text
    assert text.count("x.jsonl:32: tools must be a list of functions, each with its name") == 1
    assert len(text.splitlines()) == 4


def test_an_answer_of_weight_0_is_never_learnt(tmp_path: Path) -> None:
    turn = [{**USER, "content": "Why not?"}, {**ANSWER, "content": "WRONG", "weight": 0}]
    bad = [{"messages": [{**USER, "content": f"{at}?"}, ANSWER, *turn]} for at in range(5)] + [{"messages": turn}]
    for policy in ({"bad_rows": "skip"}, {"bad_rows": "repair"}):
        found = made(tmp_path / "x.jsonl", [*MIXED, *bad], max_rejected="6", **policy)
        assert found.card.rejected == {"weight": 6}
    found = made(tmp_path / "x.jsonl", [*MIXED, *bad], bad_rows="repair", repairs=("drop-unlearnt",), max_rejected="1")
    assert (found.card.repaired, found.card.rejected) == ({"drop-unlearnt": 5}, {"weight": 1})
    assert "WRONG" not in found.train.read_text() + found.test.read_text()


def test_no_repair_takes_a_call_from_a_row_that_is_kept(tmp_path: Path) -> None:
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "c"}]}
    bad = [{"messages": [USER, call, ANSWER]}, {"messages": [USER, {**call, "content": "x"}, ANSWER]}]
    assert made(tmp_path / "x.jsonl", [*MIXED, *bad], bad_rows="repair", max_rejected="2").card.rejected == {
        "tools-unclear": 2
    }


def test_columns_of_a_parquet_file_are_accounted_for(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    rows = [{**row, "note": "x" if at < 3 else None} for at, row in enumerate(MIXED[:15])]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "x.parquet")
    card = prepare(Request(source=str(tmp_path / "x.parquet"), directory=tmp_path / "out"), lambda _: None).card
    assert (card.shape, card.unused) == ("messages", {"note": 3})


def test_cells_of_a_csv_may_hold_json(tmp_path: Path) -> None:
    with (tmp_path / "x.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([" Conversations", "ID"])
        writer.writerows([json.dumps(row["messages"]), "7"] for row in MIXED[:15])
    card = prepare(Request(source=str(tmp_path / "x.csv"), directory=tmp_path / "out"), lambda _: None).card
    assert (card.shape, card.unused) == ("sharegpt", {})
