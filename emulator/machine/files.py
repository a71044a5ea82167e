"""File shares: one folder of the home each. The service in front of them is ``dataplane/files.py``."""

from __future__ import annotations

import shutil
from pathlib import Path

from emulator.machine.home import Home


def share(home: Home, account: str, name: str) -> Path:
    """Where a share's files are."""
    return home.root / "files" / account / name


def ensure_share(home: Home, account: str, name: str) -> None:
    """Make a share, as a workspace does for its working directory."""
    share(home, account, name).mkdir(parents=True, exist_ok=True)


def remove_account(home: Home, account: str) -> None:
    """Forget all of an account's shares."""
    shutil.rmtree(home.root / "files" / account, ignore_errors=True)
