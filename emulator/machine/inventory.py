"""What there is: live and soft-deleted objects, running processes, refused hosts."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from emulator.machine.home import SUBSCRIPTION_ID, Home
from emulator.machine.processes import Processes
from emulator.machine.store import Resource, Store


@dataclass(frozen=True)
class Inventory:
    """Lines to print, by kind."""

    live: list[str]
    soft_deleted: list[str]
    processes: list[str]
    refused_hosts: list[str]

    @property
    def summary(self) -> str:
        """``N live, N soft-deleted, N processes, N refused hosts``."""
        return (
            f"{len(self.live)} live, {len(self.soft_deleted)} soft-deleted, "
            f"{len(self.processes)} processes, {len(self.refused_hosts)} refused hosts"
        )

    def text(self) -> str:
        lines = []
        for title, entries in (
            ("live", self.live),
            ("soft-deleted", self.soft_deleted),
            ("process", self.processes),
            ("refused host", self.refused_hosts),
        ):
            lines += [f"{title:<14}{entry}" for entry in entries]
        return "\n".join([*lines, self.summary])

    def json(self) -> str:
        return json.dumps({**asdict(self), "summary": self.summary}, indent=2)


def take(home: Home) -> Inventory:
    """The inventory of a home, whether its emulator runs or not."""
    if not home.database.exists():
        return Inventory([], [], [], [])
    store = Store(home.database)
    processes = Processes(store)
    try:
        return Inventory(
            [_line(each) for each in store.everything()],
            [_line(each) for each in store.deleted()],
            [
                *(
                    f"{pid} {kind} {_short(owner)}"
                    for pid, kind, owner in processes.living()
                    if kind != "azurite"  # part of the emulator itself, like its server
                ),
                *(f"{stray.pid} belongs to nothing" for stray in processes.strays()),
            ],
            [f"{host} ({times} times)" for host, times in store.refused()],
        )
    finally:
        store.close()


def _line(resource: Resource) -> str:
    return f"{resource.type:<75} {_short(resource.id)}"


def _short(resource_id: str) -> str:
    return resource_id.removeprefix(f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/")
