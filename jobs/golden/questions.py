"""Golden questions: what a model has to know before it may answer anybody, one a line of a file of the project."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from chat.phi_messages import Turn
from cloud.errors import StageError
from jobs.golden.words import number_in

ROOT = Path(__file__).resolve().parents[2]
MOST_QUESTIONS = 200  # a release puts them one after the other, to two models
_LENGTH = 2_000  # characters
ANY, ALL, REGEX, NUMBER, EXACT, SIMILARITY, JUDGE = "any", "all", "regex", "number", "exact", "similarity", "judge"

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=_LENGTH)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    question: _Text
    answers: Annotated[list[_Text], Field(min_length=1)]
    check: Literal["any", "all", "regex", "number", "exact", "similarity", "judge"] = "any"
    never: list[_Text] = []
    tolerance: Annotated[float, Field(ge=0, strict=False)] = 0.0
    max_tokens: Annotated[int, Field(ge=1, le=4_096)] = 128

    @model_validator(mode="after")
    def _can_be_checked(self) -> Self:
        for answer in self.answers:
            if self.check == REGEX:
                try:
                    re.compile(answer)
                except re.error as error:
                    raise ValueError(f"{answer!r} is no regular expression: {error}") from None
            elif self.check == NUMBER and number_in(answer) is None:
                raise ValueError(f"{answer!r} is no number")
        if self.tolerance and self.check != NUMBER:
            raise ValueError("tolerance is of the check number alone")
        return self


@dataclass(frozen=True, kw_only=True)
class Check:
    """How an answer is judged.

    ``never`` are texts that make it wrong, ``tolerance`` is how far a number may be off, and ``max_tokens`` is how
    long the answer may be.
    """

    kind: str = ANY
    never: tuple[str, ...] = ()
    tolerance: float = 0.0
    max_tokens: int = 128


@dataclass(frozen=True)
class Question:
    """``answers`` are all those that are right; one of them is enough, except where all are asked for.

    ``history`` was said before; a ``system`` prompt of its own, "" too, comes in place of the one for all.
    """

    question: str
    answers: tuple[str, ...]
    check: Check = Check()
    history: tuple[Turn, ...] = ()
    system: str | None = None

    @property
    def expected(self) -> str:
        """For people."""
        return (" and " if self.check.kind == ALL else " or ").join(self.answers)


def load(path: str | Path, judge: str = "") -> tuple[Question, ...]:
    """The questions of a file with rows ``{"question": "…", "answers": ["…"]}``; a relative path is the project's.

    Raises StageError that names the first bad line; a question for a judge is one where no ``judge`` is set.
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
        if row.check == JUDGE and not judge:
            raise _bad(path, f"line {number}: check: a judge is asked for, and evaluation.judge names none")
        check = Check(kind=row.check, never=tuple(row.never), tolerance=row.tolerance, max_tokens=row.max_tokens)
        questions.append(Question(row.question, tuple(row.answers), check))
    if not 1 <= len(questions) <= MOST_QUESTIONS:
        raise _bad(path, f"it has {len(questions)} questions; 1 to {MOST_QUESTIONS} can be asked")
    return tuple(questions)


def _bad(path: str | Path, why: str) -> StageError:
    example = json.dumps({"question": "What is the capital of France?", "answers": ["Paris"]})
    todo = f"Mend it (a line is {example}), or name another file in evaluation.questions."
    return StageError("the golden questions cannot be used", on=f"file {path}", why=why, todo=todo)
