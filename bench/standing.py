"""A local stack that is up, in a throw-away emulator that writes down every request; all parts share it."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.machine import environment, lifecycle
from emulator.machine.home import Home

ROOT = Path(__file__).resolve().parents[1]
STACK = "local"


@dataclass(frozen=True, kw_only=True)
class Timed:
    """What a command took: by the clock, and of all its processes' work."""

    seconds: float
    cpu: float
    printed: str


@dataclass(frozen=True)
class Standing:
    """The stack, and what its making took."""

    home: Home
    record: Path
    made: Timed
    asked: int
    """Requests that its making took."""

    @property
    def environ(self) -> dict[str, str]:
        """Of commands whose Azure is the stack's emulator."""
        ports = lifecycle.start(self.home)
        return environment.build(self.home, ports)

    def requests(self) -> list[dict[str, Any]]:
        """Everything that Azure was asked until now."""
        return [json.loads(line) for line in self.record.read_text(encoding="utf-8").splitlines()]


@functools.cache
def standing() -> Standing:
    """The stack, made at first use and taken down when the bench ends."""
    place = Path(tempfile.mkdtemp(prefix="bench-"))
    home = Home(place / "home")
    os.environ |= {"EMULATOR_HOME": str(home.root), "EMULATOR_PORT": "0", "EMULATOR_RECORD": str(place / "requests")}
    # This project's own Pulumi and Python, wherever the command is called from.
    os.environ["PATH"] = os.pathsep.join([f"{sys.prefix}/pulumi/bin", f"{sys.prefix}/bin", os.environ["PATH"]])
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    # Pulumi notes there by which passphrase the stack's secrets are kept, which is this emulator's.
    settings = ROOT / f"Pulumi.{STACK}.yaml"
    atexit.register(settings.write_bytes, settings.read_bytes())
    atexit.register(lifecycle.stop, home)
    made, record = timed("make", "up"), place / "requests"
    return Standing(home, record, made, len(record.read_text(encoding="utf-8").splitlines()))


def timed(*command: str, environ: dict[str, str] | None = None, directory: Path = ROOT) -> Timed:
    """Runs a command to its end. Exits with what it printed where it fails."""
    before, since = os.times(), time.perf_counter()
    done = subprocess.run(
        command, cwd=directory, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    seconds, after = time.perf_counter() - since, os.times()
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    work = after.children_user + after.children_system - before.children_user - before.children_system
    return Timed(seconds=seconds, cpu=work, printed=done.stdout)
