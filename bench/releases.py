"""python -m bench.releases: what callers notice of all that is done to an endpoint while they ask.

Three clients ask ten times a second each while a release creates, mirrors, shifts and deletes, instances change, one
release fails, both keys are rotated, the model goes back, goes back at once, and a pause is refused. On the emulator
with real inference servers, where each of Azure's operations takes ten seconds (or EMULATOR_TRANSITIONS). Takes about a
quarter of an hour; exits with 1 where a question got no answer, or going back at once took 20 s or more.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

TEST = "tests/contract/releases/test_answers.py::test_no_answer_is_lost_through_all_that_is_done_to_an_endpoint"
TOLD = re.compile(r"\d+ requests, \d+ failed .*|rollback --now: .*")
OPERATIONS = "seconds:10"


def main() -> int:
    environment = {"EMULATOR_TRANSITIONS": OPERATIONS, **os.environ}
    command = [sys.executable, "-m", "pytest", TEST, "-s", "-q"]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    told = [line for line in run.stdout.splitlines() if TOLD.fullmatch(line)]
    print("\n".join(told) if run.returncode == 0 else run.stdout + run.stderr)
    return run.returncode


if __name__ == "__main__":
    sys.exit(main())
