"""python -m jobs evaluate: was the fine-tune worth it? Written to .evaluation/ and logged on the model's job."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from cloud.errors import StageError
from jobs.console import json_option, show

ORDER = 2
COULD_NOT_TELL = 3
"""The exit that is neither better or equal (0) nor worse (1), where `evaluation.unclear` is fail."""
HELP = "was the fine-tune worth it? losses, and answers beside the base model's"


def arguments(parser: argparse.ArgumentParser) -> None:
    """--min-score stands for the setting of that name."""
    json_option(parser)
    parser.add_argument("--min-score", type=_share, help="0 to 1; exit with 1 below (default: evaluation.minimumScore)")


def run(chosen: argparse.Namespace) -> None:
    """Exits with 1 when the fine-tuned model is not good enough, with 3 when that cannot be told and has to be."""
    from cloud.services.prices import PriceBook
    from jobs.evaluation import files, gather
    from jobs.status.stack import Stack

    subject, book = Stack.of(chosen.stack), PriceBook.of_stack(chosen.stack)
    stop = threading.Event()
    found = gather.evaluate(subject, book, lambda line: print(line, file=sys.stderr), stop, chosen.min_score)
    book.close()
    folder = Path(".evaluation") / subject.name
    written = files.write(found, folder)
    if chosen.json:
        show(found.to_json())
    else:
        print(files.markdown(found, []))
        print("Written: " + ", ".join(str(path) for path in written))
    if found.job and found.candidates:
        try:
            gather.log(subject, found)
        except StageError as error:
            print(f"warning: {error}", file=sys.stderr)
        else:
            print(f"logged on run {found.job}: {', '.join(found.metrics())}", file=sys.stderr)
    if found.problems:
        sys.exit(f"not good enough: {'; '.join(found.problems)}")
    if found.unclear and found.settings.unclear == "fail":
        print(found.unclear, file=sys.stderr)
        sys.exit(COULD_NOT_TELL)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to 1")
    return share
