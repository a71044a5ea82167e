"""The prepared files and the card beside them, which says what made them."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from data_prep.card.digests import digest
from data_prep.errors import DataError
from data_prep.row.rules import problems

TRAIN = "train_data.jsonl"
TEST = "test_data.jsonl"
VALIDATION = "validation_data.jsonl"
"""There where a third file was asked for, by which the fine-tune validates; without it, it does so by the test rows."""
CARD = "card.json"
PAGE = "card.md"
REJECTED = "rejected.jsonl"

# Raised when the same settings and source give other bytes than before: older cards are then stale. A data set of the
# hub is then taken as it is by now, and a model trained anew: not for rows that few have; docs/upgrading.md names them.
FORMAT = 4
REQUESTED = 3
"""The same of what is asked of a cluster; data assets, and models made from them, are named by it, so it stays."""


@dataclass(frozen=True)
class Card:
    """What made the files and what is in them; no times and no machine names: the same data has the same card."""

    settings: dict[str, Any]  # what decides the bytes besides the source's content
    source: dict[str, str]  # kind; sha256 (files) or revision (hub, data asset); licence as the source states it
    shape: str  # of the source's rows
    rows: dict[str, int]  # in, train, test, validation (of three), rejected, repaired, left_out, dropped, set_aside, …
    rejected: dict[str, int]  # rule → rows
    repaired: dict[str, int]  # repair → rows
    unused: dict[str, int]  # column, or key of a message, that nothing was made of → rows in which it held something
    set_aside: dict[str, int]  # a row's own mark that it is not to be learnt → rows
    private: dict[str, int]  # kind of personal data or secret → finds; `rows` → rows with any
    duplicates: dict[str, int | None]  # see data_prep.run.merge.Duplicates; None where not looked for
    turns: dict[str, int]  # messages in a conversation → rows
    tokens: dict[str, Any]  # see data_prep.card.lengths
    languages: dict[str, int]  # code → rows of the sample
    recipe: dict[str, Any]  # see data_prep.card.lengths.cost
    files: dict[str, str]  # file name → SHA-256 of its bytes
    fingerprint: str
    versions: dict[str, str]  # of what read the source; for information
    format: int = FORMAT
    parts: list[dict[str, Any]] = field(default_factory=list)  # of a mixture: what was found in each source
    manifest: list[dict[str, Any]] = field(default_factory=list)  # the files read: split, form, shape, rows, digest

    def to_json(self) -> bytes:
        """The bytes of ``card.json``."""
        values = asdict(self)
        for name in ("parts", "manifest"):
            if not values[name]:
                del values[name]
        return (json.dumps(values, indent=2, ensure_ascii=False) + "\n").encode()


def is_far(share: float, wanted: float, rows: int) -> bool:
    """Whether a share of test rows is not the one that was asked for, beyond what chance makes of so many rows."""
    return abs(share - wanted) > max(0.05, 3 * math.sqrt(wanted * (1 - wanted) / max(1, rows)))


def read(directory: Path) -> Card | None:
    """The card of ``directory``; None where there is none that this version wrote."""
    try:
        values = json.loads((directory / CARD).read_bytes())
        card = Card(**values)
    except (OSError, ValueError, TypeError):
        return None  # missing, damaged or another version's: the files are then judged by themselves
    return card if card.format == FORMAT else None


def written_here(directory: Path) -> dict[str, str] | None:
    """File name → SHA-256 as the card of ``directory``, of this version or another, has them; None without a card."""
    try:
        files = json.loads((directory / CARD).read_bytes())["files"]
        return {str(name): str(digest) for name, digest in files.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def prepared(directory: Path) -> tuple[str, ...]:
    """Names of the files that are to be in ``directory``: two, or three where the card or, without one, a file says so.

    A validation file beside a card that does not name it is somebody else's.
    """
    made = written_here(directory)
    third = (directory / VALIDATION).is_file() if made is None else VALIDATION in made
    return (TRAIN, TEST, VALIDATION) if third else (TRAIN, TEST)


def digests(directory: Path) -> dict[str, str] | None:
    """File name → SHA-256 for the files; None where one is missing."""
    paths = [directory / name for name in prepared(directory)]
    return {path.name: digest(path) for path in paths} if all(path.is_file() for path in paths) else None


def combined(files: dict[str, str]) -> str:
    """12 hex characters over the files' digests.

    Over the digests and not the joined bytes, because a row moved from the head of one file to the tail of
    the other would leave those as they were.
    """
    listed = [files[name] for name in (TRAIN, TEST, VALIDATION) if name in files]
    return hashlib.sha256("".join(f"{each}\n" for each in listed).encode()).hexdigest()[:12]


def fingerprint(directory: Path) -> str:
    """The fingerprint of the prepared files in ``directory``: 12 hex characters of SHA-256 over them.

    Files that are as the card beside them says were checked when they were written; others (edited by hand,
    put there without ``data_prep``) are read row by row first.

    Raises :class:`DataError` where a file is missing, empty, unreadable or not made of chat records.
    """
    try:
        files = digests(directory)
        card = read(directory)
        if files is None or card is None or card.files != files:
            for name in prepared(directory):
                _check(directory / name)
            files = digests(directory)
    except OSError as error:
        raise DataError(f"cannot read {error.filename or directory}: {error.strerror or error}") from error
    if files is None:
        raise DataError(f"{directory} changed while it was read; try again")
    return combined(files)


def _check(path: Path) -> None:
    remedy = "make it again with `make data STACK=<stack>`"
    if not path.is_file():
        raise DataError(f"{path} is missing: {remedy}")
    with path.open("rb") as file:
        number = 0
        for number, line in enumerate(file, start=1):
            try:
                found = problems(json.loads(line), tools=True)
            except ValueError as error:
                raise DataError(f"{path}:{number} is not valid JSON ({error}): mend the line or {remedy}") from error
            if found:
                raise DataError(f"{path}:{number}: {found[0].field} {found[0].rule}: mend the line or {remedy}")
    if not number:
        raise DataError(f"{path} is empty: {remedy}")
