"""What a new model has to answer."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from settings.fields import Number, Section
from settings.problems import refuse


class EvaluationSettings(Section):
    """What a new model has to answer before it gets traffic (docs/releases.md)."""

    questions: Annotated[str, StringConstraints(strip_whitespace=True, strict=True)] = "golden/general.jsonl"
    """file in the project, a line {"question": "…", "answers": ["…"]} each; empty: only serving.question"""
    minimum_score: Annotated[Number, Field(ge=0, le=1)] = 0.5
    """the mean score it needs; 1 is every answer right"""
    maximum_drop: Annotated[Number, Field(ge=0, le=1)] = 0.1
    """how much lower it may score than the model in service"""
    latency_seconds: Annotated[Number, Field(gt=0, le=180)] = 30
    """longest an answer may take"""

    @field_validator("questions")
    @classmethod
    def _a_file_of_the_project(cls, questions: str) -> str:
        path = PurePosixPath(questions)
        if questions and (path.is_absolute() or ".." in path.parts or path.suffix != ".jsonl"):
            raise refuse("must be a .jsonl file inside the project", "for example golden/general.jsonl, or nothing")
        return questions
