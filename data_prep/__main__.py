# PYTHON_ARGCOMPLETE_OK
"""Make the files of a stack, or of what the flags say, to train, test and validate; the defaults are the tutorial's."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from data_prep import mixing
from data_prep.asked import request_fingerprint
from data_prep.card.fit import fit
from data_prep.card.prompts import disagreement
from data_prep.card.told import warnings
from data_prep.errors import DataError
from data_prep.prepare import Prepared, Request, divide, prepare
from data_prep.request import BAD_ROWS, DUPLICATES
from data_prep.row.columns import columns_of, names_of
from data_prep.row.repairs import REPAIRS
from data_prep.row.shapes import AUTO, SHAPES
from data_prep.source.azureml import Workspace, needs_workspace
from data_prep.stack import request_of
from settings.models import model

_PLAIN = (
    *("source", "config", "split", "revision", "rows", "shape", "test_ratio", "seed", "bad_rows", "max_rejected"),
    *("duplicates", "mask", "model", "tokenizer", "processes", "validation_ratio"),
)

_OF_A_SOURCE = ("config", "split", "revision", "rows", "shape", "columns", "ignore")

_WORDS = {
    "rejected": "rejected",
    "repaired": "repaired",
    "dropped": "dropped as duplicates",
    "set_aside": "set aside by their own mark",
}


class _OnClusterError(Exception):
    """The stack has its data prepared on a cluster."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; exits with 1 and one message for data that cannot be used."""
    parser = _parser()
    if "_ARGCOMPLETE" in os.environ:  # a shell asks; on a cluster, which has this package alone, none does
        from settings.commandline import complete

        complete(parser)
    options = parser.parse_args(arguments)
    report = _silent if options.quiet else _say
    started = time.monotonic()
    try:
        request, workspace = _request(options)
        if options.model and model(options.model).context is None:
            report(f"nothing is known here of the model {options.model}: no row is refused for its length")
        if options.look:
            from data_prep.run.preview import preview

            for line in chain.from_iterable(preview(each, workspace) for each in mixing.each(request)):
                _say(line)
            return
        if options.part:
            divide(request, options.part, report, quiet=options.quiet)
            return
        prepared = prepare(
            request, report, again=options.again, quiet=options.quiet, workspace=workspace, parts=options.parts
        )
    except _OnClusterError:
        report("the data are prepared on a cluster, in `pulumi up` (data.runOn: cluster); --out makes them here")
        return
    except DataError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print("stopped; nothing was written", file=sys.stderr)
        sys.exit(130)
    fits = fit(request.directory, request.recipe.max_seq_length, request.model)
    asked = _asked_otherwise(options.stack, prepared.train)
    for line in (*_summary(prepared, time.monotonic() - started), *fits.told, *asked):
        report(line)
    if fits.refused:
        sys.exit("error: the files cannot be trained on as they are: " + "; ".join(fits.refused))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m data_prep", description=__doc__)
    add = parser.add_argument
    add("--stack", help="take the data settings of this stack; flags override them")
    add("--source", help="hub data set, file, folder or pattern of files, azureml:name:version, or: sample")
    add("--config", help="configuration of the hub data set")
    add("--split", help="split of the hub data set or a part of it; of files: train[:100]")
    add("--revision", help="commit, tag or branch of the hub data set")
    add("--rows", help="how many: all, a number (the first ones) or a share like 5%%")
    add("--shape", choices=(AUTO, *SHAPES), help="what the rows look like; auto: detected")
    add("--columns", type=columns_of, help="which part a column holds, like Frage=question,Antwort=answer")
    add("--ignore", type=names_of, help="columns, and keys of messages, to do without")
    add("--test-ratio", type=_ratio, help="share of test rows, between 0 and 1")
    add("--validation-ratio", type=_share, help="share of validation rows, of which a third file is made; 0 for none")
    add("--test", help="test rows of your own in place of a share: a file, folder or pattern of files")
    add("--validation", help="validation rows of your own, likewise")
    add("--seed", type=int, help="seed of the split")
    add("--bad-rows", choices=BAD_ROWS, help="what happens to rows that break a rule")
    add("--repairs", type=_listed, help=f"with --bad-rows repair, some of: {','.join(REPAIRS)}")
    add("--max-rejected", help="with skip and repair: most rows that may be left out, a number or a share")
    add("--duplicates", choices=DUPLICATES, help="report exact ones, look for near ones too, or drop both")
    add("--mask", action=argparse.BooleanOptionalAction, help="replace personal data and secrets")
    add("--model", help="base model, for context length, tokens and template")
    add("--tokenizer", help="auto, estimate, a tokenizer.json or a repository of the hub")
    add("--processes", type=_processes, help="worker processes; 0: one for each core")
    add("--out", type=Path, help="directory of the files")
    add("--part", help="of several machines: work through this part of the rows (2/3) and leave it in --out")
    add("--parts", type=Path, nargs="+", default=(), help="of several machines: join these parts of the rows")
    show = "show three rows as they are and as the model will see them, write nothing"
    add("--look", "--dry-run", action="store_true", help=show)
    add("--again", action="store_true", help="make the files even if nothing has changed")
    add("--quiet", action="store_true", help="print nothing but errors")
    return parser


