"""Golden questions: what a model has to know before it may answer anybody, one a line of a file of the project."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from cloud.errors import StageError

ROOT = Path(__file__).resolve().parents[2]
MOST_QUESTIONS = 200  # a release puts them one after the other, to two models
_LENGTH = 2_000  # characters

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=_LENGTH)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    question: _Text
    answers: Annotated[list[_Text], Field(min_length=1)]


@dataclass(frozen=True)
class Question:
    """``answers`` are all those that are right; one of them is enough."""

    question: str
    answers: tuple[str, ...]


def load(path: str | Path) -> tuple[Question, ...]:
    """The questions of a file with rows ``{"question": "…", "answers": ["…"]}``; a relative path is the project's.

    Raises StageError that names the first bad line.
    """
    place = ROOT / path
    try:
        text = place.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _bad(path, f"it cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from None
    questions: list[Question] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = _Row.model_validate_json(line)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise _bad(path, f"line {number}: {f'{where}: ' if where else ''}{first['msg']}") from None
        questions.append(Question(row.question, tuple(row.answers)))
    if not 1 <= len(questions) <= MOST_QUESTIONS:
        raise _bad(path, f"it has {len(questions)} questions; 1 to {MOST_QUESTIONS} can be asked")
    return tuple(questions)


def _bad(path: str | Path, why: str) -> StageError:
    example = json.dumps({"question": "What is the capital of France?", "answers": ["Paris"]})
    todo = f"Mend it (a line is {example}), or name another file in evaluation.questions."
    return StageError("the golden questions cannot be used", on=f"file {path}", why=why, todo=todo)
