"""What a stack left behind for those who use it: its outputs, read through the pulumi CLI."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import Any

from settings.naming import Origin
from settings.redaction import redact

_SECONDS = 60
TRAINING_DATA = "trainingData"
"""The output that says how much the last fine-tune learned from: `fingerprint`, `rows`, `tokens`."""
PREFLIGHT = "$pulumi:index:Stash::preflight"
"""End of the URN of what has recorded what a stack was made as (settings.naming.Origin)."""
MISSING = "pulumi is not on PATH. Run `make setup`, then `. .venv/bin/activate`."


class OutputsError(Exception):
    """The stack has no outputs to work with; the message says which command to run."""


def read(stack: str, *needed: str) -> dict[str, Any]:
    """The stack's outputs, without secrets. Raises OutputsError, also when one of ``needed`` has no value."""
    if shutil.which("pulumi") is None:
        raise OutputsError(MISSING)
    command = ["pulumi", "stack", "output", "--json", "--non-interactive", "--stack", stack]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise OutputsError(f"`{' '.join(command)}` gave no answer within {_SECONDS} s.") from None
    if done.returncode:
        raise OutputsError(_explained(stack, done.stderr))
    try:
        outputs = json.loads(done.stdout)
    except ValueError:
        raise OutputsError(f"`{' '.join(command)}` answered something that is not JSON.") from None
    missing = [name for name in needed if not outputs.get(name)]
    if missing:
        raise OutputsError(
            f"Stack {stack} is not up yet: it has no {', '.join(missing)}. Run `make up STACK={stack}` first."
        )
    return {name: value for name, value in outputs.items() if value != "[secret]"}


def origin(stack: str) -> Origin | None:
    """What a stack was made as, which its state remembers; None where there is no state, or nobody to read it.

    Said on stderr where there may be one: names then derive from what the stack is called today.
    """
    if shutil.which("pulumi") is None:
        return None
    command = ["pulumi", "stack", "export", "--non-interactive", "--stack", stack]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        said = "" if not done.returncode else done.stderr
        rows = json.loads(done.stdout)["deployment"].get("resources") or () if not done.returncode else ()
    except subprocess.TimeoutExpired:
        said, rows = f"no answer within {_SECONDS} s", ()
    except (ValueError, KeyError, TypeError, AttributeError):
        said, rows = "it answered something that is no state", ()
    if said and not advice(stack, said):
        print(
            f"note: the state of stack {stack} could not be read ({redact(' '.join(said.split()))}); its names are "
            "those of its settings. If it was renamed since it was made, they are others.",
            file=sys.stderr,
        )
    own = (row for row in rows if isinstance(row, dict) and str(row.get("urn")).endswith(PREFLIGHT))
    return next((found for row in own if (found := Origin.of((row.get("outputs") or {}).get("output")))), None)


def _explained(stack: str, stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith("error:")), lines[-1] if lines else "it said nothing")
    said = said.removeprefix("error:").strip()
    return advice(stack, said) or f"The outputs of stack {stack} could not be read: {redact(said)}"


def advice(stack: str, said: str) -> str:
    """What to do about a refusal of the pulumi CLI that comes before the first `up`; nothing for any other."""
    if "no stack named" in said:
        return (
            f"There is no stack {stack} yet. Run `make up STACK={stack}` first; on Azure, `pulumi stack init {stack}` "
            "comes before it."
        )
    if "PULUMI_ACCESS_TOKEN must be set" in said:
        return (
            "Pulumi does not know where to keep its state. Run `pulumi login --local` to try, or log in to your team's "
            "(docs/environments.md)."
        )
    return ""
