"""The words by which sources name their columns, speakers and marks: each is known, whatever its case and form."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest

from data_prep.row.chat import role_of
from data_prep.row.fields import Fields
from data_prep.row.names import harmless, is_empty, part_of, snake
from data_prep.row.reading import Reader
from data_prep.row.repairs import DEFAULT, REPAIRS
from data_prep.row.rules import ROLES, kind, shown

ROLES_OF = {
    "user": "User human PROMPTER customer instruction question",
    "assistant": "Assistant gpt ChatGPT bot chatbot model AI bard bing claude llm answer",
    "system": "System developer",
    "tool": "Tool function observation ipython function_call tool_call",
}
PARTS_OF = {
    "messages": "messages conversations conversation dialog dialogue dialogs chat chats turns items utterances"
    " contents",
    "system": "system system_prompt system_message sys_prompt system_instruction",
    "context": "context contexts passage document documents background",
    "question": "prompt question query input inputs instruction",
    "answer": "completion response answer output target targets outputs answers chosen preferred_output",
    "history": "history",
    "weight": "weight loss_weight sample_weight",
    "label": "label",
    "rejected": "rejected non_preferred_output rejected_response",
    "tools": "tools functions tool_calls function_call tool_choice tool_call_id",
    "text": "text",
    "picture": "image images picture pictures audio audios video videos",
}
HARMLESS = """
    id ids uid uuid guid idx index no number key hash sha sha256 md5
    date time timestamp ts created updated modified day month year version
    url uri link href source sources origin dataset split file filename path
    license licence language lang locale model model_name category topic domain
    count tokens length turn parallel_tool_calls cache_control unnamed
    answer_start openai_moderation detoxify_moderation state country header hashed_ip
    tree_state synthetic user_name username thread channel
    a_id a_ids a_uuid a_at a_on a_date a_time a_timestamp a_url a_uri a_link a_hash a_count a_index a_idx a_tokens
    a_length a_lang a_language a_identifier a_name a_version
    num_turns n_turns nb_turns is_first_turn len_turns index_level_0 __index_level_12__ Unnamed:_0 unnamed0 createdAt
"""


@pytest.mark.parametrize(("role", "words"), ROLES_OF.items())
def test_who_speaks_is_known_by_many_words(role: str, words: str) -> None:
    assert {role_of(f" {word} ") for word in words.split()} == {role}
    assert (role_of("narrator"), role_of(None), role_of(5)) == ("narrator", None, 5)
    assert ROLES == ("system", "user", "assistant")


@pytest.mark.parametrize(("part", "names"), PARTS_OF.items())
def test_a_column_is_known_by_many_names(part: str, names: str) -> None:
    assert {part_of(name) for name in names.split()} == {part}
    assert {part_of(name.title().replace("_", " ")) for name in names.split()} == {part}
    assert not any(harmless(name) for name in names.split())


@pytest.mark.parametrize(("part", "names"), [each for each in PARTS_OF.items() if each[0] != "picture"])
def test_of_two_columns_of_a_part_the_more_usual_name_is_taken(part: str, names: str) -> None:
    for first, second in pairwise(names.split()):
        assert Fields({second: "x", first: "y"}, {}, frozenset()).key(part) == first


def test_a_column_that_says_nothing_of_a_conversation_is_known_as_well() -> None:
    assert [name for name in HARMLESS.split() if not harmless(name)] == []
    others = ["mood", "note", "identity", "modelled", "sample", "level_0", "turns_left", "numturns", "atom"]
    assert [name for name in others if harmless(name) or part_of(name)] == []


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("\ufeffSystem  prompt\t", "system_prompt"),
        ("system-prompt", "system_prompt"),
        ("systemPrompt", "system_prompt"),
        ("SHA256Sum", "sha256_sum"),
        ("__a__b_", "a_b"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("___", "___"),
        ("", ""),
    ],
)
def test_names_are_compared_in_one_form(name: str, form: str) -> None:
    assert snake(name) == form


EMPTY: list[Any] = [None, math.nan, "", " \n", {}, {"a": None, "b": {"c": ""}}, [], ()]
FULL: list[Any] = [0, False, 0.0, "0", {"a": 0, "b": None}, [None], ("",)]


def test_what_a_column_holds_where_it_holds_nothing() -> None:
    assert [value for value in EMPTY if not is_empty(value)] == []
    assert [value for value in FULL if is_empty(value)] == []


LEARNT = ["1", "1.0", "true", "True", 1, 1.0, True]
UNLEARNT = ["0", "0.0", "false", "no", 0, 0.5, False, 2]


@pytest.mark.parametrize("name", ["weight", "loss_weight", "loss", "train", "training", "LossWeight"])
def test_a_weight_is_known_by_many_names_and_in_many_forms(name: str) -> None:
    def said(value: Any) -> dict[str, Any]:
        rows = [{"role": "user", "content": "Why?", name: value}, {"role": "assistant", "content": "So.", name: value}]
        found = Reader().read({"messages": rows})
        assert found.row["messages"][0] == {"role": "user", "content": "Why?"} and found.unused == ()
        return dict(found.row["messages"][1])

    answer = {"role": "assistant", "content": "So."}
    assert [said(value) for value in LEARNT] == [answer] * len(LEARNT)
    assert [said(value)["weight"] for value in UNLEARNT] == UNLEARNT


@pytest.mark.parametrize("role", ["role", "from", "speaker", "sender", "author"])
@pytest.mark.parametrize("content", ["content", "value", "text", "utterance", "message", "parts"])
def test_the_keys_of_a_message_have_many_names(role: str, content: str) -> None:
    said = [{role.title(): "human", content.upper(): "Why?"}, {role: "gpt", content: "So."}]
    assert Reader().read({"turns": said}).row["messages"] == [
        {"content": "Why?", "role": "user"},
        {"content": "So.", "role": "assistant"},
    ]


def test_keys_that_a_message_may_have_beside_are_not_told() -> None:
    beside = {"tool_call_id": "c", "prefix": True, "id": 1, "role_": "x", "from": "human", "value": ""}
    said = [{"role": "user", "content": "Why?", **beside, "name": "Ann"}, {"role": "assistant", "content": "So."}]
    assert Reader().read({"messages": said}).unused == ("from", "name")


def test_the_repairs_and_their_order() -> None:
    usual = ("role-names", "control", "drop-empty", "merge-roles", "drop-lead", "drop-tail")
    assert usual == DEFAULT
    assert tuple(REPAIRS) == (*usual[:2], "marks", "drop-unlearnt", "drop-results", *usual[2:])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({}, "an object"),
        (None, "null"),
        (True, "a boolean"),
        (1, "a number"),
        (0.5, "a number"),
        ("", "text"),
        ([], "a list"),
        ((), "tuple"),
    ],
)
def test_a_value_is_told_in_the_words_of_json(value: Any, words: str) -> None:
    assert kind(value) == words


def test_what_is_shown_is_cut_and_without_what_a_terminal_acts_on() -> None:
    assert shown("a" * 40) == "a" * 40
    assert shown("a" * 41) == "a" * 39 + "…"
    assert shown("a\x1b[1m\x7fb\nc\td") == "a?[1m?b\nc\td"
    assert shown("abcd", 3) == "ab…"
