"""python -m jobs status: what there is of a stack and what it has cost; --watch is a dashboard."""

from __future__ import annotations

import argparse
import contextlib
import threading
from typing import TYPE_CHECKING

from jobs.console import json_option, show

if TYPE_CHECKING:
    from jobs.comparison.recipes import Comparison
    from jobs.status.stack import Stack
    from jobs.status.status import Status

ORDER = 1
HELP = "stages, job, model, deployments, traffic and cost of a stack so far"


def arguments(parser: argparse.ArgumentParser) -> None:
    """--watch goes on, where the command looks once without it."""
    json_option(parser)
    parser.add_argument(
        "--watch", action="store_true", help="a dashboard until Ctrl-C; lines where there is no terminal, or of JSON"
    )


def run(chosen: argparse.Namespace) -> None:
    """With --watch until Ctrl-C, or without a terminal until all is done."""
    from cloud.services.prices import PriceBook
    from jobs.comparison import table
    from jobs.status.reader import Reader
    from jobs.status.stack import Stack
    from jobs.status.view import view
    from jobs.status.watch import stream, watch

    stack = Stack.of(chosen.stack)
    reader = Reader(stack, book := PriceBook.of_stack(chosen.stack))
    if chosen.watch:
        with contextlib.suppress(KeyboardInterrupt):
            (stream if chosen.json else watch)(reader.read, threading.Event())
    else:
        found = reader.read()
        recipes = _recipes(stack, found)
        if chosen.json:
            show({**found.to_json(), **({"recipes": recipes.to_json()["recipes"]} if recipes else {})})
        else:
            show(view(found))
            if recipes:
                show(table.view(recipes))
    book.close()


def _recipes(stack: Stack, found: Status) -> Comparison | None:
    """The recipes side by side, where there are several."""
    from jobs.comparison import gather
    from settings.stack import load

    if stack.stages is None or len(stack.stages.finetunes) < 2:
        return None
    return gather.compare(found, stack.stages, load(stack.name))
