"""Conversations of which each message is a row: put together by the ids of what they answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from data_prep.errors import DataError
from data_prep.prepare import Prepared, Request, prepare


def message(name: str, parent: str | None, role: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "message_id": name,
        "parent_id": parent,
        "message_tree_id": name.split(".")[0],
        "user_id": "u",
        "created_date": "2023-02-05",
        "text": text,
        "role": role,
        "lang": "en",
        "deleted": False,
        "rank": None,
        **more,
    }


def tree(number: int) -> list[dict[str, Any]]:
    """Two answers, of which the later one is the better, and a question with an answer below it."""
    name = f"t{number}"
    return [
        message(name, None, "prompter", f"Is {number} odd?"),
        message(f"{name}.0", name, "assistant", "No idea.", rank=1),
        message(f"{name}.1", name, "assistant", "Count.", rank=0),
        message(f"{name}.2", name, "assistant", "Never.", rank=-1, deleted=True),
        message(f"{name}.3", name, "assistant", "Spam.", rank=-1, review_result=False),
        message(f"{name}.1.0", f"{name}.1", "prompter", "And then?"),
        message(f"{name}.1.0.0", f"{name}.1.0", "assistant", "Halve."),
    ]


MESSAGES = [each for number in range(40) for each in tree(number)]
EXPECTED = [["Is 0 odd?", "Count.", "And then?", "Halve."], ["Is 1 odd?", "Count.", "And then?", "Halve."]]


def written(path: Path, messages: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".parquet":
        listed = [{"review_result": None, **each} for each in messages]
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(listed), path, row_group_size=5)
    elif path.suffix == ".json":
        path.write_text(json.dumps(messages))
    else:
        path.write_text("".join(json.dumps(each) + "\n" for each in messages))
    return path


def run(path: Path, said: list[str] | None = None, **options: Any) -> Prepared:
    request = Request(source=str(path), directory=path.parent / "out", **options)
    return prepare(request, (said if said is not None else []).append)


def texts(made: Prepared) -> list[list[str]]:
    rows = [json.loads(line) for file in made.files for line in file.read_text().splitlines()]
    return sorted([each["content"] for each in row["messages"]] for row in rows)


@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.parquet"])
def test_the_best_way_through_each_tree_is_learnt(tmp_path: Path, name: str) -> None:
    said: list[str] = []
    made = run(written(tmp_path / name, MESSAGES), said)
    assert (made.card.rows["in"], made.card.shape) == (40, "tree")
    assert texts(made)[:2] == EXPECTED
    assert any("read as one message a row, put together by parent_id" in line for line in said)
    assert made.card.unused == {"replies (all but the best of each)": 40}


def test_a_conversation_is_nowhere_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data_prep.read.readers.PIECE", 1000)
    assert len(texts(run(written(tmp_path / "x.jsonl", MESSAGES), processes=2))) == 40


def test_a_message_whose_parent_is_not_there_is_named(tmp_path: Path) -> None:
    lost = [*MESSAGES[:8], message("t1.9.0", "t1.9", "assistant", "Alone."), *MESSAGES[8:]]
    path = written(tmp_path / "x.jsonl", lost)
    with pytest.raises(DataError, match=r"x\.jsonl:9: parent_id \(t1\.9\) is the id of no row since") as caught:
        run(path)
    assert "1 of 41 rows cannot be used" in str(caught.value)
    assert run(path, bad_rows="skip", max_rejected="10%").card.rows["in"] == 41


def test_a_first_message_that_did_not_pass_sets_its_conversation_aside(tmp_path: Path) -> None:
    first, *others = MESSAGES
    made = run(written(tmp_path / "x.jsonl", [{**first, "deleted": True}, *others]))
    assert made.card.set_aside == {"deleted, or refused by its reviewers": 1}
    assert sum(made.card.rows[side] for side in ("train", "test")) == 39


def test_what_else_the_first_message_says_is_the_conversations(tmp_path: Path) -> None:
    told = [{**each, "system": "Be brief."} if each["parent_id"] is None else each for each in MESSAGES]
    assert texts(run(written(tmp_path / "x.jsonl", told)))[0] == ["Be brief.", *EXPECTED[0]]


def test_ids_and_flags_as_pandas_and_csv_have_them(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    rows = ["message_id,parent_id,role,text,deleted"]
    for at in range(0, 120, 3):
        rows += [f"{at},,prompter,Is {at} odd?,False", f"{at + 1},{at}.0,assistant,Count.,False"]
        rows += [f"{at + 2},{at}.0,assistant,Spam.,True"]
    path.write_text("\n".join(rows) + "\n")
    numbers = [
        {**each, "message_id": at, "parent_id": None if each["parent_id"] is None else float(at - 1)}
        for at, each in enumerate(message(str(at), "p" if at % 2 else None, ("prompter", "assistant")[at % 2], f"{at}?")
                                  for at in range(40))
    ]  # fmt: skip
    assert len(texts(run(written(tmp_path / "n/x.jsonl", numbers)))) == 20
    made = texts(run(path))
    assert len(made) == 40 and made[0] == ["Is 0 odd?", "Count."]


def test_a_tree_in_a_row_and_a_row_with_messages_are_what_they_were(tmp_path: Path) -> None:
    nested = [
        {"message_tree_id": f"{at}", "prompt": {"role": "prompter", "text": f"Is {at} odd?", "replies": [
            {"role": "assistant", "text": "Count.", "replies": []}]}}
        for at in range(30)
    ]  # fmt: skip
    assert run(written(tmp_path / "x.jsonl", nested)).card.shape == "tree"
