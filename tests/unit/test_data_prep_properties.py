"""What holds for every row and every split, tried on rows nobody thought of."""

from __future__ import annotations

import itertools
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st
from sides import is_test

from data_prep.row import personal
from data_prep.row.reading import Reader
from data_prep.row.repairs import REPAIRS, repaired
from data_prep.row.rules import in_order, problems, question, record, sound
from data_prep.row.shapes import SHAPES
from data_prep.row.split import is_taken

QUICK = settings(max_examples=80, deadline=None)

texts = st.text(max_size=20)
values = st.recursive(st.none() | st.booleans() | st.integers() | texts, lambda inner: st.lists(inner, max_size=3))
roles = st.sampled_from(["user", "assistant", "system", "human", ""]) | values
messages = st.fixed_dictionaries({}, optional={"role": roles, "content": texts | values, "name": values})
rows = st.fixed_dictionaries(
    {}, optional={"messages": st.lists(messages | values, max_size=5) | values, "prompt": values, "system": values}
)


said = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=20).filter(lambda text: text.strip())


@st.composite
def good_conversations(draw: st.DrawFn) -> dict[str, Any]:
    """Rows that no rule refuses."""
    turns = draw(st.integers(1, 4)) * 2
    made = [{"role": ("user", "assistant")[at % 2], "content": draw(said)} for at in range(turns)]
    return {"messages": [{"role": "system", "content": draw(said)}, *made] if draw(st.booleans()) else made}


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
@given(good_conversations())
def test_a_good_row_is_written_and_read_back_unchanged(row: dict[str, Any]) -> None:
    assert problems(row) == []
    made = orjson.loads(orjson.dumps(record(row)))
    assert problems(made) == []
    assert record(made) == made
    assert [message["content"] for message in made["messages"]] == [each["content"] for each in row["messages"]]


@QUICK
@given(rows | values)
def test_no_row_breaks_an_adapter_or_a_repair(row: Any) -> None:
    for shape in SHAPES:
        problems(Reader(shape).read(row).row)
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


PLANTED = {
    "email": "bob@example.com",
    "private-key": "-----BEGIN PRIVATE KEY-----",  # pragma: allowlist secret
    "azure-key": "AccountKey=" + "a" * 44,  # pragma: allowlist secret
    "aws-key": "AKIA" + "A" * 16,
    "github-token": "ghp_" + "a" * 36,
    "hugging-face-token": "hf_" + "a" * 30,
    "api-key": "sk-" + "a" * 20,
    "slack-token": "xoxb-" + "a" * 10,
    "json-web-token": "eyJ" + "a" * 10 + ".eyJ" + "a" * 10 + "." + "a" * 10,
    "password": "password: hunter2",  # pragma: allowlist secret
    "iban": "DE89370400440532013000",
    "card": "4111 1111 1111 1111",
    "us-ssn": "123-45-6789",
    "phone": "+1 555 123 4567",
    "ip-address": "192.168.10.20",
}
around = st.text(max_size=60) | st.text("0123456789 .()-+@aZ=", max_size=30)


def test_one_of_each_kind_is_planted() -> None:
    assert PLANTED.keys() == set(personal.KINDS)


@settings(max_examples=200, deadline=None)
@given(around, st.sampled_from(sorted(PLANTED)), around)
def test_the_quick_look_misses_nothing_that_the_patterns_find(before: str, planted: str, after: str) -> None:
    text = f"{before}\n{PLANTED[planted]}\n{after}"
    hits = list(personal.found(text))
    assert hits and personal.suspicious(text.encode())
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
