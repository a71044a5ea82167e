"""A review as one self-contained HTML page, for people."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from review.pages.graph import graph
from review.pages.wording import OPERATIONS, TITLES, capital, change, drift_note, unchanged, usd
from review.report import Report
from review.verdict import Verdict

_HERE = Path(__file__).parent


@cache
def template() -> Template:
    """The page's; to compile it takes 0.1 s, so a review does while its preview runs."""
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"usd": usd, "change": change, "capital": capital}
    return environment.get_template("page.html")


def page(report: Report) -> str:
    """Loads nothing from anywhere; what comes from the program or Azure is escaped."""
    return template().render(
        report=report,
        title=TITLES[report.verdict],
        one_line=unchanged(report) if report.verdict is Verdict.UNCHANGED else "",
        style=(_HERE / "page.css").read_text(encoding="utf-8"),
        picture=graph(report.steps, report.past.dependencies),
        operations=OPERATIONS,
        drift_note=drift_note(report),
        failed=report.verdict is Verdict.FAILED,
    )
