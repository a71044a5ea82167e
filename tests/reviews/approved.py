"""Shows that what is approved is what runs, with the real engine; it takes some four minutes:

    python -m tests.reviews.approved

A copy of the checkout gets an emulator of its own. There `make review` and `make approve` are typed, one character of
the stack file is changed, and `make up` refuses and says what differs; with the character back it is as approved. It
exits with 1 where any of that is otherwise.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from emulator.machine import lifecycle
from tests.journey.stack import Checkout

BEFORE, AFTER = "num_train_epochs: 20", "num_train_epochs: 21"


def main() -> int:
    """Types the commands, and prints what they said."""
    with tempfile.TemporaryDirectory(prefix="approved-") as folder:
        checkout = Checkout.make(Path(folder) / "checkout")
        file = checkout.root / "Pulumi.local.yaml"
        try:
            if not (_typed(checkout, "review") == 0 and _typed(checkout, "approve") == 0):
                return _failed("the review could not be approved")
            text = file.read_text(encoding="utf-8")
            if text.count(BEFORE) != 1:
                return _failed(f"{file.name} does not hold just once: {BEFORE}")
            file.write_text(text.replace(BEFORE, AFTER), encoding="utf-8")
            print(f"\n{file.name}: {BEFORE} → {AFTER}\n", flush=True)
            if _typed(checkout, "up") == 0:
                return _failed("the update began, though it is not what was approved")
            if _resources(checkout):
                return _failed("something was made")
            file.write_text(text, encoding="utf-8")
            print(f"\n{file.name}: as it was\n", flush=True)
            again = _typed(checkout, "review", "OPTIONS=--check")  # as make up does first
            return again and _failed("what was approved is not taken for approved")
        finally:
            lifecycle.stop(checkout.home)


def _typed(checkout: Checkout, target: str, *variables: str) -> int:
    """`make TARGET` in the copy."""
    print(f"$ make {target} {' '.join(variables)}", flush=True)
    # The copy has this checkout's .venv, which is set up.
    done = checkout.run("make", "--old-file=setup", target, *variables)
    print("\n".join((done.stdout + done.stderr).strip().splitlines()[-25:]), flush=True)
    return done.returncode


def _resources(checkout: Checkout) -> str:
    done = checkout.emulated("pulumi", "stack", "--stack", "local", "--show-urns")
    return done.stdout if "storageAccounts" in done.stdout or ":StorageAccount::" in done.stdout else ""


def _failed(why: str) -> int:
    print(f"error: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
