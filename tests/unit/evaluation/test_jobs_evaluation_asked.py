"""What an evaluation asks, of whom, and what it says of what it could not ask."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
from evaluation_made import QUESTIONS, Said, evaluate
from jobs_fake import Stop
from status_azure import MLFLOW, NOW, STACK, WANTED, Azure, book

from chat.phi_messages import Answer, ChatRequest
from cloud.errors import StageError
from cloud.services.mlflow import Point
from jobs.evaluation import gather
from jobs.evaluation.result import BASE, SERVING, TUNED, Losses
from jobs.golden import golden
from jobs.golden.golden import Asking
from jobs.status.stack import Stack
from jobs.status.status import Deployment
from jobs.training.spec import FinetuneSpec

NO_LEAKS = "leaks: the training data are not on this machine, so no question was looked for in them"
NO_TEST = "test file: it is not on this machine (make data), or is on Azure alone (data.runOn: cluster)"
BEFORE = "held-out loss of the base model: the fine-tuning component measures after epochs, never before the first"
ITSELF = "model in service: it is the fine-tuned model itself"
NOT_BESIDE = "base model: it is not deployed; serving.compareWithBase: true keeps it beside the fine-tuned one"


def at(stack: Stack, folder: Path, **more: Any) -> Stack:
    """With its data in that folder."""
    assert stack.stages is not None and stack.stages.dataset is not None
    data = dataclasses.replace(stack.stages.dataset, directory=str(folder), **more)
    return dataclasses.replace(stack, stages=dataclasses.replace(stack.stages, dataset=data))


def test_everything_that_is_found_is_in_the_result(
    said: Said, azure: Azure, stack: Stack, finetune: FinetuneSpec, tmp_path: Path
) -> None:
    registry = "https://eastus.api.azureml.ms/registrymanagement/v1.0/registries/azureml/discovery"
    front = "https://eastus.api.azureml.ms/"
    azure.get(registry, {"primaryRegionResourceProviderUri": front, "subscriptionId": "s", "resourceGroup": "r"})
    azure.get(
        f"{front}mferp/managementfrontend/subscriptions/s/resourceGroups/r/providers/Microsoft.MachineLearningServices"
        "/registries/azureml/models/Phi-4-mini-instruct/versions/1",
        {"properties": {"tags": {"note": "a stand-in"}}},
    )
    found = evaluate(stack, tmp_path)
    curve = tuple(Point(float(4 - step), step, 0.0) for step in range(3))
    assert (found.stack, found.model, found.base_model, found.note, found.questions, found.leaked, found.test) == (
        "dev",
        "phi-ultrachat:994526542",
        "Phi-4-mini-instruct:1",
        "a stand-in",
        6,
        (),
        None,
    )
    assert found.losses == Losses(curve, curve) and found.settings == stack.evaluation
    assert (found.job, found.asked_otherwise) == (finetune.job_name(1), "")
    assert found.not_compared == (BEFORE, ITSELF, NO_LEAKS, NO_TEST)
    assert [(each.role, each.model, each.scores.deployment) for each in found.candidates] == [
        (BASE, "Phi-4-mini-instruct:1", "base"),
        (TUNED, "phi-ultrachat:994526542", WANTED.deployment_name),
    ]
    assert found.at.tzinfo is not None and evaluate(stack, tmp_path, 0.75).settings.minimum_score == 0.75


def test_each_question_is_put_as_the_stack_has_it(
    said: Said, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Any] = []
    told: list[str] = []
    ask_all = golden.ask_all

    def asked(url: str, key: Any, deployment: str, questions: Any, asking: Asking, report: Any, stop: Any) -> Any:
        given.append((url, key, deployment, [each.question for each in questions], asking, report))
        return ask_all(url, key, deployment, questions, asking, report, stop)

    monkeypatch.setattr(golden, "ask_all", asked)
    monkeypatch.setenv("GOLDEN_JUDGE_KEY", "k")
    evaluation = stack.evaluation.model_copy(update={"samples": 2, "judge": "https://judge/v1"})
    stack = dataclasses.replace(stack, system_prompt="Be brief.", evaluation=evaluation)
    gather.evaluate(stack, book(tmp_path), told.append, Stop(), None)
    assert [each[:4] for each in given] == [
        ("https://phi/score", "the-key", name, list(QUESTIONS)) for name in ("base", WANTED.deployment_name)
    ]
    (asking, report), _ = ((each[4], each[5]) for each in given)
    assert (asking.timeout, asking.system, asking.samples) == (90, "Be brief.", 2)
    assert asking.judge is not None and asking.judge.url == "https://judge/v1" and report == told.append
    assert told == [
        "base model (base): 6 questions",
        "base model (base): 0.00 (0 of 6 word for word, 95 % within 0.5 s)",
        f"fine-tuned ({WANTED.deployment_name}): 6 questions",
        f"fine-tuned ({WANTED.deployment_name}): 1.00 (6 of 6 word for word, 95 % within 0.5 s)",
    ]


def test_how_each_is_served_is_told_to_who_asks(said: Said, azure: Azure, stack: Stack, tmp_path: Path) -> None:
    from chat.phi_client import ROUTES

    for one, contract in zip(azure.deployments, ("chat-completions", "mlflow"), strict=True):
        one["tags"]["contract"] = contract
    found = evaluate(stack, tmp_path)
    assert found.not_compared[2] == (
        "seconds: the models are served by different programs, whose speed differs by itself (base model: "
        "chat-completions, fine-tuned: mlflow)"
    )
    assert ROUTES.contract("https://phi/score", "base") == "chat-completions"
    assert ROUTES.contract("https://phi/score", WANTED.deployment_name) == "mlflow"


def one(name: str, model: str = "phi:7", state: str = "Succeeded", traffic: int = 0, **tags: str) -> Deployment:
    return Deployment(name=name, state=state, traffic=traffic, model=model, vm_size="s", count=1, since=NOW, tags=tags)


@pytest.mark.parametrize(
    ("there", "chosen", "missing"),
    [
        ([one("base"), one("m7", traffic=100)], [(BASE, "base"), (TUNED, "m7")], [ITSELF]),
        (
            [one("base", traffic=100), one("m7")],
            [(BASE, "base"), (TUNED, "m7"), (SERVING, "base")],
            [],
        ),
        ([one("m6", "phi:6", traffic=100), one("m7")], [(TUNED, "m7"), (SERVING, "m6")], [NOT_BESIDE]),
        (
            [one("m6", "phi:6", traffic=100)],
            [(SERVING, "m6")],
            [NOT_BESIDE, "fine-tuned model: phi:7 is not deployed"],
        ),
        (
            [one("base", state="Failed"), one("m7", state="Updating", traffic=100)],
            [],
            [NOT_BESIDE, "fine-tuned model: phi:7 is not deployed", "model in service: no deployment has traffic"],
        ),
        (
            [one("base", "phi:7")],
            [(BASE, "base")],
            ["fine-tuned model: phi:7 is not deployed", "model in service: no deployment has traffic"],
        ),
    ],
)
def test_who_is_asked_in_which_role(there: list[Deployment], chosen: list[tuple[str, str]], missing: list[str]) -> None:
    status: Any = type("Status", (), {"deployments": there, "model": "phi:7"})
    said: list[str] = []
    assert [(role, each.name) for role, each in gather._chosen(status, said)] == chosen
    assert said == missing


@pytest.mark.parametrize(
    ("contracts", "told"),
    [(("mlflow", "mlflow"), []), (("", "mlflow"), []), (("", ""), [])],
)
def test_models_that_are_served_alike_are_compared_by_their_seconds(
    contracts: tuple[str, str], told: list[str]
) -> None:
    missing: list[str] = []
    pairs = [(role, one("m", contract=contract)) for role, contract in zip((BASE, TUNED), contracts, strict=True)]
    gather._alike(pairs, missing)
    assert missing == told


def test_without_a_job_or_its_losses_that_is_said(said: Said, azure: Azure, stack: Stack, tmp_path: Path) -> None:
    azure.get(f"{MLFLOW}/metrics/get-history", {"metrics": []})
    found = evaluate(stack, tmp_path)
    assert found.losses == Losses()
    assert found.not_compared[:2] == (f"held-out loss: job {found.job} has logged no eval_loss", BEFORE)
    azure.jobs.clear()
    found = evaluate(stack, tmp_path)
    assert found.not_compared[:2] == ("losses: there is no fine-tune job", ITSELF)
    assert (found.job, found.job_url) == ("", "")


def test_nothing_to_evaluate_says_all_that_is_missing(azure: Azure, stack: Stack, tmp_path: Path) -> None:
    with pytest.raises(StageError) as refused:
        evaluate(stack, tmp_path)
    missing = [
        "losses: there is no fine-tune job",
        NOT_BESIDE,
        "fine-tuned model: phi-ultrachat:994526542 is not deployed",
        "model in service: no deployment has traffic",
        NO_LEAKS,
    ]
    assert str(refused.value) == (
        f"there is nothing to evaluate (stack dev): {'; '.join(missing)}. Run `make up STACK=dev` first."
    )


def test_a_stop_names_the_deployment(said: Said, stack: Stack, tmp_path: Path) -> None:
    stop = Stop()
    stop.set()
    with pytest.raises(StageError) as refused:
        gather.evaluate(stack, book(tmp_path), lambda line: None, stop, None)
    assert str(refused.value) == (
        "the evaluation is not finished (deployment base): you asked to stop; nothing was written. Run it again when "
        "you like."
    )


def test_an_endpoint_that_refuses_is_told_of(said: Said, azure: Azure, stack: Stack, tmp_path: Path) -> None:
    azure.queues.clear()
    azure.refuse("POST", f"{STACK.endpoint_path}/listKeys", 403, "AuthorizationFailed", "not yours")
    told = "the model could not be evaluated (endpoint phi): AuthorizationFailed: not yours"
    with pytest.raises(StageError, match=re.escape(told)):
        evaluate(stack, tmp_path)
    azure.refuse("POST", f"{MLFLOW}/runs/log-batch", 403, "AuthorizationFailed", "not yours")
    azure.then("POST", f"{STACK.endpoint_path}/listKeys", (200, {}, {"primaryKey": "the-key"}))
    found = evaluate(stack, tmp_path)
    told = f"the scores could not be logged (run {found.job}): AuthorizationFailed: not yours"
    with pytest.raises(StageError, match=re.escape(told)):
        gather.log(stack, found)


def test_an_answer_of_another_deployment_is_no_answer(
    said: Said, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        return Answer("Paris", "another", 0.5)

    monkeypatch.setattr(golden, "ask", ask)
    with pytest.raises(StageError, match="base was asked, and another answered"):
        evaluate(stack, tmp_path)
