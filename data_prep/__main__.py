"""Make the train and test files of a stack, or of what the flags say; the defaults are the tutorial's."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from data_prep.errors import DataError
from data_prep.prepare import Prepared, Request, prepare

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exits with 1 and one message for data that cannot be used."""
    options = _parser().parse_args(arguments)
    report = _silent if options.quiet else _say
    try:
        prepared = prepare(_request(options), report, again=options.again)
    except DataError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print("stopped; nothing was written", file=sys.stderr)
        sys.exit(130)
    for line in _summary(prepared):
        report(line)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m data_prep", description=__doc__)
    parser.add_argument("--stack", help="take the data settings of this stack; flags override them")
    parser.add_argument("--source", help="hub data set, .jsonl, .json or .parquet file, or: sample")
    parser.add_argument("--config", help="configuration of the hub data set")
    parser.add_argument("--split", help="split of the hub data set or a part of it; of a file: train[:100]")
    parser.add_argument("--test-ratio", type=float, help="share of test rows, between 0 and 1")
    parser.add_argument("--seed", type=int, help="seed of the split")
    parser.add_argument("--out", type=Path, help="directory of the two files")
    parser.add_argument("--again", action="store_true", help="make the files even if nothing has changed")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    return parser


def _request(options: argparse.Namespace) -> Request:
    """The stack's settings, or the tutorial's, with the flags on top.

    Relative paths of a stack's settings start at the project, those of flags at the working directory.
    """
    request = _of_stack(options.stack) if options.stack is not None else Request()
    names = ("source", "config", "split", "test_ratio", "seed")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    if options.out is not None:
        given["directory"] = options.out
    if options.source is not None:
        given["base"] = Path()
    return dataclasses.replace(request, **given)


def _of_stack(stack: str) -> Request:
    from infra.settings import SettingsError, load

    try:
        data = load(stack).data
    except SettingsError as error:
        raise DataError(str(error)) from error
    return Request(
        source=data.source,
        config=data.config,
        split=data.split,
        test_ratio=data.test_ratio,
        seed=data.seed,
        directory=ROOT / data.directory,
        base=ROOT,
    )


def _summary(prepared: Prepared) -> list[str]:
    rows = prepared.card.rows
    source = prepared.card.settings["source"]
    what = f"{rows['in']} rows of {source}: {rows['train']} train, {rows['test']} test"
    files = f"{_short(prepared.train)} and {_short(prepared.test)}"
    state = "written" if prepared.made else "unchanged"
    return [what, f"{files} {state}, fingerprint {prepared.card.fingerprint}"]


def _short(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _say(line: str) -> None:
    print(line, flush=True)


def _silent(line: str) -> None:
    del line


if __name__ == "__main__":
    main()
