"""Runs the whole program against Pulumi's mocks and keeps what it registered."""

from __future__ import annotations

import contextlib
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

__all__ = ["KEY", "ML", "ROOT", "SUBSCRIPTION", "Azure", "Change", "Monitor", "Program", "Run"]

Run = Callable[..., Program]
ML = "azure-native:machinelearningservices:"


@contextlib.contextmanager
def _in(folder: Path) -> Iterator[Path]:
    write_data(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.syspath_prepend(str(ROOT))
        with without_engine():
            yield folder


@pytest.fixture(autouse=True)
def project(tmp_path: Path) -> Iterator[Path]:
    """A directory with prepared data, and no engine to register hooks with."""
    with _in(tmp_path) as folder:
        yield folder


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """What the program registers for the stack local: run once, and only looked at."""
    with _in(tmp_path_factory.mktemp("local")):
        return run_program()


@pytest.fixture(scope="session")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """What it registers for the stack prod: run once, and only looked at."""
    with _in(tmp_path_factory.mktemp("prod")):
        return run_program("prod")


@pytest.fixture
def run() -> Run:
    """Runs the program with a stack's settings, changed by `change(config)`."""
    return run_program
