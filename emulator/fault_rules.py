"""``python -m emulator faults``: list, add and clear fault rules of the running emulator."""

from __future__ import annotations

import argparse
import json
from typing import Any

from emulator.faults.causes import CAUSES
from emulator.faults.rules import KINDS, Rule
from emulator.machine.home import Home
from emulator.registry.steps import STEPS

WORDS = ("id", "method", "host", "path", "cause", "step", "code", "message")
NUMBERS: dict[str, type] = {
    "after": int,
    "count": int,
    "rate": float,
    "seed": int,
    "retry_after": int,
    "seconds": float,
    "reads": int,
    "bytes": int,
    "exit_code": int,
}
HELP = {
    "id": "name to clear it by; f1, f2, … if not given",
    "method": "such as PUT; * stands for any text here and in the next two",
    "host": "such as management.azure.com or *.blob.core.windows.net",
    "path": "of the request, or id of the resource, such as */jobs/*",
    "after": "let so many matches through first",
    "count": "hit so many; until cleared if not given",
    "rate": "hit this share of the matches, 0 to 1",
    "seed": "chooses which ones, the same each time",
    "retry_after": "seconds of the Retry-After header",
    "seconds": "how long it lasts",
    "reads": "how often a role is asked for in vain",
    "bytes": "of the body that still arrive; half of it if not given",
    "cause": f"why a job fails: {', '.join(filter(None, CAUSES))}",
    "step": f"that fails: {', '.join(STEPS)}",
    "exit_code": "of the failed process",
    "code": "of the failed operation's error",
    "message": "of the error",
}


def add_parser(commands: Any) -> None:
    """Put the command under the emulator's."""
    parser = commands.add_parser("faults", help="make requests, operations, jobs, deployments, … fail on purpose")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="show the rules in force and what they have hit")
    effects = "\n".join(f"  {name:<19} {kind.effect}" for name, kind in KINDS.items())
    add = actions.add_parser(
        "add",
        help="put a rule in force",
        epilog=f"kinds:\n{effects}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add.add_argument("kind", choices=KINDS, metavar="KIND", help="one of those below")
    for name in HELP:
        add.add_argument(f"--{name.replace('_', '-')}", type=NUMBERS.get(name, str), metavar="X", help=HELP[name])
    add.add_argument("--answered", action="store_true", help="carry the request out, only its answer is lost")
    clear = actions.add_parser("clear", help="end one rule, or all")
    clear.add_argument("name", nargs="?", default="", help="of the rule; all if not given")
    for each in (listing, add, clear):
        each.add_argument("--json", action="store_true", help="print JSON")


def run(home: Home, options: argparse.Namespace) -> str:
    """Do what the command line says; returns what to print.

    Raises:
        EmulatorError: the emulator does not run, or the rule is none.
    """
    from emulator.front import admin

    if options.action == "add":
        rule = {"kind": options.kind, "answered": options.answered}
        rule |= {name: value for name in HELP if (value := getattr(options, name)) is not None}
        return _shown(admin.call(home, "POST", "faults", rule), "", options)
    if options.action == "clear":
        gone = admin.call(home, "DELETE", f"faults/{options.name}" if options.name else "faults")
        return _shown(gone, "there was no rule", options)
    return _shown(admin.call(home, "GET", "faults"), "no rules: everything goes well", options)


def _shown(rules: list[dict[str, Any]], otherwise: str, options: argparse.Namespace) -> str:
    if options.json:
        return json.dumps(rules, indent=2)
    return "\n".join(str(Rule(**each)) for each in rules) or otherwise
