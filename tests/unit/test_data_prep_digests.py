"""What is on the card is what was read: a source that changes is refused, and one that does not is known at once."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from data_prep import DataError
from data_prep.card import digests
from data_prep.prepare import Prepared, Request, prepare
from data_prep.run import worker


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The notes of this test alone, about files of any size."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "REMEMBERED", 1)
    return tmp_path / "cache"


def lines(number: int) -> str:
    rows = [
        {"messages": [{"content": f"Is {at} odd?", "role": "user"}, {"content": "Look.", "role": "assistant"}]}
        for at in range(number)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows)


def run(path: Path, **options: Any) -> Prepared:
    return prepare(Request(source=str(path), directory=path.parent / "out", **options), lambda _: None)


def change(path: Path, how: str) -> None:
    if how == "grows":
        with path.open("a") as file:
            file.write(lines(3))
    elif how == "is cut":
        os.truncate(path, 50)
    else:
        path.with_name("new").write_text(lines(40))
        path.with_name("new").replace(path)


@pytest.mark.parametrize("how", ["grows", "is cut", "is replaced"])
@pytest.mark.parametrize("broken", ["", "{broken\n"])
def test_a_source_that_changes_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, broken: str
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(lines(40) + broken)
    one = worker.Worker._one

    def first(self: worker.Worker, place: int, *rest: Any) -> None:
        if place == 1:
            change(path, how)
        one(self, place, *rest)

    monkeypatch.setattr(worker.Worker, "_one", first)
    with pytest.raises(DataError, match="changed while it was read") as raised:
        run(path)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(worker.Worker, "_one", one)
    if how == "grows" and not broken:
        assert run(path).card.rows["in"] == 43


def test_what_did_not_change_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(lines(40))
    os.utime(path, (1e9, 1e9))
    assert run(path).made
    run(path)
    read: list[Path] = []
    original = digests._read
    monkeypatch.setattr(digests, "_read", lambda each: read.append(each) or original(each))
    assert not run(path).made
    assert [each for each in read if each.name != "x.jsonl"] == []  # the source's own times may be too young to trust
    os.utime(path, (1e9, 1e9 + 5))
    assert not run(path).made  # read, and found to be the same
    assert read
    read.clear()
    path.write_text(lines(40).replace("Look", "Walk"))
    os.utime(path, (1e9, 1e9 + 5))  # as large and as old as before
    assert run(path).made


def test_a_note_that_is_broken_or_cannot_be_written_is_none(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(lines(40))
    found = digests.digest(path)
    (note,) = (cache / "finetune-phi" / "digests").iterdir()
    note.write_text("{broken")
    assert digests.digest(path) == found
    for each in (cache / "finetune-phi" / "digests").iterdir():
        each.unlink()
    (cache / "finetune-phi" / "digests").rmdir()
    (cache / "finetune-phi" / "digests").write_text("a file in the way")
    assert digests.digest(path) == found
