"""What to prepare, and the rules that every row is held to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data_prep.errors import DataError
from data_prep.row import repairs
from data_prep.row.columns import checked
from data_prep.row.shapes import AUTO, SHAPES
from data_prep.source import tokens
from data_prep.source.locate import TUTORIAL_SOURCE, TUTORIAL_SPLIT

BAD_ROWS = ("refuse", "skip", "repair")
DUPLICATES = ("report", "near", "drop")
ALL = "all"


@dataclass(frozen=True)
class Recipe:
    """What of the fine-tune's recipe decides its time and cost; None where it is not known."""

    vm_size: str | None = None
    epochs: int = 1
    max_seq_length: int = -1
    price: float | None = None  # of the machine, US dollars an hour
    nodes: int = 1


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """A part of a mixture: where its rows are, how they are read, and which share (0 to 1) of the result they are."""

    source: str
    share: float
    config: str = "default"
    split: str = TUTORIAL_SPLIT
    revision: str = ""
    rows: str = ALL
    shape: str = AUTO
    columns: dict[str, str] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()

    @property
    def reading(self) -> dict[str, Any]:
        """Everything but its share, under the names that `Request` has."""
        return {name: value for name, value in vars(self).items() if name != "share"}

    def __str__(self) -> str:
        return f"{100 * self.share:g} % {self.source}"


@dataclass(frozen=True)
class Request:
    """What to prepare; the defaults are the tutorial's.

    ``test_ratio`` is the share of test rows, above 0 and below 1, ``validation_ratio`` that of a third file, 0 for
    none; ``test`` and ``validation`` are files of the user's own in place of such a share. ``rows`` is ``all``, a
    number (the first ones) or a share (``5%``, chosen by each row's first question, so that a row stays chosen when
    others come). A relative path
    as the source starts at ``base``. With ``sources`` these are read in place of ``source``; ``within`` is the
    directory of the mixture that this is a part of. Raises :class:`DataError` for values that cannot be used.
    """

    source: str = TUTORIAL_SOURCE
    config: str = "default"
    split: str = TUTORIAL_SPLIT
    test_ratio: float = 0.2
    seed: int = 0
    directory: Path = Path("data")
    base: Path = Path()
    revision: str = ""
    rows: str = ALL
    shape: str = AUTO
    bad_rows: str = "refuse"
    repairs: tuple[str, ...] = repairs.DEFAULT
    columns: dict[str, str] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    max_rejected: str = "1%"
    duplicates: str = "report"
    mask: bool = False
    model: str = "Phi-4-mini-instruct"
    tokenizer: str = tokens.AUTO
    processes: int = 0  # 0: one for each core
    recipe: Recipe = field(default_factory=Recipe)
    sources: tuple[Mixed, ...] = ()
    within: Path | None = None
    validation_ratio: float = 0.0
    validation: str = ""
    test: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.test_ratio < 1:  # also refuses NaN
            raise DataError(f"the test ratio must lie between 0 and 1, both excluded, is {self.test_ratio}")
        if not 0 <= self.validation_ratio < 1 - self.test_ratio:
            raise DataError(
                f"the validation ratio must be 0 or more, and leave rows to train on beside a test ratio of "
                f"{self.test_ratio}, is {self.validation_ratio}"
            )
        if self.sources and (self.validation or self.test):
            raise DataError("files for validation and test go beside one source, not beside several (data.sources)")
        _one_of("policy for bad rows", self.bad_rows, BAD_ROWS)
        _one_of("treatment of duplicates", self.duplicates, DUPLICATES)
        _one_of("shape", self.shape, (AUTO, *SHAPES))
        object.__setattr__(self, "repairs", repairs.chosen(self.repairs))
        checked(self.columns)
        if self.rows != ALL:
            part(self.rows, "the rows to take")
        part(self.max_rejected, "the limit of rejected rows", least=0)

    @property
    def three(self) -> bool:
        """Whether a validation file is asked for beside the test file."""
        return self.validation_ratio > 0 or bool(self.validation)

    def deciding(self, files: bool) -> dict[str, Any]:
        """Everything but the source's content that decides the bytes, as a card keeps it.

        Config and revision mean something to the hub only; of a file, see :func:`file_split`.
        """
        mixed = {"sources": [_asked(each) for each in self.sources]} if self.sources else {}
        return {
            "source": ", ".join(map(str, self.sources)) or self.source,
            **mixed,
            "config": None if files else self.config,
            "split": file_split(self.split) if files else self.split,
            "revision": None if files else self.revision or None,
            "rows": self.rows,
            "shape": self.shape,
            "test_ratio": self.test_ratio,
            **({"validation_ratio": self.validation_ratio} if self.validation_ratio else {}),
            **({"validation": self.validation} if self.validation else {}),
            **({"test": self.test} if self.test else {}),
            "seed": self.seed,
            "bad_rows": self.bad_rows,
            **({"columns": self.columns} if self.columns else {}),
            **({"ignore": list(self.ignore)} if self.ignore else {}),
            "repairs": list(self.repairs) if self.bad_rows == "repair" else [],
            "max_rejected": None if self.bad_rows == "refuse" else self.max_rejected,
            "duplicates": self.duplicates,
            "mask": self.mask,
            "model": self.model,
            "tokenizer": self.tokenizer,
        }


def _asked(part: Mixed) -> dict[str, Any]:
    """What a card keeps of a part of a mixture."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(part).items()}


def _one_of(what: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise DataError(f"the {what} must be one of {', '.join(choices)}, is {value!r}")


def part(text: str, what: str, least: int = 1) -> int | float:
    """A number of rows as int, a share like ``2.5%`` as float from 0 to 1."""
    if re.fullmatch(r"\d+", text) and int(text) >= least:
        return int(text)
    if re.fullmatch(r"\d+(\.\d+)?%", text) and (least == 0 or float(text[:-1]) > 0) and float(text[:-1]) <= 100:
        return float(text[:-1]) / 100
    raise DataError(f"{what} must be a whole number or a share like 5%, is {text!r}")


def file_split(split: str) -> str:
    """The split to read of files. Files have one, ``train``.

    The default split is a part of the tutorial's data set, so it does not apply to files: all of their rows are read.
    """
    return "train" if split == TUTORIAL_SPLIT else split


def file_slice(split: str) -> tuple[int, int | None]:
    """First and last row (excluded, None: to the end) of ``train`` or ``train[10:20]``.

    Raises :class:`DataError` for another split, and for shares: how many rows there are is known only at the end.
    """
    asked = file_split(split)
    match = re.fullmatch(r"train(?:\[(\d*):(\d*)\])?", asked)
    if match is None:
        name = asked.partition("[")[0]
        if name != "train":
            raise DataError(f'unknown split "{name}": files have one, train; a part of it is train[:100] or rows: 10%')
        raise DataError(f"cannot read the split {asked} of a file: write train[:100], or rows: 10% for a share")
    start, stop = int(match[1] or 0), int(match[2]) if match[2] else None
    if stop is not None and stop <= start:
        raise DataError(f"the split {asked} holds no rows: the second number must be larger than the first")
    return start, stop
