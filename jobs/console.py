"""What the commands share at the terminal: options, a question before something is done, an answer, Ctrl-C."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cloud.errors import StageError
from cloud.target import Target
from settings import plain_text

_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def json_option(parser: argparse.ArgumentParser) -> None:
    """--json, for what prints a table without it."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def yes_option(parser: argparse.ArgumentParser) -> None:
    """--yes, for what `ask` asks."""
    parser.add_argument("--yes", action="store_true", help="do not ask")


def ask(question: str, yes: bool, otherwise: str) -> None:
    """Returns for a yes. Raises StageError for anything else, and where nobody can be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise StageError(otherwise, on="command line", why="nobody is there to say yes", todo="Add --yes.")
    if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise StageError(otherwise, on="command line", why="you did not say yes", todo="Run it again when you like.")


def show(answer: Any) -> None:
    """Lists and objects as JSON, anything else by rich; as wide as the terminal, or as lines of a log are."""
    if isinstance(answer, dict | list):
        print(json.dumps(answer, indent=2))
        return
    plain_text.console(width=None if sys.stdout.isatty() else 200).print(answer)


def lease_option(parser: argparse.ArgumentParser) -> None:
    """--break-lease, for what changes something that one operator at a time may change."""
    parser.add_argument(
        "--break-lease", action="store_true", help="take it from whoever is at work on the same, who then stops"
    )


@contextmanager
def operating(target: Target, chosen: argparse.Namespace) -> Iterator[threading.Event]:
    """As `interruptible`, while nobody else changes what is behind the endpoint. Raises StageError where one does."""
    from cloud.services import lease

    command = f"python -m jobs {chosen.command} --stack {chosen.stack}"
    with (
        interruptible() as stop,
        lease.held(target, lease.ENDPOINT, command, print, stop, breaking=getattr(chosen, "break_lease", False)),
    ):
        yield stop


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Ctrl-C sets the event, and the work ends where it can be taken up again; a second one ends the command.

    A terminal that is closed and a CI that ends the job count as a Ctrl-C.
    """
    stop = threading.Event()

    def interrupt(_signal: int, _frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, interrupt) for number in _INTERRUPTS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
