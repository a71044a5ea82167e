"""The emulator's children, and that none of them outlives it unnoticed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from emulator.machine import inventory
from emulator.machine.home import Home
from emulator.machine.processes import MARK, Processes
from emulator.machine.store import Store


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    store = Store(home.database)
    yield store
    Processes(store).sweep()
    store.close()


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_child_is_marked_and_on_record(store: Store, home: Home) -> None:
    processes = Processes(store)
    child = processes.start("job", "/jobs/one", ["http.server", "--help"], log=home.log_file, environment={"A": "b"})
    assert processes.strays() == []
    child.wait()
    assert [(kind, owner) for _, _, kind, owner, _ in store.processes()] == [("job", "/jobs/one")]


def test_a_child_that_was_never_written_down_is_counted_and_ended(
    store: Store, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the emulator is killed between starting it and saying so."""
    processes = Processes(store)
    with monkeypatch.context() as dies:
        dies.setattr(store, "add_process", killed)
        with pytest.raises(KeyboardInterrupt):
            processes.run("deployment", "/deployments/one", ["sleep", "600"], log=home.log_file, environment={})
    assert processes.living() == []
    (stray,) = processes.strays()
    assert stray.environ()[MARK] == str(home.database)
    assert inventory.take(home).processes == [f"{stray.pid} belongs to nothing"]
    another = Store(home.root / "another" / "state.sqlite")
    Processes(another).sweep()
    another.close()
    assert psutil.pid_exists(stray.pid), "it is another emulator's"
    processes.sweep()
    assert processes.strays() == []
    assert inventory.take(home).processes == []
