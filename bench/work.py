"""A plugin of pytest, for `bench.parts.tests`: processor time of each test, and of what comes before the first."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = "BENCH_WORK"
"""The environment's variable that names the folder to write to."""
BEFORE = "(import and collection)"


def pytest_collection_finish() -> None:
    """Each worker imports and collects all tests before its first one."""
    _write(BEFORE, _spent())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    before = _spent()
    try:
        return (yield)
    finally:
        _write(item.nodeid, _spent() - before)


def _spent() -> float:
    """Seconds of this process and of those that it has waited for."""
    spent = os.times()
    return time.process_time() + spent.children_user + spent.children_system


def _write(what: str, seconds: float) -> None:
    with (Path(os.environ[FOLDER]) / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps([what, seconds]) + "\n")


def read(folder: Path) -> list[tuple[str, float]]:
    """What all workers have written: a test or `BEFORE`, and its processor seconds."""
    lines = (line for file in sorted(folder.glob("*.jsonl")) for line in file.read_text(encoding="utf-8").splitlines())
    return [(what, seconds) for what, seconds in map(json.loads, lines)]
