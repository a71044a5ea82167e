"""Where rows come from: a data set on the Hugging Face hub, the bundled sample or a local file.

All three are read by `datasets`.
"""

from __future__ import annotations

import json
import logging
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_prep.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset

SAMPLE = "sample"
SAMPLE_FILE = Path(__file__).parent / "sample" / "conversations.jsonl"
TUTORIAL_SOURCE = "HuggingFaceH4/ultrachat_200k"
TUTORIAL_SPLIT = "train_sft[:1%]"

_BUILDERS = {".jsonl": "json", ".json": "json", ".parquet": "parquet"}
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_AT_LEAST = "at least two rows with `messages` are needed"


@dataclass(frozen=True)
class Source:
    """A located source: ``path`` is None for the hub; ``label`` is how messages call it."""

    kind: str  # hub, sample or file
    label: str
    path: Path | None = None


def locate(name: str, base: Path) -> Source:
    """Say what ``name`` is: ``sample``, a local file (relative to ``base``) or a data set on the hub.

    Raises :class:`DataError` for a file that is missing, empty or of a type that is not read, and for a
    name that is neither.
    """
    if name == SAMPLE:
        return Source("sample", "the bundled sample", SAMPLE_FILE)
    path = base / Path(name).expanduser()
    if path.is_dir():
        raise DataError(f"{path} is a directory: name one file ({', '.join(_BUILDERS)}) as the source")
    if not path.is_file():
        if Path(name).suffix in _BUILDERS or not _HUB_NAME.fullmatch(name):
            raise DataError(
                f"there is no file {path}: the source is a path to a file ({', '.join(_BUILDERS)}), "
                f"the name of a data set on the Hugging Face hub ({TUTORIAL_SOURCE}) or `{SAMPLE}`"
            )
        return Source("hub", name)
    if path.suffix not in _BUILDERS:
        raise DataError(f"{path} cannot be read: its name ends in none of {', '.join(_BUILDERS)}")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty: {_AT_LEAST}")
    return Source("file", name, path)


@contextmanager
def opened(source: Source, config: str, split: str) -> Iterator[Dataset]:
    """Yield the rows of ``source`` in its own order, as a `datasets.Dataset`.

    A file's rows go through a cache directory that lives as long as the block; the hub's stay in the user's
    cache.

    Raises :class:`DataError` where they cannot be read.
    """
    if source.path is None:
        yield _from_hub(source.label, config, split)
        return
    with tempfile.TemporaryDirectory(prefix="data_prep-") as cache:
        rows = _from_file(source.path, file_split(split), cache)
        try:
            yield rows
        except UnicodeError as error:  # arrow finds out only when the text is asked for
            if _BUILDERS[source.path.suffix] == "json":
                _explain(source.path)
            raise DataError(f"{source.path} holds text that is not UTF-8: {error}") from error


def file_split(split: str) -> str:
    """The split to read of a file. A file has one, which `datasets` calls ``train``.

    The default split is a part of the tutorial's data set, so it does not apply to a file: all of its rows
    are read. A part of a file has to be asked for by name, as in ``train[:100]``.
    """
    return "train" if split == TUTORIAL_SPLIT else split


def _from_hub(name: str, config: str, split: str) -> Dataset:
    datasets = _datasets()
    from huggingface_hub import constants

    # Five "retrying" lines say less than the one message below.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    subject = f"{name} (config {config}, split {split})"
    alternative = f"or set data.source to `{SAMPLE}` (--source {SAMPLE}), which needs no network"
    try:
        return datasets.load_dataset(name, config, split=split)
    except datasets.exceptions.DatasetNotFoundError as error:
        raise DataError(
            f"there is no data set {name} on the Hugging Face hub, or it is private or gated: check its "
            f"name, accept its terms there and set HF_TOKEN, {alternative}"
        ) from error
    except ValueError as error:  # unknown split, unknown config, a slice that cannot be read
        raise DataError(f"cannot read {subject}: {_first_line(error)}") from error
    except Exception as error:  # each transport of the hub raises types of its own
        raise DataError(
            f"cannot read {subject} from the Hugging Face hub: {_first_line(error)}. It needs HTTPS to "
            f"{constants.ENDPOINT} and the storage hosts it names; check the network and its proxy, "
            f"{alternative}"
        ) from error


def _from_file(path: Path, split: str, cache: str) -> Dataset:
    datasets = _datasets()
    bars = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    level = datasets.logging.get_verbosity()
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)  # what goes wrong is told below, once
    try:
        return datasets.load_dataset(
            _BUILDERS[path.suffix], data_files={"train": str(path)}, split=split, cache_dir=cache
        )
    except Exception as error:  # arrow and the builders have many; all mean a file that cannot be read
        if _BUILDERS[path.suffix] == "json":
            _explain(path)
        reason = _first_line(error.__cause__ or error)
        raise DataError(f"cannot read {path} (split {split}): {reason}") from error
    finally:
        datasets.logging.set_verbosity(level)
        if bars:
            datasets.enable_progress_bars()


def _explain(path: Path) -> None:
    """Raise the :class:`DataError` that says which line of a JSON file is broken; return if none is."""
    if path.suffix == ".json" and _is_one_document(path):
        return
    rows = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            rows += 1
            try:
                row = json.loads(line.removeprefix(b"\xef\xbb\xbf"))
            except UnicodeDecodeError as error:
                raise DataError(f"{path}:{number} is not UTF-8 ({error.reason} at byte {error.start})") from error
            except ValueError as error:
                raise DataError(f"{path}:{number} is not valid JSON: {error}") from error
            if _half_a_surrogate(row):
                raise DataError(f"{path}:{number} has half of a surrogate pair, \\ud800 to \\udfff")
            if not isinstance(row, dict):
                raise DataError(f"{path}:{number} is JSON but no object: each line must be one row with `messages`")
    if not rows:
        raise DataError(f"{path} holds no rows: {_AT_LEAST}")


def _half_a_surrogate(row: object) -> bool:
    """Whether ``row`` has an escape that JSON allows and Unicode does not, so that it cannot be written."""
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _is_one_document(path: Path) -> bool:
    """Whether a .json file is one valid JSON value.

    Raises :class:`DataError` where it opens as a list of rows and is broken.
    """
    content = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    try:
        if not json.loads(content):
            raise DataError(f"{path} holds no rows: {_AT_LEAST}")
    except UnicodeDecodeError:
        return False  # the reading by lines says where
    except json.JSONDecodeError as error:
        if content.lstrip().startswith(b"["):
            raise DataError(f"{path}:{error.lineno} is not valid JSON: {error}") from error
        return False  # JSON Lines under another name
    return True


def line_of(path: Path, row: int) -> int | None:
    """The line (from 1) that holds row ``row`` (from 0) of a JSON Lines file, blank lines not being rows."""
    if path.suffix != ".jsonl":
        return None
    with path.open("rb") as file:
        numbers = (number for number, line in enumerate(file, start=1) if line.strip())
        return next((number for at, number in enumerate(numbers) if at == row), None)


def _datasets() -> Any:
    """The `datasets` package, told to count no downloads: it would call out even for a local file."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import datasets

    datasets.config.HF_UPDATE_DOWNLOAD_COUNTS = False
    return datasets


def _first_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return text[0].rstrip(".") if text else type(error).__name__
