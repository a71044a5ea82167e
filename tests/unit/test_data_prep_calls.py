"""Tools and their calls: kept where the base model's template knows them, refused by name where it does not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from data_prep import DataError
from data_prep.prepare import Prepared, prepare
from data_prep.request import Request
from data_prep.row.reading import Read, Reader
from data_prep.row.repairs import repaired
from data_prep.row.rules import problems
from data_prep.run.preview import preview, rendered

KNOWS = "Phi-4-mini-instruct"
# Of tokenizer_config.json of that model: a system message may have tools, which are text already.
TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'system' and 'tools' in message %}"
    "<|system|>{{ message['content'] }}<|tool|>{{ message['tools'] }}<|/tool|><|end|>{% else %}"
    "<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endif %}{% endfor %}<|endoftext|>"
)
FUNCTION = {"name": "order_status", "description": "of an order", "parameters": {"type": "object", "properties": {}}}
TOOLS = [{"type": "function", "function": FUNCTION}]
SYSTEM = {"role": "system", "content": "Be short."}
ASKED = {"role": "user", "content": "Where is order 7?"}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "order_status", "arguments": '{"n": 7, "ort": "Köln"}'}}
    ],
}
AS_TEXT = '<|tool_call|>[{"name": "order_status", "arguments": {"n": 7, "ort": "Köln"}}]<|/tool_call|>'
ANSWERED = {"role": "tool", "tool_call_id": "c", "content": "sent"}
LAST = {"role": "assistant", "content": "It was sent."}


def read(row: dict[str, Any], model: str = KNOWS) -> Read:
    return Reader(model=model).read(row)


def test_the_row_is_what_the_template_makes_of_tools_and_a_call() -> None:
    found = read({"tools": TOOLS, "messages": [SYSTEM, ASKED, CALLED], "tool_choice": "auto"})
    assert (found.problems, found.unused, found.calls) == ((), (), True)
    assert problems(found.row, tools=True) == []
    given = [{**SYSTEM, "tools": json.dumps([FUNCTION])}, ASKED, {"role": "assistant", "content": AS_TEXT}]
    assert rendered(found.row["messages"], TEMPLATE) == rendered(given, TEMPLATE)
    assert {frozenset(message) for message in found.row["messages"]} == {frozenset({"role", "content"})}


@pytest.mark.parametrize(
    "row",
    [
        {"tools": json.dumps(TOOLS), "messages": [SYSTEM, ASKED, CALLED]},
        {"functions": [FUNCTION], "messages": [SYSTEM, ASKED, CALLED]},
        {"messages": [{**SYSTEM, "tools": TOOLS}, ASKED, CALLED]},
        {"messages": [{**SYSTEM, "tools": json.dumps([FUNCTION])}, ASKED, CALLED]},
        {"system": "Be short.", "tools": TOOLS, "messages": [ASKED, CALLED]},
        {
            "tools": TOOLS,
            "messages": [
                SYSTEM,
                ASKED,
                {"role": "assistant", "function_call": {"name": "order_status", "arguments": {"n": 7, "ort": "Köln"}}},
            ],
        },
        {"messages": [{**SYSTEM, "content": f"Be short.<|tool|>{json.dumps([FUNCTION])}<|/tool|>"}, ASKED, CALLED]},
    ],
)
def test_all_forms_of_the_same_are_one_row(row: dict[str, Any]) -> None:
    plain = read({"tools": TOOLS, "messages": [SYSTEM, ASKED, CALLED]})
    found = read(row)
    assert (found.problems, found.row) == ((), plain.row)


def test_tools_without_a_system_message_are_one_and_a_text_beside_a_call_stays() -> None:
    found = read({"tools": TOOLS, "messages": [ASKED, {**CALLED, "content": "Let me see. "}]}).row["messages"]
    assert found[0] == {"role": "system", "content": f"<|tool|>{json.dumps([FUNCTION])}<|/tool|>"}
    assert found[2]["content"] == f"Let me see. {AS_TEXT}"


@pytest.mark.parametrize("model", ["Phi-4", "Phi-3-mini-4k-instruct", "Phi-4-mini-flash-reasoning"])
def test_another_models_template_would_not_write_them(model: str) -> None:
    found = read({"tools": TOOLS, "messages": [ASKED, CALLED, ANSWERED, LAST]}, model)
    rules = {problem.field: problem.rule for problem in found.problems}
    assert set(rules) == {"messages[1].tool_calls", "messages[2].role", "tools"}
    assert all(
        f"the chat template of {model} does not write: it would not be learnt" in rule for rule in rules.values()
    )
    marked = {"messages": [ASKED, {"role": "assistant", "content": AS_TEXT}]}
    assert [problem.code for problem in problems(read(marked, model).row)] == ["mark"]


def test_of_a_model_that_is_not_known_that_is_said() -> None:
    (problem,) = read({"messages": [ASKED, CALLED]}, "Qwen2.5-7B-Instruct").problems
    assert "nothing is known here to be learnt by Qwen2.5-7B-Instruct: its chat template is not known" in problem.rule


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"tools": [1], "messages": [ASKED, LAST]}, "a list of functions, each with its name"),
        ({"tools": "none", "messages": [ASKED, LAST]}, "must be a list, or JSON of one"),
        ({"messages": [ASKED, {**CALLED, "tool_calls": [{"id": "c"}]}]}, "each with its function's name"),
        (
            {"messages": [ASKED, {**CALLED, "tool_calls": [{"function": {"name": "f", "arguments": "{7"}}]}]},
            "arguments of f that are not JSON",
        ),
        ({"messages": [{**ASKED, "tool_calls": CALLED["tool_calls"]}, LAST]}, "is not what a message of user holds"),
        (
            {"messages": [ASKED, {**CALLED, "function_call": {"name": "order_status"}}]},
            "stands beside tool_calls: which of them is meant is not known",
        ),
        (
            {"messages": [{**SYSTEM, "tools": TOOLS, "functions": [FUNCTION]}, ASKED, CALLED]},
            "stands beside tools: which of them is meant is not known",
        ),
        (
            {"messages": [{**SYSTEM, "content": 'A<|tool|>[{"name": "g"}]<|/tool|>'}, ASKED, CALLED], "tools": TOOLS},
            "are other tools than those of the system message",
        ),
    ],
)
def test_what_has_no_one_meaning_is_refused(row: dict[str, Any], words: str) -> None:
    (problem,) = read(row).problems
    assert problem.code == "tools-unclear" and words in problem.rule


@pytest.mark.parametrize("content", [7, ["So.", {"type": "image_url"}], {"text": 7}, False])
def test_what_stands_beside_a_call_and_is_no_text_is_refused_as_that(content: Any) -> None:
    said = {**CALLED, "content": content}
    found = read({"messages": [{"role": "system", "content": content, "tools": TOOLS}, ASKED, said]})
    beside = read({"tools": TOOLS, "messages": [{"role": "system", "content": content}, ASKED, LAST]})
    for each in (found.row["messages"][0], found.row["messages"][2], beside.row["messages"][0]):
        assert each["content"] == content
    fields = [(each.field, each.code) for each in problems(found.row, tools=True)]
    assert fields == [("messages[0].content", "content-type"), ("messages[2].content", "content-type")]


def test_marks_are_right_only_where_they_belong() -> None:
    asked = [ASKED, {"role": "assistant", "content": AS_TEXT}]
    assert problems({"messages": asked}, tools=True) == []
    for at, before in enumerate(("<|tool_call|>", "<|tool|>")):
        messages = [dict(message) for message in asked]
        messages[at]["content"] = before + messages[at]["content"]
        assert [problem.code for problem in problems({"messages": messages}, tools=True)] == ["mark"]
        mended, changed = repaired({"messages": messages}, ("marks",), tools=True)
        assert (mended["messages"], changed) == (asked, ["marks"])
    for text in (
        f"{AS_TEXT} and",
        "<|tool_call|>[7<|/tool_call|>",
        "<|tool_call|>[]",
        '<|tool_call|>["<|end|>"]<|/tool_call|>',
    ):
        assert [each.code for each in problems({"messages": [ASKED, {**LAST, "content": text}]}, tools=True)] == [
            "mark"
        ]


def made(tmp_path: Path, rows: list[dict[str, Any]], **options: Any) -> Prepared:
    source = tmp_path / "x.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return prepare(Request(source=str(source), directory=tmp_path / "out", model=KNOWS, **options), lambda _: None)


def rows(*rest: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"tools": TOOLS, "messages": [{**ASKED, "content": f"Where is order {at}?"}, CALLED, *rest]} for at in range(30)
    ]


def test_files_with_calls_are_the_source_of_the_same_files(tmp_path: Path) -> None:
    first = made(tmp_path, rows())
    assert (first.card.rows["with_calls"], first.card.rejected) == (30, {})
    texts = [json.loads(line)["messages"][-1]["content"] for line in first.train.read_text().splitlines()]
    assert set(texts) == {AS_TEXT}
    assert "| with tools or calls of them | 30 |" in (first.directory / "card.md").read_text()
    again = prepare(
        Request(source=str(first.train), directory=tmp_path / "again", test_ratio=1e-9, test=str(first.test)),
        lambda _: None,
    )
    assert again.card.files["train_data.jsonl"] == first.card.files["train_data.jsonl"]


def test_what_a_tool_answered_is_refused_or_the_end(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"messages\[3\]\.role is what a tool answered") as caught:
        made(tmp_path, rows(ANSWERED, LAST))
    assert "badRows: repair with drop-results among repairs" in str(caught.value)
    mended = made(tmp_path, rows(ANSWERED, LAST), bad_rows="repair", repairs=("drop-results",))
    assert (mended.card.repaired, mended.card.rejected) == ({"drop-results": 30}, {})
    written = mended.train.read_text()
    assert "sent" not in written and written.count("<|tool_call|>") == mended.card.rows["train"]


def test_a_preview_shows_the_call_as_the_model_will_see_it(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()[:3]))
    shown = "\n".join(preview(Request(source=str(tmp_path / "x.jsonl"), tokenizer="estimate")))
    assert f"<|user|>Where is order 0?<|end|><|assistant|>{AS_TEXT}<|end|>" in shown
