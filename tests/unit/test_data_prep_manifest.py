"""The files that are read: listed before anything is worked through, kept to, and on the card."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from data_prep.__main__ import main
from data_prep.card.card import read
from data_prep.errors import DataError
from data_prep.prepare import Prepared, Request, prepare
from data_prep.request import Mixed


def chats(first: int, rows: int) -> str:
    said = [
        {"messages": [{"role": "user", "content": f"Is {at} odd?"}, {"role": "assistant", "content": "Count."}]}
        for at in range(first, first + rows)
    ]
    return "".join(json.dumps(row) + "\n" for row in said)


def run(source: Path, out: Path, said: list[str] | None = None, **options: Any) -> Prepared:
    return prepare(Request(source=str(source), directory=out, **options), (said if said is not None else []).append)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in"
    (made / ".git").mkdir(parents=True)
    (made / ".git" / "x.jsonl").write_text(chats(900, 5))
    (made / "empty.jsonl").touch()
    (made / "a.jsonl").write_text(chats(0, 30))
    (made / "b.jsonl").write_text(chats(30, 30))
    (made / "c.csv").write_text("Frage;Antwort\n" + "".join(f"Wer ist {at}?;Niemand\n" for at in range(10)), "utf-16")
    (made / "d.json.gz").write_bytes(
        gzip.compress(json.dumps({"data": [{"prompt": f"{at}?", "completion": "!"} for at in range(7)]}).encode())
    )
    (made / "test.jsonl").write_text(chats(100, 8))
    return made


@pytest.mark.parametrize("processes", [1, 2])
def test_each_file_is_on_the_card_as_it_was_read(folder: Path, tmp_path: Path, processes: int) -> None:
    said: list[str] = []
    columns = {"Frage": "question", "Antwort": "answer"}
    made = run(folder, tmp_path / "out", said, columns=columns, processes=processes)
    found = {each.pop("file"): each for each in made.card.manifest}
    assert list(found) == ["a.jsonl", "b.jsonl", "c.csv", "d.json.gz", "test.jsonl"]
    for name, each in found.items():
        assert each.pop("sha256") == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    lines = {"split": "train", "shape": "messages", "format": "JSON Lines", "encoding": "utf-8"}
    assert found["a.jsonl"] == {**lines, "rows": 30}
    assert found["test.jsonl"] == {**lines, "split": "test", "rows": 8}
    assert found["c.csv"] == {
        "split": "train",
        "shape": "pair",
        "format": "CSV",
        "separator": "semicolons",
        "encoding": "utf-16",
        "rows": 10,
    }
    assert found["d.json.gz"] == {
        "split": "train",
        "shape": "pair",
        "format": "a JSON list",
        "encoding": "utf-8",
        "below": "data",
        "compression": "gzip",
        "rows": 7,
    }
    assert "train: a.jsonl, b.jsonl (JSON Lines; messages)" in said
    assert "train: c.csv (CSV, separated by semicolons, UTF-16; pair)" in said
    assert "train: d.json.gz (a JSON list, below data, gzip; pair)" in said
    assert "test: test.jsonl (JSON Lines; messages)" in said
    assert any(line.startswith("not read: .git/x.jsonl: hidden") for line in said)
    assert any(line.startswith("not read: empty.jsonl: empty") for line in said)
    again = read(tmp_path / "out")
    assert again is not None and len(again.manifest) == 5
    assert "| c.csv | train | 10 | pair | CSV, semicolons, utf-16 |" in (tmp_path / "out" / "card.md").read_text()


def test_one_file_is_on_the_card_and_not_on_the_screen(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(chats(0, 30))
    said: list[str] = []
    (entry,) = run(tmp_path / "a.jsonl", tmp_path / "out", said).card.manifest
    assert (entry["file"], entry["split"], entry["rows"]) == ("a.jsonl", "by ratio", 30)
    assert not [line for line in said if "a.jsonl (" in line]


def test_a_wrong_file_is_told_before_the_others_are_worked_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(12):
        (tmp_path / f"{at:02}.jsonl").write_text(chats(at * 20, 20))
    (tmp_path / "12.csv").write_text("Wer,Was\nich,das\ndu,jenes\n")
    monkeypatch.setattr("data_prep.run.worker.Worker.run", lambda *_, **__: pytest.fail("worked"))
    with pytest.raises(DataError, match=r"12\.csv \(file 13 of 13\): none of its first 2 rows can be used") as caught:
        run(tmp_path, tmp_path / "out")
    assert "12.csv:2: messages is missing (the row has: Was, Wer)" in str(caught.value)
    assert "data.columns" in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_where_bad_rows_may_go_so_may_a_file_of_them(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(chats(0, 30))
    (tmp_path / "b.csv").write_text("Wer,Was\nich,das\n")
    assert run(tmp_path, tmp_path / "out", bad_rows="skip", max_rejected="10%").card.rows["rejected"] == 1


def test_of_a_mixture_each_source_has_its_own_and_rejected_rows_are_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_text(chats(ord(name) * 100, 40) + "{}\n" * (name == "b"))
    parts = tuple(Mixed(source=f"{name}.jsonl", share=0.5) for name in ("a", "b"))
    request = Request(directory=tmp_path / "out", base=tmp_path, sources=parts, bad_rows="skip", max_rejected="10%")
    made = prepare(request, lambda _: None)
    assert made.card.manifest == []
    assert [[file["file"], file["rows"]] for each in made.card.parts for file in each["manifest"]] == [
        ["a.jsonl", 40],
        ["b.jsonl", 41],
    ]
    (rejected,) = made.rejected
    assert rejected.parent.parent == tmp_path / "out" / ".sources"
    assert json.loads(rejected.read_text())["source"].endswith("b.jsonl")
    source = str(tmp_path / "b.jsonl")
    main(["--source", source, "--out", str(tmp_path / "one"), "--bad-rows", "skip", "--max-rejected", "10%"])
    assert f"1 rejected; the rejected ones are in {tmp_path / 'one' / 'rejected.jsonl'}" in capsys.readouterr().out
