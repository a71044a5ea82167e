"""python -m jobs status --stack STACK [--json]"""

from __future__ import annotations

import argparse
import json
import sys

from jobs.errors import StageError
from jobs.outputs import OutputsError, read


def main(arguments: list[str] | None = None) -> None:
    """Exits with 1 and one message when the stack or Azure has no answer."""
    parser = argparse.ArgumentParser(prog="python -m jobs", description="What runs and what serves on Azure.")
    commands = parser.add_subparsers(dest="command", required=True)
    status = commands.add_parser("status", help="job, model, deployments and traffic of a stack")
    status.add_argument("--stack", default="local", help="default: local")
    status.add_argument("--json", action="store_true", help="for programs")
    chosen = parser.parse_args(arguments)
    try:
        _status(chosen.stack, as_json=chosen.json)
    except (StageError, OutputsError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _status(stack: str, *, as_json: bool) -> None:
    from jobs import status

    found = status.status(read(stack, *status.NEEDED))
    if as_json:
        print(json.dumps(found.to_json(), indent=2))
        return
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 200).print(found.table())


if __name__ == "__main__":
    main()
