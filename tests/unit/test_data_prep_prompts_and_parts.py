"""Prompts in which a template is open, and messages of parts: read as the conversations they are."""

from __future__ import annotations

from typing import Any

import pytest

from data_prep.row.reading import Reader
from data_prep.row.rules import problems
from data_prep.row.templates import opened, untemplated

Q_A = [("user", "Why?"), ("assistant", "So.")]
GEMINI = [{"role": "user", "parts": [{"text": "Why?"}]}, {"role": "model", "parts": [{"text": "So."}]}]


def messages(row: dict[str, Any]) -> list[tuple[str, str]]:
    read = Reader().read(row)
    assert (problems(read.row), read.problems, read.unused) == ([], (), ())
    return [(each["role"], each["content"]) for each in read.row["messages"]]


@pytest.mark.parametrize(
    "prompt",
    [
        "\n\nHuman: Why?\n\nAssistant:",
        "### Human: Why?\n### Assistant:",
        "### Instruction:\nWhy?\n\n### Response:\n",
        "USER: Why? ASSISTANT:",
        "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n",
        "<|user|>Why?<|end|><|assistant|>",
        "<s>[INST] Why? [/INST]",
        "<start_of_turn>user\nWhy?<end_of_turn>\n<start_of_turn>model\n",
        "<|start_header_id|>user<|end_header_id|>\n\nWhy?<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    ],
)
def test_an_open_template_around_a_prompt_is_taken_off(prompt: str) -> None:
    assert messages({"prompt": prompt, "completion": " So."}) == Q_A
    assert messages({"system": "Be.", "prompt": prompt, "completion": "So."}) == [("system", "Be."), *Q_A]


@pytest.mark.parametrize(
    "prompt",
    ["Question: Why?\nAnswer:", "Say what Human: and Assistant: mean.", "Assistant:", "Who is your assistant:"],
)
def test_a_prompt_that_only_looks_like_one_stays(prompt: str) -> None:
    assert messages({"prompt": prompt, "completion": "So."}) == [("user", prompt), ("assistant", "So.")]


@pytest.mark.parametrize(
    ("answer", "learnt"),
    [
        ("Hi\nUser: you can also say\nAssistant: hello", "Hi\nUser: you can also say\nAssistant: hello"),
        ("Question: why?\nAnswer: because", "Question: why?\nAnswer: because"),
        ("<|assistant|> is a mark", "<|assistant|> is a mark"),
        (" So.<|im_end|>\n</s>", "So."),
    ],
)
def test_the_answer_to_an_open_template_is_a_text_by_itself(answer: str, learnt: str) -> None:
    for prompt in ("Below.\n### Instruction:\nWhy?\n\n### Response:\n", "### Human: Why?\n### Assistant:"):
        read = Reader().read({"prompt": prompt, "completion": answer})
        assert read.row["messages"][-1] == {"role": "assistant", "content": learnt}
        assert [each["role"] for each in read.row["messages"][-2:]] == ["user", "assistant"]


@pytest.mark.parametrize("name", ["systemInstruction", "system_instruction"])
def test_gemini(name: str) -> None:
    assert messages({"contents": GEMINI}) == Q_A
    told = {"role": "system", "parts": [{"text": "Be."}]}
    assert messages({name: told, "contents": GEMINI}) == [("system", "Be."), *Q_A]


@pytest.mark.parametrize("part", [{"functionCall": {"name": "f"}}, {"inlineData": {"mimeType": "image/png"}}])
def test_parts_that_are_no_text_are_refused(part: dict[str, Any]) -> None:
    row = Reader().read({"contents": [GEMINI[0], {"role": "model", "parts": [{"text": "So."}, part]}]}).row
    assert [(each.field, each.code) for each in problems(row)] == [("messages[1].content", "content-type")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Be.\nHuman: Why?\nAssistant: So.", [("system", "Be."), *Q_A]),
        (f"{'x' * 1000}\nHuman: Why?\nAssistant: So.", [("system", "x" * 1000), *Q_A]),
        (f"{'x' * 1001}\nHuman: Why?\nAssistant: So.", None),
        ("### Instruction: Why?\n### Input: x\n### Response: So.</s>", [("user", "Why?\n\nx"), Q_A[1]]),
        ("### Instruction: Why?\n### Input:\n### Response: So.", Q_A),
        ("### Input: Why?\n### Response: So.", Q_A),
        ("### Response: So.\n### Input: Why?\n### Response: So.", [Q_A[1], *Q_A]),
        ("Human: Why?\nAssistant: So.\nHuman: Or?", None),
        ("Human: Why?", None),
        ("x [INST] Why? [/INST] So.", None),
        ("[INST] Why? [/INST] So. </s> x", None),
        ("<|user|>Why?<|end|>x<|assistant|>So.<|end|>", None),
        ("<|tool|>x<|end|><|assistant|>So.", [("tool", "x"), Q_A[1]]),
    ],
)
def test_what_a_template_makes_of_a_text_and_of_what_stands_outside(
    text: str, said: list[tuple[str, str]] | None
) -> None:
    found = untemplated(text)
    assert (found and [(each["role"], each["content"]) for each in found]) == said


LONG = " " * 400_000
"""Blanks that a pattern which tries each division of them would not get through within an hour."""


@pytest.mark.parametrize(
    ("answer", "learnt"),
    [
        (f" a{LONG}b </s> <|im_end|>\n<|end|><|eot_id|><|endoftext|><end_of_turn> ", f"a{LONG}b"),
        (f"a{'</s>' * 100_000}b", f"a{'</s>' * 100_000}b"),
        (f"a{'</s> ' * 100_000}", "a"),
        (LONG, ""),
        ("</s>", ""),
        ("\0", "\0"),
        ("<|im_end|> a <s>", "<|im_end|> a <s>"),
    ],
)
def test_marks_and_blanks_at_the_end_of_an_answer_go_in_a_time_that_grows_with_its_length(
    answer: str, learnt: str
) -> None:
    found = opened("### Instruction:\nWhy?\n\n### Response:\n", answer)
    assert found == [{"content": "Why?", "role": "user"}, {"content": learnt, "role": "assistant"}]


def test_a_template_of_llama_2_may_have_any_number_of_blanks_in_it() -> None:
    assert untemplated(f"[INST]{LONG}x") is None
    assert untemplated(f"[INST] <<SYS>>{LONG}x") is None
    found = untemplated(f"<s>[INST]{LONG}<<SYS>>{LONG}Be.{LONG}<</SYS>>{LONG}Why?{LONG}[/INST]{LONG}So.{LONG}</s>")
    assert [(each["role"], each["content"]) for each in found or []] == [("system", "Be."), *Q_A]
    twice = untemplated("[INST] Why? [/INST] So. <s>[INST] <<SYS>><</SYS>> Or? [/INST]")
    assert [(each["role"], each["content"]) for each in twice or []] == [*Q_A, ("user", "Or?")]
