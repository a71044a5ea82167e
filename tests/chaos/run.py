"""Several stacks side by side, on one base model."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml

from emulator import lifecycle
from tests.chaos.journey import Journey, Say, to_stderr
from tests.chaos.schedule import COMMANDS
from tests.chaos.stack import ChaosStack, Figures
from tests.journey.stack import ROOT


def run(
    place: Path, rounds: int, seed: int, stacks: int, say: Say = to_stderr, stop: threading.Event | None = None
) -> tuple[Figures, list[str]]:
    """Share the rounds among stacks, in whole cycles; the figures of all, and what was wrong.

    Once ``stop`` is set, rounds under way are ended and stacks that are up are destroyed.
    """
    stop = stop or threading.Event()
    cycles = -(-rounds // len(COMMANDS))
    shares = [cycles // stacks + (number < cycles % stacks) for number in range(stacks)]
    total, wrong = Figures(), []

    models = _base_model(place / "base-models")

    def one(number: int) -> tuple[Figures, list[str]]:
        stack = ChaosStack.make(place / f"stack-{number}", models)
        try:
            return stack.figures, Journey(stack, seed, number, say, stop).run(shares[number] * len(COMMANDS))
        finally:
            lifecycle.stop(stack.checkout.home)

    with ThreadPoolExecutor(stacks) as pool:
        for figures, found in pool.map(one, range(stacks)):
            total.add(figures)
            wrong += found
    return total, wrong


def _base_model(folder: Path) -> Path:
    """The stand-in before fine-tuning, made once: it takes half a minute and is the same for all."""
    known = ROOT / ".emulator" / "base-models"
    if known.exists():
        return known
    name = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]["model"]["default"]["name"]
    out = ["--out", str(folder / f"{name}-1"), "--name", name, "--version", "1"]
    subprocess.run([sys.executable, "-m", "emulator.training.base", *out], cwd=ROOT, check=True, capture_output=True)
    return folder
