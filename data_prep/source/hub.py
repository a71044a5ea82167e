"""Reading a data set of the Hugging Face hub: as a stream where that is possible, else through its download."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from data_prep.errors import DataError
from data_prep.source.locate import TUTORIAL_SOURCE
from settings.sections.sources import SAMPLE

UNKNOWN = "unknown"
READ = ("arrow", "csv", "json", "parquet")
"""Formats of `datasets` that hold rows and nothing else: no archives of arrays, no pictures, nothing to be decoded."""

_WAY_OUT = f"or set data.source to `{SAMPLE}` (--source {SAMPLE}), which needs no network"


@dataclass(frozen=True)
class DataSet:
    """An opened data set: its commit and licence as the hub states them, rows in its own order, and how many."""

    revision: str
    licence: str
    rows: Iterator[dict[str, Any]]
    total: int | None
    streamed: bool


def opened(name: str, config: str, split: str, revision: str) -> DataSet:
    """Open ``split`` (which may be a part, ``train[:1%]``) of a data set, at a commit, tag or branch (empty: newest).

    Raises :class:`DataError` where there is none such, where it is private or gated, and where the hub cannot be
    reached or asks to slow down.
    """
    datasets = library()
    subject = f"{name} (config {config}, split {split}{f', revision {revision}' if revision else ''})"
    with _explained(name, subject, revision):
        commit, licence = _about(name, revision)
        pinned = commit if commit != UNKNOWN else revision or None
        builder = _builder(datasets, name, config, pinned)
        rows, total = _stream(datasets, builder, split)
        streamed = rows is not None
        if rows is None:
            builder.download_and_prepare()
            table = builder.as_dataset(split=split)
            rows, total = iter(table), len(table)
    return DataSet(commit, licence, _guarded(rows, name, subject, revision), total, streamed)


def _about(name: str, revision: str) -> tuple[str, str]:
    """Commit and licence; unknown where the hub is told to be off, and the cache may still hold the data."""
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import OfflineModeIsEnabled

    if constants.HF_HUB_OFFLINE or os.path.isdir(name):  # noqa: PTH112  a name, which may happen to be a folder's
        return UNKNOWN, UNKNOWN
    try:
        info = HfApi().dataset_info(name, revision=revision or None)
    except OfflineModeIsEnabled:
        return UNKNOWN, UNKNOWN
    stated = getattr(info.card_data, "license", None)
    licence = ", ".join(stated) if isinstance(stated, list) else stated
    return info.sha or UNKNOWN, licence or UNKNOWN


def _builder(datasets: Any, name: str, config: str, revision: str | None) -> Any:
    """What `datasets` reads the data set with; :class:`DataError` where that is more than reading rows.

    A data set is somebody else's: none of its code is run (since version 4, `datasets` has no way to), and nothing of
    it is unpickled or decoded.
    """
    try:
        builder = datasets.load_dataset_builder(name, config, revision=revision)
    except RuntimeError as error:
        if "scripts are no longer supported" not in str(error):
            raise
        raise DataError(
            f"{name} is made by a program of its own ({first_line(error)}), and no code of a data set is run here: "
            f"try the hub's own copy of its rows (data.revision: refs/convert/parquet), {_WAY_OUT}"
        ) from error
    if builder.name not in READ:
        raise DataError(
            f"{name} holds files that are read as {builder.name}; rows are read of {', '.join(READ)} alone: "
            f"try the hub's own copy of its rows (data.revision: refs/convert/parquet), {_WAY_OUT}"
        )
    return builder


def _stream(datasets: Any, builder: Any, split: str) -> tuple[Iterator[dict[str, Any]] | None, int | None]:
    """Rows and their number; None for what only a download can give: a share of a split of unknown size."""
    base, bracket, _ = split.partition("[")
    if "+" in split:
        return None, None
    try:
        stream = builder.as_streaming_dataset(split=base)
    except NotImplementedError:  # a format without a streaming reader
        return None, None
    if stream.features:
        stream = stream.decode(False)  # what pictures there may be beside the texts
    known = (stream.info.splits or {}).get(base)
    total = known.num_examples if known is not None else None
    if not bracket:
        return iter(stream), total
    if not total:
        return None, None
    part = datasets.ReadInstruction.from_spec(split).to_absolute({base: total})[0]
    start, stop = part.from_ or 0, total if part.to is None else part.to
    return iter(stream.skip(start).take(stop - start) if start else stream.take(stop)), stop - start


def _guarded(rows: Iterator[dict[str, Any]], name: str, subject: str, revision: str) -> Iterator[dict[str, Any]]:
    with _explained(name, subject, revision):
        yield from rows


@contextmanager
def _explained(name: str, subject: str, revision: str) -> Iterator[None]:
    """Turn what the libraries raise into one :class:`DataError`."""
    from huggingface_hub import constants

    datasets = library()
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # each transport of the hub raises types of its own
        status = _status(error)
        if isinstance(error, datasets.exceptions.DatasetNotFoundError) or status in (401, 403, 404):
            raise DataError(_not_found(name, revision)) from error
        if status == 429:
            raise DataError(
                f"the Hugging Face hub asks to slow down (429) while reading {subject}: try again in a few minutes, "
                f"set HF_TOKEN for a higher limit, {_WAY_OUT}"
            ) from error
        # Unknown split or config, a slice that cannot be read; no file that `datasets` knows.
        if status is None and isinstance(error, ValueError | datasets.exceptions.DataFilesNotFoundError):
            raise DataError(f"cannot read {subject}: {first_line(error)}") from error
        raise DataError(_unreachable(subject, constants.ENDPOINT, error)) from error


def _status(error: BaseException | None) -> int | None:
    """The HTTP status behind an error, however it was wrapped on the way."""
    while error is not None:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
        error = error.__cause__ or error.__context__
    return None


def _not_found(name: str, revision: str) -> str:
    at = f" at revision {revision}" if revision else ""
    return (
        f"there is no data set {name}{at} on the Hugging Face hub, or it is private or gated: check its name, "
        f"accept its terms there and set HF_TOKEN, {_WAY_OUT} (the tutorial's is {TUTORIAL_SOURCE})"
    )


def _unreachable(subject: str, endpoint: str, error: BaseException) -> str:
    return (
        f"cannot read {subject} from the Hugging Face hub: {first_line(error)}. It needs HTTPS to {endpoint} and "
        f"the storage hosts it names; check the network and its proxy, {_WAY_OUT}"
    )


def library() -> Any:
    """The `datasets` package, told to count no downloads and to keep its retries to itself."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import datasets

    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False
    datasets.disable_progress_bars()  # there is one of our own
    # Five "retrying" lines say less than the one message above.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    return datasets


def first_line(error: BaseException) -> str:
    """What an error says, as far as it fits into a sentence."""
    text = without_query(str(error)).strip().splitlines()
    return text[0].rstrip(" .") if text else type(error).__name__


def without_query(text: str) -> str:
    """A text without what addresses in it have behind their `?`, where the hub and Azure sign those of files."""
    return re.sub(r"(/[^\s\"'?]*\?)[^\s\"']+", r"\1...", text)