def _ratio(text: str) -> float:
    try:
        ratio = float(text)
    except ValueError:
        ratio = 0.0
    if not 0 < ratio < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share between 0 and 1, both excluded")
    return ratio


def _share(text: str) -> float:
    return 0.0 if text in ("0", "0.0") else _ratio(text)


def _processes(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name)


def _request(options: argparse.Namespace) -> tuple[Request, Workspace | None]:
    """The stack's settings, or the tutorial's, with the flags on top.

    Relative paths of a stack's settings start at the project, those of flags at the working directory.
    """
    here = options.look or options.out is not None
    request = _of_stack(options.stack, here) if options.stack is not None else Request()
    given = {name: getattr(options, name) for name in _PLAIN if getattr(options, name) is not None}
    for name in ("repairs", "columns", "ignore"):
        if getattr(options, name) is not None:
            given[name] = getattr(options, name)
    if options.out is not None:
        given["directory"] = options.out
    if options.source is not None:
        given |= {"base": Path(), "sources": (), "test": "", "validation": ""}
    elif request.sources and (useless := [name for name in _OF_A_SOURCE if name in given]):
        flags = ", ".join(f"--{name}" for name in useless)
        raise DataError(
            f"{flags}: the stack mixes several sources, each with its own (data.sources); --source reads one"
        )
    for name in ("test", "validation"):  # as flags, from the working directory; the stack's, from the project
        if getattr(options, name) is not None:
            given[name] = str(Path(getattr(options, name)).expanduser().absolute())
    request = dataclasses.replace(request, **given)
    named = [part.source for part in request.sources] or [request.source]
    asked = next((name for name in named if needs_workspace(name)), "")
    return request, _workspace(options.stack, asked) if asked else None


def _of_stack(stack: str, here: bool) -> Request:
    from settings.stack import SettingsError, load

    try:
        settings = load(stack)
    except SettingsError as error:
        raise DataError(str(error)) from error
    request = request_of(settings)
    if settings.data.run_on == "cluster" and not here:
        request_fingerprint(request)  # refuses a source that is not there now rather than in `pulumi up`
        raise _OnClusterError
    return request


def _asked_otherwise(stack: str | None, train: Path) -> list[str]:
    """That those who chat with the stack's model ask it otherwise than it will learn."""
    if stack is None:
        return []
    from settings.stack import load

    told = disagreement(train, load(stack).flow.system_prompt)
    return [told] if told else []


def _workspace(stack: str | None, source: str) -> Workspace:
    """The stack's workspace."""
    if stack is None:
        raise DataError(f"{source} needs a workspace: add --stack, or write the long form")
    from cloud.credentials import CredentialError
    from cloud.place import described

    try:
        found = described(stack)[1].workspace
    except CredentialError as error:
        raise DataError(f"{source} needs a workspace, and {error.why}. {error.todo}") from error
    return Workspace(found.subscription_id, found.resource_group, found.workspace)


def _summary(prepared: Prepared, seconds: float) -> list[str]:
    card = prepared.card
    rows, source = card.rows, card.settings["source"]
    what = f"{rows['in']} rows of {source}: {rows['train']} train, {rows['test']} test"
    what += f", {rows['validation']} validation" if "validation" in rows else ""
    for name, word in _WORDS.items():
        what += f", {rows[name]} {word}" if rows[name] else ""
    *others, last = map(_short, prepared.files)
    files = f"{', '.join(others)} and {last}"
    if prepared.rejected:
        what += f"; the rejected ones are in {', '.join(map(_short, prepared.rejected))}"
    if not prepared.made:
        return [what, f"{files} unchanged, fingerprint {card.fingerprint}"]
    written = f"{files} written, fingerprint {card.fingerprint}"
    return [what, *warnings(card), written, *_speed(rows["in"], seconds)]


def _speed(rows: int, seconds: float) -> list[str]:
    return [f"{rows / seconds:,.0f} rows/s"] if seconds > 10 else []


def _short(path: Path) -> str:
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _say(line: str) -> None:
    print(line, flush=True)


def _silent(line: str) -> None:
    del line


if __name__ == "__main__":
    main()
