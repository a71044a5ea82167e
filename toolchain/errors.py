"""What set-up tells a user when it cannot go on."""

from __future__ import annotations

from collections.abc import Sequence


class SetupError(Exception):
    """A set-up step failed: what, why (one line each), and what to do about it."""

    def __init__(self, what: str, why: Sequence[str] = (), remedy: str = "") -> None:
        self.what = what
        self.why = tuple(why)
        self.remedy = remedy
        lines = [what, *(f"  {line}" for line in self.why)]
        if remedy:
            lines.append(f"  What to do: {remedy}")
        super().__init__("\n".join(lines))
