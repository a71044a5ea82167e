"""A corpus of broken rows, made by code: each is refused for the reason it was made for, and none slips through."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from data_prep import DataError
from data_prep.prepare import Prepared, Request, prepare

Message = dict[str, Any]


def good(turns: int = 2) -> list[Message]:
    return [{"content": f"text {at}", "role": ("user", "assistant")[at % 2]} for at in range(turns)]


def with_(at: int, turns: int = 4, **change: Any) -> bytes:
    messages = good(turns)
    messages[at] = {**messages[at], **change}
    return encoded(messages)


def without(at: int, key: str) -> bytes:
    messages = good(4)
    del messages[at][key]
    return encoded(messages)


def encoded(messages: Any) -> bytes:
    return json.dumps({"messages": messages}).encode()


def cut(row: bytes, places: int) -> Iterator[bytes]:
    step = max(1, len(row) // places)
    yield from (row[:end] for end in range(1, len(row), step))


def corpus() -> Iterator[tuple[str, bytes]]:
    """(the reason, the line)"""
    yield from (("json", part) for part in cut(encoded(good(4)), 40))
    for text in (
        b"{",
        b"}",
        b"nan",
        b"{'messages': []}",
        b"{messages: []}",
        b'{"messages": [],}',
        b"\xef\xbb\xbf{}x",
        b"]",
    ):
        yield "json", text
    for text in (
        b'{"messages": NaN}',
        b'{"messages": Infinity}',
        b'{"messages": -Infinity}',
        b"[" * 5000,
        b'{"a":' * 3000,
    ):
        yield "json", text
    for bad in (b"\xff", b"\xc3(", b"\xe2\x82", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\x80", b"caf\xe9", b"\xc0\xaf"):
        for at in range(2):
            row = encoded(good()).replace(f"text {at}".encode(), bad)
            yield "utf8", row
    for half in ("\\ud800", "\\udfff", "x\\ud83d", "\\ude00x"):
        for at in range(2):
            yield "surrogate", encoded(good()).replace(f"text {at}".encode(), half.encode())
    for text in (b"null", b"5", b"true", b'"text"', b"[]", b"[1, 2]", b"1e5", b"[{}]"):
        yield "row-type", text
    for text in (b"{}", b'{"text": "x"}', b'{"messages": null}', b'{"Messages": []}', b'{"message": [{}]}'):
        yield "messages-missing", text
    for value in ("x", 5, True, {}, {"role": "user"}, 1.5, {"0": []}):
        yield "messages-type", encoded(value)
    yield "messages-empty", encoded([])
    yield "too-many-turns", encoded(good(1002))
    yield "too-many-turns", encoded(good(5000))
    for at, value in itertools.product(range(3), ("x", 5, None, [], [{}], True)):
        messages: list[Any] = good(4)
        messages[at] = value
        yield "message-type", encoded(messages)
    for at in range(4):
        yield "role-missing", without(at, "role")
        yield "role-missing", with_(at, role=None)
        yield "content-missing", without(at, "content")
        yield "content-missing", with_(at, content=None)
        yield "tool-result", with_(at, role="tool")
        for role in ("narrator", "", 5, ["user"], {"role": "user"}, True):
            yield "role-unknown", with_(at, role=role)
        for content in (5, True, {"text": "x"}, [], [{"type": "image_url"}], 1.5):
            yield "content-type", with_(at, content=content)
        for content in ("", " ", "\n\t", "\u3000", "\u00a0 "):
            yield "content-empty", with_(at, content=content)
        for control in "\x00\x01\x07\x08\x0b\x0c\x0e\x1b\x1f\x7f\x80\x85\x9f":
            yield "control", with_(at, content=f"before{control}after")
    for roles in itertools.product(("user", "assistant", "system"), repeat=3):
        if roles != ("system", "user", "assistant"):
            reason = "last" if roles in (("user", "assistant", "user"),) else "order"
            yield reason, encoded([{"content": "x", "role": role} for role in roles])
    for turns in (1, 3, 5, 7):
        yield "last", encoded(good(turns))
    yield "last", encoded([{"content": "x", "role": "system"}])
    yield "too-large", encoded([good()[0], {"content": "x" * (8 * 2**20), "role": "assistant"}])
    yield "too-large", b'{"messages": "' + b"x" * (33 * 2**20) + b'"}'


CORPUS = list(corpus())
GOOD = [encoded([{"content": f"Is {at} odd?", "role": "user"}, good()[1]]) for at in range(20)]


def run(path: Path, content: list[bytes], **options: Any) -> Prepared:
    path.write_bytes(b"\n".join(content) + b"\n")
    return prepare(Request(source=str(path), directory=path.parent / "out", **options), lambda _: None)


def test_each_of_at_least_200_broken_rows_is_classified(tmp_path: Path) -> None:
    assert len(CORPUS) >= 200
    made = run(tmp_path / "x.jsonl", [*GOOD, *(row for _, row in CORPUS)], bad_rows="skip", max_rejected="100%")
    rejected = [json.loads(line) for line in (tmp_path / "out" / "rejected.jsonl").read_bytes().splitlines()]
    found = [(row["place"], row["problems"][0]["code"]) for row in rejected]
    assert found == [(at + 21, reason) for at, (reason, _) in enumerate(CORPUS)]
    assert made.card.rejected == Counter(reason for reason, _ in CORPUS)
    assert made.card.rows["train"] + made.card.rows["test"] == len(GOOD)
    assert all(row["problems"][0]["rule"] and row["problems"][0]["field"] for row in rejected)


def test_the_reasons_cover_every_rule() -> None:
    assert len({reason for reason, _ in CORPUS}) == 19


def test_repairs_mend_what_they_are_named_for(tmp_path: Path) -> None:
    broken = [
        with_(1, content="a\x00b"),
        encoded([*good(), {"content": " ", "role": "user"}]),
        encoded([good()[0], {"content": "more", "role": "user"}, good()[1]]),
        encoded([good()[1], *good()]),
        encoded(good(3)),
        encoded([]),
    ]
    path = tmp_path / "x.jsonl"
    made = run(path, [*GOOD, *broken], bad_rows="repair", max_rejected="1")
    assert made.card.repaired == {
        "control": 1,
        "drop-empty": 1,
        "merge-roles": 1,
        "drop-lead": 1,
        "drop-tail": 1,
    }
    assert (made.card.rows["repaired"], made.card.rejected) == (5, {"messages-empty": 1})
    with pytest.raises(DataError, match="5 of 26 rows cannot be used, and at most 2 may be rejected"):
        run(path, [*GOOD, *broken], bad_rows="repair", max_rejected="2", repairs=("control", "role-names"))
