# PYTHON_ARGCOMPLETE_OK
"""python -m jobs COMMAND --stack STACK: status, evaluate, logs, cancel …, each a module of jobs/commands."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from typing import Protocol, cast

from cloud.errors import StageError
from jobs import commands
from settings.commandline import StackError, check_stack, parse
from settings.outputs import OutputsError


class Command(Protocol):
    """A module of jobs/commands."""

    HELP: str
    ORDER: int

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declares what the command takes beside --stack."""

    def run(self, chosen: argparse.Namespace) -> None:
        """Does it, and prints its answer. Raises StackError, StageError, OutputsError or SettingsError."""


def main(arguments: list[str] | None = None) -> None:
    """Exits with 1 and one message when the stack or Azure has no answer, or a preflight refuses."""
    chosen = parse(_parser(), arguments)
    from settings.problems import SettingsError

    try:
        if not chosen.new_stack:
            check_stack(chosen.stack, chosen.command)
        chosen.run(chosen)
    except (StackError, StageError, OutputsError, SettingsError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m jobs", description="A stack on Azure, seen from outside Pulumi.")
    verbs = parser.add_subparsers(dest="command", required=True)
    for name, command in _commands().items():
        verb = verbs.add_parser(name, help=command.HELP)
        verb.add_argument("--stack", default="local", help="default: local")
        command.arguments(verb)
        verb.set_defaults(run=command.run, new_stack=getattr(command, "NEW_STACK", False))
    return parser


def _commands() -> dict[str, Command]:
    """By name, in the order in which they are told."""
    found = {
        each.name.rpartition(".")[2].replace("_", "-"): cast(Command, importlib.import_module(each.name))
        for each in pkgutil.walk_packages(commands.__path__, f"{commands.__name__}.")
        if not each.ispkg
    }
    return dict(sorted(found.items(), key=lambda each: each[1].ORDER))


if __name__ == "__main__":
    main()
