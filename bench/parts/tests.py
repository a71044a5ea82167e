"""How long the fast tests take, and which twenty are the slowest."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Figure, Section
from bench.standing import timed

SLOWEST = 20


def run(runs: int) -> Section:
    seconds, last = [], {}
    with TemporaryDirectory(prefix="bench-") as folder:
        report = Path(folder) / "report.xml"
        for _ in range(runs):
            options = ["-n", "2", f"--junitxml={report}", f"--basetemp={folder}/tests"]
            seconds.append(timed(sys.executable, "-m", "pytest", "tests/unit", "tests/program", *options).seconds)
            last = {
                f"{case.get('classname', '').rpartition('.')[2]}: {case.get('name')}": float(case.get("time", 0))
                for case in ElementTree.parse(report).iter("testcase")
            }
    slowest = dict(sorted(last.items(), key=lambda each: -each[1])[:SLOWEST])
    lines = [f"| `{name[:110]}` | {taken:.1f} s |" for name, taken in slowest.items()]
    return Section(
        title="Tests",
        figures=(Figure(name=f"unit and program, {len(last):,} tests", values=tuple(seconds), unit="s", most=30),),
        text="The slowest of the last run:\n\n| test | |\n|---|---:|\n"
        + "\n".join(lines)
        + "\n\nThe others are timed by "
        "`pytest tests/contract tests/journey --durations=20`.",
    )
