"""The columns of one row by what their names mean; which of them were made use of is known afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from data_prep.row.names import PARTS, is_empty, snake
from data_prep.row.rules import Problem


class Fields:
    """A row, seen by the shapes. ``columns`` says of names (in :func:`~data_prep.row.names.snake` form) which part they
    hold, ``ignore`` which are not there."""

    def __init__(self, row: Mapping[Any, Any], columns: Mapping[str, str], ignore: frozenset[str]) -> None:
        self.row = row
        self.ignore = ignore
        self.more: list[str] = []
        """Keys below a column, of a message for one, that nothing is made of."""
        self.aside = ""
        """Why what was read says itself that it is not to be learnt; the row's own columns aside."""
        self.wrong: list[Problem] = []
        """What below a column cannot be read as it is."""
        self._used: set[Any] = set()
        self._keys: dict[str, Any] = {}
        self._mapped: dict[str, Any] = {}
        for key, value in row.items():
            name = snake(str(key))
            if name in ignore or is_empty(value):
                continue
            if part := columns.get(name):
                self._mapped.setdefault(part, key)
            else:
                self._keys.setdefault(name, key)

    def mapped(self, part: str) -> Any:
        """The column that the settings name for a part."""
        return self._mapped.get(part)

    def has(self, part: str) -> bool:
        """Whether any column holds this part."""
        return self.key(part) is not None

    def key(self, part: str) -> Any:
        """The column of a part: the one the settings name, else the first by the usual names."""
        return self._mapped[part] if part in self._mapped else self.named(*PARTS[part])

    def named(self, *names: str) -> Any:
        """The first column that has one of these names; None where there is no such column."""
        return next((self._keys[name] for name in names if name in self._keys), None)

    def take(self, part: str) -> Any:
        """The value of :meth:`key`, which is thereby made use of; None where there is no such column."""
        return self.use(self.key(part))

    def use(self, key: Any) -> Any:
        """The value of a column that is made use of."""
        if key is None:
            return None
        self._used.add(key)
        return self.row[key]

    def value(self, part: str) -> Any:
        """The value of :meth:`key`, which is only looked at."""
        key = self.key(part)
        return None if key is None else self.row[key]

    def unused(self) -> Iterator[tuple[str, str | None]]:
        """Columns that hold something and were not made use of, and the part that the settings say they hold."""
        used = [self.row[key] for key in self._used]
        parts = {key: part for part, key in self._mapped.items()}
        for key, value in self.row.items():
            if key in self._used or snake(str(key)) in self.ignore or is_empty(value) or value in used:
                continue
            yield str(key), parts.get(key)
