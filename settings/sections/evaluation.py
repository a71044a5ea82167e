"""What a new model has to answer."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from settings.fields import Number, Section
from settings.problems import refuse


class EvaluationSettings(Section):
    """The questions whose answers decide whether a new model may have traffic."""

    questions: Annotated[str, StringConstraints(strip_whitespace=True, strict=True)] = "golden/general.jsonl"
    minimum_score: Annotated[Number, Field(ge=0, le=1)] = 0.5
    maximum_drop: Annotated[Number, Field(ge=0, le=1)] = 0.1
    latency_seconds: Annotated[Number, Field(gt=0, le=180)] = 30

    @field_validator("questions")
    @classmethod
    def _a_file_of_the_project(cls, questions: str) -> str:
        path = PurePosixPath(questions)
        if questions and (path.is_absolute() or ".." in path.parts or path.suffix != ".jsonl"):
            raise refuse("must be a .jsonl file inside the project", "for example golden/general.jsonl, or nothing")
        return questions
