"""Writes the baselines anew, each from a rehearsal of its stack (about 40 seconds each on two quiet cores):

python -m tests.baselines [STACK ...]
"""

from __future__ import annotations

import argparse
import sys

from tests.baselines.rehearsals import STACKS, baseline, record


def main(arguments: list[str]) -> int:
    """Records and writes; what changed is for `git diff` to say."""
    parser = argparse.ArgumentParser(prog="python -m tests.baselines", description=(__doc__ or "").partition(",")[0])
    parser.add_argument("stacks", nargs="*", metavar="STACK", help=f"of {', '.join(STACKS)}; all without one")
    asked = parser.parse_args(arguments).stacks or STACKS
    if unknown := set(asked) - set(STACKS):
        parser.error(f"there is no stack {', '.join(sorted(unknown))}; there are {', '.join(STACKS)}")
    for stack in asked:
        file = baseline(stack)
        before, now = file.read_text(encoding="utf-8") if file.exists() else "", record(stack)
        file.write_text(now, encoding="utf-8")
        print(f"{file.name}: {'as before' if now == before else 'changed: git diff tests/baselines'}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
