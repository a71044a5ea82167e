"""Three files: what is trained on, what chooses (validation), and what judges (test)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from data_prep.__main__ import main
from data_prep.asked import request_fingerprint, three
from data_prep.card.card import combined, fingerprint
from data_prep.errors import DataError
from data_prep.mixing import PLACE
from data_prep.prepare import Prepared, Request, prepare
from data_prep.request import Mixed

TRAIN, TEST, VALIDATION = "train_data.jsonl", "test_data.jsonl", "validation_data.jsonl"


def lines(questions: list[str], answer: str = "Look it up.") -> str:
    rows = [
        {"messages": [{"content": asked, "role": "user"}, {"content": f"{answer} {asked}", "role": "assistant"}]}
        for asked in questions
    ]
    return "".join(json.dumps(row) + "\n" for row in rows)


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def run(source: Path, out: Path, said: list[str] | None = None, **options: Any) -> Prepared:
    report = (lambda _: None) if said is None else said.append
    return prepare(Request(source=str(source), directory=out, **options), report)


def sentence(number: int) -> str:
    """Forty words that no other number has."""
    return " ".join(hashlib.sha256(f"{number} {at}".encode()).hexdigest()[:9] for at in range(40))


def questions(path: Path) -> list[str]:
    return [json.loads(line)["messages"][0]["content"] for line in path.read_text().splitlines()]


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    return put(tmp_path / "chats.jsonl", lines([f"How far is the {at}th star?" for at in range(400)]))


@pytest.mark.parametrize("processes", [1, 2])
def test_a_third_file_takes_from_the_training_rows_alone(chats: Path, tmp_path: Path, processes: int) -> None:
    two = run(chats, tmp_path / "two", processes=processes)
    made = run(chats, tmp_path / "three", validation_ratio=0.1, processes=processes)
    assert not (tmp_path / "two" / VALIDATION).exists()
    assert two.test.read_bytes() == made.test.read_bytes()
    chosen = questions(made.directory / VALIDATION)
    assert sorted(questions(made.train) + chosen) == sorted(questions(two.train))
    assert 20 <= len(chosen) <= 60
    assert made.card.rows["validation"] == len(chosen)
    digests = {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in made.files}
    assert made.card.files == digests
    assert list(digests) == [TRAIN, TEST, VALIDATION]
    assert made.card.fingerprint == fingerprint(made.directory) == combined(digests) != two.card.fingerprint
    assert digests[VALIDATION] in (made.directory / "card.md").read_text()
    assert not run(chats, tmp_path / "three", validation_ratio=0.1).made


def test_the_third_file_goes_when_it_is_not_asked_for_any_more(chats: Path, tmp_path: Path) -> None:
    two = run(chats, tmp_path / "two").card.fingerprint
    run(chats, tmp_path / "out", validation_ratio=0.1)
    (tmp_path / "out" / VALIDATION).write_text("{}\n")  # not as it was made
    assert run(chats, tmp_path / "out", validation_ratio=0.1).made
    assert run(chats, tmp_path / "out").card.fingerprint == two == fingerprint(tmp_path / "out")
    assert not (tmp_path / "out" / VALIDATION).exists()


def test_a_file_of_that_name_beside_two_is_somebody_s_own(chats: Path, tmp_path: Path) -> None:
    made = run(chats, tmp_path / "out").card.fingerprint
    put(tmp_path / "out" / VALIDATION, "mine")
    assert fingerprint(tmp_path / "out") == made
    assert not run(chats, tmp_path / "out").made
    said: list[str] = []
    run(chats, tmp_path / "out", said, validation_ratio=0.1)
    kept = next((tmp_path / "out").glob(f"{VALIDATION}.kept-*"))
    assert kept.read_text() == "mine"
    assert any(VALIDATION in line and kept.name in line for line in said)


@pytest.mark.parametrize("processes", [1, 2])
def test_files_of_the_user_s_own_are_taken_whole(chats: Path, tmp_path: Path, processes: int) -> None:
    test = put(tmp_path / "mine.csv", "question,answer\n" + "".join(f"Why {at}?,Because.\n" for at in range(7)))
    put(tmp_path / "val" / "b.jsonl", lines([f"Whose {at}?" for at in range(3)]))
    put(tmp_path / "val" / "a.jsonl", lines(["Whose?"]))
    said: list[str] = []
    options: dict[str, Any] = {"test": str(test), "validation": str(tmp_path / "val"), "rows": "50%"}
    made = run(chats, tmp_path / "out", said, processes=processes, **options)
    assert questions(made.test) == [f"Why {at}?" for at in range(7)]
    assert questions(made.directory / VALIDATION) == ["Whose?", "Whose 0?", "Whose 1?", "Whose 2?"]
    assert 150 <= made.card.rows["train"] <= 250  # half of the source's rows, and none of them held back
    assert f"the test rows are those of {test} (data.test); testRatio does not apply" in said
    assert not run(chats, tmp_path / "out", **options).made
    test.write_text(test.read_text().replace("Why 3", "Whence 3"))
    assert run(chats, tmp_path / "out", **options).made


def test_a_part_of_the_source_leaves_own_files_whole(chats: Path, tmp_path: Path) -> None:
    test = put(tmp_path / "mine.jsonl", lines([f"Why {at}?" for at in range(30)]))
    made = run(chats, tmp_path / "out", test=str(test), rows="20")
    assert (made.card.rows["train"], made.card.rows["test"]) == (20, 30)
    assert questions(made.train)[0] == "How far is the 0th star?"
    broken = put(tmp_path / "broken.jsonl", lines(["Why?"]) + "{\n")
    with pytest.raises(DataError, match=r"broken\.jsonl:2"):
        run(chats, tmp_path / "new", test=str(broken), rows="20")


def test_own_test_rows_stand_beside_a_share_for_validation(chats: Path, tmp_path: Path) -> None:
    test = put(tmp_path / "mine.jsonl", lines([f"Why {at}?" for at in range(30)]))
    made = run(chats, tmp_path / "out", test=str(test), validation_ratio=0.25)
    assert made.card.rows["test"] == 30
    assert 70 <= made.card.rows["validation"] <= 130
    assert made.card.rows["train"] + made.card.rows["validation"] == 400


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nowhere.jsonl", "there is no file"),
        ("sample", "must be a file, a folder or a pattern of files on this machine, is sample"),
        ("chats.jsonl", "is named twice, as data.test and as"),
    ],
)
def test_an_own_file_that_cannot_be(chats: Path, tmp_path: Path, name: str, expected: str) -> None:
    with pytest.raises(DataError, match=expected):
        run(chats, tmp_path / "out", test=name, base=tmp_path)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("side", ["validation", "test"])
def test_a_file_of_which_no_row_can_be_used_makes_no_side(tmp_path: Path, side: str) -> None:
    good = [f"How far is the {at}th star?" for at in range(60)]
    for name in ("train", "test", "validation"):
        put(tmp_path / f"in/{name}.jsonl", '{"messages": []}\n' * 3 if name == side else lines(good))
    with pytest.raises(
        DataError, match=rf"{side}\.jsonl: no row can be used, and the {side} rows are to come from there"
    ):
        run(tmp_path / "in", tmp_path / "out", bad_rows="skip", max_rejected="10%")
    assert not (tmp_path / "out" / f"{side}_data.jsonl").exists()


def test_rows_on_two_sides_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def long(start: int, stop: int, ending: str = "") -> str:
        asked = [sentence(at) for at in range(stop)]
        return lines([f"{each}{ending}" for each in asked[start:]])

    put(tmp_path / "in" / "train.jsonl", long(0, 60))
    put(tmp_path / "in" / "valid.jsonl", long(50, 70))  # ten of the training rows
    put(tmp_path / "in" / "test.jsonl", long(65, 80) + long(0, 3, " !!"))  # five of validation, three nearly trained on
    main(["--source", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--duplicates", "near"])
    said = capsys.readouterr().out
    assert "60 train, 18 test, 20 validation" in said
    assert "10 validation rows begin with the question of a training row, so that they choose what was learnt" in said
    assert "5 test rows begin with the question of a validation row" in said
    assert "10 validation rows are nearly equal to a training row (duplicates: drop leaves them out)" in said
    assert "3 test rows are nearly equal to a training row" in said
    assert "5 test rows are nearly equal to a validation row" in said
    main(["--source", str(tmp_path / "in"), "--out", str(tmp_path / "less"), "--duplicates", "drop"])
    left = [questions(tmp_path / "less" / name) for name in (TRAIN, TEST, VALIDATION)]
    assert sum(map(len, left)) == len({question for side in left for question in side}) == 80


def test_with_drop_a_training_row_goes_and_not_an_own_test_row(tmp_path: Path) -> None:
    asked = [sentence(at) for at in range(60)]
    source = put(tmp_path / "chats.jsonl", lines(asked))
    test = put(tmp_path / "mine.jsonl", lines(asked[:5]))
    made = run(source, tmp_path / "out", test=str(test), duplicates="drop")
    assert (made.card.rows["train"], made.card.rows["test"]) == (55, 5)


def test_names_are_kept_where_one_file_alone_is_named(tmp_path: Path) -> None:
    put(tmp_path / "in" / "train.jsonl", lines([f"Is {at} odd?" for at in range(200)]))
    put(tmp_path / "in" / "dev.jsonl", lines([f"Is {at} even?" for at in range(10)]))
    two = run(tmp_path / "in", tmp_path / "two")  # the one file that is held back tests, and validates
    assert questions(two.test) == [f"Is {at} even?" for at in range(10)]
    made = run(tmp_path / "in", tmp_path / "three", validation_ratio=0.1)
    assert questions(made.directory / VALIDATION) == [f"Is {at} even?" for at in range(10)]
    assert 20 <= made.card.rows["test"] <= 60


def test_files_made_before_there_were_three_stay_until_somebody_asks(tmp_path: Path) -> None:
    """A third file is another fingerprint, and trains the model anew."""
    put(tmp_path / "in" / "train.jsonl", lines([f"Is {at} odd?" for at in range(40)]))
    put(tmp_path / "in" / "test.jsonl", lines([f"Is {at} even?" for at in range(10)]))
    before = run(tmp_path / "in", tmp_path / "out").card
    put(tmp_path / "in" / "validation.jsonl", lines([f"Is {at} prime?" for at in range(10)]))
    said: list[str] = []
    again = run(tmp_path / "in", tmp_path / "out", said)
    assert not again.made
    assert again.card.fingerprint == before.fingerprint
    assert any("data.validationRatio (any above 0) or --again" in line for line in said)
    made = prepare(Request(source=str(tmp_path / "in"), directory=tmp_path / "out"), said.append, again=True)
    assert made.card.rows["validation"] == 10


def test_a_mixture_has_three_files_of_each_source(tmp_path: Path) -> None:
    for name in ("a", "b"):
        put(tmp_path / f"{name}.jsonl", lines([f"{name} {at}?" for at in range(200)]))
    parts = tuple(Mixed(source=f"{name}.jsonl", share=0.5) for name in ("a", "b"))
    request = Request(directory=tmp_path / "out", base=tmp_path, sources=parts, validation_ratio=0.2)
    made = prepare(request, lambda _: None)
    assert all(20 <= each["taken"]["validation"] <= 60 for each in made.card.parts)
    assert made.card.rows["validation"] == sum(each["taken"]["validation"] for each in made.card.parts)
    assert (tmp_path / "out" / PLACE).is_dir()
    with pytest.raises(DataError, match="beside one source, not beside several"):
        Request(sources=parts, test="a.jsonl")


def test_what_a_cluster_is_asked_for(chats: Path, tmp_path: Path) -> None:
    def asked(**options: Any) -> Request:
        return Request(source=str(chats), directory=tmp_path / "out", **options)

    test = put(tmp_path / "mine.jsonl", lines(["Why?"]))
    found = [request_fingerprint(asked(**each)) for each in ({}, {"validation_ratio": 0.1}, {"test": str(test)})]
    test.write_text(lines(["Why not?"]))
    assert len({*found, request_fingerprint(asked(test=str(test)))}) == 4
    assert [three(asked(**each)) for each in ({}, {"validation_ratio": 0.1}, {"test": str(test)})] == [
        False,
        True,
        False,
    ]


def test_flags(
    chats: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "mine.jsonl", lines(["Why?", "Why not?"]))
    main(["--source", "chats.jsonl", "--test", "mine.jsonl", "--validation-ratio", "0.2", "--out", "out"])
    assert questions(tmp_path / "out" / TEST) == ["Why?", "Why not?"]
    said = capsys.readouterr().out
    assert f"out/{TRAIN}, out/{TEST} and out/{VALIDATION} written" in said
    with pytest.raises(SystemExit):
        main(["--source", "chats.jsonl", "--test-ratio", "0.5", "--validation-ratio", "0.5", "--out", "out"])
