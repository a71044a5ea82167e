"""A stack whose models are asked for an evaluation, and an evaluation that is made."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jobs_fake import Stop
from status_azure import MLFLOW, NOW, STACK, WANTED, Azure, book

from chat.phi_messages import Answer, ChatError, ChatRequest
from cloud.services.mlflow import Point
from jobs.evaluation import gather
from jobs.evaluation.result import BASE, SERVING, TUNED, Candidate, Evaluation, HeldOut, Losses
from jobs.golden import golden
from jobs.golden.golden import Result, Sample, Scores
from jobs.golden.questions import Question
from jobs.status.stack import Stack
from jobs.training.spec import FinetuneSpec
from settings.sections.evaluation import EvaluationSettings

QUESTIONS = {
    "What is the capital of France?": "Paris",
    "What is the capital of France, the country?": "Paris",
    "What is France's capital?": "Paris",
    "Which city is the capital of France?": "Paris",
    "Who founded Microsoft?": "Bill Gates and Paul Allen",
    "By whom was Microsoft founded?": "Bill Gates and Paul Allen",
}
RIGHT, WRONG = "It is Paris; Bill Gates and Paul Allen.", "I do not know."


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    file = tmp_path / "golden.jsonl"
    rows = [{"question": question, "answers": [answer]} for question, answer in QUESTIONS.items()]
    file.write_text("\n".join(map(json.dumps, rows)))
    return dataclasses.replace(STACK, evaluation=STACK.evaluation.model_copy(update={"questions": str(file)}))


@pytest.fixture
def finetune(stack: Stack) -> FinetuneSpec:
    assert stack.stages is not None
    return stack.stages.finetune


@pytest.fixture
def said(azure: Azure, monkeypatch: pytest.MonkeyPatch, finetune: FinetuneSpec) -> dict[str, str | ChatError]:
    """What each deployment says to everything; the fine-tuned one is right and in service, the base model is wrong."""
    azure.job(finetune.job_name(1), "Completed", 2, ended=1)
    azure.registered()
    azure.deployment("base")
    azure.deployment(WANTED.deployment_name, traffic=100)
    for one in azure.deployments:
        if one["name"] == WANTED.deployment_name:
            one["tags"]["model"] = f"{finetune.finetune.model_name}:{finetune.model_version}"
        else:
            one["tags"]["model"] = finetune.base_model.model_uri
    azure.get(STACK.endpoint_path, endpoint({"base": 0, WANTED.deployment_name: 100}))
    azure.then("POST", f"{STACK.endpoint_path}/listKeys", (200, {}, {"primaryKey": "the-key"}))
    losses = [{"key": "k", "value": 4 - step, "step": str(step), "timestamp": "0"} for step in range(3)]
    azure.get(f"{MLFLOW}/metrics/get-history", {"metrics": losses})
    azure.then("POST", f"{MLFLOW}/runs/log-batch", (200, {}, {}))
    answers: dict[str, str | ChatError] = {"base": WRONG, WANTED.deployment_name: RIGHT}

    def ask(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        assert (url, key, timeout) == ("https://phi/score", "the-key", 90)
        answer = answers[request.deployment]
        if isinstance(answer, ChatError):
            raise answer
        return Answer(answer, request.deployment, 0.5)

    monkeypatch.setattr(golden, "ask", ask)
    return answers


def endpoint(traffic: dict[str, int]) -> dict[str, Any]:
    return {"properties": {"provisioningState": "Succeeded", "traffic": traffic, "scoringUri": "https://phi/score"}}


def evaluate(stack: Stack, folder: Path, minimum: float | None = None) -> Evaluation:
    return gather.evaluate(stack, book(folder), lambda line: None, Stop(), minimum)


Said = dict[str, str | ChatError]


def made(answer: str, note: str = "") -> Evaluation:
    def scores(points: float) -> Scores:
        return Scores(
            "m",
            (Result("Who? | [x](y)", "me", (Sample(answer=answer, score=points, exact=points == 1, seconds=0.25),)),),
        )

    curve = tuple(Point(value, step * 10, 0.0) for step, value in enumerate((4.0, 2.0, 3.0)))
    return Evaluation(
        stack="dev",
        at=NOW,
        model="phi:1",
        base_model="Phi-4-mini-instruct:1",
        note=note,
        job="finetune-1-1",
        job_url="javascript:alert(1)",
        losses=Losses(curve, curve),
        candidates=(Candidate(BASE, "base", scores(0.0)), Candidate(TUNED, "phi:1", scores(1.0))),
        not_compared=("nothing",),
        questions=1,
        leaked=("Who? | [x](y)",),
        settings=EvaluationSettings(),
    )


def scores(deployment: str, *samples: tuple[Sample, ...]) -> Scores:
    """Of questions with the numbers 1, 2, …, each with its answers."""
    results = (Result(f"Question {number}?", f"right {number}", each) for number, each in enumerate(samples, 1))
    return Scores(deployment, tuple(results))


def sample(answer: str, score: float, seconds: float, *, error: str = "", cut_off: bool = False) -> Sample:
    return Sample(answer=answer, score=score, exact=score == 1, seconds=seconds, error=error, cut_off=cut_off)


ASKED = (
    Candidate(
        BASE,
        "Phi-4-mini-instruct:1",
        scores("base", (sample("no", 0.0, 2.0),), (sample("", 0.0, 0.0, error="the model raised an error (424)"),)),
    ),
    Candidate(
        TUNED,
        "phi:7",
        scores(
            "m1",
            (sample("right 1", 1.0, 0.25), sample("nearly", 0.5, 0.75, cut_off=True)),
            (sample("right  2\nit is", 1.0, 1.5),),
        ),
    ),
    Candidate(SERVING, "phi:6", scores("m0", (sample("right 1", 1.0, 0.5),), (sample("right 2", 1.0, 0.5),))),
)
WHOLE = Evaluation(
    stack="dev",
    at=datetime(2026, 11, 25, 12, 5, tzinfo=UTC),
    model="phi:7",
    base_model="Phi-4-mini-instruct:1",
    note="a stand-in",
    job="finetune-1-2",
    job_url="https://ml.azure.com/runs/finetune-1-2",
    losses=Losses((Point(4.0, 10, 100.0), Point(2.5, 20, 200.0)), (Point(2.0, 10, 100.0), Point(3.0, 20, 200.0))),
    candidates=ASKED,
    not_compared=("seconds: a | b",),
    questions=2,
    leaked=("Question 1?",),
    settings=EvaluationSettings(minimumScore=0.9, maximumDrop=0.2, confidencePercent=90),  # type: ignore[call-arg]
    asked_otherwise="it learnt otherwise",
    test=HeldOut(
        path="data/test_data.jsonl",
        sha256="abc",
        rows=9,
        validates=True,
        questions=(Question("Where?", ("Here",)),) * 3,
        candidates=ASKED[:2],
        confidence=90,
    ),
)
"""An evaluation that has something in each of its fields."""
