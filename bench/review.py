"""What a review takes more than the preview it wraps, without and with the policy pack.

    python -m bench.review --rounds 5

deploys a copy of the stack `local` on an emulator of its own (or, with --fresh, only previews its creation), then runs
the three commands in turn, so that a busy machine is as busy for each, and prints the medians and their ratios. It
exits with 1 where the review adds 1 s or more to the preview, or 20 % or more with the policy pack.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emulator.machine import environment, lifecycle
from tests.journey.stack import Checkout

STACK = "local"
MOST_SECONDS, MOST_SHARE = 1.0, 0.20
PREVIEW, REVIEW, POLICIES = "pulumi preview", "review without policies", "review with policies"
COMMANDS = {
    PREVIEW: ["pulumi", "preview", "--json", "--stack", STACK],
    REVIEW: [sys.executable, "-m", "review", "--stack", STACK, "--no-policies"],
    POLICIES: [sys.executable, "-m", "review", "--stack", STACK],
}

Times = dict[str, list[float]]


@contextmanager
def stack(deployed: bool) -> Iterator[tuple[Checkout, dict[str, str]]]:
    """A copy of the checkout with a stack in it, and the environment of commands whose Azure is its emulator."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        checkout = Checkout.make(Path(directory) / "checkout")
        try:
            needed = [(sys.executable, "-m", "data_prep", "--stack", STACK), ("pulumi", "stack", "init", STACK)]
            if deployed:
                needed.append(("pulumi", "up", "--stack", STACK, "--yes", "--skip-preview"))
            for command in needed:
                done = checkout.emulated(*command)
                if done.returncode:
                    sys.exit(done.stdout + done.stderr)
            os.environ.update(checkout.environment)
            yield checkout, environment.build(checkout.home, lifecycle.start(checkout.home))
        finally:
            lifecycle.stop(checkout.home)


def measured(rounds: int, deployed: bool) -> Times:
    """Seconds of every command, round by round. The first round only fills caches: it is not counted."""
    times: Times = {name: [] for name in COMMANDS}
    with stack(deployed) as (checkout, environ):
        for number in range(rounds + 1):
            for name, command in COMMANDS.items():
                since = time.monotonic()
                done = subprocess.run(command, cwd=checkout.root, env=environ, capture_output=True, text=True)
                if done.returncode:
                    sys.exit(f"{name} failed:\n{done.stdout}{done.stderr}")
                if number:
                    times[name].append(time.monotonic() - since)
    return times


def more(times: Times, name: str) -> tuple[float, float]:
    """Seconds more than the bare preview, and the same as a share of it: the medians over the rounds."""
    pairs = list(zip(times[name], times[PREVIEW], strict=True))
    return statistics.median(a - b for a, b in pairs), statistics.median(a / b - 1 for a, b in pairs)


def table(times: Times) -> str:
    """Markdown."""
    lines = ["| command | median | least | more than the preview |", "|---|---:|---:|---:|"]
    for name, seconds in times.items():
        added, share = more(times, name)
        last = "" if name == PREVIEW else f"{added:+.2f} s, {share:+.0%}"
        lines.append(f"| {name} | {statistics.median(seconds):.2f} s | {min(seconds):.2f} s | {last} |")
    return "\n".join(lines)


def misses(times: Times) -> list[str]:
    """What is promised and not held."""
    (added, _), (_, share) = more(times, REVIEW), more(times, POLICIES)
    found = []
    if added >= MOST_SECONDS:
        found.append(f"a review adds {added:.2f} s to its preview")
    if share >= MOST_SHARE:
        found.append(f"with the policy pack a review adds {share:.0%} to a preview")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--fresh", action="store_true", help="of a stack that is not deployed")
    options = parser.parse_args()
    times = measured(options.rounds, deployed=not options.fresh)
    print(table(times))
    if found := misses(times):
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
