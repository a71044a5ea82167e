"""Guessing languages, from the sample of rows that is kept while the others go by."""

from __future__ import annotations

from collections import Counter
from typing import Any

from data_prep.card.stats import Stats

_CHARACTERS = 400  # of a row: more would change little


def guessed(stats: Stats) -> dict[str, int]:
    """ISO 639-1 code → rows, most frequent first; a guess for each row by `py3langid`."""
    if not stats.sample:
        return {}
    import py3langid

    votes = Counter(str(py3langid.classify(_text(messages))[0]) for _, messages in stats.sample)
    return dict(sorted(votes.items(), key=lambda item: (-item[1], item[0])))


def _text(messages: list[dict[str, Any]]) -> str:
    return " ".join(str(message["content"]) for message in messages)[:_CHARACTERS]
