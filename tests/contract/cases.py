"""The two tests of every rule by which Azure refuses: what is refused, and what passes."""

from __future__ import annotations

from collections.abc import Callable

from emulator.refusals import REFUSALS
from tests.contract.arm import Refusal
from tests.contract.lab import Lab

Case = Callable[[Lab], None]


class Cases:
    """The two tests of every rule of an area, by the rule's name."""

    def __init__(self, area: str) -> None:
        self.rows = {row.name: row for row in REFUSALS if row.area == area}
        self._cases: dict[tuple[str, str], Case] = {}
        self._passed: set[Case] = set()

    def refused(self, name: str) -> Callable[[Case], Case]:
        return self._add("refused", name)

    def passes(self, name: str) -> Callable[[Case], Case]:
        return self._add("passes", name)

    def _add(self, kind: str, name: str) -> Callable[[Case], Case]:
        def add(case: Case) -> Case:
            assert name in self.rows and (kind, name) not in self._cases, name
            self._cases[kind, name] = case
            return case

        return add

    def check_refused(self, name: str, lab: Lab) -> None:
        """The case is refused with the status, the code and the words of the table."""
        row = self.rows[name]
        try:
            self._cases["refused", name](lab)
        except Refusal as refusal:
            found = (refusal.status, refusal.code)
            assert found == (row.status or 200, row.code), refusal.body
            assert row.says in str(refusal.body), refusal.body
        else:
            raise AssertionError(f"{name}: nothing was refused")

    def check_passes(self, name: str, lab: Lab) -> None:
        case = self._cases["passes", name]
        if case not in self._passed:  # one case may be the way through of several rules
            case(lab)
            self._passed.add(case)
