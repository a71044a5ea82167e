"""A rehearsal, recorded."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from emulator.recording import normal
from emulator.recording.capture import RECORD
from tests.canaries import SHAPES

ROOT = Path(__file__).resolve().parents[2]
STACKS = ("local", "dev", "prod")
COMMAND = "python -m tests.baselines"
HEADING = """\
What the rehearsal of the stack {stack} sends to Azure: up, up again, chat, destroy. Each request stands once, below
what it is sent to; <...> stands for what is another one at every run. A diff here is a changed word on its way to
Azure: read it, and write the file anew with: {command} {stack}"""
SECONDS = 1200


def baseline(stack: str) -> Path:
    """The committed file of a stack."""
    return Path(__file__).with_name(f"{stack}.yaml")


def record(stack: str) -> str:
    """Rehearses a stack in a home of its own and returns what it sent, as the text of its baseline.

    Raises:
        RuntimeError: the rehearsal does not end well, or a secret got into the text.
    """
    with tempfile.TemporaryDirectory(prefix="baseline-") as folder:
        file = Path(folder) / "requests.jsonl"
        # Whatever commit this is, its tag has the same form.
        environment = {**os.environ, RECORD: str(file), "GITHUB_SHA": "0" * 40}
        command = [sys.executable, "-m", "emulator", "rehearse", "--stack", stack]
        child = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            printed, _ = child.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            child.terminate()  # at which it stops its emulator and takes its folder away
            printed = f"{child.communicate()[0]}\nafter {SECONDS} s it was ended"
        if child.returncode:
            raise RuntimeError(f"the rehearsal of {stack} did not end well:\n{printed}")
        recorded = normal.exchanges(file.read_text(encoding="utf-8").splitlines())
    text = normal.page(normal.document(recorded), HEADING.format(stack=stack, command=COMMAND))
    leaked = [label for secret, label in normal.Names(recorded).secrets.items() if secret in text]
    leaked += [name for name, shape in SHAPES.items() if shape.search(text.encode())]
    if leaked:
        raise RuntimeError(f"secrets in what the rehearsal of {stack} recorded: {', '.join(sorted(leaked))}")
    return text
