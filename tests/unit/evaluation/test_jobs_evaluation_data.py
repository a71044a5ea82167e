"""What an evaluation does with the data that the model has learnt from, and those that it has not."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from evaluation_made import QUESTIONS, Said, endpoint, evaluate
from jobs_fake import Stop
from status_azure import STACK, WANTED, Azure, book

from jobs.dataset.spec import PreparationSpec
from jobs.evaluation import gather
from jobs.evaluation.result import BASE, TUNED
from jobs.status.stack import Stack

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


BROKEN = "{\n"


def test_data_that_cannot_be_read_are_told_of_each_time(said: Said, stack: Stack, tmp_path: Path) -> None:
    for name in ("train_data.jsonl", "test_data.jsonl"):
        (tmp_path / name).write_text(BROKEN)
    found = evaluate(at(stack, tmp_path), tmp_path)
    (why,) = {each.partition(" (")[2] for each in found.not_compared if "cannot be read" in each}
    assert [each.partition(" (")[0] for each in found.not_compared if "cannot be read" in each] == [
        f"leaks: {tmp_path}/train_data.jsonl cannot be read",
        f"test file: {tmp_path}/test_data.jsonl cannot be read",
        f"system prompt: {tmp_path}/train_data.jsonl cannot be read",
    ]
    assert why.startswith("Expecting property name")
    assert (found.leaked, found.test, found.asked_otherwise) == ((), None, "")


def row(question: str, system: str = "") -> str:
    before = [{"role": "system", "content": system}] if system else []
    said = [{"role": "user", "content": question}, {"role": "assistant", "content": "Paris"}]
    return json.dumps({"messages": [*before, *said]}) + "\n"


def test_a_model_that_is_asked_otherwise_than_it_learnt(said: Said, stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "train_data.jsonl").write_text(row("Where?", "Be brief.") * 3)
    found = evaluate(at(stack, tmp_path), tmp_path)
    assert found.asked_otherwise.startswith("3 of 3 conversations to train on begin with a system prompt")
    asked = dataclasses.replace(at(stack, tmp_path), system_prompt="Be brief.")
    assert evaluate(asked, tmp_path).asked_otherwise == ""


def test_what_was_validated_by_counts_as_learnt_and_what_is_tested_by_does_not(
    said: Said, stack: Stack, tmp_path: Path
) -> None:
    first, second, third, *_ = QUESTIONS
    for name, question in (("train", first), ("validation", second), ("test", third)):
        (tmp_path / f"{name}_data.jsonl").write_text(row(question))
    found = evaluate(at(stack, tmp_path), tmp_path)
    assert found.leaked == (first, second)
    assert found.test is not None and found.test.rows == 1
    assert found.not_compared[-1] == (
        "loss on the test file: a managed endpoint tells answers and no probabilities, so they are compared as texts"
    )


def test_the_test_file_is_put_to_base_and_tuned_model_alone(
    said: Said, azure: Azure, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("train", "test"):
        (tmp_path / f"{name}_data.jsonl").write_text(row("Where?") + row("Who?"))
    azure.deployment("mold", traffic=100)
    azure.get(STACK.endpoint_path, endpoint({"mold": 100}))
    said["mold"] = "x"
    told: list[str] = []
    evaluation = stack.evaluation.model_copy(update={"test_rows": 1, "confidence_percent": 90})
    here = dataclasses.replace(at(stack, tmp_path), evaluation=evaluation)
    found = gather.evaluate(here, book(tmp_path), told.append, Stop(), None)
    assert found.test is not None
    assert ([each.role for each in found.test.candidates], found.test.rows, found.test.confidence) == (
        [BASE, TUNED],
        2,
        90,
    )
    assert len(found.test.questions) == 1
    assert [line for line in told if "test rows" in line] == [
        "base model (base): 1 test rows",
        f"fine-tuned ({WANTED.deployment_name}): 1 test rows",
    ]
    azure.deployments[:] = azure.deployments[2:]
    assert evaluate(here, tmp_path).test is None, "where neither is there, nobody is asked"


def test_data_that_a_cluster_prepares_are_not_looked_for_here(said: Said, stack: Stack, tmp_path: Path) -> None:
    assert stack.stages is not None and stack.stages.dataset is not None
    for name in ("train", "test"):
        (tmp_path / f"{name}_data.jsonl").write_text(row("Where?"))
    data = stack.stages.dataset
    remote = PreparationSpec(
        target=data.target,
        name=data.name,
        fingerprint=data.fingerprint,
        directory=str(tmp_path),
        source="sample",
        options={},
        cluster="cpu",
        vm_size="s",
        experiment="e",
        max_attempts=1,
        stack="dev",
    )
    here = dataclasses.replace(stack, stages=dataclasses.replace(stack.stages, dataset=remote))
    found = evaluate(here, tmp_path)
    assert found.test is None and NO_TEST in found.not_compared
    found = evaluate(dataclasses.replace(stack, stages=None), tmp_path)
    assert {NO_TEST, NO_LEAKS} <= set(found.not_compared)
    assert (found.note, found.base_model, found.asked_otherwise) == ("", "", "")
