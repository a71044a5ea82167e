"""What holds for every row and every split, tried on rows nobody thought of."""

from __future__ import annotations

import itertools
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.row import personal
from data_prep.row.repairs import REPAIRS, repaired
from data_prep.row.rules import in_order, problems, question, record, sound
from data_prep.row.shapes import SHAPES
from data_prep.row.split import is_taken, is_test

QUICK = settings(max_examples=80, deadline=None)

texts = st.text(max_size=20)
values = st.recursive(st.none() | st.booleans() | st.integers() | texts, lambda inner: st.lists(inner, max_size=3))
roles = st.sampled_from(["user", "assistant", "system", "human", ""]) | values
messages = st.fixed_dictionaries({}, optional={"role": roles, "content": texts | values, "name": values})
rows = st.fixed_dictionaries(
    {}, optional={"messages": st.lists(messages | values, max_size=5) | values, "prompt": values, "system": values}
)


@st.composite
def conversations(draw: st.DrawFn) -> dict[str, Any]:
    """Rows whose roles are in order; their texts are anything."""
    turns = draw(st.integers(1, 4)) * 2
    made = [{"role": ("user", "assistant")[at % 2], "content": draw(texts)} for at in range(turns)]
    return {"messages": [{"role": "system", "content": draw(texts)}, *made] if draw(st.booleans()) else made}


@QUICK
@given(rows | conversations() | values)
def test_the_quick_way_never_accepts_what_the_rules_refuse(row: Any) -> None:
    found = problems(row)
    if in_order(row):
        line = orjson.dumps(record(row))
        assert not found or not sound(line)
    else:
        assert found


@QUICK
@given(conversations())
def test_a_good_row_is_written_and_read_back_unchanged(row: dict[str, Any]) -> None:
    if problems(row):
        return
    made = orjson.loads(orjson.dumps(record(row)))
    assert problems(made) == []
    assert record(made) == made
    assert [message["content"] for message in made["messages"]] == [each["content"] for each in row["messages"]]


@QUICK
@given(rows | values)
def test_no_row_breaks_an_adapter_or_a_repair(row: Any) -> None:
    for adapt in SHAPES.values():
        problems(adapt(row))
    after, changed = repaired(row, REPAIRS)
    assert bool(changed) == (after is not row)


@QUICK
@given(conversations())
def test_a_repaired_row_is_repaired_for_good(row: dict[str, Any]) -> None:
    after, _ = repaired(row, REPAIRS)
    if not problems(after):
        assert repaired(after, REPAIRS)[1] == []


@QUICK
@given(texts, st.integers(0, 5), st.floats(0.01, 0.98), st.floats(0.001, 0.01))
def test_a_row_moves_only_one_way_as_the_ratio_grows(asked: str, seed: int, ratio: float, more: float) -> None:
    assert is_test(asked, seed, ratio) <= is_test(asked, seed, ratio + more)
    assert is_taken(asked, seed, ratio) <= is_taken(asked, seed, ratio + more)
    assert is_test(f"  {asked.upper()}\n", seed, ratio) == is_test(asked.upper(), seed, ratio)


scanned = st.text(max_size=200) | st.text("0123456789 .()-+@aZ=", max_size=60)


@settings(max_examples=200, deadline=None)
@given(scanned)
def test_the_quick_look_misses_nothing_that_the_patterns_find(text: str) -> None:
    hits = list(personal.found(text))
    spans = sorted((start, end) for _, start, end in hits)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(spans))
    for kind, (_, pattern) in personal._SIGN_KINDS.items():
        for match in pattern.finditer(text):  # through all of the text, and not only where a sign is
            assert personal.suspicious(text.encode())
            assert kind in {found for found, _, _ in hits} or any(_overlap(match.span(), span) for span in spans)
    for pattern, check in personal._DIGIT_KINDS.values():
        if any(check(match[0]) for match in pattern.finditer(text)):
            assert personal.suspicious(text.encode())


def _overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


@QUICK
@given(st.lists(conversations(), max_size=3))
def test_the_question_is_the_first_users(made: list[dict[str, Any]]) -> None:
    for row in made:
        asked = next(message["content"] for message in row["messages"] if message["role"] == "user")
        assert question(row) == asked
