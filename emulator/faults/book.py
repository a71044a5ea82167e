"""The rules in force, kept in the store: they and their counters survive a kill of the emulator."""

from __future__ import annotations

from typing import Any

from emulator.faults.rules import Rule, read
from emulator.machine.store import Store

FAULTS = "faults"
ARM_HOST = "management.azure.com"


class Faults:
    """Adds, clears and applies rules; safe from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def rules(self) -> list[Rule]:
        """Oldest first."""
        return [Rule(**each) for each in self._store.setting(FAULTS, [])]

    def add(self, given: Any) -> Rule:
        """Put a rule in force, with a name if it has none.

        Raises:
            ValueError: it is no rule, or its name is taken.
        """
        rule = read(given)
        with self._store.lock:
            there = self.rules()
            taken = {each.id for each in there}
            name = rule.id or next(f"f{n}" for n in range(1, len(taken) + 2) if f"f{n}" not in taken)
            if name in taken:
                raise ValueError(f"there is a rule {name} already; clear it first")
            named = Rule(**{**rule.plain(), "id": name})
            self._keep([*there, named])
        return named

    def clear(self, name: str = "") -> list[Rule]:
        """End one rule, or all; returns what was ended.

        Raises:
            ValueError: there is no such rule.
        """
        with self._store.lock:
            there = self.rules()
            gone = [each for each in there if name in ("", each.id)]
            if name and not gone:
                raise ValueError(f"there is no rule {name}; there are {', '.join(r.id for r in there) or 'none'}")
            self._keep([each for each in there if each not in gone])
        return gone

    def hit(self, point: str, method: str, host: str, path: str, subject: str = "") -> Rule | None:
        """The first rule that hits, counted; None lets the request or the work go its way.

        ``subject`` names a piece of work that is asked about again after a restart, and gets the same answer.
        """
        if not self._store.setting(FAULTS, None):
            return None
        with self._store.lock:
            there, found = self.rules(), None
            for at, rule in enumerate(there):
                if found is None and rule.covers(point, method, host, path):
                    there[at], hit = rule.tried(subject)
                    found = there[at] if hit else None
            self._keep(there)
        return found

    def holds(self, name: str) -> bool:
        """Whether a rule is in force still."""
        return any(each.id == name for each in self.rules())

    def _keep(self, rules: list[Rule]) -> None:
        self._store.set_setting(FAULTS, [rule.plain() for rule in rules] or None)
