"""Which part of a conversation columns of other names hold, and which names may go: as settings and flags say it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from data_prep.errors import DataError
from data_prep.row.names import PARTS


def checked(columns: Mapping[str, str]) -> dict[str, str]:
    """Columns and the parts they hold. Raises :class:`DataError` for a part there is none of."""
    for name, part in columns.items():
        if part not in PARTS:
            turned = f"; the column comes first, {part}: {name}" if name in PARTS else ""
            raise DataError(f"the column {name} cannot hold {part!r}: the parts are {', '.join(PARTS)}{turned}")
    return dict(columns)


def columns_of(text: str) -> dict[str, str]:
    """``name=part,name=part``, or a JSON object for names that hold a comma. Raises ValueError for anything else."""
    if text.startswith("{"):
        found = json.loads(text)
        if all(isinstance(part, str) for part in found.values()):
            return dict(found)
        raise ValueError(text)
    pairs = [pair.rpartition("=") for pair in names_of(text)]
    if not all(name and part for name, _, part in pairs):
        raise ValueError(text)
    return {name.strip(): part.strip() for name, _, part in pairs}


def names_of(text: str) -> tuple[str, ...]:
    """``name,name``, or a JSON list for names that hold a comma. Raises ValueError for a list that is not closed."""
    listed: list[Any] = json.loads(text) if text.startswith("[") else text.split(",")
    return tuple(name for each in listed if (name := str(each).strip()))


def written(columns: Mapping[str, str], ignore: tuple[str, ...]) -> dict[str, str]:
    """What :func:`columns_of` and :func:`names_of` read; nothing for what is not set."""
    made = {"columns": json.dumps(columns, ensure_ascii=False)} if columns else {}
    return made | ({"ignore": json.dumps(ignore, ensure_ascii=False)} if ignore else {})
