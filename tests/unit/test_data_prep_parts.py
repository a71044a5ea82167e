"""Rows worked through in parts, by several machines, and joined: the bytes of one machine."""

from __future__ import annotations

import hashlib
import json
import shutil
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from data_prep import DataError
from data_prep.card import digests
from data_prep.card.stats import Kind, Stats
from data_prep.prepare import Prepared, Request, divide, prepare
from data_prep.read import readers
from data_prep.run.parts import INDEX, Share

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = (ROOT / "data_prep/sample/conversations.jsonl").read_text().splitlines(keepends=True)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a few rows are several pieces; all of one process, as others would not know."""
    whole = readers.pieces
    monkeypatch.setattr("data_prep.run.opening.pieces", lambda path: whole(path, 9_000))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two files, with a row twice and one that cannot be used in each."""
    folder = tmp_path / "chats"
    folder.mkdir()
    bad = '{"messages": [{"role": "user", "content": "Why?"}]}\n'
    (folder / "a.jsonl").write_text("".join([*SAMPLE[:90], bad, *SAMPLE[:9]]))
    (folder / "b.jsonl").write_text("".join([*SAMPLE[90:120], bad, "\n", *SAMPLE[120:]]))
    return folder


def asked(source: Path, directory: Path, **options: Any) -> Request:
    usual = {"bad_rows": "skip", "max_rejected": "5%", "tokenizer": "estimate", "processes": 1}
    return Request(source=str(source), directory=directory, **{**usual, **options})


def silent(line: str) -> None:
    del line


def joined(source: Path, tmp_path: Path, parts: int, **options: Any) -> Prepared:
    places = [tmp_path / f"part{number}" for number in range(1, parts + 1)]
    for number, place in enumerate(places, start=1):
        divide(asked(source, place, **options), f"{number}/{parts}", silent)
    return prepare(asked(source, tmp_path / "joined", **options), silent, parts=places)


@pytest.mark.parametrize("duplicates", ["report", "near", "drop"])
@pytest.mark.parametrize("parts", [1, 2, 3, 40])
def test_what_is_joined_has_the_bytes_of_one_machine(source: Path, tmp_path: Path, parts: int, duplicates: str) -> None:
    here = prepare(asked(source, tmp_path / "here", duplicates=duplicates), silent)
    there = joined(source, tmp_path, parts, duplicates=duplicates)
    assert here.card.rows["rejected"] == 2 and here.card.duplicates["repeated"] == 9
    files = sorted(path.name for path in (tmp_path / "here").iterdir() if path.is_file())
    assert "rejected.jsonl" in files and files == sorted(path.name for path in (tmp_path / "joined").iterdir())
    for name in files:
        assert (tmp_path / "joined" / name).read_bytes() == (tmp_path / "here" / name).read_bytes(), name
    assert there.card == here.card


def test_rows_that_begin_with_one_question_are_divided_anew_by_the_join(tmp_path: Path) -> None:
    source = tmp_path / "x.jsonl"
    asks = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    rows = [
        {
            "messages": [
                *asks,
                {"role": "user", "content": f"Is {at} odd?"},
                {"role": "assistant", "content": "So. " * 99},
            ]
        }
        for at in range(200)
    ]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    here = prepare(asked(source, tmp_path / "here"), silent)
    assert 20 < here.card.rows["test"] < 60
    there = joined(source, tmp_path, 2)
    assert there.card == here.card
    index = json.loads((tmp_path / "part1" / INDEX).read_text())
    index["digests"] = {"0": "1" * 64}
    (tmp_path / "part1" / INDEX).write_text(json.dumps(index))
    parts = [tmp_path / "part1", tmp_path / "part2"]
    # The rows are then those of this machine, and so is their digest.
    assert prepare(asked(source, tmp_path / "other"), silent, parts=parts).card == here.card


def test_a_part_takes_the_place_of_an_earlier_one_as_a_whole(source: Path, tmp_path: Path) -> None:
    part = tmp_path / "part"
    divide(asked(source, part), "1/1", silent)
    assert list(part.glob("*.rejected")) and not list(part.glob(".*"))
    good = tmp_path / "good.jsonl"
    good.write_text("".join(SAMPLE))
    divide(asked(good, part), "1/1", silent)
    assert not list(part.glob("*.rejected"))
    before = {path.name: path.read_bytes() for path in part.iterdir()}
    with pytest.raises(DataError):
        divide(asked(source, part, rows="3"), "1/1", silent)
    assert {path.name: path.read_bytes() for path in part.iterdir()} == before


@pytest.fixture
def remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digests of files of any size are remembered, by this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(digests, "REMEMBERED", 1)


def divided(source: Path, tmp_path: Path, **options: Any) -> list[Path]:
    """Two parts that say of each file of the source that its digest is another."""
    places = [tmp_path / "part1", tmp_path / "part2"]
    for number, place in enumerate(places, start=1):
        divide(asked(source, place, **options), f"{number}/2", silent)
        index = json.loads((place / INDEX).read_text())
        assert list(index["digests"]) == [str(number - 1)] and len(index["digests"][str(number - 1)]) == 64
        index["digests"] = {str(number - 1): str(number) * 64}
        (place / INDEX).write_text(json.dumps(index))
    return places


