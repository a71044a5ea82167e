"""What is tried, by name."""

from __future__ import annotations

import random
import re
import time
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from tests.fuzz import blobs, front, page, provider, proxy, readers, wire

Trial = Callable[[random.Random], None]

TARGETS: Mapping[str, Callable[[Path], Trial]] = {
    "the chat page's server": page.build,
    "the emulator's front": front.build,
    "the emulator's blobs": blobs.build,
    "the emulator's HTTP": wire.http,
    "the emulator's TLS": wire.tls,
    "the emulator's proxy": proxy.build,
    "the emulator's provider": provider.build,
    **{reader.name: partial(readers.build, reader=reader) for reader in readers.READERS},
}
SLOW = frozenset(("the emulator's front", *(reader.name for reader in readers.READERS if reader.slow)))
"""Of which a second holds fewer."""
HANGS = 5.0
"""Seconds within which one input has to be done with."""


class Finding(Exception):
    """An input that went wrong, and how to try it again."""

    def __init__(self, text: str, error: BaseException | None = None) -> None:
        super().__init__(text)
        trace = traceback.extract_tb(error.__traceback__)[-1] if error else None
        names = re.findall(r"line \d+, in \w+|\w+Error", str(error))[-2:]
        self.kind = f"{type(error).__name__} {trace.filename}:{trace.lineno} {names}" if trace else "slow"
        """Findings of one kind are told once."""


def tried(name: str, trial: Trial, seed: int, number: int) -> None:
    """One input: the same seed and number give the same one. Raises Finding."""
    start = time.process_time()  # and not the clock's: another program may have the machine
    try:
        trial(random.Random(f"{name} {seed} {number}"))
    except Exception as error:
        cause = error.__cause__ or error
        where = "".join(
            f"\n  {one.filename}:{one.lineno} {one.line}" for one in traceback.extract_tb(cause.__traceback__)[-3:]
        )
        raise Finding(f"{name}, seed {seed}, number {number}: {type(error).__name__}: {error}{where}", cause) from error
    if (took := time.process_time() - start) > HANGS:
        raise Finding(f"{name}, seed {seed}, number {number}: took {took:.1f} s")
