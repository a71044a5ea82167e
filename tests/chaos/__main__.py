"""``python -m tests.chaos --rounds 300 --seed 7``: prints a line a round; the last one has the figures."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from tests.chaos.run import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50, help="in all; a round is one command driven to success")
    parser.add_argument("--seed", type=int, default=1, help="chooses faults and kills")
    parser.add_argument("--stacks", type=int, default=2, help="side by side, each with an emulator of its own")
    parser.add_argument("--skip", type=int, default=0, help="so many rounds of each stack, in whole cycles of four")
    parser.add_argument("--keep", action="store_true", help="leave the throw-away checkouts where they are")
    options = parser.parse_args()
    since, stop = time.monotonic(), threading.Event()
    # The commands run in sessions of their own, so a Ctrl-C reaches this process alone.
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    place = Path(tempfile.mkdtemp(prefix="chaos-"))
    try:
        figures, wrong = run(place, options.rounds, options.seed, options.stacks, skip=options.skip, stop=stop)
    finally:
        if options.keep:
            print(f"kept: {place}", file=sys.stderr)
        else:
            shutil.rmtree(place, ignore_errors=True)
    for line in wrong:
        print(line)
    print(f"seed {options.seed}, {time.monotonic() - since:.0f} s: {figures}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
