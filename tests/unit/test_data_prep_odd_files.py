"""Files whose values, quotation marks and lists lie where a reader could lose its place, and what fits of many rows."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from test_data_prep_card_text import PLAIN

from data_prep import DataError, mixing
from data_prep.card.fit import Fit, fit
from data_prep.read import values
from data_prep.read.form import form_of
from data_prep.read.readers import pieces, read
from data_prep.read.texts import Broken
from data_prep.request import Mixed, Request
from data_prep.row.rules import Problem


def put(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def rows(path: Path) -> list[tuple[int, Any]]:
    return [each for piece in pieces(path) for each in read(piece)]


VALUES = [{"a": 'x"}]\\"{[', "b": [1, {"c": "]"}]}, {"é": "ü" * 9}, [], {}, 5, "t,]", None, True, -1.5e3]


@pytest.mark.parametrize("size", range(1, 12))
def test_values_are_found_however_they_fall_into_what_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(values, "_READ", size)
    for text in (json.dumps(VALUES), json.dumps(VALUES, indent=1), json.dumps(VALUES, ensure_ascii=False)):
        assert [row for _, row in rows(put(tmp_path / "a.json", text))] == VALUES
    below = put(tmp_path / "b.json", json.dumps({"n": [1, 2], "x": {"rows": [3]}, "rows": [{"a": 1}, {"b": "]"}]}))
    assert rows(below) == [(1, {"a": 1}), (2, {"b": "]"})]
    objects = put(tmp_path / "c.json", "\n".join(json.dumps(each, indent=1) for each in VALUES[:2]))
    assert [row for _, row in rows(objects)] == VALUES[:2]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{\n"a": 1\n}\n}', ":4 is not valid JSON: } closes what is not open"),
        ("[1,\n", " is cut short: the list that opens in line 1 is not closed after row 1"),
        (
            json.dumps({"train": [{"a": 1}], "n": 1, "dev": [{"a": 1}]}),
            " is one object with rows below train and dev: put each into a file of its own (train.jsonl), one row a "
            "line",
        ),
    ],
)
def test_where_a_file_stops_to_make_sense(tmp_path: Path, content: str, says: str) -> None:
    path = put(tmp_path / "a.json", content)
    with pytest.raises(DataError) as raised:
        rows(path)
    assert str(raised.value) == f"{path}{says}"


def test_an_object_that_is_a_row_is_no_list_of_rows(tmp_path: Path) -> None:
    for text in ("{}", '{"data": []}', '{"data": [{"a": 1}]}\n{"data": [{"a": 2}]}', '{"data": [{"Role": "x"}]}'):
        assert form_of(put(tmp_path / "a.json", text)).below == ()


@pytest.mark.parametrize(("lines", "separators", "swallowed"), [(18, 1, False), (19, 1, True), (25, 2, False)])
def test_a_field_that_holds_as_many_lines_as_rows_has_a_mark_too_many(
    tmp_path: Path, lines: int, separators: int, swallowed: bool
) -> None:
    inside = "".join("x" + ",y" * separators + "\n" for _ in range(lines))
    found = rows(put(tmp_path / "a.csv", f'a,b\n1,"2\n{inside}3"\n'))
    if not swallowed:
        assert found == [(2, {"a": "1", "b": f"2\n{inside}3"})]
        return
    swallow = f"it would swallow the {lines + 1} lines after it, which are read as rows"
    rule = f"opens a quotation mark that is not closed: {swallow}"
    assert found[0] == (2, Broken(Problem("row", rule, "open-quote"), '1,"2'))
    assert found[1:20] == [(at, {"a": "x", "b": "y"}) for at in range(3, 22)]


def test_of_many_rows_that_are_cut_the_first_are_named(tmp_path: Path) -> None:
    long = json.dumps({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a" * 800}]})
    short = long.replace("a" * 800, "a")
    for number, more in ((5, ""), (6, " and 1 more")):
        put(tmp_path / "train_data.jsonl", f"{short}\n" * 10 + f"{long}\n" * number)
        put(tmp_path / "test_data.jsonl", f"{short}\n")
        named = ", ".join(f"train_data.jsonl:{at}" for at in range(11, 16))
        told = f"{number} rows are cut at 100 tokens (by an estimate of 4 bytes a token): {named}{more}"
        assert fit(tmp_path, 100, "Phi-4-mini-instruct") == Fit(10 + number, 100, number, 0, (), (told,))
    tokens = {**PLAIN.tokens, "counted_by": "x", "bytes_per_token": 2.0}
    (tmp_path / "card.json").write_bytes(dataclasses.replace(PLAIN, tokens=tokens).to_json())
    assert "(by the tokenizer's average)" in fit(tmp_path, 100, "Phi-4-mini-instruct").told[0]


def test_what_was_prepared_of_other_sources_is_swept_and_nothing_else(tmp_path: Path) -> None:
    parts = Mixed(source="a.jsonl", share=0.6), Mixed(source="b.jsonl", share=0.4)
    request = Request(sources=parts, directory=tmp_path)
    kept, other = (each.directory for each in mixing.each(request))
    mine, empty = tmp_path / ".sources" / "0123456789ab", tmp_path / ".sources" / "notes"
    for place in (kept, other, mine, empty):
        put(place / "x", "")
    for place in (kept, other, empty):
        (place / "card.json").write_bytes(PLAIN.to_json())
    mixing.swept(dataclasses.replace(request, sources=parts[:1]))
    assert [place.exists() for place in (kept, other, mine, empty)] == [True, False, True, True]
    mixing.swept(dataclasses.replace(request, sources=()))
    assert [place.exists() for place in (kept, mine, empty)] == [False, True, True]
    for place in (mine, empty):
        for file in place.iterdir():
            file.unlink()
        place.rmdir()
    mixing.swept(dataclasses.replace(request, sources=()))
    assert not (tmp_path / ".sources").exists()


def test_where_the_rows_of_a_mixture_come_from(tmp_path: Path) -> None:
    files = tuple(put(tmp_path / name, name) for name in ("a", "b"))
    source = mixing.Source("mixture", "m", files)
    cards = [
        dataclasses.replace(PLAIN, source={"licence": licence} if licence else {}) for licence in ("MIT", "", "MIT")
    ]
    listed = "\n".join(hashlib.sha256(name).hexdigest() for name in (b"a", b"b"))
    found = hashlib.sha256(listed.encode()).hexdigest()
    assert mixing.origin(source, cards) == {"kind": "mixture", "sha256": found, "licence": "MIT, unknown"}
