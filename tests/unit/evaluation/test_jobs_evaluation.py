"""Evaluations: who is asked, and what is said about it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from evaluation_made import QUESTIONS, RIGHT, WRONG, Said, endpoint, evaluate
from jobs_fake import Stop
from status_azure import MLFLOW, STACK, WANTED, Azure, book

from chat.phi_messages import ModelFailed
from cloud.errors import StageError
from cloud.services.prices import PriceBook
from jobs import __main__ as cli
from jobs.evaluation import files, gather
from jobs.evaluation.result import BASE, SERVING, TUNED
from jobs.status.stack import Stack
from jobs.training.spec import FinetuneSpec


def test_base_and_tuned_model_are_compared(said: Said, stack: Stack, tmp_path: Path) -> None:
    found = evaluate(stack, tmp_path)
    assert found.verdict == "Yes: the fine-tuned model scores 1.00 on 6 golden questions, the base model 0.00"
    assert [each.role for each in found.candidates] == [BASE, TUNED]
    assert found.candidates[0].model == "Phi-4-mini-instruct:1"
    assert found.problems == []
    assert "model in service: it is the fine-tuned model itself" in found.not_compared
    assert any("never before the first" in each for each in found.not_compared)
    assert found.losses.last == 2 and found.losses.perplexity == pytest.approx(7.389, rel=1e-3)
    assert found.metrics() == {
        "golden_score": 1,
        # Of 6 right answers to 6 questions: 6 / (6 + 1.96 squared).
        "golden_score_low": pytest.approx(0.6097, abs=1e-4),
        "golden_score_high": 1,
        "golden_exact": 1,
        "golden_median_seconds": 0.5,
        "golden_score_base": 0,
        "golden_score_low_base": 0,
        "golden_score_high_base": pytest.approx(0.3903, abs=1e-4),
        "golden_exact_base": 0,
        "golden_median_seconds_base": 0.5,
        "eval_perplexity": pytest.approx(7.389, rel=1e-3),
    }
    told = json.loads(json.dumps(found.to_json()))
    assert told["passed"] is True and told["candidates"][1]["questions"][0]["answer"] == RIGHT


def test_scores_are_logged_with_the_job_that_made_the_model(
    said: Said, azure: Azure, stack: Stack, finetune: FinetuneSpec, tmp_path: Path
) -> None:
    """There may be a newer attempt, which failed."""
    azure.job(finetune.job_name(2), "Failed", 0.5, ended=0.4)
    found = evaluate(stack, tmp_path)
    assert (found.job, found.job_url) == (
        finetune.job_name(1),
        f"https://ml.azure.com/runs/{finetune.job_name(1)}",
    )


def test_the_model_in_service_is_compared_where_it_is_another(
    said: Said, azure: Azure, stack: Stack, tmp_path: Path
) -> None:
    azure.deployment("mold", traffic=100)
    azure.get(STACK.endpoint_path, endpoint({"mold": 100}))
    said["mold"], said[WANTED.deployment_name] = RIGHT, WRONG
    found = evaluate(stack, tmp_path)
    assert [each.role for each in found.candidates] == [BASE, TUNED, SERVING]
    assert found.problems == [
        "the fine-tuned model scores 0.00 and needs 0.50",
        "beside the model in service it scores -1.00 (95 % interval -1.00 to -0.36, 6 questions), and 0.10 less is let "
        "through",
    ]
    assert found.verdict.endswith(", a difference of +0.00 (95 % interval -0.24 to +0.24, 6 questions)")
    assert found.verdict.startswith("Not clear: ")
    assert found.metrics()["golden_score_in_service"] == 1


def test_what_cannot_be_told_is_said_and_ends_the_command_with_3_where_it_has_to_be(
    said: Said,
    azure: Azure,
    stack: Stack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    azure.deployment("mold", traffic=100)
    azure.get(STACK.endpoint_path, endpoint({"mold": 100}))
    said["mold"] = RIGHT
    found = evaluate(stack, tmp_path)
    assert found.problems == [] and found.unclear.endswith("some 18 questions of this kind would tell")
    assert "could not tell whether it is worse" in json.dumps(found.to_json())
    assert "- Could not tell whether it is worse" in files.markdown(found, [])
    strict = dataclasses.replace(stack, evaluation=stack.evaluation.model_copy(update={"unclear": "fail"}))
    monkeypatch.setattr(gather, "evaluate", lambda *_: dataclasses.replace(found, settings=strict.evaluation))
    monkeypatch.setattr(Stack, "of", lambda name: strict)
    monkeypatch.setattr(PriceBook, "of_stack", lambda name: book(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        cli.main(["evaluate", "--stack", "dev"])
    assert ended.value.code == 3 and "could not tell" in capsys.readouterr().err


def test_questions_that_were_learnt_are_named(said: Said, stack: Stack, tmp_path: Path) -> None:
    assert stack.stages is not None
    asked = next(iter(QUESTIONS))
    row = {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": "Paris"}]}
    (tmp_path / "train_data.jsonl").write_text(json.dumps(row) + "\n")
    data = dataclasses.replace(stack.stages.dataset, directory=str(tmp_path))
    stack = dataclasses.replace(stack, stages=dataclasses.replace(stack.stages, dataset=data))
    found = evaluate(stack, tmp_path)
    assert found.leaked == (asked,)
    assert "1 of 6 questions stand in the training data" in files.markdown(found, [])
    (tmp_path / "train_data.jsonl").unlink()
    elsewhere = evaluate(stack, tmp_path)
    assert any(each.startswith("leaks: the training data are not on this machine") for each in elsewhere.not_compared)


def test_what_is_not_there_is_said(said: Said, azure: Azure, stack: Stack, tmp_path: Path) -> None:
    azure.deployments[:] = azure.deployments[1:]
    found = evaluate(stack, tmp_path)
    assert any(each.startswith("base model: it is not deployed") for each in found.not_compared)
    assert found.verdict.startswith("Not known: the fine-tuned model scores 1.00")


def test_a_model_that_was_not_asked_does_not_pass(said: Said, azure: Azure, stack: Stack, tmp_path: Path) -> None:
    azure.deployments[:] = azure.deployments[:1]
    found = evaluate(stack, tmp_path)
    assert found.verdict == "Not known: the fine-tuned model was not asked"
    assert found.problems == ["the fine-tuned model was not asked, so its score is not known"]


def test_without_questions_the_losses_remain(said: Said, tmp_path: Path) -> None:
    found = evaluate(STACK, tmp_path)
    assert found.candidates == () and found.losses.last == 2
    assert "answers: evaluation.questions names no file of golden questions" in found.not_compared
    assert found.problems == []


def test_nothing_to_evaluate_is_an_error(azure: Azure, stack: Stack, tmp_path: Path) -> None:
    with pytest.raises(StageError, match=r"there is nothing to evaluate.*make up STACK=dev"):
        evaluate(stack, tmp_path)


def test_ctrl_c_writes_nothing(said: Said, stack: Stack, tmp_path: Path) -> None:
    stop = Stop()
    stop.set()
    with pytest.raises(StageError, match="you asked to stop"):
        gather.evaluate(stack, book(tmp_path), lambda line: None, stop, None)


def test_the_command_writes_logs_and_judges(
    said: Said,
    azure: Azure,
    stack: Stack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(Stack, "of", lambda name: stack)
    monkeypatch.setattr(PriceBook, "of_stack", lambda name: book(tmp_path))
    monkeypatch.chdir(tmp_path)
    cli.main(["evaluate", "--stack", "dev", "--json"])
    out = json.loads(capsys.readouterr().out)
    assert out["passed"] and out["held_out_loss"] == 2
    assert json.loads((tmp_path / ".evaluation/dev/evaluation.json").read_text()) == out
    logged = {each["key"]: each["value"] for each in azure.bodies[-1]["metrics"]}
    assert logged["golden_score"] == 1 and azure.bodies[-1]["run_id"] == out["job"]

    said[WANTED.deployment_name] = ModelFailed("the model raised an error (424)")
    azure.refuse("POST", f"{MLFLOW}/runs/log-batch", 403, "AuthorizationFailed")
    azure.queues.clear()
    azure.get(f"{STACK.endpoint_path}/listKeys", {})
    azure.then("POST", f"{STACK.endpoint_path}/listKeys", (200, {}, {"primaryKey": "the-key"}))
    with pytest.raises(SystemExit) as ended:
        cli.main(["evaluate", "--stack", "dev", "--min-score", "0.9"])
    assert ended.value.code == "not good enough: the fine-tuned model scores 0.00 and needs 0.90"
    shown = capsys.readouterr()
    assert "no answer: the model raised an error (424)" in shown.out
    assert "warning: the scores could not be logged" in shown.err
    with pytest.raises(SystemExit) as refused:
        cli.main(["evaluate", "--min-score", "2"])
    assert refused.value.code == 2
