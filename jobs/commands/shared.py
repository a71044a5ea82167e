"""What the commands share: which stack is meant, asking before something is done, and showing an answer."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from cloud.errors import StageError
from cloud.target import Target
from jobs.preflight.spec import PreflightSpec

if TYPE_CHECKING:
    from settings.naming import Names
    from settings.stack import Settings


def asked(stack: str) -> tuple[PreflightSpec, Names]:
    """What the stack file asks of Azure, by the same way the program takes; without Pulumi, so before any `up`."""
    from infra import specs

    settings, subscription, names = described(stack)
    return specs.preflight(settings, names, named(stack), subscription), names


def described(stack: str) -> tuple[Settings, str, Names]:
    """The settings of a stack's file, its subscription and its names: what the program works with.

    Raises SettingsError, and CredentialError where nothing says which subscription.
    """
    from cloud.credentials import subscription_id, work_in
    from settings.naming import Names
    from settings.stack import load

    name = named(stack)
    settings = load(name)
    work_in(settings.subscription_id)
    subscription = subscription_id()
    return settings, subscription, Names.of(settings.name, name, subscription, settings.suffix)


def named(stack: str) -> str:
    """The stack's own name: without organization and project, as Pulumi's get_stack() has it."""
    return stack.rsplit("/", 1)[-1]


def workspace(stack: str) -> Target:
    """The workspace of a stack, also of one whose first `up` failed and which has no outputs yet."""
    _, subscription, names = described(stack)
    return Target(subscription, names.resource_group, names.workspace)


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
