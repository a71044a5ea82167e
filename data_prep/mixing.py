"""Several sources in one training file, each with its share: every one prepared by itself, then put together.

A source is read, checked and split as if it were the only one, into a hidden directory beside the results, where it is
found again when only another one has changed. What is taken of it depends on each row's first question alone, so the
same sources give the same files.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from data_prep.card.card import TEST, TRAIN, VALIDATION, Card, written_here
from data_prep.card.digests import digest_of
from data_prep.errors import DataError
from data_prep.request import ALL, Mixed, Request
from data_prep.source.locate import TUTORIAL_SPLIT, Source

_SIDES = ((TRAIN, "train"), (TEST, "test"), (VALIDATION, "validation"))
PLACE = ".sources"
"""Below the directory of the results; hidden, so it is nobody's source."""
_OURS = re.compile(r"[0-9a-f]{12}")


def alone(request: Request, part: Mixed) -> Request:
    """What prepares one source of a mixture by itself: near duplicates are looked for in the whole later."""
    asked = hashlib.sha256(json.dumps(part.reading, sort_keys=True).encode()).hexdigest()[:12]
    return dataclasses.replace(
        request,
        **part.reading,
        sources=(),
        duplicates="report",
        within=request.directory,
        directory=request.directory / PLACE / asked,
    )


def each(request: Request) -> list[Request]:
    """One request for each source; the request itself where there is one source."""
    return [alone(request, part) for part in request.sources] or [request]


def together(request: Request) -> Request:
    """What puts the prepared sources together: their rows are checked, mended, masked and split already."""
    return dataclasses.replace(
        request,
        sources=(),
        source=named(request),
        split=TUTORIAL_SPLIT,
        rows=ALL,
        shape="messages",
        columns={},
        ignore=(),
        bad_rows="refuse",
        mask=False,
    )


def named(request: Request) -> str:
    """How messages call a mixture: ``70 % sample, 30 % faq.csv``."""
    return ", ".join(map(str, request.sources))


def taken(shares: Sequence[float], rows: Sequence[int]) -> list[float]:
    """The part (0 to 1) of each source that is taken, so that the result is as large as it can be without a row twice.

    ``shares`` are those of the result, ``rows`` what there is of each; the scarcest source is taken whole.
    """
    most = min(count / share for count, share in zip(rows, shares, strict=True))
    return [min(1.0, most * share / count) for count, share in zip(rows, shares, strict=True)]


def mixture(request: Request, cards: Sequence[Card]) -> tuple[Source, list[str]]:
    """The prepared files as one source, and what is to be said about it. Raises DataError for one without rows."""
    rows = [sum(card.rows.get(side, 0) for _, side in _SIDES) for card in cards]
    for part, count in zip(request.sources, rows, strict=True):
        if not count:
            raise DataError(f"{part.source} has no row that can be used, and {part.share:.0%} were asked for")
    parts = taken([part.share for part in request.sources], rows)
    files: dict[Path, tuple[str, float]] = {}
    told = []
    for part, card, fraction, count in zip(request.sources, cards, parts, rows, strict=True):
        directory = alone(request, part).directory
        for name, side in _SIDES:
            if card.rows.get(side):
                files[directory / name] = side, fraction
        told.append(f"of the {count} rows of {part.source} {fraction:.4g} are taken, to be {part.share:.0%} of all")
    sides = {file: side for file, (side, _) in files.items()}
    shares = {file: fraction for file, (_, fraction) in files.items()}
    return Source("mixture", named(request), tuple(files), sides=sides, shares=shares), told


def origin(source: Source, cards: Sequence[Card]) -> dict[str, str]:
    """What the card says of where the rows come from."""
    licences = sorted({card.source.get("licence", "unknown") for card in cards})
    return {"kind": source.kind, "sha256": digest_of(source.files), "licence": ", ".join(licences)}


def described(card: Card, request: Request, cards: Sequence[Card], kept: Mapping[str, int]) -> Card:
    """The card of the whole, with what was found in each source; ``kept`` are the rows of each prepared file."""
    parts = []
    for part, own in zip(request.sources, cards, strict=True):
        directory = alone(request, part).directory
        counts = {side: kept.get(str(directory / name), 0) for name, side in _SIDES if name in card.files}
        found: dict[str, Any] = {"source": part.source, "share": part.share, "rows": own.rows, "taken": counts}
        parts.append({**found, "origin": own.source, "shape": own.shape, "fingerprint": own.fingerprint})
        if own.manifest:
            parts[-1]["manifest"] = own.manifest
    rows = dict(card.rows)
    for name in ("in", "rejected", "repaired", "set_aside"):
        rows[name] = sum(own.rows[name] for own in cards)
    if called := sum(own.rows.get("with_calls", 0) for own in cards):
        rows["with_calls"] = called
    rows["left_out"] += sum(own.rows["left_out"] for own in cards)
    return dataclasses.replace(
        card,
        settings=request.deciding(files=True),
        rows=rows,
        shape=", ".join(dict.fromkeys(own.shape for own in cards)),
        rejected=_added([own.rejected for own in cards]),
        repaired=_added([own.repaired for own in cards]),
        unused=_added([own.unused for own in cards]),
        set_aside=_added([own.set_aside for own in cards]),
        private=_added([own.private for own in cards]) if request.mask else card.private,
        parts=parts,
        manifest=[],
    )


def swept(request: Request) -> None:
    """Removes what was prepared of sources that are asked for no more; what no run has left there stays."""
    place = request.directory / PLACE
    wanted = {alone(request, part).directory for part in request.sources}
    for found in place.glob("*"):
        if found not in wanted and _OURS.fullmatch(found.name) and written_here(found) is not None:
            shutil.rmtree(found, ignore_errors=True)
    if not wanted:
        with suppress(OSError):  # not there, or not empty
            place.rmdir()


def _added(counted: Sequence[Mapping[str, int]]) -> dict[str, int]:
    total = Counter[str]()
    for each in counted:
        total.update(each)
    return dict(sorted(total.items()))
