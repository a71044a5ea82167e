"""Runs the whole program against Pulumi's mocks and keeps what it registered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from documentation.program import (
    KEY,
    ROOT,
    SUBSCRIPTION,
    Azure,
    Change,
    Monitor,
    Program,
    run_program,
    without_engine,
    write_data,
)

__all__ = ["KEY", "ROOT", "SUBSCRIPTION", "Azure", "Change", "Monitor", "Program", "Run"]

Run = Callable[..., Program]


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory with prepared data, and no engine to register hooks with."""
    write_data(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(ROOT))
    with without_engine():
        yield tmp_path


@pytest.fixture
def run() -> Run:
    """Runs the program with a stack's settings, changed by `change(config)`."""
    return run_program
