"""Which rows are held back: those that somebody held back already, else a share that is as large as was asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from data_prep.__main__ import main
from data_prep.asked import request_fingerprint
from data_prep.prepare import Prepared, Request, prepare
from data_prep.source.sides import sides


def lines(questions: list[str], answer: str = "Look.") -> str:
    rows = [
        {"messages": [{"content": asked, "role": "user"}, {"content": f"{answer} {at}", "role": "assistant"}]}
        for at, asked in enumerate(questions)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows)


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def run(source: Path, out: Path, said: list[str] | None = None, **options: Any) -> Prepared:
    report = (lambda _: None) if said is None else said.append
    return prepare(Request(source=str(source), directory=out, **options), report)


TRAIN, TEST, VALIDATION = "train", "test", "validation"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"train.jsonl": TRAIN, "test.jsonl": TEST}, True),
        ({"a.jsonl": TRAIN, "b.csv": TRAIN, "validation.csv": VALIDATION}, True),
        ({"train-00000-of-00002.parquet": TRAIN, "test-00000-of-00001.parquet": TEST}, True),
        ({"faq_train.csv": TRAIN, "faq_test.csv": TEST, "other.csv": TRAIN}, True),
        ({"faq.csv": TRAIN, "faq-dev.csv": VALIDATION}, True),
        ({"train/a.jsonl": TRAIN, "val/a.jsonl": VALIDATION, "test/b.jsonl": TEST}, True),
        ({"00000-train-a.jsonl": TRAIN, "00001-test-a.jsonl": TEST}, True),
        ({"test_sft.jsonl": TEST, "train_sft.jsonl": TRAIN}, True),
        ({"driving-test-faq.jsonl": "", "chats.jsonl": ""}, False),
        ({"train.jsonl": "", "train2.jsonl": ""}, False),
        ({"test.jsonl": "", "test-2.jsonl": ""}, False),
        ({"latest.jsonl": "", "evaluations-of-cars.jsonl": ""}, False),
    ],
)
def test_files_are_held_back_by_their_names(files: dict[str, str], expected: bool) -> None:
    assert sides(list(files)) == (files if expected else {})


def test_a_split_that_somebody_made_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    put(folder / "train.jsonl", lines([f"Is {at} odd?" for at in range(40)]))
    held = put(folder / "test.jsonl", lines([f"Is {at} even?" for at in range(10)]))
    put(folder / "validation.jsonl", lines([f"Is {at} prime?" for at in range(5)]))
    said: list[str] = []
    made = run(folder, tmp_path / "out", said)
    assert [made.card.rows[side] for side in (TRAIN, TEST, VALIDATION)] == [40, 10, 5]
    assert "prime" in (made.directory / "validation_data.jsonl").read_text()
    assert "even" in made.test.read_text()
    assert "even" not in made.train.read_text()
    assert "held back as test rows, by name: test.jsonl; testRatio does not apply" in said
    assert "held back as validation rows, by name: validation.jsonl; validationRatio does not apply" in said
    assert not run(folder, tmp_path / "out").made
    held.rename(folder / "unseen.jsonl")  # of the same content
    assert run(folder, tmp_path / "out").made


def test_a_validation_file_alone_is_what_is_held_back(tmp_path: Path) -> None:
    put(tmp_path / "in" / "chats.jsonl", lines([f"Is {at} odd?" for at in range(40)]))
    put(tmp_path / "in" / "validation.jsonl", lines([f"Is {at} even?" for at in range(10)]))
    made = run(tmp_path / "in", tmp_path / "out")
    assert (made.card.rows["train"], made.card.rows["test"]) == (40, 10)


def test_a_name_is_a_part_of_what_a_cluster_is_asked_for(tmp_path: Path) -> None:
    put(tmp_path / "a.jsonl", lines(["Is it?"]))
    put(tmp_path / "b.jsonl", lines(["Was it?"]))
    before = request_fingerprint(Request(source=str(tmp_path), directory=tmp_path / "out"))
    (tmp_path / "b.jsonl").rename(tmp_path / "test.jsonl")
    assert request_fingerprint(Request(source=str(tmp_path), directory=tmp_path / "out")) != before


def test_questions_on_both_sides_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path / "in" / "train.jsonl", lines([f"Is {at} odd?" for at in range(40)]))
    put(tmp_path / "in" / "test.jsonl", lines([f"is  {at} ODD?" for at in range(35, 45)], "Other."))
    main(["--source", str(tmp_path / "in"), "--out", str(tmp_path / "out")])
    assert "5 test rows begin with the question of a training row" in capsys.readouterr().out


def greeted(rows: int, others: int) -> str:
    chats = [
        {
            "messages": [
                {"content": "Bonjour", "role": "user"},
                {"content": "Bonjour !", "role": "assistant"},
                {"content": f"Is {at} odd?", "role": "user"},
                {"content": "Look.", "role": "assistant"},
            ]
        }
        for at in range(rows)
    ]
    return "".join(json.dumps(chat) + "\n" for chat in chats) + lines([f"Is {at} even?" for at in range(others)])


@pytest.mark.parametrize("processes", [1, 2])
def test_a_greeting_does_not_decide_where_most_rows_go(tmp_path: Path, processes: int) -> None:
    path = put(tmp_path / "chats.jsonl", greeted(160, 40))
    said: list[str] = []
    made = run(path, tmp_path / "out", said, processes=processes)
    assert made.card.rows["in"] == 200
    assert 20 <= made.card.rows["test"] <= 60
    told = [line for line in said if line.startswith("many rows begin with one question")]
    assert bool(told) == (made.card.duplicates["asked"] > 0)
    assert not run(path, tmp_path / "out").made
    same = (made.train.read_bytes(), made.test.read_bytes())
    again = prepare(Request(source=str(path), directory=tmp_path / "out", processes=processes), said.append, again=True)
    assert (again.train.read_bytes(), again.test.read_bytes()) == same


def test_a_share_that_cannot_be_had_is_told_with_its_cause(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    same = lines(["Is it odd?"]) * 160
    path = put(tmp_path / "chats.jsonl", same + lines([f"Is {at} even?" for at in range(40)]))
    main(["--source", str(path), "--out", str(tmp_path / "out")])
    out = capsys.readouterr().out
    assert "200 rows begin with 41 different questions, and rows with the same one stay together" in out
