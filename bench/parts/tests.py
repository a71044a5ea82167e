"""How long the fast tests take, where their work goes, and which twenty are the slowest."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import work
from bench.figures import Figure, Section
from bench.standing import timed

SLOWEST = 20
ROOMS = 12
WORKERS = 2


def run(runs: int) -> Section:
    seconds, spent = [], list[tuple[str, float]]()
    for _ in range(runs):
        with TemporaryDirectory(prefix="bench-") as folder:
            written = Path(folder) / "work"
            written.mkdir()
            options = ["-n", str(WORKERS), "-p", "bench.work", f"--basetemp={folder}/tests"]
            command = [sys.executable, "-m", "pytest", "tests/unit", "tests/program", *options]
            # Not of the emulator that other parts have started.
            environ = {name: value for name, value in os.environ.items() if not name.startswith("EMULATOR_")}
            seconds.append(timed(*command, environ={**environ, work.FOLDER: str(written)}).seconds)
            spent = work.read(written)
    tests = {what: cpu for what, cpu in spent if what != work.BEFORE}
    total = sum(cpu for _, cpu in spent)
    before = sum(cpu for what, cpu in spent if what == work.BEFORE)
    slowest = sorted(tests.items(), key=lambda each: -each[1])[:SLOWEST]
    lines = [f"| `{name.rpartition('/')[2][:110]}` | {taken:.1f} s |" for name, taken in slowest]
    return Section(
        title="Tests",
        figures=(
            Figure(name=f"unit and program, {len(tests):,} tests", values=tuple(seconds), unit="s", most=30),
            Figure(name="unit and program: work of all processes", values=(total,), unit="s"),
            Figure(name=f"of it import and collection, in {WORKERS} workers together", values=(before,), unit="s"),
            Figure(name="of it one test", values=(1000 * (total - before) / len(tests),), unit="ms"),
        ),
        text="Two cores have done this work after half of its seconds at the earliest, whatever the order. The slowest "
        "of the last run, by their work:\n\n| test | |\n|---|---:|\n"
        + "\n".join(lines)
        + "\n\nThe others are timed by `pytest tests/contract tests/journey --durations=20`.",
        bars=_by_room(spent),
        bars_title="where the tests' work goes: processor seconds by room",
    )


def _by_room(spent: list[tuple[str, float]]) -> dict[str, float]:
    """Processor seconds by folder and first word of a test's file, the most first."""
    rooms: dict[str, float] = defaultdict(float)
    for what, seconds in spent:
        folder, _, file = what.partition("::")[0].rpartition("/")
        word = file.removeprefix("test_").removesuffix(".py").partition("_")[0]
        rooms[what if what == work.BEFORE else folder if folder != "tests/unit" else f"{folder}: {word}"] += seconds
    return dict(sorted(rooms.items(), key=lambda each: -each[1])[:ROOMS])