@pytest.mark.usefixtures("remembered")
def test_what_parts_say_of_files_is_the_cards_and_no_other_run_believes_it(source: Path, tmp_path: Path) -> None:
    parts = divided(source, tmp_path)
    true = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in source.iterdir()}
    said = hashlib.sha256(f"{'1' * 64}\n{'2' * 64}".encode()).hexdigest()
    made = prepare(asked(source, tmp_path / "out"), silent, parts=parts).card
    assert made.source == {"kind": "file", "sha256": said}
    assert [each["sha256"] for each in made.manifest] == ["1" * 64, "2" * 64]
    again = prepare(asked(source, tmp_path / "out"), silent)
    assert again.made
    assert {each["file"]: each["sha256"] for each in again.card.manifest} == true
    assert prepare(asked(source, tmp_path / "out"), silent, parts=parts).made  # whatever is there


@pytest.mark.usefixtures("remembered")
def test_parts_that_are_refused_leave_nothing_behind(source: Path, tmp_path: Path) -> None:
    parts = divided(source, tmp_path)
    with pytest.raises(DataError, match="is not of the same rows, or was made by other rules"):
        prepare(asked(source, tmp_path / "out", seed=5), silent, parts=parts)
    for path in source.iterdir():
        assert digests.digest(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_part_says_where_its_disk_is_short_of_room(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for: list[tuple[Path, int]] = []
    size = sum(path.stat().st_size for path in source.iterdir())

    def short(directory: Path, needed: int) -> str:
        asked_for.append((directory, needed))
        return "short of room"

    monkeypatch.setattr("data_prep.run.parts.short_of_room", short)
    said: list[str] = []
    divide(asked(source, tmp_path / "part"), "1/4", said.append)
    assert said == ["short of room", f"part 1/4 of {source}: 2 of its 8 pieces, 56 rows"]
    assert asked_for == [(tmp_path / "part", round(size / 4))]


def test_every_piece_is_in_one_part_and_parts_are_alike() -> None:
    pieces = [readers.Piece(Path("x"), at * 16, at * 16 + 16) for at in range(100)]
    for of in (1, 2, 3, 7, 100, 150):
        found = [list(Share(number, of).of_pieces(pieces)) for number in range(1, of + 1)]
        assert list(chain.from_iterable(found)) == list(range(100))
        assert max(map(len, found)) - min(map(len, found)) <= 1
    uneven = [readers.Piece(Path("x"), 0, size) for size in (1000, 1, 1, 1, 1000)]
    assert [len(Share(number, 2).of_pieces(uneven)) for number in (1, 2)] == [2, 3]


def test_parts_that_do_not_go_together_are_refused(source: Path, tmp_path: Path) -> None:
    one, two, other = (tmp_path / name for name in ("one", "two", "other"))
    divide(asked(source, one), "1/2", silent)
    divide(asked(source, two), "2/2", silent)
    divide(asked(source, other, seed=5), "2/2", silent)

    def join(*parts: Path) -> None:
        prepare(asked(source, tmp_path / "joined"), silent, parts=parts)

    with pytest.raises(DataError, match="holds part 1/2, and 2 parts are to be joined, each once"):
        join(one, one)
    with pytest.raises(DataError, match="holds part 1/2, and 1 parts"):
        join(one)
    with pytest.raises(DataError, match="is not of the same rows, or was made by other rules"):
        join(one, other)
    index = json.loads((two / INDEX).read_text())
    broken = ({}, [], {**index, "pieces": 5}, {**index, "sample": [[1, [{}]]]}, {**index, "digests": {"x": "y"}})
    for content in ("{", *map(json.dumps, broken)):
        (two / INDEX).write_text(content)
        with pytest.raises(DataError, match="holds no part that is whole"):
            join(one, two)
    shutil.rmtree(two)
    with pytest.raises(DataError, match="holds no part that is whole"):
        join(one, two)
    assert not (tmp_path / "joined").exists()


def test_bad_rows_are_told_by_the_join_with_their_places(source: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError) as here:
        prepare(asked(source, tmp_path / "here", bad_rows="refuse"), silent)
    with pytest.raises(DataError) as there:
        joined(source, tmp_path, 3, bad_rows="refuse")
    assert str(there.value) == str(here.value)
    assert "a.jsonl:91" in str(here.value) and "b.jsonl:31" in str(here.value)


@pytest.mark.parametrize(
    ("options", "why"),
    [({"split": "train[:9]"}, "row after row"), ({"rows": "9"}, "row after row")],
)
def test_what_cannot_be_divided_says_so(source: Path, tmp_path: Path, options: dict[str, str], why: str) -> None:
    with pytest.raises(DataError, match=why):
        divide(asked(source, tmp_path / "part", **options), "1/2", silent)


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "1/x", "", "1/2/3", "-1/2"])
def test_a_part_is_a_number_of_how_many(text: str) -> None:
    with pytest.raises(DataError, match="like 2/3"):
        Share.read(text)


def test_counts_survive_json() -> None:
    stats = Stats(seen=3, kinds={"json": Kind(2, [(1, "x: y")])}, sample=[(-5, [{"role": "user", "content": "ü"}])])
    stats.turns[2] += 1
    stats.lengths[7] += 1
    stats.sides["train"] += 2
    read = Stats.from_json(json.loads(json.dumps(stats.to_json())))
    assert read == stats
    whole = Stats()
    whole.add(read)
    assert whole.turns == {2: 1}
