"""Whether the prepared files can be trained on: rows enough, and answers within the recipe's max_seq_length.

The fine-tune component cuts a row at so many tokens and drops it, without a word, where no answer is left; it needs ten
rows to train on, and crashes on a file whose first row has nothing to learn from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data_prep.card import card as cards
from data_prep.card.card import TRAIN
from data_prep.card.stats import BIN
from data_prep.row.rules import LEAST_ROWS
from data_prep.row.split import TRAIN as TRAIN_ROWS
from data_prep.source.tokens import BYTES_PER_TOKEN, ESTIMATE
from settings.models import model

_NAMED = 5


@dataclass(frozen=True)
class Fit:
    """What a recipe makes of the files.

    Attributes:
        rows: in the training file.
        most: tokens that a row is cut at; None for no limit that is known.
        cut: rows of the files that are longer.
        lost: those of them that have no answer left.
        refused: why the component would refuse the files, or crash on them.
        told: the same figures in words, with places; empty where nothing is cut.
    """

    rows: int
    most: int | None
    cut: int
    lost: int
    refused: tuple[str, ...]
    told: tuple[str, ...]


def fit(directory: Path, max_seq_length: int, name: str) -> Fit:
    """How the files of ``directory`` fit the model ``name`` and the recipe's ``max_seq_length``, -1 for its context.

    Lengths are reckoned from bytes: by what the model's tokenizer made of a sample when the files were prepared, else
    by an estimate. Raises OSError and ValueError for files that cannot be read.
    """
    known = model(name)
    ratio, by = _ratio(directory)
    most = max_seq_length if max_seq_length > 0 else known.context
    if (counted := _uncut(directory, most, known.per_message)) is not None:
        return Fit(counted, most, 0, 0, _too_few(counted), ())
    rows, first = 0, []
    cut: list[str] = []
    lost: list[str] = []
    for file in cards.prepared(directory):
        for number, line in _lines(directory / file):
            rows += file == TRAIN
            # A line is longer than its texts by more than the marks around them take.
            if most is None or len(line) / ratio <= most:
                continue
            whole, question = _tokens(json.loads(line)["messages"], ratio, known.per_message)
            if whole <= most:
                continue
            cut.append(f"{file}:{number}")
            if question >= most:
                lost.append(f"{file}:{number}")
                if number == 1:
                    first.append(file)
    refused = [
        f"the first row of {file} has no answer within {most} tokens ({by}), and the fine-tune component crashes on a "
        "file that begins so: raise recipe.max_seq_length, or take that row out"
        for file in first
    ]
    return Fit(rows, most, len(cut), len(lost), (*_too_few(rows), *refused), _told(cut, lost, most, by))


def _too_few(rows: int) -> tuple[str, ...]:
    if rows >= LEAST_ROWS:
        return ()
    return (f"{TRAIN} has {rows} rows, and the fine-tune component needs {LEAST_ROWS}: add rows",)


def _uncut(directory: Path, most: int | None, per_message: int) -> int | None:
    """The training rows, where the card of these files shows that no row is too long: gigabytes need not be read.

    Its longest row is told to a step of the histogram, without the template's own tokens; a hundredth is for rounding.
    """
    card = cards.read(directory)
    if card is None or card.files != cards.digests(directory):
        return None
    turns = max((int(turns) for turns in card.turns), default=0)
    longest = 1.01 * int(card.tokens.get("longest") or 0) + BIN + (per_message + 1) * turns
    return int(card.rows[TRAIN_ROWS]) if most is None or longest <= most else None


def _told(cut: list[str], lost: list[str], most: int | None, by: str) -> tuple[str, ...]:
    if not cut:
        return ()
    told = [f"{len(cut)} rows are cut at {most} tokens ({by}): {_places(cut)}"]
    if lost:
        told.append(f"{len(lost)} of them have no answer left, and nothing is learned from them: {_places(lost)}")
    return tuple(told)


def _places(places: list[str]) -> str:
    more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
    return ", ".join(places[:_NAMED]) + more


def _ratio(directory: Path) -> tuple[float, str]:
    """Bytes a token, and how that is known."""
    card = cards.read(directory)
    if card is None or card.tokens.get("counted_by") in (None, ESTIMATE):
        return BYTES_PER_TOKEN, f"by an estimate of {BYTES_PER_TOKEN:g} bytes a token"
    return float(card.tokens["bytes_per_token"]), "by the tokenizer's average"


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        yield from enumerate(file, start=1)


def _tokens(messages: list[dict[str, Any]], ratio: float, per_message: int) -> tuple[int, int]:
    """Tokens of a row, and of what comes before its first answer."""
    whole = question = 0
    answered = False
    for message in messages:
        answered = answered or message["role"] == "assistant"
        if not answered:
            question += per_message + round(len(message["content"].encode()) / ratio)
        whole += per_message + round(len(message["content"].encode()) / ratio)
    return whole, question + 1  # the mark before the answer
