"""What the commands share: what a stack asks of Azure, asking before something is done, and showing an answer."""

from __future__ import annotations

import json
import sys
from typing import Any

from cloud.errors import StageError
from cloud.place import Place, described
from jobs import specs
from jobs.preflight.spec import PreflightSpec


def asked(stack: str) -> tuple[PreflightSpec, Place]:
    """What the stack file asks of Azure, by the same way the program takes; without Pulumi, so before any `up`."""
    settings, place = described(stack)
    return specs.preflight(settings, place), place


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
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 200).print(answer)
