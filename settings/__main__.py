# PYTHON_ARGCOMPLETE_OK
"""python -m settings --stack STACK: checks a stack file without Pulumi or Azure and prints the settings in effect."""

from __future__ import annotations

import argparse
import json
import sys

import yaml

from settings.commandline import parse
from settings.stack import SettingsError, load, printed


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m settings", description="Check a stack's settings and print what is in effect."
    )
    parser.add_argument("--stack", default="local", help="default: local")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--quiet", action="store_true", help="print nothing when all is well")
    chosen = parse(parser, arguments)
    try:
        effective = load(chosen.stack).effective() if chosen.json or chosen.quiet else printed(chosen.stack)
    except SettingsError as error:
        sys.exit(f"error: {error}")
    if chosen.json:
        print(json.dumps(effective, indent=2, ensure_ascii=False))
    elif not chosen.quiet:
        print(yaml.safe_dump(effective, sort_keys=False, allow_unicode=True), end="")


if __name__ == "__main__":
    main()
