"""python -m jobs compare: the stack's recipes side by side, as a table and as pictures in .evaluation/."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cloud.errors import StageError
from jobs.console import json_option, show

ORDER = 3
HELP = "the recipes side by side: losses, golden score, time, cost and GPU memory"


def arguments(parser: argparse.ArgumentParser) -> None:
    """--json alone."""
    json_option(parser)


def run(chosen: argparse.Namespace) -> None:
    """Prints the table, and writes page, Markdown, JSON and pictures."""
    from cloud.services.prices import PriceBook
    from jobs.comparison import files, gather, table
    from jobs.status.reader import Reader
    from jobs.status.stack import Stack
    from settings.stack import load

    subject, book = Stack.of(chosen.stack), PriceBook.of_stack(chosen.stack)
    if subject.stages is None:
        raise StageError(
            "there is nothing to compare",
            on=f"stack {subject.name}",
            why="its data, after which jobs and models are named, are not prepared on this machine",
            todo=f"Run `make data STACK={subject.name}` first.",
        )
    if subject.stages.promotion is not None:
        raise StageError(
            "there is nothing to compare",
            on=f"stack {subject.name}",
            why=f"it trains nothing: its model is that of stack {subject.stages.promotion.stack} (model.promote)",
            todo=f"Compare there: `python -m jobs compare --stack {subject.stages.promotion.stack}`.",
        )
    found = gather.compare(Reader(subject, book).read(), subject.stages, load(chosen.stack))
    book.close()
    written = files.write(found, Path(".evaluation") / subject.name)
    show(found.to_json() if chosen.json else table.view(found))
    print("Written: " + ", ".join(str(path) for path in written), file=sys.stderr)
