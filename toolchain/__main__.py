"""`python3 -m toolchain [--quiet]`: set this clone up."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - this is where a user with an older Python finds out
        sys.exit(f"error: Python {sys.version.split()[0]} is too old\n  What to do: make setup PYTHON=python3.11")
    from toolchain.bootstrap import main

    sys.exit(main(sys.argv[1:], Path(__file__).resolve().parent.parent))
