"""python -m bench [PART ...]: measures, and writes docs/benchmarks.md. Exits with 1 where a limit is not kept."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import time
from pathlib import Path

from bench import figures, page
from bench.figures import RUNS, Section

KEPT = Path(__file__).resolve().parents[1] / ".bench"
PARTS = ("path", "preview", "nothing", "emulator", "turns", "setup", "tests", "data", "beyond")
"""Modules of `bench.parts`, in the order of the page."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of: {', '.join(PARTS)} (default: all)")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"of each measurement (default: {RUNS})")
    parser.add_argument(
        "--page", action="store_true", help="measure nothing, write the page of what is kept in .bench/"
    )
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    KEPT.mkdir(exist_ok=True)
    for name in () if chosen.page else chosen.parts or PARTS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        on, since = figures.machine(), time.monotonic()
        section: Section = importlib.import_module(f"bench.parts.{name}").run(chosen.runs)
        on["seconds"] = f"{time.monotonic() - since:.0f}"
        (KEPT / f"{name}.json").write_text(json.dumps({"section": section.plain(), "on": on}, indent=1))
    kept = {name: json.loads((KEPT / f"{name}.json").read_text()) for name in PARTS if (KEPT / f"{name}.json").exists()}
    sections = {name: (Section.read(each["section"]), each["on"]) for name, each in kept.items()}
    page.write(sections, sum(float(on["seconds"]) for _, on in sections.values()) / 60)
    missed = [each for section, _ in sections.values() for each in section.figures if each.held is False]
    for each in missed:
        print(f"{each.name}: {each.median:.4g} {each.unit}, promised: {page._limit(each)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
