"""Whether text holds anything that is looked for, by one scan for all expressions (Hyperscan): a row that is clean,
as nearly all are, costs a few microseconds, and only the others are looked into."""

from __future__ import annotations

from collections.abc import Sequence

import hyperscan

_FLAGS = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_DOTALL


class Prefilter:
    """Regular expressions over bytes, in PCRE's syntax without lookaround."""

    def __init__(self, expressions: Sequence[bytes]) -> None:
        self._database = hyperscan.Database()
        self._database.compile(expressions=list(expressions), flags=_FLAGS)

    def matches(self, text: bytes | memoryview) -> bool:
        """Whether any of the expressions is anywhere in ``text``."""
        try:
            # The library takes any buffer; its stubs know of fewer.
            self._database.scan(text, match_event_handler=_stop)  # type: ignore[type-var]
        except hyperscan.ScanTerminated:  # by the first match
            return True
        return False

    def which(self, text: bytes) -> set[int]:
        """The numbers of the expressions that are anywhere in ``text``."""
        found: set[int] = set()
        self._database.scan(text, match_event_handler=lambda number, *_: found.add(number))
        return found


def _stop(*_: object) -> bool:
    return True
