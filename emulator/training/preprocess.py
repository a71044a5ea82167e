"""What the component's step chat_completion_datapreprocess makes of the files.

    python -m emulator.training.preprocess --job JOB.json

Written after azureml-assets' src/preprocess/preprocess.py and azureml-acft-contrib-hf-nlp 0.0.91 (its
tasks/chat_completion/preprocess and utils/validation_utils.py), and after what they did with rows of every kind. The
rows that it drops it drops without a word; only this log counts them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.training.batches import Encoded
from emulator.training.errors import ComponentError, FirstRowError, TrainingError
from emulator.training.model.folder import load
from emulator.training.model.tokenizer import ChatTokenizer, prompt_room
from emulator.training.recipe import Job, Recipe, read_job

LEAST = 10
"""Rows to train on, once what is empty has been left out. The other files may have fewer."""
CONTEXT = 131_072
"""Tokens of a row where the recipe sets no max_seq_length: the model_max_length of Phi-4-mini's tokenizer."""
Row = dict[str, Any]
Slice = tuple[int, int] | None
"""Per cent from and to; None for all rows."""


@dataclass(frozen=True)
class Prepared:
    """Conversations to learn from and to measure on, and what was done to get them, a line each."""

    training: list[Encoded]
    validation: list[Encoded]
    told: list[str]


def slices(*, validation: bool, test: bool) -> tuple[Slice, Slice, Slice]:
    """What is read of each file; a file that is not given is cut from the training file."""
    if validation and test:
        return None, None, None
    if validation:
        return (0, 80), None, (80, 100)
    if test:
        return (0, 80), (80, 100), None
    return (0, 80), (80, 90), (90, 100)


def prepare(job: Job, recipe: Recipe, tokenizer: ChatTokenizer, window: int) -> Prepared:
    """The files as the training step gets them, each row cut to ``window``, the context of the stand-in.

    Raises:
        ComponentError: the component ends so, in these words.
        FirstRowError: it crashes.
    """
    parts = slices(validation=job.validation_file is not None, test=job.test_file is not None)
    files = (job.train_file, job.validation_file or job.train_file, job.test_file or job.train_file)
    splits = [_cut(_load(file), part) for file, part in zip(files, parts, strict=True)]
    told = [f"{len(splits[0])} rows of {job.train_file.name} to train on{_percent(parts[0])}"]
    kept = [_validated(rows, file, train=at == 0) for at, (rows, file) in enumerate(zip(splits, files, strict=True))]
    limit = min(recipe.max_seq_length, CONTEXT) if recipe.max_seq_length > 0 else CONTEXT
    encoded = [_encoded(rows, tokenizer, limit) for rows in kept]
    if not all(encoded):
        raise ComponentError(
            "ACFTUserException",
            "Unable to continue finetuning. No assistant tokens found after preprocessing.\n"
            "1. Please increase the :param `max_seq_len` to higher value and try again.\n"
            "2. This could also be an issue with ChatSpecialTokens. Please report the issue for resolution.\n",
        )
    for name, before, after in zip(("train", "validation", "test"), splits, encoded, strict=True):
        if lost := len(before) - len(after):
            told.append(f"{lost} of {len(before)} rows of the {name} split have nothing to learn from and are dropped")
    training, validation = ([fitted(row, window) for row in rows] for rows in encoded[:2])
    return Prepared(training, validation, told)


def _percent(part: Slice) -> str:
    return f", {part[0]} to {part[1]} % of it, as not all three files are given" if part else ""


def _cut(rows: list[Row], part: Slice) -> list[Row]:
    """As datasets cuts train[:80%]: to the nearest row."""
    if part is None:
        return rows
    first, last = (round(len(rows) * percent / 100) for percent in part)
    return rows[first:last]


def _load(path: Path) -> list[Row]:
    """What `datasets` makes of JSON Lines: one type for a column, in all rows."""
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
        if not rows or not all(_sound(row) for row in rows):
            raise ValueError
    except FileNotFoundError:
        raise TrainingError(f"there is no data file {path}") from None
    except ValueError:  # no JSON, no UTF-8, or of mixed types
        raise ComponentError(
            "ACFTDataException",
            "Error while loading the dataset: An error occurred while generating the dataset \n "
            "Please validate your data by launching run through notebooks at https://github.com/Azure/azureml-examples/"
            "tree/main/sdk/python/foundation-models/system/finetune \n"
            "or alternately try loading each of your data file using the following code snippet \n"
            "```\nfrom datasets.load import load_dataset\n"
            "ds = load_dataset('json', data_files='path_to_file',split='train', **{})\n```",
        ) from None
    columns = list(dict.fromkeys(key.strip() for row in rows for key in row))
    if "messages" not in columns:
        raise ComponentError(
            "ACFTDataException",
            f"Path or dict: {path}.Dataset Columns: {columns}.User Passed Columns: ['messages'].",
        )
    return rows


