"""Evaluations: who is asked, what is said about it, and what the files show."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from jobs_fake import Stop
from status_azure import MLFLOW, NOW, STACK, WANTED, Azure, azure, book

from chat.phi_messages import Answer, ChatError, ChatRequest, ModelFailed
from cloud.errors import StageError
from cloud.services.mlflow import Point
from cloud.services.prices import PriceBook
from jobs import __main__ as cli
from jobs.evaluation import files, gather
from jobs.evaluation.charts import charts
from jobs.evaluation.result import BASE, SERVING, TUNED, Candidate, Evaluation, Losses
from jobs.golden import golden
from jobs.golden.golden import Result, Sample, Scores
from jobs.status.stack import Stack
from jobs.training.spec import FinetuneSpec
from settings.sections.evaluation import EvaluationSettings

__all__ = ["azure"]
REGISTRY = "https://eastus.api.azureml.ms/registrymanagement/v1.0/registries/azureml/discovery"
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
    azure.get(STACK.endpoint_path, _endpoint({"base": 0, WANTED.deployment_name: 100}))
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


def _endpoint(traffic: dict[str, int]) -> dict[str, Any]:
    return {"properties": {"provisioningState": "Succeeded", "traffic": traffic, "scoringUri": "https://phi/score"}}


def evaluate(stack: Stack, folder: Path, minimum: float | None = None) -> Evaluation:
    return gather.evaluate(stack, book(folder), lambda line: None, Stop(), minimum)


Said = dict[str, str | ChatError]


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
    azure.get(STACK.endpoint_path, _endpoint({"mold": 100}))
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
    azure.get(STACK.endpoint_path, _endpoint({"mold": 100}))
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


def _made(answer: str, note: str = "") -> Evaluation:
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


@pytest.mark.parametrize(
    ("training", "held_out", "candidates", "pictures"),
    [
        (True, False, True, ["latency", "loss", "score"]),
        (False, True, True, ["latency", "loss", "score"]),
        (False, False, True, ["latency", "score"]),
        (False, True, False, ["loss"]),
    ],
)
def test_there_is_a_picture_of_what_there_is(
    training: bool, held_out: bool, candidates: bool, pictures: list[str]
) -> None:
    found = _made("yes")
    losses = Losses(found.losses.training if training else (), found.losses.held_out if held_out else ())
    made = dataclasses.replace(found, losses=losses, candidates=found.candidates if candidates else ())
    assert sorted(charts(made)) == pictures


def test_the_page_stands_alone_and_nothing_in_it_runs() -> None:
    found = _made("<script>alert(1)</script><img src=x>", note="a <b>stand-in</b>")
    text = files.page(found, charts(found))
    assert "<script" not in text and "<img" not in text and "<b>" not in text and "javascript:" not in text
    assert not re.findall(r"(?:src|href)=[\"'](?!#)", text), "loads nothing"
    assert "a &lt;b&gt;stand-in" in text
    assert text.count("<svg") == 3 and "Score by question" in text
    assert "prefers-color-scheme: dark" in text and 'name="viewport"' in text


def test_the_markdown_keeps_its_columns() -> None:
    text = files.markdown(_made("a | b\n<i>c</i> `d` ![e](f)"), ["loss"])
    (row,) = [line for line in text.splitlines() if line.startswith("| 1 |")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 6
    assert "<i>" not in row and "](f)" in row and "\\[e](f)" in row
    assert "![Loss while training](loss.svg)" in text
    assert "lowest at step 10 (2.000) and rose after it" in text


def test_pictures_are_the_same_each_time_and_stale_ones_go(tmp_path: Path) -> None:
    found = _made("me")
    written = files.write(found, tmp_path)
    assert {path.name for path in written} == {
        "evaluation.md",
        "evaluation.html",
        "evaluation.json",
        "loss.svg",
        "score.svg",
        "latency.svg",
    }
    before = (tmp_path / "loss.svg").read_bytes()
    files.write(found, tmp_path)
    assert (tmp_path / "loss.svg").read_bytes() == before
    files.write(dataclasses.replace(found, candidates=()), tmp_path)
    assert not (tmp_path / "score.svg").exists()


def test_a_curve_that_only_falls_needs_no_remark() -> None:
    curve = tuple(Point(4 - step, step, 0.0) for step in range(3))
    assert Losses(curve, curve).remark() == ""
    assert Losses().perplexity is None and Losses().best is None
    assert Losses((), (Point(1e9, 1, 0.0),)).perplexity is not None, "no overflow"
