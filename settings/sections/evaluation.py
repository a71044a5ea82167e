"""What a new model has to answer."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator

from settings.fields import Count, Number, Pattern, Positive, Section, Text
from settings.problems import refuse


class EvaluationSettings(Section):
    """What a new model has to answer before it gets traffic (docs/releases.md)."""

    questions: Annotated[str, StringConstraints(strip_whitespace=True, strict=True)] = "golden/general.jsonl"
    """file in the project, a line {"question": "…", "answers": ["…"]} each; empty: only serving.question"""
    minimum_score: Annotated[Number, Field(ge=0, le=1)] = 0.5
    """the mean score it needs; 1 is every answer right"""
    maximum_drop: Annotated[Number, Field(ge=0, le=1)] = 0.1
    """how much lower it may score than the model in service"""
    # By the field's habit; more asks for more questions before anything is said.
    confidence_percent: Annotated[Number, Field(ge=50, le=99.9)] = 95
    """how sure the comparison with the model in service has to be"""
    unclear: Literal["pass", "fail"] = "pass"
    """what a model does of which the questions cannot tell whether it is worse than the one in service"""
    samples: Annotated[Positive, Field(le=20)] = 1
    """answers to each question: one is the most likely, several are as people get them"""
    test_rows: Annotated[Count, Field(le=500)] = 20
    """rows of the test file that `jobs evaluate` puts to the models beside the questions; 0 for none"""
    latency_seconds: Annotated[Number, Field(gt=0, le=180)] = 30
    """how long an answer may take"""
    latency_percent: Annotated[Number, Field(ge=50, le=100)] = 95
    """so many per cent of the answers have to come within that; 100 is all of them"""
    best_by: Annotated[Text, Pattern(r"[a-z][a-z0-9_]*", "must be the name of a metric, like eval_loss")] = "eval_loss"
    """metric of the jobs by which released: best tells the best recipe; of a loss less is better"""
    # A model judged by a model is an opinion about an opinion: it is asked for.
    judge: Annotated[str, StringConstraints(strip_whitespace=True, strict=True)] = ""
    """https address of chat completions that judge the answers to questions with "check": "judge"; empty: none"""

    @field_validator("judge")
    @classmethod
    def _an_address(cls, judge: str) -> str:
        parts = urlsplit(judge)
        if judge and (parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or parts.query):
            raise refuse("must be an https address without a key in it", "for example https://host/v1/chat/completions")
        return judge

    @field_validator("questions")
    @classmethod
    def _a_file_of_the_project(cls, questions: str) -> str:
        path = PurePosixPath(questions)
        if questions and (path.is_absolute() or ".." in path.parts or path.suffix != ".jsonl"):
            raise refuse("must be a .jsonl file inside the project", "for example golden/general.jsonl, or nothing")
        return questions
