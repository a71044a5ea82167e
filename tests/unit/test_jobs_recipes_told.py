"""The best of several recipes, told word for word; and what is asked of Azure for a comparison."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from status_azure import NOW, WORKSPACE
from test_jobs_comparison import BOLD, GENTLE, SETTINGS, SPECS, Logged, look
from test_jobs_comparison import azure as logged
from test_jobs_recipes import CHOICE, TARGET, Runs, azure, log

from cloud.errors import StageError
from cloud.services.mlflow import Point
from jobs.card import publish, version
from jobs.choosing import choose
from jobs.choosing.choose import Chosen
from jobs.choosing.spec import ChoiceSpec
from jobs.comparison import gather
from jobs.comparison.recipes import Comparison, Row
from jobs.evaluation.result import Losses
from jobs.preflight import memory
from jobs.release.rollback import Version
from jobs.training.spec import model_version

__all__ = ["azure", "logged"]


def refused(spec: ChoiceSpec = CHOICE) -> str:
    with pytest.raises(StageError) as error:
        choose.best(spec)
    return str(error.value)


def test_the_best_has_its_values(azure: Runs) -> None:
    log(azure, 1.5, 1.25)
    assert choose.best(CHOICE) == Chosen("bold", {"bold": 1.25, "gentle": 1.5})


def test_why_nothing_is_chosen(azure: Runs) -> None:
    log(azure, 1.5, None)
    assert refused() == (
        "the best recipe cannot be told (recipe bold): its job job-of-bold has logged no eval_loss "
        "(evaluation.bestBy). Release one by its name (released), or choose a metric that all of them log: `python -m "
        "jobs compare` shows what there is."
    )
    log(azure, float("nan"), float("nan"))
    assert refused() == (
        "the best recipe cannot be told (recipes bold, gentle): eval_loss of every job is no number: their losses "
        "diverged. Lower recipe.learning_rate or raise recipe.warmup_steps."
    )
    gone = (
        "the best recipe cannot be told (recipe bold): its model is no longer registered as a version of phi that says "
        "which job made it. `pulumi up --replace '**::finetune-bold'` registers it again, without a new job."
    )
    path = f"{TARGET.path}/models/phi/versions/{model_version('00000000000b')}"
    azure.get(path, {"name": "1", "properties": {"tags": {"fingerprint": "00000000000b"}}})
    assert refused() == gone
    azure.refuse("GET", path, 404, "NotFound")
    assert refused() == gone
    azure.refuse("GET", path, 403, "Forbidden", "not yours")
    assert refused().startswith("the best recipe could not be told (workspace ws): Forbidden: not yours")


def test_a_model_that_does_not_say_its_job_by_a_tag_says_it_by_a_field(azure: Runs) -> None:
    log(azure, 1.5, 1.25)
    number = model_version("00000000000b")
    properties = {"tags": {"fingerprint": "00000000000b"}, "jobName": "job-of-bold"}
    azure.get(f"{TARGET.path}/models/phi/versions/{number}", {"name": number, "properties": properties})
    assert choose.best(CHOICE).name == "bold"


@pytest.mark.parametrize(
    ("metric", "values", "told"),
    [
        ("eval_loss", {"b": 1.23456, "a": 2.0}, "the best recipe by eval_loss is x (b 1.235, a 2)"),
        (
            "accuracy",
            {"b": 0.5, "a": 0.75, "c": float("nan")},
            "the best recipe by accuracy is x (a 0.75, b 0.5, c nan)",
        ),
    ],
)
def test_the_values_come_the_best_first(metric: str, values: dict[str, float], told: str) -> None:
    spec = dataclasses.replace(CHOICE, metric=metric)
    assert Chosen("x", values).lines(spec) == [told]
    lengths = dataclasses.replace(spec, lengths={"b": 2, "a": 1})
    assert Chosen("x", values).lines(lengths)[1] == (
        "warning: they were measured with conversations cut at different lengths (max_seq_length: a 1, b 2), so their "
        f"{metric} is of other tokens"
    )


@pytest.mark.parametrize(
    ("metric", "smaller"),
    [
        ("eval_loss", True),
        ("train_perplexity", True),
        ("mean_error", True),
        ("eval_runtime", True),
        ("accuracy", False),
        ("loss_ratio", False),
    ],
)
def test_of_which_metrics_less_is_better(metric: str, smaller: bool) -> None:
    assert dataclasses.replace(CHOICE, metric=metric).smaller_is_better is smaller


def test_a_choice_as_the_state_has_it() -> None:
    spec = dataclasses.replace(CHOICE, lengths={"gentle": 2048})
    inputs = {
        "subscriptionId": "sub",
        "resourceGroup": "rg",
        "workspace": "ws",
        "modelName": "phi",
        "metric": "eval_loss",
        "candidates": {"gentle": "00000000000a", "bold": "00000000000b"},
        "lengths": {"gentle": 2048},
    }
    assert spec.to_inputs() == inputs and ChoiceSpec.from_inputs(inputs) == spec
    assert ChoiceSpec.from_inputs({**inputs, "lengths": None}) == CHOICE


def test_a_comparison_as_azure_tells_of_it(logged: Logged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {1e-5: 80.0, 1e-4: 40.5}
    gib = 1024**3

    def estimate(settings: Any, recipe: Any) -> Any:
        assert settings is SETTINGS
        return SimpleNamespace(bytes=sizes[recipe.learning_rate] * gib)

    monkeypatch.setattr(memory, "estimate_of", estimate)
    status, found = look(tmp_path)
    at = [Point(value, step, 0.0) for value, step in ((4.0, 10), (3.0, 20), (3.5, 10), (3.25, 20))]
    assert found == Comparison(
        stack="dev",
        at=NOW,
        rows=(
            Row(
                recipe="gentle",
                own="learning_rate=1e-05",
                model=f"phi-ultrachat:{GENTLE.model_version}",
                state="registering",
                released=False,
                job=GENTLE.job_name(1),
                losses=Losses((at[0], at[1]), (at[2], at[3])),
                logged={"loss": 3.0, "eval_loss": 3.25},
                hours=4.0,
                cost=16.0,
                memory=80.0,
            ),
            dataclasses.replace(found.rows[1], recipe="bold", released=True, hours=2.5, cost=10.0, memory=40.5),
        ),
        remarks=(gather.ESTIMATED,),
        not_read=(),
    )
    asked = [url for _, url in logged.sent if "/mlflow/v2.0" in url and BOLD.job_name(2) in url]
    assert {"loss", "eval_loss"} <= {key for url in asked for key in re.findall(r"metric_key=(\w+)", url)}
    monkeypatch.setattr(memory, "estimate_of", lambda *_: None)
    told = dataclasses.replace(status, not_read=("Not read just now: energy (no)",))
    bare = gather.compare(told, SPECS, SETTINGS)
    assert [row.memory for row in bare.rows] == [None, None] and bare.remarks == ()
    assert bare.not_read == ("Not read just now: energy (no)",)


def test_a_recipe_that_was_never_tried_has_a_row(logged: Logged, tmp_path: Path) -> None:
    logged.jobs[:] = logged.jobs[1:2]
    logged.get(f"{WORKSPACE}/jobs", {"value": logged.jobs})
    _, found = look(tmp_path)
    gentle, bold = found.rows
    assert (gentle.job, gentle.hours, gentle.cost, gentle.losses, gentle.state) == ("", 0, 0, Losses(), "to do")
    assert (bold.job, bold.hours, bold.state) == (BOLD.job_name(1), 0.5, "failed"), "the newest, where none has ended"


def test_of_what_azure_has_no_price_the_cost_is_unknown(logged: Logged, tmp_path: Path) -> None:
    status, _ = look(tmp_path)
    lines = tuple(dataclasses.replace(line, cost=None) for line in status.spending.lines)
    blind = dataclasses.replace(status, spending=dataclasses.replace(status.spending, lines=lines))
    assert [row.cost for row in gather.compare(blind, SPECS, SETTINGS).rows] == [None, None]


def test_a_version_that_is_not_clear_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    here: Any = SimpleNamespace(model="phi", versions=[], client="client", endpoint="e", stack="dev")
    with pytest.raises(StageError) as none:
        version.chosen(here, "")
    assert str(none.value) == (
        "there is no version of the model (model phi): none is registered. Run `make up STACK=dev` first."
    )
    one = Version(version="4", created="", job="", recipe="")
    here.versions = [one]
    asked: list[Any] = []
    monkeypatch.setattr(
        version.rollback,
        "in_service",
        lambda *given: asked.append(given) or SimpleNamespace(version="4"),  # type: ignore[func-returns-value]
    )
    assert version.chosen(here, "") == one and asked == [("client", "e", "phi")]


def test_a_card_that_cannot_be_published_is_told_of(azure: Runs) -> None:
    azure.refuse("GET", f"{TARGET.path}/models/phi/versions/7", 403, "Forbidden", "not yours")
    card: Any = SimpleNamespace(model="phi", version="7")
    told = "the card could not be published (model phi:7): Forbidden: not yours"
    with pytest.raises(StageError, match=re.escape(told)):
        publish.publish(TARGET, card)
