"""Trees of replies: which of them are learnt, by which mark they are not, and what else a reply says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from data_prep.read.texts import Broken
from data_prep.read.threads import together
from data_prep.row.reading import Read, Reader

OASST = {
    "message_id": "m",
    "parent_id": "p",
    "message_tree_id": "t",
    "tree_state": "ready_for_export",
    "user_id": "u",
    "created_date": "2023-02-05",
    "lang": "en",
    "review_count": 3,
    "review_result": True,
    "deleted": False,
    "rank": None,
    "synthetic": False,
    "model_name": None,
    "detoxify": {"toxicity": 0.1},
    "emojis": {"name": ["+1"], "count": [1]},
    "labels": {"name": ["spam"], "value": [0.0], "count": [3]},
}
"""What a message of the released trees holds beside its role, its text and its replies."""
USER = {"content": "Why?", "role": "user"}


def node(role: str, text: Any, *replies: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**OASST, "role": role, "text": text, "replies": list(replies), **more}


def read(*replies: dict[str, Any], **more: Any) -> Read:
    return Reader(model="Phi-4-mini-instruct").read({"prompt": node("prompter", "Why?", *replies, **more)})


def answer(text: Any = "So.", **more: Any) -> dict[str, Any]:
    return node("assistant", text, **more)


def test_what_the_released_trees_hold_is_read_without_a_word() -> None:
    said = {"content": "So.", "role": "assistant"}
    assert read(answer()) == Read({"messages": [USER, said]}, "tree")
    assert read({"role": "assistant", "content": "So."}).row == {"messages": [USER, said]}


@pytest.mark.parametrize(
    ("mark", "gone"),
    [
        *(({"deleted": value}, True) for value in (True, 1, 1.0, "1", "True", " yes ", "2023-02-05T12:00", "ann")),
        *(({"deleted": value}, False) for value in (False, 0, 0.0, "0", "FALSE", "no", "", None, float("nan"))),
        *(({"review_result": value}, True) for value in (False, 0, 0.0, "0", "False", " no ")),
        *(({"review_result": value}, False) for value in (True, 1, "1", "1.0", "TRUE", "Yes", "", None, float("nan"))),
    ],
)
def test_a_mark_counts_as_whoever_wrote_it_meant_it(mark: dict[str, Any], gone: bool) -> None:
    marked, other = answer("Marked.", rank=0, **mark), answer("Other.", rank=1)
    (_, row), *lost = together(enumerate(flat("Why?", marked, other), start=1))
    for found in (read(marked, other), Reader().read(row)):
        assert found.row["messages"][1]["content"] == ("Other." if gone else "Marked.")
        assert found.problems == ()
    assert lost == []
    assert read(answer(), **mark).aside == ("deleted, or refused by its reviewers" if gone else "")


def flat(question: str, *replies: dict[str, Any], **more: Any) -> Iterator[dict[str, Any]]:
    """The messages of a tree as rows."""
    first = {"message_id": "a", "parent_id": None, "role": "prompter", "text": question, **more}
    yield first
    for at, reply in enumerate(replies):
        yield {**{key: reply[key] for key in reply if key != "replies"}, "message_id": f"a.{at}", "parent_id": "a"}


def test_a_mark_that_says_neither_is_told() -> None:
    rule = "must be true or false, is maybe: whether the message may be learnt is not known"
    marked = answer("x", review_result=" Maybe ")
    rows = list(together(enumerate(flat("Why?", marked, answer()), start=1)))
    broken = next(row for _, row in rows if isinstance(row, Broken))
    for problem in (broken.problem, *read(marked, answer()).problems):
        assert (problem.field, problem.rule, problem.code) == ("review_result", rule, "thread")
    assert [place for place, _ in rows] == [2, 1]


@pytest.mark.parametrize(
    ("ranks", "learnt", "told"),
    [
        ((2, 0, 1), 1, "best"),
        (("2", "0", "1"), 1, "best"),
        (("10", "9.0", " 1e1 "), 1, "best"),
        ((None, 1, ""), 1, "best"),
        ((0.0, -1, 3), 1, "best"),
        ((1, 1, 1), 0, "best"),
        ((None, None, float("nan")), 0, "first"),
    ],
)
def test_the_reply_of_the_lowest_rank_is_learnt(ranks: tuple[Any, ...], learnt: int, told: str) -> None:
    found = read(*(answer(f"So {at}.", rank=rank) for at, rank in enumerate(ranks)))
    assert found.row["messages"][1]["content"] == f"So {learnt}."
    assert (found.unused, found.problems) == ((f"replies (all but the {told} of each)",), ())


@pytest.mark.parametrize(("rank", "shown"), [("first", "first"), (True, "True"), ("inf", "inf"), ([1], "[1]")])
def test_a_rank_that_is_no_number_is_told_where_it_would_decide(rank: Any, shown: str) -> None:
    (problem,) = read(answer(rank=rank), answer(rank=0)).problems
    rule = f"must be a number, is {shown}: which of the replies is the best is not known"
    assert (problem.field, problem.rule, problem.code) == ("replies.rank", rule, "rank")
    assert read(answer(rank=rank)).problems == ()


CALL = {"function": {"name": "f", "arguments": {}}}


@pytest.mark.parametrize(
    ("more", "message", "unused"),
    [
        ({"weight": 0}, {"weight": 0}, ()),
        ({"train": False}, {"weight": False}, ()),
        ({"images": ["a.png"]}, {"images": ["a.png"]}, ()),
        ({"tool_calls": [CALL]}, {"content": 'So.<|tool_call|>[{"name": "f", "arguments": {}}]<|/tool_call|>'}, ()),
        ({"mood": "x", "content": "Else."}, {}, ("content", "mood")),
    ],
)
def test_what_else_a_reply_says_is_judged_as_that_of_any_message(
    more: dict[str, Any], message: dict[str, Any], unused: tuple[str, ...]
) -> None:
    (_, row), *_ = together(enumerate(flat("Why?", answer(**more)), start=1))
    for found in (read(answer(**more)), Reader(model="Phi-4-mini-instruct").read(row)):
        assert found.row["messages"][1] == {"content": "So.", "role": "assistant", **message}
        assert found.unused == unused


def test_the_columns_of_a_first_message_are_the_conversations() -> None:
    first, *lost = together(enumerate(flat("Why?", answer(), weight=0, system="Be."), start=1))
    found = Reader().read(first[1])
    assert (found.aside, found.problems, lost) == ("weight 0", (), [])
    assert [each["content"] for each in found.row["messages"]] == ["Be.", "Why?", "So."]
