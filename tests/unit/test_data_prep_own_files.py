"""Nothing of the user's is touched: a source is never a target, and what somebody put in a target's place is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from data_prep import DataError
from data_prep.__main__ import main
from data_prep.asked import request_fingerprint
from data_prep.prepare import Prepared, Request, prepare


def lines(number: int, word: str = "odd") -> bytes:
    rows = [
        {"messages": [{"content": f"Is {at} {word}?", "role": "user"}, {"content": "Look.", "role": "assistant"}]}
        for at in range(number)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def run(source: Path, out: Path, said: list[str] | None = None, **options: Any) -> Prepared:
    report = (lambda _: None) if said is None else said.append
    return prepare(Request(source=str(source), directory=out, **options), report)


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["train_data.jsonl", "test_data.jsonl", "rejected.jsonl", "card.json"])
def test_a_source_with_the_name_of_a_result_is_refused_and_stays(tmp_path: Path, name: str) -> None:
    mine = put(tmp_path / "data" / name, lines(300))
    for out in (tmp_path / "data", tmp_path / "data" / ".." / "data"):
        with pytest.raises(SystemExit) as raised:
            main(["--source", str(mine), "--out", str(out), "--rows", "5%"])
        assert f"{mine} is the source, and its rows would be replaced" in str(raised.value)
    assert mine.read_bytes() == lines(300)
    assert [each.name for each in mine.parent.iterdir()] == [name]


def test_neither_a_link_nor_a_folder_hides_that_a_source_is_a_target(tmp_path: Path) -> None:
    mine = put(tmp_path / "data" / "train_data.jsonl", lines(300))
    (tmp_path / "link.jsonl").symlink_to(mine)
    (tmp_path / "hard.jsonl").hardlink_to(mine)
    (tmp_path / "folder").symlink_to(mine.parent)
    for source in (
        tmp_path / "link.jsonl",
        tmp_path / "hard.jsonl",
        tmp_path / "folder",
        tmp_path / "data" / "*.jsonl",
    ):
        with pytest.raises(DataError, match="is the source, and its rows would be replaced"):
            run(source, tmp_path / "data")
    assert mine.read_bytes() == lines(300)


@pytest.mark.parametrize("out", [".", "below", "be/low"])
def test_a_run_does_not_read_what_an_earlier_one_has_written(tmp_path: Path, out: str) -> None:
    put(tmp_path / "chats.jsonl", lines(40))
    first = run(tmp_path, tmp_path / out)
    said: list[str] = []
    second = run(tmp_path, tmp_path / out, said, seed=1)
    assert (first.card.rows["in"], second.card.rows["in"]) == (40, 40)
    assert [line for line in said if "test_data.jsonl, train_data.jsonl in" in line and "an earlier run" in line]
    assert not run(tmp_path, tmp_path / out, seed=1).made  # nothing has changed


def test_a_job_on_a_cluster_is_not_given_earlier_results_either(tmp_path: Path) -> None:
    put(tmp_path / "chats.jsonl", lines(40))
    request = Request(source=str(tmp_path), directory=tmp_path)
    before = request_fingerprint(request)
    prepare(request, lambda _: None)
    assert request_fingerprint(request) == before


def test_somebodys_own_file_in_a_targets_place_is_kept(tmp_path: Path) -> None:
    chats, out = put(tmp_path / "chats.jsonl", lines(40)), tmp_path / "out"
    mine = {"train_data.jsonl": lines(300), "rejected.jsonl": b"notes", "card.json": b"{}"}
    for name, content in mine.items():
        put(out / name, content)
    said: list[str] = []
    assert run(chats, out, said).made
    kept = {path.name.partition(".kept-")[0]: path.read_bytes() for path in out.glob("*.kept-*")}
    assert kept == {name: mine[name] for name in ("train_data.jsonl", "card.json")}
    assert (out / "rejected.jsonl").read_bytes() == b"notes"  # nothing was rejected, so nothing is in its way
    assert len([line for line in said if "it is kept there as train_data.jsonl.kept-" in line]) == 1


def test_a_result_edited_by_hand_is_kept_and_one_that_was_not_is_replaced(tmp_path: Path) -> None:
    chats, out = put(tmp_path / "chats.jsonl", lines(40)), tmp_path / "out"
    made = run(chats, out)
    edited = made.train.read_bytes().replace(b"Look", b"See")
    made.train.write_bytes(edited)
    run(chats, out)
    run(chats, out, seed=1)
    (kept,) = out.glob("*.kept-*")
    assert kept.read_bytes() == edited


def test_what_is_no_data_in_a_folder_is_left_out_and_named(tmp_path: Path) -> None:
    put(tmp_path / "a.jsonl", lines(40))
    put(tmp_path / ".ipynb_checkpoints" / "a.jsonl", lines(40, "even"))
    put(tmp_path / "_delta_log" / "0.json", b"{}")
    put(tmp_path / "dataset_info.json", b"{}")
    put(tmp_path / "empty.jsonl", b"")
    (tmp_path / "b.jsonl").symlink_to(tmp_path / "a.jsonl")
    said: list[str] = []
    assert run(tmp_path, tmp_path / "out", said).card.rows["in"] == 40
    assert [line for line in said if line.startswith("not read: ")] == [
        "not read: .ipynb_checkpoints/a.jsonl, _delta_log/0.json: hidden",
        "not read: b.jsonl: read already under another name",
        "not read: dataset_info.json: about other files, by the name",
        "not read: empty.jsonl: empty",
    ]


def test_a_folder_of_empty_files_alone_says_so(tmp_path: Path) -> None:
    put(tmp_path / "in" / "empty.jsonl", b"")
    with pytest.raises(DataError, match=r"holds no file that is read: .*\(not read: empty.jsonl: empty\)"):
        run(tmp_path / "in", tmp_path / "out")
