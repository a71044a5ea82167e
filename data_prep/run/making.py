"""Makes the files: opens the source, has its rows worked through, and puts everything in place at once."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from data_prep.card import card as cards
from data_prep.card import languages, lengths, text
from data_prep.card.card import CARD, PAGE, REJECTED, TEST, TRAIN, Card
from data_prep.card.stats import SHOWN, Stats
from data_prep.errors import DataError
from data_prep.request import Request, part
from data_prep.row.repairs import REPAIRS
from data_prep.row.rules import LEAST_ROWS
from data_prep.run import pool, progress, worker
from data_prep.run.merge import Duplicates, Merger
from data_prep.run.opening import Opened, opened
from data_prep.run.replace import replacing
from data_prep.run.scratch import scratch
from data_prep.run.targets import not_ours
from data_prep.source.azureml import Workspace
from data_prep.source.locate import Source
from data_prep.source.tokens import Tokenizer, resolve
from settings.models import model

Report = Callable[[str], None]
Origin = Callable[[], dict[str, str]]

_FILES = {worker.TRAIN: TRAIN, worker.TEST: TEST}


def make(
    source: Source,
    request: Request,
    origin: Origin,
    workspace: Workspace | None,
    report: Report,
    quiet: bool,
) -> Card:
    """Make the files of ``request`` and return their card. Raises :class:`DataError` and OSError.

    ``origin`` gives what the card says of the source, and is asked last: a digest of all of it takes a while.
    """
    earlier = cards.written_here(request.directory) is not None
    tokenizer = resolve(request.tokenizer, model(request.model), online=source.kind == "hub")
    with ExitStack() as stack:
        # The hub first: where it cannot be reached, not even a directory is made.
        rows = opened(source, request, workspace, None) if source.kind != "azureml" else None
        place = stack.enter_context(scratch(request.directory))
        rows = rows or opened(source, request, workspace, place)
        for line in rows.told:
            report(line)
        shape = rows.shape(request.shape)
        if shape != "messages" or shape == request.shape:
            report(f"the rows are taken as {shape}{'' if request.shape == shape else ' (--shape overrides it)'}")
        rules = _rules(request, rows, shape, tokenizer)
        card = _worked(rows, rules, request, origin, place, report, quiet)
    if not card.rows["rejected"] and (earlier or rules.keep_rejected):
        (request.directory / REJECTED).unlink(missing_ok=True)  # an earlier run's, or this one's without a row
    return card


def _rules(request: Request, rows: Opened, shape: str, tokenizer: Tokenizer) -> worker.Rules:
    return worker.Rules(
        shape=shape,
        seed=request.seed,
        test_ratio=request.test_ratio,
        share=rows.share,
        repairs=request.repairs if request.bad_rows == "repair" else (),
        mask=request.mask,
        near=request.duplicates != "report",
        model=request.model,
        tokenizer=tokenizer,
        keep_rejected=request.bad_rows != "refuse",
    )


def _worked(
    rows: Opened,
    rules: worker.Rules,
    request: Request,
    origin: Origin,
    place: Path,
    report: Report,
    quiet: bool,
) -> Card:
    names = [TRAIN, TEST, CARD, PAGE, *text.PICTURES.values()]
    names += [REJECTED] if rules.keep_rejected else []
    stats = Stats()

    def kept() -> dict[str, str]:
        found = not_ours(request.directory, tuple(names))
        for name, new in found.items():
            report(f"{name} in {request.directory} is not as a run has written it; it is kept there as {new}")
        return found

    with replacing(request.directory, names, within=place, kept=kept) as handles:
        files = dict(zip(names, handles, strict=True))
        sides = {side: files[name] for side, name in _FILES.items()}
        late = request.duplicates == "drop"
        merger = Merger(place, sides, files.get(REJECTED), late)
        with progress.shown(rows.total, quiet) as tell:
            offset = 0
            for number, part_stats in _parts(rows, rules, request, place, tell):
                if rows.stream is not None or rows.pieces[number].start == 0:
                    offset = 0
                merger.add(number, rows.file(number), offset)
                stats.shown += [(0, _shown(rows, number, offset, *found)) for found in part_stats.shown]
                del stats.shown[SHOWN + 1 :]
                offset += part_stats.places
                stats.add(part_stats)
        _refuse_bad(stats, request, rows)
        digests, duplicates = merger.finish(stats, rules.near)
        _refuse_one_sided(stats, request, rows)
        _refuse_few(stats, request, rows)
        card = _card(
            stats, request, rules, origin() | rows.origin, duplicates, {_FILES[side]: digests[side] for side in _FILES}
        )
        files[CARD].write(card.to_json())
        files[PAGE].write(text.markdown(card))
        for name, picture in text.pictures(card).items():
            files[name].write(picture)
    return card


def _parts(
    rows: Opened, rules: worker.Rules, request: Request, place: Path, tell: Callable[[int], None]
) -> Iterator[tuple[int, Stats]]:
    """Several processes only where each has more than a piece to read: starting them takes half a second."""
    processes = min(request.processes or pool.cores(), len(rows.pieces) // 2)
    if processes > 1 and rows.window.all:
        return pool.in_processes(rows.pieces, rules, place, processes, tell)
    return pool.in_one_process(rows.parts(), rules, place, tell)


def _shown(rows: Opened, number: int, offset: int, at: int, problem: str) -> str:
    return f"  {rows.where(number, offset + at)}: {problem}"


def _refuse_bad(stats: Stats, request: Request, rows: Opened) -> None:
    """Raise :class:`DataError` for bad rows under the policy, and where there was no row at all."""
    if not stats.seen:
        raise DataError(f"{rows.label} holds no rows: nothing to split")
    if not stats.bad:
        return
    remedy = "Mend or remove them; a row needs messages: [{role, content}, …], user first, assistant last."
    if request.bad_rows == "refuse":
        head = f"{rows.label}: {stats.bad} of {stats.seen} rows cannot be used; nothing was written:"
        remedy += f" Or leave them out (badRows: skip), or have them mended (badRows: repair: {', '.join(REPAIRS)})."
    else:
        most = part(request.max_rejected, "the limit of rejected rows", least=0)
        limit = int(most * stats.seen) if isinstance(most, float) else most
        if stats.bad <= limit:
            return
        head = (
            f"{rows.label}: {stats.bad} of {stats.seen} rows cannot be used, and at most {limit} may be rejected "
            f"(maxRejected: {request.max_rejected}); nothing was written:"
        )
    lines = [line for _, line in stats.shown[:SHOWN]]
    if len(stats.shown) > SHOWN:
        lines.append("  and more")
    raise DataError("\n".join([head, *lines, remedy]))


def _refuse_one_sided(stats: Stats, request: Request, rows: Opened) -> None:
    for side, name in ((worker.TEST, "test"), (worker.TRAIN, "training")):
        if not stats.sides[side]:
            share = f", of which {request.rows} were asked for" if rows.share < 1 else ""
            raise DataError(
                f"a test ratio of {request.test_ratio} leaves no {name} row: {rows.label} has "
                f"{stats.seen - stats.bad}{share}, and a row's first question decides its side; nothing was written: "
                f"use more rows with different questions, another ratio or another seed (now {request.seed})"
            )


def _refuse_few(stats: Stats, request: Request, rows: Opened) -> None:
    if stats.sides[worker.TRAIN] < LEAST_ROWS:
        raise DataError(
            f"{rows.label} gives {stats.sides[worker.TRAIN]} rows to train on, and the fine-tune component needs "
            f"{LEAST_ROWS}; nothing was written: use more rows, or a smaller test ratio (now {request.test_ratio})"
        )


def _card(
    stats: Stats,
    request: Request,
    rules: worker.Rules,
    origin: dict[str, str],
    duplicates: Duplicates,
    digests: dict[str, str],
) -> Card:
    found = asdict(duplicates)
    tokens = lengths.measured(stats, rules.tokenizer, request.model)
    return Card(
        settings=request.deciding("sha256" in origin),
        source=origin,
        shape=rules.shape,
        rows={
            "in": stats.seen,
            "train": stats.sides[worker.TRAIN],
            "test": stats.sides[worker.TEST],
            "rejected": stats.bad,
            "repaired": stats.mended,
            "left_out": stats.passed_over,
            "dropped": found.pop("dropped"),
        },
        rejected=dict(sorted(stats.rejected.items())),
        repaired=dict(sorted(stats.repaired.items())),
        private={**dict(sorted(stats.private.items())), "rows": stats.private_rows},
        duplicates=found,
        turns={str(turns): rows for turns, rows in sorted(stats.turns.items()) if rows},
        tokens=tokens,
        languages=languages.guessed(stats),
        recipe=lengths.cost(tokens, request.model, request.recipe),
        files=digests,
        fingerprint=cards.combined(digests),
        versions={"python": platform.python_version(), "datasets": version("datasets")},
    )
