"""What all command lines share: what a shell is answered that asks what could come next, and which stacks there are."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from settings.plain_text import guard

STACKS = Path(__file__).resolve().parent.parent
EMULATED = ("local",)
"""Stacks that live on the emulator, as the Makefile has them."""
_ON_THE_EMULATOR = "EMULATOR_PYTHON"
"""Variable that `python -m emulator exec` gives every command."""


class StackError(Exception):
    """There is no such stack, or the command asks for it in the wrong place."""


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """The arguments, parsed; the process's own where none are given. Exits with 2 when they are not understood.

    From here on what is printed steers no terminal.
    """
    guard()
    if "_ARGCOMPLETE" in os.environ:
        complete(parser)
    return parser.parse_args(arguments)


def complete(parser: argparse.ArgumentParser) -> None:
    """Answers the shell that argcomplete has registered with, and ends the process."""
    import argcomplete

    for each in every_parser(parser):
        for action in each._actions:
            if "--stack" in action.option_strings:
                # argcomplete reads this attribute, which argparse does not know.
                action.completer = lambda **_: stacks()  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser)


def every_parser(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and those of its commands, in the order they were added."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in dict.fromkeys(action.choices.values()):
                yield from every_parser(inner)


def check_stack(stack: str, word: str = "") -> None:
    """Raises StackError for a stack without a settings file, and for one of the emulator that is sought on Azure.

    `word` is what the command is called; `make` may have a target of that name.
    """
    name = own_name(stack)
    if name not in stacks():
        from settings.problems import UnknownStackError

        raise StackError(str(UnknownStackError(name, stacks())))
    if name in EMULATED and _ON_THE_EMULATOR not in os.environ:
        way = f"`make {word}`, or put" if word in _made() else "put"
        raise StackError(f"stack {name} is on the emulator: {way} `python -m emulator exec --` in front")


def _made() -> list[str]:
    """The targets of the Makefile."""
    return re.findall(r"^([a-z][a-z-]*):", (STACKS / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def own_name(stack: str) -> str:
    """A stack's name without organization and project, as Pulumi's get_stack() has it."""
    return stack.rsplit("/", 1)[-1]


def stacks() -> list[str]:
    """The stacks that have a settings file."""
    return sorted(file.name.split(".")[1] for file in STACKS.glob("Pulumi.*.yaml"))
