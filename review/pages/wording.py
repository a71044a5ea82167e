"""Numbers and names as all reports write them."""

from __future__ import annotations

from review.cost import Amount
from review.verdict import Verdict

TITLES = {
    Verdict.UNCHANGED: "no changes",
    Verdict.APPROVE: "approve",
    Verdict.PERSON: "needs a person",
    Verdict.REFUSED: "refused",
    Verdict.FAILED: "the preview failed",
}
OPERATIONS = {"create": "+", "update": "~", "replace": "±", "delete": "−", "import": "="}
UNKNOWN = "unknown"


def usd(value: float | None) -> str:
    """`3.67`, `2,679`, or `unknown`."""
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.2f}"


def change(amount: Amount) -> str:
    """`+50 %`, `no change`, `new`, or `unknown`."""
    percent = amount.percent
    if percent is None:
        return UNKNOWN
    if percent == float("inf"):
        return "new"
    same = round(percent) == 0 and usd(amount.before) == usd(amount.after)
    return "no change" if same else f"{percent:+.0f} %"


def capital(sentence: str) -> str:
    """With a capital first letter."""
    return sentence[:1].upper() + sentence[1:]


def unchanged(stack: str, drift_looked_for: bool) -> str:
    """The one line of a review without changes."""
    looked = ", and nobody changed anything by hand" if drift_looked_for else ""
    return f"Stack {stack}: no changes; it is as the program says{looked}."
