"""What a file's name says of its format."""

from __future__ import annotations

from pathlib import Path

FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".csv": "csv", ".parquet": "parquet"}
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".xz": "xz"}
READ = f"{', '.join(FORMATS)}; all but .parquet also with {', '.join(COMPRESSIONS)} after it"


def format_of(path: Path) -> tuple[str, str | None] | None:
    """(format, compression) by the file's name; None for one that is not read."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    plain = suffixes[:-1] if compression else suffixes
    found = FORMATS.get(plain[-1]) if plain else None
    return None if found is None or (found == "parquet" and compression) else (found, compression)
