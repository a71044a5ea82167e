"""Makes the files: opens the source, has its rows worked through, and puts everything in place at once."""

from __future__ import annotations

import dataclasses
import platform
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path

from data_prep.card import card as cards
from data_prep.card import languages, lengths, text
from data_prep.card.card import CARD, PAGE, REJECTED, TEST, TRAIN, VALIDATION, Card
from data_prep.card.stats import Kind, Stats
from data_prep.errors import DataError
from data_prep.request import Request
from data_prep.row import split
from data_prep.row.reading import Reader
from data_prep.row.rules import LEAST_ROWS
from data_prep.row.shapes import AUTO
from data_prep.run import manifest, pool, progress, worker
from data_prep.run.dividing import OneQuestionError, divide_otherwise, rules_of
from data_prep.run.merge import Duplicates, Merger
from data_prep.run.opening import Opened, opened
from data_prep.run.parts import Parts
from data_prep.run.refusals import refuse_bad, refuse_one_sided
from data_prep.run.replace import replacing
from data_prep.run.scratch import scratch, short_of_room
from data_prep.run.targets import not_ours
from data_prep.source.azureml import Workspace
from data_prep.source.locate import Source
from data_prep.source.tokens import resolve
from settings.models import model

Report = Callable[[str], None]
Origin = Callable[[Mapping[Path, str]], dict[str, str]]

Finished = Callable[[Card, Mapping[str, int]], Card]

_FILES = {split.TRAIN: TRAIN, split.TEST: TEST, split.VALIDATION: VALIDATION}


def make(
    source: Source,
    request: Request,
    origin: Origin,
    workspace: Workspace | None,
    report: Report,
    quiet: bool,
    finished: Finished = lambda card, kept: card,
    divided: Parts | None = None,
) -> Card:
    """Make the files of ``request`` and return their card. Raises :class:`DataError` and OSError.

    ``origin`` gives what the card says of the source, and is asked last: a digest of all of it takes a while. It is
    given the digests of the files that others have read for this result.
    ``finished`` has the last word about the card; it is given how many rows of each file were taken. ``divided`` are
    the rows as several machines have worked through them.
    """
    earlier = cards.written_here(request.directory)
    tokenizer = resolve(request.tokenizer, model(request.model), online=source.kind == "hub")
    with ExitStack() as stack:
        # The hub first: where it cannot be reached, not even a directory is made.
        rows = opened(source, request, workspace, None) if source.kind != "azureml" else None
        place = stack.enter_context(scratch(request.directory))
        rows = rows or opened(source, request, workspace, place)
        entries = manifest.made(rows, request) if source.kind != "mixture" else ()
        needed = rows.size * rows.share * (2 if request.duplicates == "drop" else 1)
        room = short_of_room(request.directory, round(needed))
        for line in (*rows.told, *manifest.shown(entries), *_taken(rows, request), *([room] if room else [])):
            report(line)
        rules = rules_of(request, rows, tokenizer)
        try:
            card = _worked(rows, rules, request, origin, place, report, quiet, finished, entries, divided)
        except OneQuestionError as found:
            report(str(found))
            again = place / "again"
            again.mkdir()
            if rows.stream is not None:
                rows = opened(source, request, workspace, place)
            rules = dataclasses.replace(rules, common=found.common)
            card = _worked(rows, rules, request, origin, again, report, quiet, finished, entries)
    if not card.rows["rejected"] and (earlier is not None or rules.keep_rejected):
        (request.directory / REJECTED).unlink(missing_ok=True)  # an earlier run's, or this one's without a row
    if earlier is not None and VALIDATION in earlier and VALIDATION not in card.files:
        (request.directory / VALIDATION).unlink(missing_ok=True)
    return card


def _taken(rows: Opened, request: Request) -> Iterator[str]:
    """As what the first rows are taken, where that is not plain from the settings."""
    if request.shape != AUTO:
        yield f"the rows are taken as {request.shape}"
        return
    shapes = rows.shapes(Reader(AUTO, request.columns, request.ignore, request.model))
    if len(shapes) > 1:
        yield f"the rows are taken each in its own shape: {', '.join(shapes)} (--shape overrides it)"
    elif shapes not in ([], ["messages"]):
        yield f"the rows are taken as {shapes[0]} (--shape overrides it)"


