"""Which files of a folder are held back from training, by their names: a split that somebody made is kept."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

TRAIN, TEST, VALIDATION = "train", "test", "validation"
_WORDS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), TEST),
    **dict.fromkeys(("validation", "valid", "val", "dev"), VALIDATION),
}
"""As `datasets` has them."""
_AROUND = frozenset(("", "data", "dataset", "set", "split", "sft", "gen", "of", "part", "shard", "chunk", "file"))
"""What may stand around such a word in a file's name and say nothing by itself."""


def sides(names: list[str]) -> dict[str, str]:
    """File (its path within the folder) → train, test or validation; empty where no file is held back by its name.

    A folder or a file has to be named so, perhaps with a number (``test-00000-of-00002.parquet``), or to differ from
    another file by the word alone (``faq_train.csv``, ``faq_test.csv``). Where any is held back, the others are all for
    training.
    """
    found = {name: _of_folder(name) for name in names}
    stems: dict[tuple[str, ...], dict[str, str]] = {}
    for name in names:
        word, rest = _parted(name)
        stems.setdefault(rest, {})[name] = word
    for rest, files in stems.items():
        alone = not rest
        several = len(set(files.values())) > 1
        for name, word in files.items():
            if word and (alone or several):
                found[name] = word
    held = {side for side in found.values() if side in (TEST, VALIDATION)}
    if not held or all(side in (TEST, VALIDATION) for side in found.values()):
        return {}
    return {name: side or TRAIN for name, side in found.items()}


def _of_folder(name: str) -> str:
    words = [_WORDS.get(part.lower(), "") for part in PurePosixPath(name).parent.parts]
    return next((word for word in reversed(words) if word), "")


def _parted(name: str) -> tuple[str, tuple[str, ...]]:
    """The side that a file's name has a word for, and what else its path says."""
    path = PurePosixPath(name)
    stem = path.name.lower().partition(".")[0]
    tokens = [token for token in re.split(r"[^a-z]+", stem) if token not in _AROUND]
    words = [token for token in tokens if token in _WORDS]
    side = _WORDS[words[0]] if len({_WORDS[word] for word in words}) == 1 else ""
    return side, tuple(token for token in tokens if token not in words)
