"""``python -m tests.fuzz --minutes 60 --seed 1``: input that nobody meant well, for as long as you like."""

from __future__ import annotations

import argparse
import faulthandler
import logging
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

from tests.fuzz.targets import TARGETS, Finding, tried

ROUND = 50
GROWTH = 200_000_000
"""Bytes that the process may grow by, once all targets have had a tenth of the time."""


def main() -> int:
    """Prints each finding as it is made, then how much was tried; 1 if there was one."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="how long (default: an hour)")
    parser.add_argument("--seed", type=int, default=1, help="chooses the inputs")
    parser.add_argument("--in", dest="names", action="append", choices=list(TARGETS), help="only this; may be repeated")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        return run(options.names or list(TARGETS), options.seed, 60 * options.minutes, Path(folder))


def run(names: list[str], seed: int, seconds: float, folder: Path) -> int:
    """Each target in turn, so many inputs at once."""
    trials = {name: TARGETS[name](folder) for name in names}
    count, found, known = Counter[str](), Counter[str](), set[str]()
    start, settled = time.monotonic(), 0
    while (spent := time.monotonic() - start) < seconds:
        if not settled and spent > seconds / 10:
            settled = _memory()
        for name, trial in trials.items():
            faulthandler.dump_traceback_later(600, exit=True)  # what hangs for good says where
            for _ in range(ROUND):
                count[name] += 1
                try:
                    tried(name, trial, seed, count[name])
                except Finding as finding:
                    found[name] += 1
                    kind = finding.kind
                    if kind not in known:
                        known.add(kind)
                        print(str(finding).encode("ascii", "backslashreplace").decode(), flush=True)
            faulthandler.cancel_dump_traceback_later()
    grown = _memory() - settled if settled else 0
    for name in names:
        print(f"{name:32} {count[name]:8} inputs, {found[name]} findings")
    print(f"{grown / 1e6:.0f} MB more than after a tenth of the time")
    return int(bool(found) or grown > GROWTH)


def _memory() -> int:
    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    sys.exit(main())
