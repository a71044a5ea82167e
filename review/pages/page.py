"""A review as one self-contained HTML page, for people."""

from __future__ import annotations

from pathlib import Path

from review.pages.graph import graph
from review.pages.wording import OPERATIONS, TITLES, capital, change, drift_note, unchanged, usd
from review.report import Report
from review.verdict import Verdict

_HERE = Path(__file__).parent


def page(report: Report) -> str:
    """Loads nothing from anywhere; what comes from the program or Azure is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # 0.1 s that a Markdown report does not need

    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"usd": usd, "change": change, "capital": capital}
    return environment.get_template("page.html").render(
        report=report,
        title=TITLES[report.verdict],
        one_line=unchanged(report) if report.verdict is Verdict.UNCHANGED else "",
        style=(_HERE / "page.css").read_text(encoding="utf-8"),
        picture=graph(report.steps, report.past.dependencies),
        operations=OPERATIONS,
        drift_note=drift_note(report),
        failed=report.verdict is Verdict.FAILED,
    )
