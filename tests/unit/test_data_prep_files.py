"""Replacing files together, and the fingerprint over them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from data_prep import DataError, fingerprint
from data_prep.run.replace import replacing

NAMES = ("a", "b", "c")
MESSAGES = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
ROW = json.dumps({"messages": MESSAGES}) + "\n"


def contents(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in directory.iterdir()}


def write(directory: Path, text: str) -> None:
    with replacing(directory, NAMES) as files:
        for file in files:
            file.write(text.encode())


def test_files_take_their_places_together_and_leave_nothing_else(tmp_path: Path) -> None:
    for text in ("one", "two"):
        write(tmp_path / "new", text)
        assert contents(tmp_path / "new") == dict.fromkeys(NAMES, text)


@pytest.mark.parametrize("earlier", [True, False])
@pytest.mark.parametrize("failure", [OSError("disk full"), KeyboardInterrupt(), DataError("bad row")])
def test_a_failure_while_writing_changes_nothing(tmp_path: Path, failure: BaseException, earlier: bool) -> None:
    if earlier:
        write(tmp_path, "one")
    before = contents(tmp_path)
    with pytest.raises(type(failure)), replacing(tmp_path, NAMES) as files:
        files[0].write(b"two")
        raise failure
    assert contents(tmp_path) == before


@pytest.mark.parametrize("earlier", [True, False])
@pytest.mark.parametrize("failing", NAMES)
def test_a_failing_rename_undoes_the_ones_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str, earlier: bool
) -> None:
    if earlier:
        write(tmp_path, "one")
    before = contents(tmp_path)
    rename = Path.replace

    def fail_once(self: Path, target: Path) -> Path:
        if target.name == failing and self.suffix == ".tmp":
            raise OSError("rename failed")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", fail_once)
    with pytest.raises(OSError, match="rename failed"):
        write(tmp_path, "two")
    assert contents(tmp_path) == before


def test_it_works_where_there_are_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", no_links)
    write(tmp_path, "one")
    write(tmp_path, "two")
    assert contents(tmp_path) == dict.fromkeys(NAMES, "two")


def test_what_a_killed_run_left_is_swept_when_it_is_old(tmp_path: Path) -> None:
    old, recent = tmp_path / ".a.1.tmp", tmp_path / ".a.2.tmp"
    old.write_text("half")
    recent.write_text("another run, still writing")
    os.utime(old, (0, 0))
    write(tmp_path, "one")
    assert not old.exists()
    assert recent.exists()


def test_a_directory_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(IsADirectoryError, match="b"):
        write(tmp_path, "one")
    assert not (tmp_path / "a").exists()


def prepared(directory: Path, train: str = ROW * 2, test: str = ROW) -> Path:
    (directory / "train_data.jsonl").write_text(train)
    (directory / "test_data.jsonl").write_text(test)
    return directory


def test_the_fingerprint_is_12_hex_characters_of_the_content(tmp_path: Path) -> None:
    first = fingerprint(prepared(tmp_path))
    assert len(first) == 12
    assert set(first) <= set("0123456789abcdef")
    assert fingerprint(tmp_path) == first
    assert fingerprint(prepared(tmp_path, train=ROW * 2 + ROW.replace('"q"', '"Q"'))) != first
    # The same bytes in a row, cut at another place, are other data.
    assert fingerprint(prepared(tmp_path, train=ROW, test=ROW * 2)) != first


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (None, "train_data.jsonl is missing"),
        ("", "train_data.jsonl is empty"),
        (ROW + ROW[:-9], "train_data.jsonl:2 is not valid JSON"),
        (ROW + "\xff\n", "train_data.jsonl:2 is not valid JSON"),
        (ROW + '{"text": "x"}\n', "train_data.jsonl:2: messages is missing"),
    ],
)
def test_the_fingerprint_of_broken_files_says_what_to_do(tmp_path: Path, train: str | None, message: str) -> None:
    prepared(tmp_path)
    if train is None:
        (tmp_path / "train_data.jsonl").unlink()
    else:
        (tmp_path / "train_data.jsonl").write_text(train, encoding="latin-1")
    with pytest.raises(DataError, match=message) as raised:
        fingerprint(tmp_path)
    assert "make data STACK=<stack>" in str(raised.value)


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, data_prep, data_prep.__main__; print({'datasets', 'pyarrow', 'pydantic'} & {*sys.modules})"
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
