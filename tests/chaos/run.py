"""Several stacks side by side."""

from __future__ import annotations

import threading
import traceback
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from emulator.machine import lifecycle
from tests.chaos.journey import Journey, Say, to_stderr
from tests.chaos.schedule import COMMANDS, plan
from tests.chaos.stack import ChaosStack, Figures


def run(
    place: Path,
    rounds: int,
    seed: int,
    stacks: int,
    say: Say = to_stderr,
    skip: int = 0,
    stop: threading.Event | None = None,
) -> tuple[Figures, list[str]]:
    """Share the rounds among stacks, in whole cycles; the figures of all, and what was wrong.

    The plan of each stack is begun after the first ``skip`` rounds: every cycle begins with nothing there.
    Once ``stop`` is set, rounds under way are ended and stacks that are up are destroyed.
    """
    stop = stop or threading.Event()
    each, first = shares(rounds, stacks), skip // len(COMMANDS) * len(COMMANDS)
    total, wrong = Figures(), []

    def one(number: int) -> tuple[Figures, list[str]]:
        stack = ChaosStack.make(place / f"stack-{number}")
        try:
            journey = Journey(stack, seed, number, say, stop)
            return stack.figures, journey.run(first, first + each[number])
        except Exception as error:  # noqa: BLE001 - the other stacks go on, and nobody hears of it before their end
            say(f"stack {number} ends: {error!r}")
            return stack.figures, [f"stack {number}: {traceback.format_exc()}"]
        finally:
            lifecycle.stop(stack.checkout.home)

    with ThreadPoolExecutor(stacks) as pool:
        for figures, found in pool.map(one, range(stacks)):
            total.add(figures)
            wrong += found
    return total, wrong


def shares(rounds: int, stacks: int) -> list[int]:
    """How many rounds each stack gets: at least so many in all, in whole cycles."""
    cycles = -(-rounds // len(COMMANDS))
    return [(cycles // stacks + (number < cycles % stacks)) * len(COMMANDS) for number in range(stacks)]


def planned(rounds: int, seed: int, stacks: int) -> Counter[str]:
    """How often a run has each kind of fault and kill in its plans; what comes to pass also depends on the moment."""
    each = shares(rounds, stacks)
    return Counter(kind for stack in range(stacks) for at in range(each[stack]) for kind in plan(seed, stack, at).kinds)
