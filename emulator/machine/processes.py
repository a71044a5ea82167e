"""Child processes that do the emulator's real work: training jobs and inference servers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from emulator.machine.store import Store

MARK = "EMULATOR_CHILD_OF"
"""Environment variable of every child and what it starts: the emulator's database, which may not know of it.

An emulator that is killed has had no time to write down what it has just started.
"""
STOP_SECONDS = 5.0


class Processes:
    """Starts children, keeps them on record, and ends those that an earlier emulator left behind."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def start(
        self,
        kind: str,
        resource_id: str,
        module: Sequence[str],
        *,
        log: Path,
        port: int | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Run ``python -m MODULE…`` with its output appended to ``log``."""
        command = [sys.executable, "-m", *module]
        return self.run(kind, resource_id, command, log=log, port=port, environment=environment)

    def run(
        self,
        kind: str,
        resource_id: str,
        command: Sequence[str],
        *,
        log: Path,
        port: int | None = None,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        """Run a command in a session of its own, with its output appended to ``log``."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**(os.environ if environment is None else environment), MARK: str(self._store.path)},
                cwd=directory,
                start_new_session=True,
            )
        self._store.add_process(child.pid, _started(child.pid), kind, resource_id, port)
        return child

    def stop_all(self, resource_id: str) -> None:
        """End every process that works for a resource or for anything below it."""
        wanted = resource_id.lower()
        self._end(lambda owner: owner.lower() == wanted or owner.lower().startswith(wanted + "/"))

    def port_of(self, resource_id: str) -> int | None:
        """The port of the living server of a resource."""
        for pid, started, _, owner, port in self._store.processes():
            if owner.lower() == resource_id.lower() and port and _alive(pid, started):
                return port
        return None

    def family(self, resource_id: str) -> list[psutil.Process]:
        """The living processes that work for a resource, their children included."""
        return self._family(lambda owner: owner.lower() == resource_id.lower())

    def living(self) -> list[tuple[int, str, str]]:
        """(pid, kind, resource id) of every recorded process that is alive."""
        return [(pid, kind, owner) for pid, started, kind, owner, _ in self._store.processes() if _alive(pid, started)]

    def strays(self) -> list[psutil.Process]:
        """Living children of this emulator or an earlier one that belong to nothing on record."""
        mark = str(self._store.path)
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(MARK) == mark and _runs(process):
                    found.append(process)
        known = {process.pid for process in self._family(lambda _: True)}
        return [process for process in found if process.pid not in known]

    def sweep(self) -> None:
        """End everything on record, however it came to be there, and what never came to be there."""
        self._end(lambda _: True)
        _finish(self.strays())

    def forget(self, pid: int) -> None:
        """Take an ended child off the record."""
        self._store.remove_process(pid)

    def _end(self, chosen: Callable[[str], bool]) -> None:
        records = [pid for pid, _, _, owner, _ in self._store.processes() if chosen(owner)]
        _finish(self._family(chosen))
        for pid in records:
            self._store.remove_process(pid)

    def _family(self, chosen: Callable[[str], bool]) -> list[psutil.Process]:
        family: list[psutil.Process] = []
        for pid, started, _, owner, _ in self._store.processes():
            if chosen(owner) and _alive(pid, started):
                with suppress(psutil.NoSuchProcess):
                    family += [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        return family


def _finish(family: list[psutil.Process]) -> None:
    _each(family, psutil.Process.terminate)
    if not _wait(family):
        _each(family, psutil.Process.kill)
        _wait(family)


def _each(family: list[psutil.Process], action: Callable[[psutil.Process], None]) -> None:
    for process in family:
        with suppress(psutil.NoSuchProcess):  # it ended by itself meanwhile, which is what was wanted
            action(process)


def _wait(family: list[psutil.Process]) -> bool:
    """Whether all ended in time. A zombie has: its parent may be long gone and never collect it."""
    deadline = time.monotonic() + STOP_SECONDS
    while any(_runs(process) for process in family):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _started(pid: int) -> float:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return 0.0


def _alive(pid: int, started: float) -> bool:
    # The start time tells a recycled process id from ours.
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 1 and _runs(process)
    except psutil.NoSuchProcess:
        return False
