"""What a rule does not apply to: one resource, for a reason, until a day, and somebody who answers for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

KEY = "exceptions"
MEANING = (
    "resources it does not apply to, by their name in the program (`stack` for the stack as a whole): why, by whom, "
    "and until which day: {why, by, until: 2027-06-30}"
)
NEEDED = ("why", "by", "until")
WHOLE = "stack"
"""Stands for the name of a resource where a rule finds fault with none of them."""


def objection(name: str, config: Mapping[str, Any], today: date | None = None) -> str | None:
    """Why a resource is not excused: "" where no exception names it; None where one does, and counts.

    An exception that has ended, or that does not say why, by whom and until when, opens nothing.
    """
    found = (config.get(KEY) or {}).get(name)
    if found is None:
        return ""
    missing = [key for key in NEEDED if not (isinstance(found, Mapping) and str(found.get(key) or "").strip())]
    if missing:
        return f"its exception does not say {', '.join(missing)}"
    try:
        until = date.fromisoformat(str(found["until"]))
    except ValueError:
        return f"its exception ends on {found['until']}, which is no day like 2027-06-30"
    if until < (today or date.today()):
        return f"its exception by {found['by']} ended on {until}"
    return None
