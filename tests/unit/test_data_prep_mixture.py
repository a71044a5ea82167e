"""Several sources in one file, each with its share: which rows are taken, what is said, what is found again."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from data_prep import __main__ as command
from data_prep import mixing
from data_prep.card import card as cards
from data_prep.errors import DataError
from data_prep.prepare import Prepared, prepare
from data_prep.request import Mixed, Request


def written(place: Path, name: str, rows: int, **more: Any) -> Path:
    """A file of questions and answers that say where they come from."""
    lines = [json.dumps({"prompt": f"{name} {number}?", "completion": f"{name}.", **more}) for number in range(rows)]
    (place / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return place / f"{name}.jsonl"


def request(place: Path, *parts: Mixed, **more: Any) -> Request:
    return Request(sources=parts, base=place, directory=place / "data", processes=1, **more)


def made(asked: Request, said: list[str] | None = None, **how: Any) -> Prepared:
    return prepare(asked, said.append if said is not None else lambda line: None, **how)


def rows_of(prepared: Prepared) -> list[str]:
    """The first question of every row, training rows first."""
    lines = prepared.train.read_text().splitlines() + prepared.test.read_text().splitlines()
    return [json.loads(line)["messages"][0]["content"] for line in lines]


@pytest.mark.parametrize(
    ("shares", "rows", "expected"),
    [
        ((0.7, 0.3), (700, 300), [1.0, 1.0]),
        ((0.5, 0.5), (1_000, 100), [0.1, 1.0]),
        ((0.9, 0.1), (90, 1_000), [1.0, 0.01]),
        ((0.2, 0.3, 0.5), (100, 100, 100), [0.4, 0.6, 1.0]),
    ],
)
def test_the_scarcest_source_is_taken_whole(
    shares: tuple[float, ...], rows: tuple[int, ...], expected: list[float]
) -> None:
    assert mixing.taken(shares, rows) == pytest.approx(expected)


def test_shares_are_those_of_the_result(tmp_path: Path) -> None:
    written(tmp_path, "many", 1_000)
    written(tmp_path, "few", 200)
    said: list[str] = []
    asked = request(tmp_path, Mixed(source="many.jsonl", share=0.6), Mixed(source="few.jsonl", share=0.4))
    prepared = made(asked, said)
    questions = rows_of(prepared)
    few = sum(question.startswith("few") for question in questions)
    assert few == 200
    assert len(questions) == pytest.approx(500, abs=50)
    assert "of the 1000 rows of many.jsonl 0.3 are taken, to be 60% of all" in said
    assert "of the 200 rows of few.jsonl 1 are taken, to be 40% of all" in said
    card = prepared.card
    assert (card.rows["in"], card.rows["left_out"]) == (1_200, 1_200 - len(questions))
    assert card.settings["source"] == "60 % many.jsonl, 40 % few.jsonl"
    assert [(each["source"], each["share"], each["rows"]["in"]) for each in card.parts] == [
        ("many.jsonl", 0.6, 1_000),
        ("few.jsonl", 0.4, 200),
    ]
    assert sum(sum(each["taken"].values()) for each in card.parts) == len(questions)
    page = (prepared.train.parent / "card.md").read_text()
    assert "| many.jsonl | 60% | 1000 | 0 |" in page


def test_the_same_sources_give_the_same_bytes_and_are_found_again(tmp_path: Path) -> None:
    written(tmp_path, "many", 300)
    written(tmp_path, "few", 40)
    parts = Mixed(source="many.jsonl", share=0.8), Mixed(source="few.jsonl", share=0.2)
    first = made(request(tmp_path, *parts))
    assert first.made
    again = made(request(tmp_path, *parts))
    assert not again.made and again.card == first.card
    elsewhere = made(dataclasses.replace(request(tmp_path, *parts), directory=tmp_path / "other", processes=2))
    assert elsewhere.card.files == first.card.files
    swapped = made(request(tmp_path, *parts[::-1]))
    assert swapped.made and sorted(rows_of(swapped)) == sorted(rows_of(first))


def test_only_the_source_that_has_changed_is_read_again(tmp_path: Path) -> None:
    written(tmp_path, "many", 100)
    written(tmp_path, "few", 20)
    asked = request(tmp_path, Mixed(source="many.jsonl", share=0.8), Mixed(source="few.jsonl", share=0.2))
    made(asked)
    written(tmp_path, "few", 30)
    said: list[str] = []
    assert made(asked, said).made
    assert [line for line in said if line.startswith("reading")] == ["reading few.jsonl"]


def test_a_row_stays_taken_when_others_come(tmp_path: Path) -> None:
    written(tmp_path, "many", 400)
    written(tmp_path, "few", 100)
    asked = request(tmp_path, Mixed(source="many.jsonl", share=0.5), Mixed(source="few.jsonl", share=0.5))
    before = set(rows_of(made(asked)))
    written(tmp_path, "few", 120)
    assert before <= set(rows_of(made(asked)))


def test_each_source_is_read_its_own_way(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(
        "".join(json.dumps({"Frage": f"Wer {n}?", "Antwort": "Ada.", "mood": "x"}) + "\n" for n in range(30))
    )
    (tmp_path / "b.jsonl").write_text(
        "".join(json.dumps({"instruction": f"Who {n}?", "output": "Ada."}) + "\n" for n in range(100))
    )
    german = {"Frage": "question", "Antwort": "answer"}
    prepared = made(
        request(
            tmp_path,
            Mixed(source="a.jsonl", share=0.5, columns=german, ignore=("mood",)),
            Mixed(source="b.jsonl", share=0.5, rows="40", shape="alpaca"),
        )
    )
    questions = rows_of(prepared)
    assert sum(question.startswith("Wer") for question in questions) == 30
    assert 15 <= sum(question.startswith("Who") for question in questions) <= 40
    assert prepared.card.parts[1]["rows"]["in"] == 40
    assert prepared.card.shape == "pair, alpaca"


def test_a_split_that_a_source_has_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "parted"
    folder.mkdir()
    written(folder, "train", 40)
    written(folder, "test", 10)
    written(tmp_path, "few", 50)
    prepared = made(request(tmp_path, Mixed(source="parted/", share=0.5), Mixed(source="few.jsonl", share=0.5)))
    held_back = [json.loads(line)["messages"][0]["content"] for line in prepared.test.read_text().splitlines()]
    assert sum(question.startswith("test") for question in held_back) == 10


def test_a_small_source_need_not_have_ten_rows_nor_both_sides(tmp_path: Path) -> None:
    written(tmp_path, "many", 200)
    written(tmp_path, "few", 3)
    prepared = made(request(tmp_path, Mixed(source="many.jsonl", share=0.97), Mixed(source="few.jsonl", share=0.03)))
    assert sum(question.startswith("few") for question in rows_of(prepared)) == 3


def test_what_two_sources_share_is_one_row_where_duplicates_are_dropped(tmp_path: Path) -> None:
    written(tmp_path, "many", 50)
    (tmp_path / "copy.jsonl").write_text((tmp_path / "many.jsonl").read_text())
    asked = request(
        tmp_path, Mixed(source="many.jsonl", share=0.5), Mixed(source="copy.jsonl", share=0.5), duplicates="drop"
    )
    prepared = made(asked)
    questions = rows_of(prepared)
    assert len(set(questions)) == len(questions) == 100 - prepared.card.rows["dropped"]
    assert 40 <= len(questions) <= 50  # near duplicates go as well


def test_rejected_and_private_rows_of_all_are_on_the_card(tmp_path: Path) -> None:
    written(tmp_path, "many", 50, note="x")
    broken = (tmp_path / "many.jsonl").read_text() + '{"prompt": "no answer?"}\n'
    (tmp_path / "few.jsonl").write_text(
        broken.replace("many", "few").replace("few 7?", "mail ada@example.org 7?").replace("few 7.", "few.")
    )
    asked = request(
        tmp_path,
        Mixed(source="many.jsonl", share=0.5),
        Mixed(source="few.jsonl", share=0.5),
        bad_rows="skip",
        max_rejected="10%",
        mask=True,
    )
    prepared = made(asked)
    assert (prepared.card.rows["in"], prepared.card.rows["rejected"]) == (101, 1)
    assert sum(prepared.card.rejected.values()) == 1
    assert prepared.card.unused == {"note": 100}
    assert prepared.card.private["rows"] == 1
    assert "ada@example.org" not in prepared.train.read_text() + prepared.test.read_text()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("nowhere.jsonl", "there is no file"),
        ("data/train_data.jsonl", "its rows would be replaced by the result"),
        ("https://example.org/x.jsonl", "is an address"),
    ],
)
def test_a_source_that_cannot_be_read_is_told_before_the_others_are_worked_through(
    source: str, says: str, tmp_path: Path
) -> None:
    written(tmp_path, "many", 50)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train_data.jsonl").write_text("{}\n")
    said: list[str] = []
    with pytest.raises(DataError, match=says):
        made(request(tmp_path, Mixed(source="many.jsonl", share=0.5), Mixed(source=source, share=0.5)), said)
    assert said == []
    assert [file.name for file in (tmp_path / "data").iterdir()] == ["train_data.jsonl"]


def test_what_was_mixed_before_leaves_nothing_behind(tmp_path: Path) -> None:
    written(tmp_path, "many", 50)
    written(tmp_path, "few", 50)
    asked = request(tmp_path, Mixed(source="many.jsonl", share=0.5), Mixed(source="few.jsonl", share=0.5))
    made(asked)
    place = asked.directory / mixing.PLACE
    assert len(list(place.iterdir())) == 2
    made(request(tmp_path, Mixed(source="many.jsonl", share=0.5), Mixed(source="few.jsonl", share=0.5, rows="20")))
    assert len(list(place.iterdir())) == 2
    made(dataclasses.replace(asked, sources=(), source="many.jsonl"))
    assert not place.exists()
    assert cards.read(asked.directory).parts == []  # type: ignore[union-attr]
    assert "parts" not in json.loads((asked.directory / "card.json").read_text())


def test_a_folder_of_that_name_that_is_the_users_stays(tmp_path: Path) -> None:
    own = tmp_path / "data" / mixing.PLACE / "0123456789ab"
    own.mkdir(parents=True)
    (own / "notes.txt").write_text("mine")
    made(dataclasses.replace(request(tmp_path), source=str(written(tmp_path, "many", 50))))
    assert (own / "notes.txt").read_text() == "mine"


def test_a_dry_run_shows_each_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, "many", 50)
    written(tmp_path, "few", 50)
    asked = request(tmp_path, Mixed(source="many.jsonl", share=0.5), Mixed(source="few.jsonl", share=0.5))
    monkeypatch.setattr(command, "_of_stack", lambda stack, here: asked)
    command.main(["--stack", "dev", "--look"])
    out = capsys.readouterr().out
    assert "prompt: many 0?" in out and "prompt: few 0?" in out
    assert not asked.directory.exists()


@pytest.mark.parametrize(
    ("line", "says"),
    [(["--rows", "5%"], "--rows: the stack mixes several sources"), (["--shape", "pair"], "--shape: ")],
)
def test_a_flag_that_no_source_of_a_mixture_would_hear_is_refused(
    line: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, "many", 50)
    monkeypatch.setattr(
        command, "_of_stack", lambda stack, here: request(tmp_path, Mixed(source="many.jsonl", share=1))
    )
    with pytest.raises(SystemExit) as caught:
        command.main(["--stack", "dev", *line])
    assert says in f"{caught.value.code}{capsys.readouterr().err}"


def test_a_source_on_the_command_line_takes_the_place_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = request(tmp_path, Mixed(source="nowhere.jsonl", share=1.0))
    monkeypatch.setattr(command, "_of_stack", lambda stack, here: asked)
    command.main(["--stack", "dev", "--source", str(written(tmp_path, "many", 50)), "--rows", "20"])
    assert "20 rows of" in capsys.readouterr().out
