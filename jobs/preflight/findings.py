"""What a preflight check found, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from cloud.errors import refusal
from settings.redaction import redact

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


def as_far_as_read(check: str, look: Callable[[], Iterable[Finding]], of: str = "") -> list[Finding]:
    """What a look at Azure finds; where Azure does not let it go on, what it had found by then and a warning that says
    why. `of` is what was looked at, where a check looks at more than one thing.
    """
    found, why = until_refused(look)
    return [*found, not_checked(check, why, of)] if why else found


def not_checked(check: str, why: str, of: str = "") -> Finding:
    """The warning for what could not be read."""
    says = f"{of}: not checked: {why}" if of else f"not checked: {why}"
    return Finding(check=check, state=State.WARNING, found=says, fix="go on, or ask for the right to read this")


def until_refused(look: Callable[[], Iterable[Finding]]) -> tuple[list[Finding], str]:
    """What was found, and why not more; "" where that is all."""
    from azure.core.exceptions import AzureError, HttpResponseError

    found: list[Finding] = []
    try:
        # One by one: what came before the refusal is kept.
        for each in look():
            found.append(each)
    except HttpResponseError as error:
        code, why = refusal(error)
        return found, f"{code}: {why}" if code else why
    except AzureError as error:
        return found, redact(f"no answer ({error})")
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # an answer of a shape nobody has described
        return found, f"Azure's answer makes no sense ({type(error).__name__}: {error})"
    return found, ""


def table(findings: Sequence[Finding], title: str) -> Table:
    """One row a finding."""
    from rich.table import Table
    from rich.text import Text

    shown = Table("check", "state", "found", "what to do", title=title, title_justify="left")
    for finding in findings:
        state = Text(finding.state.value, style=_COLOURS[finding.state])
        shown.add_row(Text(finding.check), state, Text(finding.found), Text(finding.fix))
    return shown
