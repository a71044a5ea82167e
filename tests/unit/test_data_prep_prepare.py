"""From a source to the two files: what is written, when nothing is, and what a bad source is told."""

from __future__ import annotations

import json
import math
import socket
from pathlib import Path
from typing import Any

import pytest

from data_prep import DataError, fingerprint
from data_prep.prepare import Prepared, Request, prepare
from data_prep.row.rules import record


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Refuse every connection and name look-up, and note it: libraries swallow such errors."""
    attempts: list[Any] = []

    def refuse(*arguments: Any, **_: Any) -> None:
        attempts.append(arguments)
        raise OSError("no network in unit tests")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    return attempts


def row(question: str, answer: str = "a") -> dict[str, Any]:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": messages}


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


ROWS = [row(f"Is {number} odd?") for number in range(20)]
GOOD = lines(ROWS)


def source(directory: Path, content: str | bytes, name: str = "chats.jsonl") -> Request:
    path = directory / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Request(source=str(path), directory=directory / "out")


def run(request: Request, again: bool = False) -> Prepared:
    return prepare(request, lambda line: None, again=again)


def written(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_sample_is_prepared_without_a_connection(tmp_path: Path, no_network: list[Any]) -> None:
    made = run(Request(source="sample", directory=tmp_path))
    train, test = written(made.train), written(made.test)
    assert made.made
    counts = {"in": len(train) + len(test), "train": len(train), "test": len(test)}
    assert {key: made.card.rows[key] for key in counts} == counts
    assert "Who founded Microsoft?" in [row["prompt"] for row in train]
    assert 0.1 < len(test) / (len(train) + len(test)) < 0.3
    assert no_network == []
    assert {path.name for path in tmp_path.iterdir()} == {
        *("train_data.jsonl", "test_data.jsonl"),
        *("card.json", "card.md", "card-turns.svg", "card-tokens.svg"),
    }


def test_every_row_is_written_once_in_the_sources_order(tmp_path: Path) -> None:
    made = run(source(tmp_path, GOOD))
    train, test = written(made.train), written(made.test)
    expected = [record(row) for row in ROWS]
    assert train == [row for row in expected if row in train]
    assert test == [row for row in expected if row in test]
    assert len(train) + len(test) == len(expected)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    request = source(tmp_path, GOOD)
    first = run(request)
    before = [path.read_bytes() for path in (first.train, first.test)]
    second = run(request, again=True)
    assert second.made
    assert [path.read_bytes() for path in (second.train, second.test)] == before
    assert second.card == first.card
    assert first.card.fingerprint == fingerprint(request.directory)


def test_added_rows_move_no_other_row(tmp_path: Path) -> None:
    first = run(source(tmp_path, GOOD))
    train, test = written(first.train), written(first.test)
    more = [row("at the head"), *ROWS, row("Is 3 odd?", "another answer"), row("at the end")]
    second = run(source(tmp_path, lines(more)))
    assert [row for row in written(second.train) if row in train] == train
    assert [row for row in written(second.test) if row in test] == test
    sides = [{row["prompt"] for row in written(path)} for path in (second.train, second.test)]
    assert not sides[0] & sides[1]  # the question asked twice is on one side


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("array.json", json.dumps(ROWS)),
        ("lines.json", GOOD),
        ("blank-lines.jsonl", GOOD.replace("\n", "\n\n")),
        ("windows.jsonl", GOOD.replace("\n", "\r\n")),
        ("bom.jsonl", "\ufeff" + GOOD),
    ],
)
def test_the_same_rows_in_other_clothes_give_the_same_data(tmp_path: Path, name: str, content: str) -> None:
    plain = run(source(tmp_path, GOOD)).card.fingerprint
    assert run(source(tmp_path, content, name)).card.fingerprint == plain


def test_parquet_is_read_too(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    plain = run(source(tmp_path, GOOD)).card.fingerprint
    path = tmp_path / "chats.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), path)
    assert run(Request(source=str(path), directory=tmp_path / "out")).card.fingerprint == plain


def test_a_part_of_a_file_can_be_asked_for(tmp_path: Path) -> None:
    request = source(tmp_path, GOOD)
    part = Request(source=request.source, directory=request.directory, split="train[:12]")
    assert run(part).card.rows["in"] == 12


def test_text_beyond_ascii_stays_as_it_is(tmp_path: Path) -> None:
    made = run(source(tmp_path, lines([*ROWS, row("Où est Brasília ?\u2028", "日本")])))
    assert "Où est Brasília" in made.train.read_text("utf-8") + made.test.read_text("utf-8")


def test_nothing_is_done_where_nothing_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = source(tmp_path, GOOD)
    first = run(request)
    monkeypatch.setattr("data_prep.run.making.make", lambda *_: pytest.fail("the rows were read"))
    second = run(request)
    assert not second.made
    assert second.card == first.card


def test_other_content_settings_or_files_are_noticed(tmp_path: Path) -> None:
    request = source(tmp_path, GOOD)
    first = run(request)
    assert run(source(tmp_path, GOOD + lines([row("new")]))).made
    assert run(Request(source=request.source, directory=request.directory, seed=1)).made
    assert run(request).made
    edited = first.train.read_text().replace("odd", "even", 1)
    first.train.write_text(edited)
    assert run(source(tmp_path, GOOD)).made
    first.test.unlink()
    assert run(source(tmp_path, GOOD)).made
    (request.directory / "card.json").write_text("{broken")
    assert run(source(tmp_path, GOOD)).made
    assert not run(source(tmp_path, GOOD)).made


def test_files_changed_by_hand_are_mentioned(tmp_path: Path) -> None:
    request = source(tmp_path, GOOD)
    made = run(request)
    made.train.write_text(GOOD)
    said: list[str] = []
    prepare(request, said.append)
    assert said[0].startswith("train_data.jsonl in ")
    assert "was changed since it was made" in said[0]


NO_ROLE = json.dumps({"messages": [{"content": "x"}, {"role": "assistant", "content": "y"}]}) + "\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty: at least two rows"),
        (" \n\n", "holds no rows"),
        (GOOD + "{broken\n", "chats.jsonl:21: row is not valid JSON"),
        (GOOD + GOOD[:40], "chats.jsonl:21: row is not valid JSON"),
        (GOOD + "[1]\n", "chats.jsonl:21: row must be an object"),
        (GOOD.encode() + b'{"messages":[{"role":"user","content":"\xff"}]}\n', "chats.jsonl:21: row is not UTF-8"),
        (GOOD + lines([row("x")]).replace('"x"', '"\\ud800"'), "chats.jsonl:21: row has half of a surrogate"),
        ("\n" + GOOD + '{"text": "x"}\n', "chats.jsonl:22: messages is missing (the row has: text)"),
        (GOOD + "null\n", "chats.jsonl:21: row must be an object"),
        (GOOD + '{"messages": "x"}\n', "chats.jsonl:21: messages must be a list"),
        (GOOD + '{"messages": []}\n', "chats.jsonl:21: messages must hold at least one"),
        (GOOD + NO_ROLE, "chats.jsonl:21: messages[0].role is missing"),
        (GOOD + lines([row("x", 5)]), "chats.jsonl:21: messages[1].content must be text, is a number"),  # type: ignore[arg-type]
        (lines([row("the only one")]), "leaves no test row: "),
        (lines([row("Is 0 odd?")] * 9), "leaves no "),
    ],
)
def test_a_bad_file_gets_one_message_and_leaves_earlier_files(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    run(source(tmp_path, GOOD))
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    with pytest.raises(DataError) as raised:
        run(source(tmp_path, content))
    assert message in str(raised.value)
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_bad_rows_of_a_kind_are_shown_once_and_all_are_counted(tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        run(source(tmp_path, GOOD + '{"text": "x"}\n' * 30))
    text = str(raised.value)
    assert "30 of 50 rows cannot be used; nothing was written" in text
    assert text.count("messages is missing") == 1
    assert "chats.jsonl:21: messages is missing (the row has: text); 29 more like it (:22, :23, …)" in text
    assert not (tmp_path / "out" / "train_data.jsonl").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("chats.json", "[" + GOOD, "chats.json:2 is not valid JSON"),
        ("chats.json", "[]", "chats.json holds no rows"),
        ("chats.json", '{"data": [1]}', "chats.json:1: messages is missing (the row has: data)"),
        ("chats.parquet", "PAR1 cut short", "chats.parquet is no parquet file, or one cut short: "),
        ("chats.csv", "a,b", "holds no rows"),
        ("chats.xlsx", "a,b", "its name must end in one of .jsonl, .ndjson, .json, .csv, .tsv, .parquet"),
    ],
)
def test_other_broken_files_are_named(tmp_path: Path, name: str, content: str, message: str) -> None:
    with pytest.raises(DataError) as raised:
        run(source(tmp_path, content, name))
    assert message in str(raised.value)


@pytest.mark.parametrize("name", ["nosuch.jsonl", "./nosuch", "no such thing"])
def test_a_missing_file_is_told_apart_from_a_hub_data_set(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"there is no file .* or `sample`"):
        run(Request(source=name, base=tmp_path, directory=tmp_path / "out"))


def test_a_directory_without_data_files_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"holds no file that is read: \.jsonl"):
        run(Request(source=str(tmp_path), directory=tmp_path / "out"))


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("nosuch", 'unknown split "nosuch": files have one, train'),
        ("train[:1", "cannot read the split train[:1 of a file: write train[:100]"),
        ("train[:50%]", "or rows: 10% for a share"),
        ("train[:0]", "holds no rows"),
    ],
)
def test_an_unknown_split_is_named(tmp_path: Path, split: str, message: str) -> None:
    request = source(tmp_path, GOOD)
    with pytest.raises(DataError) as raised:
        run(Request(source=request.source, directory=request.directory, split=split))
    assert message in str(raised.value)


@pytest.mark.parametrize("ratio", [0, 1, -0.1, 1.5, math.nan])
def test_a_ratio_that_leaves_a_side_empty_is_refused(ratio: float) -> None:
    with pytest.raises(DataError, match="the test ratio must lie between 0 and 1"):
        Request(test_ratio=ratio)


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file in the way")
    with pytest.raises(DataError, match=r"out: .*nothing was written"):
        run(source(tmp_path, GOOD))
