"""What a stack with `sealed: true` has opened again: told before each preview, and recorded for policies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jobs.preflight.findings import Finding, State

if TYPE_CHECKING:
    from settings.stack import Settings

NAME = "sealed"


def looser(settings: Settings) -> Iterator[Finding]:
    """A warning for each key that is other than the profile says."""
    for key, value in settings.loosened.items():
        says = f"finetune-phi:{key} is {json.dumps(value)}, which is looser than sealed: true"
        yield Finding(check=NAME, state=State.WARNING, found=says, fix="remove the line, or go on and mean it")
