"""What the commands share: which stack is meant, asking before something is done, and showing an answer."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from jobs.errors import StageError
from jobs.specs import PreflightSpec, Target

if TYPE_CHECKING:
    from infra.naming import Names


def asked(stack: str) -> tuple[PreflightSpec, Names]:
    """What the stack file asks of Azure, by the same way the program takes; without Pulumi, so before any `up`."""
    from infra import specs
    from infra.naming import Names
    from infra.settings import load
    from jobs.credentials import subscription_id

    name = named(stack)
    settings, subscription = load(name), subscription_id()
    names = Names.of(settings.name, name, subscription, settings.suffix)
    return specs.preflight(settings, names, name, subscription), names


def named(stack: str) -> str:
    """The stack's own name: without organization and project, as Pulumi's get_stack() has it."""
    return stack.rsplit("/", 1)[-1]


def workspace(stack: str) -> Target:
    """The workspace of a stack, also of one whose first `up` failed and which has no outputs yet."""
    spec, names = asked(stack)
    return Target(spec.subscription_id, names.resource_group, names.workspace)


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
