"""Set-up from nothing: how long, and where the time goes. It needs the network; building the engine takes minutes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from bench.figures import Figure, Section
from bench.standing import ROOT

LINE = re.compile(r"^setup +(\d+) s +(\w+) +(.*)$", re.MULTILINE)
TEXT = """
A clone and a user's cache with nothing in them, once each: {how}. The picture has the time from a step's first word to
its last: steps that overlap run beside each other. With the cache of an earlier clone the engine and Azurite are there,
and packages come from the package manager's cache.
"""


def run(runs: int) -> Section:
    del runs
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        environ = {**os.environ, "XDG_CACHE_HOME": f"{folder}/cache"}
        empty, printed = _set_up(Path(folder) / "first", environ)
        again, _ = _set_up(Path(folder) / "second", environ)
    built = "golang" in printed or "building" in printed
    return Section(
        title="Set-up",
        figures=(
            Figure(name="make setup from nothing", values=(empty,), unit="s", most=300 if built else 90),
            Figure(name="make setup of a second clone", values=(again,), unit="s", most=90),
        ),
        text=TEXT.format(how="the engine had to be built" if built else "the engine needed no building"),
        bars=spans(LINE.findall(printed)),
        bars_title="seconds of each step of a set-up from nothing",
    )


def spans(lines: Iterable[tuple[str, str, str]]) -> dict[str, float]:
    """Of each step, from its first word to its last."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for seconds, step, _ in lines:
        first.setdefault(step, int(seconds))
        last[step] = int(seconds)
    return {step: float(last[step] - begun) for step, begun in first.items()}


def _set_up(place: Path, environ: dict[str, str]) -> tuple[float, str]:
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(place)], check=True)
    since = time.perf_counter()
    base = str(Path(sys.base_prefix) / "bin" / "python3")
    done = subprocess.run(
        [base, "-m", "toolchain"], cwd=place, env=environ, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - since
    if done.returncode:
        sys.exit(f"set-up failed:\n{done.stdout}{done.stderr}")
    shutil.rmtree(place / ".venv", ignore_errors=True)
    return seconds, done.stdout + done.stderr
