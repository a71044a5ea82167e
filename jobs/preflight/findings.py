"""What a preflight check found, and how it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


class State(StrEnum):
    """`warning` is something that could not be checked, or that will matter later."""

    OK = "ok"
    WARNING = "warning"
    REFUSED = "refused"


_COLOURS = {State.OK: "green", State.WARNING: "yellow", State.REFUSED: "red"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`fix` is the command or page that mends what was found, or empty."""

    check: str
    state: State
    found: str
    fix: str = ""

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "state": self.state.value}

    def __str__(self) -> str:
        return f"{self.check}: {self.found}" + (f" -> {self.fix}" if self.fix else "")


def table(findings: Sequence[Finding], title: str) -> Table:
    """One row a finding."""
    from rich.table import Table
    from rich.text import Text

    shown = Table("check", "state", "found", "what to do", title=title, title_justify="left")
    for finding in findings:
        state = Text(finding.state.value, style=_COLOURS[finding.state])
        shown.add_row(Text(finding.check), state, Text(finding.found), Text(finding.fix))
    return shown
