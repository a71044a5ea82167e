"""What the name of a source says, without looking whether it is there: one grammar for settings and `data_prep`."""

from __future__ import annotations

import re
from pathlib import PurePath

SAMPLE = "sample"
AZUREML = "azureml:"
FORMATS = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".xz": "xz"}
READ = f"{', '.join(FORMATS)}; all but .parquet also with {', '.join(COMPRESSIONS)} after it"
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_ASSET = re.compile(r"azureml:[\w.-]+(:[\w.-]+|@latest)|azureml://.+/data/[^/]+/versions/[^/]+")


def format_of(path: PurePath) -> tuple[str, str | None] | None:
    """(format, compression) by a file's name; None for one that is not read."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    plain = suffixes[:-1] if compression else suffixes
    found = FORMATS.get(plain[-1]) if plain else None
    return None if found is None or (found == "parquet" and compression) else (found, compression)


def is_address(name: str) -> bool:
    """Whether it is fetched from somewhere, which no source is; a data asset has a form of its own."""
    return "://" in name and not name.startswith(AZUREML)


def of_the_hub(name: str) -> bool:
    """Whether it names a data set of the hub, as no file, asset or sample is named so."""
    path = any(sign in name for sign in "*?[") or name.startswith((".", "~", "/")) or name.endswith("/")
    other = name == SAMPLE or name.startswith(AZUREML) or path or format_of(PurePath(name)) is not None
    return not other and HUB_NAME.fullmatch(name) is not None


def may_be_source(name: str) -> bool:
    """Whether `data_prep` could find something under it: the sample, an asset, files or a data set."""
    if is_address(name):
        return False
    if name.startswith(AZUREML):
        return _ASSET.fullmatch(name) is not None
    path = any(sign in name for sign in "/*?[") or name.startswith((".", "~"))
    return path or format_of(PurePath(name)) is not None or HUB_NAME.fullmatch(name) is not None
