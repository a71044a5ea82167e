"""Rows of the test file put to the models: the answer that stands there is what theirs is compared with.

The loss on it would take a job of its own on a machine with a GPU for each model; an endpoint gives answers and no
probabilities, so how like the reference they are is what is measured here.
"""

from __future__ import annotations

import hashlib
import heapq
import json
from pathlib import Path
from typing import Any

from chat.phi_messages import Turn
from data_prep.card.card import TEST, VALIDATION, digests
from jobs.evaluation.result import HeldOut
from jobs.golden.questions import SIMILARITY, Check, Question

_LEAST, _MOST = 32, 512  # tokens of an answer
_BYTES = 3  # of text in a token, rather too few than too many


def read(directory: Path, most: int, confidence: float) -> HeldOut:
    """``most`` rows of the test file, the same ones each time, however they are ordered.

    Raises OSError, ValueError, LookupError and TypeError for a file that is none of prepared data.
    """
    path, rows = directory / TEST, 0

    def ranked() -> Any:
        nonlocal rows
        with path.open("rb") as file:
            for line in file:
                rows += 1
                yield hashlib.sha256(line).hexdigest(), line

    chosen = [_question(json.loads(line)["messages"]) for _, line in heapq.nsmallest(most, ranked())]
    found = digests(directory)
    if found is None:
        raise FileNotFoundError(f"{directory} holds no prepared data")
    return HeldOut(
        path=str(path),
        sha256=found[TEST],
        rows=rows,
        validates=VALIDATION not in found,
        questions=tuple(chosen),
        confidence=confidence,
    )


def _question(messages: list[dict[str, Any]]) -> Question:
    """The last question of a conversation, with all that was said before it, as the model has learnt to read it."""
    system = str(messages[0]["content"]) if messages[0]["role"] == "system" else ""
    texts = [str(each["content"]) for each in messages[1 if messages[0]["role"] == "system" else 0 :]]
    *before, asked, answer = texts
    history = tuple(Turn(*pair) for pair in zip(before[::2], before[1::2], strict=True))
    tokens = min(_MOST, max(_LEAST, len(answer.encode()) // _BYTES))
    return Question(asked, (answer,), Check(kind=SIMILARITY, max_tokens=tokens), history, system)
