"""Numbers and names as all reports write them."""

from __future__ import annotations

from review.cost import Amount
from review.report import Report
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


def unchanged(report: Report) -> str:
    """The one line of a review without changes."""
    looked = ", and nobody changed anything by hand" if report.refreshed else ""
    told = [f"{one.who} wrote {one.path} of {one.resource}" for one in report.drift]
    azure = f" Azure by itself: {'; '.join(told)}." if told else ""
    return f"Stack {report.stack}: no changes; it is as the program says{looked}.{azure}"


def drift_note(report: Report) -> str:
    """What there is to say about whose doing the drift is; empty where the rows say it all."""
    if report.silence:
        return f"{report.silence}, so nobody can tell here who it was."
    if all(one.by_hand for one in report.drift):
        return ""
    return (
        "What Azure or one of its policies wrote of itself is nobody's hand. Where the next update would put it back, "
        "they would take turns: name such a tag under tagsFromElsewhere, or let the program say what the policy wants."
    )
