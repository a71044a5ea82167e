"""Preparing data, beside the tutorial's script and beside reading, parsing and writing alone."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from bench.data import FASTER, MOST_MB, TUTORIAL, generate, measured
from bench.figures import Figure, Section

ROWS = 200_000
LIMIT = """
import json, sys
import pyarrow.parquet
with open(sys.argv[2] + "/rows.jsonl", "w") as file:
    for batch in pyarrow.parquet.ParquetFile(sys.argv[1]).iter_batches():
        for row in batch.to_pylist():
            file.write(json.dumps(row) + "\\n")
"""


def run(runs: int) -> Section:
    seconds: dict[str, list[float]] = {"checked": [], "tutorial": [], "limit": []}
    memory = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        source = Path(folder) / "rows.parquet"
        generate(source, ROWS)
        for _ in range(runs):
            for name, command in {
                "tutorial": [sys.executable, "-c", TUTORIAL, str(source)],
                "limit": [sys.executable, "-c", LIMIT, str(source)],
                "checked": [sys.executable, "-m", "data_prep", "--quiet", "--source", str(source), "--out"],
            }.items():
                out = Path(folder) / name
                out.mkdir()
                done = measured([*command, str(out)])
                seconds[name].append(done.seconds)
                memory += [done.megabytes] if name == "checked" else []
                subprocess.run(["rm", "-rf", str(out)], check=True)
    faster = tuple(a / b for a, b in zip(seconds["tutorial"], seconds["checked"], strict=True))
    beside = tuple(a / b for a, b in zip(seconds["checked"], seconds["limit"], strict=True))
    return Section(
        title="Data",
        figures=(
            Figure(name="the tutorial's script ÷ every check", values=faster, unit="x", least=FASTER),
            Figure(name="every check ÷ read, parse and write alone", values=beside, unit="x"),
            Figure(name=f"{ROWS:,} rows with every check", values=tuple(seconds["checked"]), unit="s"),
            Figure(name="memory of all its processes", values=tuple(memory), unit="MB", most=MOST_MB),
        ),
        text="Made-up rows in ultrachat's shape, 6.5 kB each; more sizes: `python -m bench.data` ([data](data.md)).",
    )
