"""That a disk may be too small is said when a run begins."""

from __future__ import annotations

import json
from collections import namedtuple
from pathlib import Path

import pytest

from data_prep.prepare import Request, prepare

Usage = namedtuple("Usage", "total used free")  # as shutil has it


@pytest.mark.parametrize(
    ("duplicates", "free", "told"), [("report", 1.1, False), ("report", 0.9, True), ("drop", 1.1, True)]
)
def test_what_the_result_may_take_is_compared_with_what_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, duplicates: str, free: float, told: bool
) -> None:
    source = tmp_path / "x.jsonl"
    turn = {"role": "assistant", "content": "So. " * 5000}
    rows = ({"messages": [{"role": "user", "content": f"Is {at} odd?"}, turn]} for at in range(60))
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    size = source.stat().st_size
    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage(10**12, 0, int(free * size)))
    heard: list[str] = []
    prepare(Request(source=str(source), directory=tmp_path / "out", duplicates=duplicates), heard.append)
    lines = [line for line in heard if "the result may take" in line]
    assert [line.partition(" free")[0] for line in lines] == (
        [f"the disk of {tmp_path / 'out'} has {free * size / 1e6:,.0f} MB"] if told else []
    )