def _worked(
    rows: Opened,
    rules: worker.Rules,
    request: Request,
    origin: Origin,
    place: Path,
    report: Report,
    quiet: bool,
    finished: Finished,
    entries: Sequence[manifest.Entry],
    divided: Parts | None = None,
) -> Card:
    third = request.three or rows.holds_back_by_name(split.VALIDATION)
    written = {side: name for side, name in _FILES.items() if third or side != split.VALIDATION}
    names = [*written.values(), CARD, PAGE, *text.PICTURES.values()]
    names += [REJECTED] if rules.keep_rejected else []
    stats, taken, seen = Stats(), Counter[str](), Counter[str]()

    def kept() -> dict[str, str]:
        found = not_ours(request.directory, tuple(names))
        for name, new in found.items():
            report(f"{name} in {request.directory} is not as a run has written it; it is kept there as {new}")
        return found

    with replacing(request.directory, names, within=place, kept=kept) as handles:
        files = dict(zip(names, handles, strict=True))
        sides = {side: files[name] for side, name in written.items()}
        late = request.duplicates == "drop"
        merger = Merger(place, sides, files.get(REJECTED), late)
        with progress.shown(rows.total, quiet) as tell:
            offset = 0
            for number, part_stats in _parts(rows, rules, request, place, tell, divided):
                if rows.begins(number):
                    offset = 0
                merger.add(number, rows.file(number), offset)
                for code, kind in part_stats.kinds.items():
                    first = [(rows.where(number, offset + int(place)), problem) for place, problem in kind.first]
                    stats.kinds.setdefault(code, Kind()).add(kind.rows, [*first])
                offset += part_stats.places
                taken[rows.file(number)] += sum(part_stats.sides.values())
                seen[rows.file(number)] += part_stats.seen
                stats.add(part_stats)
                if number == 0 and worker.hopeless(rules, stats):
                    break  # the rest would take as long as a success, and tell the same
        refuse_bad(stats, request, rows)
        if not rules.common:
            divide_otherwise(merger, stats, request, rows)
        digests, duplicates = merger.finish(stats, rules.near)
        refuse_one_sided(stats, request, rows)
        _refuse_few(stats, request, rows)
        named = {name: digests[side] for side, name in written.items()}
        reckoned = divided.reckoned if divided is not None else {}
        card = _card(stats, request, rules, origin(reckoned) | rows.origin, duplicates, named)
        card = finished(dataclasses.replace(card, manifest=manifest.listed(entries, seen, reckoned)), taken)
        files[CARD].write(card.to_json())
        files[PAGE].write(text.markdown(card))
        for name, picture in text.pictures(card).items():
            files[name].write(picture)
    return card


def _parts(
    rows: Opened,
    rules: worker.Rules,
    request: Request,
    place: Path,
    tell: Callable[[int], None],
    divided: Parts | None,
) -> Iterator[tuple[int, Stats]]:
    """What the source is made of; rows that come in a stream, or are counted off, are read by one process."""
    if divided is not None:
        return divided.stats(rows, rules, place, tell)
    if rows.window.all and rows.stream is None:
        return pool.of(rows.pieces, range(len(rows.pieces)), rules, place, request.processes, tell)
    return pool.in_one_process(rows.parts(), rules, place, tell)


def _refuse_few(stats: Stats, request: Request, rows: Opened) -> None:
    if stats.sides[split.TRAIN] < LEAST_ROWS and request.within is None:
        raise DataError(
            f"{rows.label} gives {stats.sides[split.TRAIN]} rows to train on, and the fine-tune component needs "
            f"{LEAST_ROWS}; nothing was written: use more rows, or a smaller test ratio (now {request.test_ratio})"
        )


def _shape(stats: Stats, request: Request) -> str:
    """The shape of the rows; several with their numbers."""
    if request.shape != AUTO:
        return request.shape
    found = Counter({shape: rows for shape, rows in stats.shapes.items() if shape})
    found["messages"] += stats.seen - stats.shapes.total()
    ranked = sorted((-rows, shape) for shape, rows in found.items() if rows)
    if len(ranked) == 1:
        return ranked[0][1]
    return ", ".join(f"{shape} {-rows}" for rows, shape in ranked) or "unknown"


def _card(
    stats: Stats,
    request: Request,
    rules: worker.Rules,
    origin: dict[str, str],
    duplicates: Duplicates,
    digests: dict[str, str],
) -> Card:
    found = duplicates.counted()
    dropped = found.pop("dropped") or 0
    third = {"validation": stats.sides[split.VALIDATION]} if VALIDATION in digests else {}
    tokens = lengths.measured(stats, rules.tokenizer, request.model)
    return Card(
        settings=request.deciding("sha256" in origin),
        source=origin,
        shape=_shape(stats, request),
        rows={
            "in": stats.seen,
            "train": stats.sides[split.TRAIN],
            "test": stats.sides[split.TEST],
            **third,
            "rejected": stats.bad,
            "repaired": stats.mended,
            "left_out": stats.passed_over,
            "dropped": dropped,
            "set_aside": stats.aside.total(),
            **({"with_calls": stats.called} if stats.called else {}),
        },
        rejected=dict(sorted(stats.rejected.items())),
        repaired=dict(sorted(stats.repaired.items())),
        unused=dict(sorted(stats.unused.items())),
        set_aside=dict(sorted(stats.aside.items())),
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
