"""Sources, shapes and shares; the same bytes from one process and from several; what a killed run leaves."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from data_prep import DataError
from data_prep.prepare import Prepared, Request, prepare
from data_prep.read import readers, texts
from data_prep.request import Request as Wanted
from data_prep.run import pool
from data_prep.run.opening import opened
from data_prep.source import hub, locate

ROOT = Path(__file__).parents[2]
PAIRS = [(f"Is {at} odd?", f"Look at {at}.") for at in range(40)]
CHAT = [
    {"messages": [{"content": asked, "role": "user"}, {"content": answer, "role": "assistant"}]}
    for asked, answer in PAIRS
]


def lines(rows: list[Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def run(source: Path | str, out: Path, **options: Any) -> Prepared:
    return prepare(Request(source=str(source), directory=out, **options), lambda _: None)


@pytest.fixture
def plain(tmp_path: Path) -> str:
    """The fingerprint of the rows, whatever they are kept in."""
    (tmp_path / "plain.jsonl").write_bytes(lines(CHAT))
    return run(tmp_path / "plain.jsonl", tmp_path / "plain").card.fingerprint


def zstd(content: bytes) -> bytes:
    import pyarrow

    return bytes(pyarrow.Codec("zstd").compress(content, asbytes=True))


@pytest.mark.parametrize(
    ("suffix", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress), (".zst", zstd)]
)
def test_compressed_files(tmp_path: Path, plain: str, suffix: str, compress: Callable[[bytes], bytes]) -> None:
    for name, content in (("x.jsonl", lines(CHAT)), ("x.json", json.dumps(CHAT).encode())):
        (tmp_path / f"{name}{suffix}").write_bytes(compress(content))
        assert run(tmp_path / f"{name}{suffix}", tmp_path / "out").card.fingerprint == plain


def test_a_folder_and_a_pattern_are_read_in_the_order_of_their_names(tmp_path: Path, plain: str) -> None:
    folder = tmp_path / "many" / "deep"
    folder.mkdir(parents=True)
    (folder / "b.jsonl").write_bytes(lines(CHAT[10:20]))
    (folder / "a.json").write_text(json.dumps(CHAT[:10]))
    (folder / "c.jsonl.gz").write_bytes(gzip.compress(lines(CHAT[20:])))
    (folder / "notes.txt").write_text("no data")
    assert run(tmp_path / "many", tmp_path / "out").card.fingerprint == plain
    assert run(tmp_path / "many" / "**" / "*.json*", tmp_path / "out").card.fingerprint == plain
    assert run("many/deep/[a-c].*", tmp_path / "out", base=tmp_path).card.fingerprint == plain
    with pytest.raises(DataError, match="holds no file that is read"):
        run(tmp_path / "many" / "*.csv", tmp_path / "out")


SHAPES: dict[str, list[dict[str, Any]]] = {
    "sharegpt": [{"conversations": [{"from": "human", "value": q}, {"from": "gpt", "value": a}]} for q, a in PAIRS],
    "alpaca": [{"instruction": q, "input": "", "output": a} for q, a in PAIRS],
    "pair": [{"prompt": q, "completion": a} for q, a in PAIRS],
    "messages": [
        {"messages": [{"role": "user", "content": [{"type": "text", "text": q}]}, {"role": "assistant", "content": a}]}
        for q, a in PAIRS
    ],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_shapes_are_detected_and_shown(tmp_path: Path, plain: str, shape: str) -> None:
    (tmp_path / "x.jsonl").write_bytes(lines(SHAPES[shape]))
    said: list[str] = []
    made = prepare(Request(source=str(tmp_path / "x.jsonl"), directory=tmp_path / "out"), said.append)
    assert (made.card.shape, made.card.fingerprint) == (shape, plain)
    assert (f"the rows are taken as {shape} (--shape overrides it)" in said) == (shape != "messages")


def test_a_shape_can_be_overridden(tmp_path: Path) -> None:
    both = [{"instruction": "x", "output": "y", "prompt": q, "completion": a} for q, a in PAIRS]
    (tmp_path / "x.jsonl").write_bytes(lines(both))
    assert run(tmp_path / "x.jsonl", tmp_path / "out", shape="pair").card.rows["test"] > 0
    with pytest.raises(DataError, match="messages is missing"):
        run(tmp_path / "x.jsonl", tmp_path / "out", shape="messages")


@pytest.mark.parametrize("columns", [("prompt", "completion"), ("question", "answer")])
def test_csv_with_line_breaks_in_its_fields(tmp_path: Path, columns: tuple[str, str]) -> None:
    with (tmp_path / "x.csv").open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerows([columns, *PAIRS, ('Two\nlines, "quoted"?', "Yes.")])
    made = run(tmp_path / "x.csv", tmp_path / "out")
    assert made.card.shape == "pair"
    assert 'Two\\nlines, \\"quoted\\"?' in made.train.read_text() + made.test.read_text()


def test_messages_as_json_text_in_csv(tmp_path: Path, plain: str) -> None:
    with (tmp_path / "x.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["messages"], *([json.dumps(row["messages"])] for row in CHAT)])
    assert run(tmp_path / "x.csv", tmp_path / "out").card.fingerprint == plain


def test_a_number_takes_the_first_rows_and_a_share_stays_when_rows_come(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(lines(CHAT))
    assert run(path, tmp_path / "out", rows="12").card.rows["in"] == 12
    assert run(path, tmp_path / "out", rows="12", split="train[30:]").card.rows["in"] == 10
    first = run(path, tmp_path / "out", rows="50%")
    chosen = first.train.read_bytes() + first.test.read_bytes()
    assert first.card.rows["left_out"] == 40 - chosen.count(b"\n")
    path.write_bytes(lines([*CHAT, *({"prompt": f"more {at}"} for at in range(40))]))
    more = run(path, tmp_path / "out", rows="50%", bad_rows="skip", max_rejected="40")
    assert more.train.read_bytes() + more.test.read_bytes() == chosen


def test_pieces_of_any_size_hold_every_line_once(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b"\n" + lines(CHAT).replace(b"\n", b"\r\n\n", 7) + b'{"messages": 5}')
    whole = [row for _, row in readers.read(readers.Piece(path)) if row is not texts.BLANK]
    for size in (1, 7, 50, 163, 1000, 10**6):
        parts = [list(readers.read(piece)) for piece in readers.pieces(path, size)]
        assert [row for part in parts for _, row in part if row is not texts.BLANK] == whole
        # A line's number is its number in its piece and the last numbers of the pieces before.
        assert sum(part[-1][0] for part in parts if part) == 49


def test_several_processes_write_the_same_bytes_and_name_the_same_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.jsonl"
    mail = {"messages": [{"content": "Write to me@example.org?", "role": "user"}, CHAT[0]["messages"][1]]}
    path.write_bytes(lines([*CHAT, {"text": 1}, mail, *CHAT[:5], {"text": 2}]))
    pieces = readers.pieces
    monkeypatch.setattr("data_prep.run.opening.pieces", lambda file: pieces(file, 900))
    options: dict[str, Any] = {"bad_rows": "skip", "max_rejected": "2", "duplicates": "near", "mask": True}
    made = [run(path, tmp_path / str(number), processes=number, **options) for number in (1, 2)]
    assert made[0].card == made[1].card
    for name in sorted(each.name for each in (tmp_path / "1").iterdir()):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()
    places = [json.loads(line)["place"] for line in (tmp_path / "1" / "rejected.jsonl").read_text().splitlines()]
    assert places == [41, 48]


def test_a_worker_that_is_killed_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures.process import BrokenProcessPool

    def broken(*_: object) -> None:
        raise BrokenProcessPool("a process ended")

    monkeypatch.setattr(pool.ProcessPoolExecutor, "submit", broken)
    path = tmp_path / "x.jsonl"
    path.write_bytes(lines(CHAT))
    pieces = readers.pieces
    monkeypatch.setattr("data_prep.run.opening.pieces", lambda file: pieces(file, 900))
    with pytest.raises(DataError, match="a worker process was killed"):
        run(path, tmp_path / "out", processes=2)
    assert not (tmp_path / "out").exists()


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(lines(CHAT))
    before = run(path, tmp_path / "out").card
    code = (
        "import time; from pathlib import Path; from data_prep.run.scratch import scratch\n"
        f"with scratch(Path({str(tmp_path / 'out')!r})) as place: print(place, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        assert run(path, tmp_path / "out", seed=1).made  # beside a run that is alive
        assert left.is_dir()
        process.send_signal(signal.SIGKILL)
    assert left.is_dir()
    assert run(path, tmp_path / "out").card == before
    assert not left.exists()


def test_a_hub_data_set_of_known_size_is_streamed(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_bytes(lines(CHAT))
    info = "dataset_info:\n  splits:\n  - name: train\n    num_examples: 40\n    num_bytes: 1\n"
    (tmp_path / "README.md").write_text(f"---\n{info}---\n")
    for split, expected in (("train[:25%]", CHAT[:10]), ("train[5:8]", CHAT[5:8]), ("train", CHAT)):
        found = hub.opened(str(tmp_path), "default", split, "")
        assert found.streamed
        assert (list(found.rows), found.total) == (expected, len(expected))


def test_a_data_asset_needs_a_workspace_and_a_version(tmp_path: Path) -> None:
    for uri, message in (("azureml:chats:1", "needs a workspace"), ("azureml:chats", "names no data asset")):
        source = locate.locate(uri, tmp_path)
        with pytest.raises(DataError, match=message):
            opened(source, Wanted(source=uri), None, tmp_path)


def test_the_same_settings_are_not_read_again(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(lines(CHAT))
    started = time.time()
    assert run(path, tmp_path / "out").made
    assert not run(path, tmp_path / "out").made
    os.utime(path, (started, started + 5))
    assert not run(path, tmp_path / "out").made


def test_a_killed_run_leaves_the_files_as_they_were_and_nothing_for_long(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(lines(CHAT))
    run(path, tmp_path / "out")
    before = {each.name: each.read_bytes() for each in (tmp_path / "out").iterdir()}
    code = (
        "import os, signal; from data_prep.run import merge, making; from data_prep.__main__ import main\n"
        "merge.Merger.finish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"main(['--source', {str(path)!r}, '--out', {str(tmp_path / 'out')!r}, '--seed', '1'])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.DEVNULL).returncode == -signal.SIGKILL
    )
    (left,) = (each for each in (tmp_path / "out").iterdir() if each.name not in before)
    assert {each.name: each.read_bytes() for each in (tmp_path / "out").iterdir() if each != left} == before
    run(path, tmp_path / "out", seed=1)
    assert {each.name for each in (tmp_path / "out").iterdir()} == before.keys()


@pytest.mark.parametrize(("revision", "asked"), [("1a2b", "1a2b"), ("", None)])
def test_the_hub_is_asked_about_the_revision_that_is_read(
    revision: str, asked: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dataset_info(_: Any, name: str, revision: str | None) -> Any:
        assert (name, revision) == ("team/rows", asked)
        return SimpleNamespace(sha="c0ffee", card_data=SimpleNamespace(license=["mit", "apache-2.0"]))

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", dataset_info)
    assert hub._about("team/rows", revision) == ("c0ffee", "mit, apache-2.0")