def _sound(row: Any) -> bool:
    """Whether a row fits a column of lists of {role, content}, nulls included."""
    if not isinstance(row, dict):
        return False
    messages = row.get("messages")
    if messages is None:
        return True
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        return False
    texts = [message.get(key) for message in messages for key in ("role", "content")]
    return all(text is None or (isinstance(text, str) and _utf8(text)) for text in texts)


def _utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _validated(rows: list[Row], path: Path, *, train: bool) -> list[Row]:
    """Without what is empty or a single message; the ten-row rule holds for what is trained on, before and after."""
    for least in (1, 2):
        rows = [row for row in rows if len(row.get("messages") or ()) >= least]
        if not rows:
            raise ComponentError("ACFTDataException", f"Found no examples after data preprocessing for {path}")
        if train and len(rows) < LEAST:
            raise ComponentError(
                "ACFTDataException",
                f"Training dataset has {len(rows)} non-null samples, which is fewer than {LEAST} samples, which is the "
                "min required to finetune. Please check your training dataset or provide a validation dataset"
                "(training dataset will be split if no validation dataset).",
            )
    for message in (message for row in rows for message in row["messages"]):
        for key in ("role", "content"):
            if message.get(key) is None:
                raise ComponentError(
                    "ACFTValidationException",
                    f"Failure while applying chat template to dataset: 'dict object' has no attribute '{key}'",
                )
    return rows


def _encoded(rows: list[Row], tokenizer: ChatTokenizer, limit: int) -> list[Encoded]:
    """Rows cut to ``limit`` tokens, those left out that then have nothing to learn.

    Where the first is one of those and another is not, datasets.map has not opened the file that it writes to.
    """
    found: list[Encoded | None] = []
    for row in rows:
        ids = tokenizer.template(row["messages"])[:limit]
        flags = learned(ids, tokenizer.role("user"), tokenizer.role("assistant"))
        found.append((ids, flags) if any(flags) else None)
    encoded = [each for each in found if each is not None]
    if encoded and found[0] is None:
        raise FirstRowError
    return encoded


def learned(ids: Sequence[int], user: int, assistant: int) -> list[bool]:
    """Which tokens count in the loss: as the component's collator masks by the marks before questions and answers."""
    answers = [at + 1 for at, token in enumerate(ids) if token == assistant]
    questions = [at for at, token in enumerate(ids) if token == user]
    if not answers or not questions:
        return [False] * len(ids)
    if questions[0] > answers[0]:
        questions.insert(0, 0)
    flags = [True] * len(ids)
    for number, (start, end) in enumerate(zip(questions, answers, strict=False)):
        first = start if number else 0
        flags[first:end] = [False] * (end - first)
    if len(answers) < len(questions):
        flags[questions[-1] :] = [False] * (len(ids) - questions[-1])
    return flags


def fitted(row: Encoded, window: int) -> Encoded:
    """At most ``window`` tokens. A first question so long that no answer would fit loses its beginning.

    The component does no such thing: the stand-in's context is smaller than Phi's.
    """
    ids, flags = row
    start = max(0, flags.index(True) - prompt_room(window))
    return ids[start:][:window], flags[start:][:window]


def write(prepared: Prepared, path: Path) -> None:
    """What the training step reads with :func:`read`."""
    path.write_text(json.dumps({"training": prepared.training, "validation": prepared.validation}))


def read(path: Path) -> Prepared:
    """What :func:`write` wrote."""
    content = json.loads(path.read_text())
    training, validation = ([(ids, flags) for ids, flags in content[name]] for name in ("training", "validation"))
    return Prepared(training, validation, [])


def main(arguments: list[str] | None = None) -> None:
    """Command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m emulator.training.preprocess", description=__doc__.split("\n")[0])
    parser.add_argument("--job", type=Path, required=True, help="the job file, JSON")
    job, recipe = read_job(parser.parse_args(arguments).job)
    base = load(job.base_model)
    prepared = prepare(job, recipe, base.tokenizer, recipe.window(base.shape.window))
    print("\n".join(prepared.told))
    if job.prepared:
        write(prepared, job.prepared)


if __name__ == "__main__":
    try:
        main()
    except TrainingError as e:
        print(e.report)
        sys.exit(1)
