"""Faults that a test asks the emulator for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cloud import arm as jobs_arm
from cloud import client as azure
from emulator.front import admin
from emulator.machine.home import Home

VERSION = "2025-12-01"
IMPATIENT = 0.5
"""Seconds a client waits for an answer here."""


@contextmanager
def fault(home: Home, kind: str, **rule: Any) -> Iterator[str]:
    """A rule for as long as the block lasts; its name."""
    (added,) = admin.call(home, "POST", "faults", {"kind": kind, **rule})
    try:
        yield added["id"]
    finally:
        admin.call(home, "DELETE", f"faults/{added['id']}")


def hits(home: Home, name: str) -> int:
    return next(each.get("hits", 0) for each in admin.call(home, "GET", "faults") if each["id"] == name)


def client(monkeypatch: pytest.MonkeyPatch, retries: int) -> jobs_arm.Arm:
    """The stages' own ARM pipeline, made impatient."""
    quick = {**azure.RETRIES, "retry_backoff_factor": 0.05, "read_timeout": IMPATIENT}
    monkeypatch.setattr(azure, "RETRIES", quick)
    return jobs_arm.Arm(retries=retries)
