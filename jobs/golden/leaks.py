"""Golden questions that stand in the training data: a model that has learnt them by heart shows nothing by them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from jobs.golden.questions import Question
from jobs.golden.words import words

_LONGER = 2  # times as long as a question, with the marks and blanks that do not count


def leaked(questions: Sequence[Question], files: Iterable[Path]) -> tuple[str, ...]:
    """The questions that somebody asks in the files, word for word, in their order.

    The files are prepared data; one that is not there has none. Raises OSError and ValueError for what cannot be read.
    """
    wanted = {" ".join(words(each.question)): each.question for each in questions}
    longest = max((len(each.question) for each in questions), default=0) * _LONGER
    found: set[str] = set()
    for file in files:
        if not file.exists():
            continue
        with file.open(encoding="utf-8") as lines:
            for line in lines:
                found |= {
                    key for text in _asked(line) if len(text) <= longest and (key := " ".join(words(text))) in wanted
                }
    return tuple(question for key, question in wanted.items() if key in found)


def _asked(line: str) -> Iterable[str]:
    messages: list[dict[str, Any]] = json.loads(line)["messages"]
    return (str(each["content"]) for each in messages if each["role"] == "user")
