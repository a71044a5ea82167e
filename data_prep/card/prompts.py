"""Whether a model is asked as it was trained: with a system prompt, or without one."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from pathlib import Path

_LOOKED_AT = 2_000
"""Rows from the beginning, which are in no order: what most of them do, these show."""
_SHOWN = 60


def disagreement(train: Path, asked: str) -> str:
    """What is otherwise, in half a sentence; "" where nothing is, or most of the rows say the same.

    ``asked`` is the system prompt that those who chat send, "" for none. Raises OSError, ValueError, LookupError and
    TypeError for a file that is none of prepared data.
    """
    found: Counter[str] = Counter()
    with train.open(encoding="utf-8") as lines:
        for line in itertools.islice(lines, _LOOKED_AT):
            first = json.loads(line)["messages"][0]
            found[str(first["content"]).strip() if first["role"] == "system" else ""] += 1
    if not found:
        return ""
    usual, rows = found.most_common(1)[0]
    total = found.total()
    without = found[""]
    if not asked and without * 2 < total:
        return (
            f"{total - without} of {total} conversations to train on begin with a system prompt "
            f"({_short(usual)}), and flow.systemPrompt is empty: the model is asked otherwise than it learnt"
        )
    if asked and without * 2 > total:
        return (
            f"flow.systemPrompt is set, and {without} of {total} conversations to train on begin without a system "
            "prompt: the model is asked otherwise than it learnt"
        )
    if asked and usual and rows * 2 > total and usual != asked.strip():
        return (
            f"flow.systemPrompt is {_short(asked)}, and {rows} of {total} conversations to train on begin with "
            f"{_short(usual)}: the model is asked otherwise than it learnt"
        )
    return ""


def _short(prompt: str) -> str:
    line = " ".join(prompt.split())
    return repr(line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…")
