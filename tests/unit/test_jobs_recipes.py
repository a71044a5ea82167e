"""Several recipes on Azure: none ends the job of another, and the best is told by what their jobs have logged."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from arm_fake import ArmFake, install
from jobs_fake import Component, FakeMl, Stop
from jobs_fake import install as install_ml
from test_jobs_specs import FINETUNE

from cloud.errors import StageError
from jobs.choosing import choose
from jobs.choosing.spec import ChoiceSpec
from jobs.training import finetune, supersede
from jobs.training.spec import FinetuneSpec, model_version
from tests.changing import changed

TARGET = FINETUNE.target
CHOICE = ChoiceSpec(
    target=TARGET,
    model_name="phi",
    metric="eval_loss",
    candidates={"gentle": "00000000000a", "bold": "00000000000b"},
    lengths={},
)


class Runs(ArmFake):
    """Whose runs have logged what `logged` says, by the job's name."""

    logged: dict[str, dict[str, float]]

    def __call__(self, request: Any, *, stream: bool = False) -> Any:
        url = urlsplit(request.url)
        if url.path.endswith("mlflow/runs/get"):
            (run,) = parse_qs(url.query)["run_id"]
            metrics = [{"key": key, "value": value} for key, value in self.logged[run].items()]
            self.get(f"https://{url.netloc}{url.path}", {"run": {"data": {"metrics": metrics}}})
        return super().__call__(request, stream=stream)


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Runs:
    fake = install(monkeypatch)
    fake.__class__ = Runs
    assert isinstance(fake, Runs)
    fake.logged = {}
    fake.get(
        TARGET.path, {"properties": {"mlFlowTrackingUri": f"azureml://eastus2.api.azureml.ms/mlflow{TARGET.path}"}}
    )
    for name, fingerprint in CHOICE.candidates.items():
        tags = {"fingerprint": fingerprint, "job": f"job-of-{name}"}
        version = model_version(fingerprint)
        fake.get(f"{TARGET.path}/models/phi/versions/{version}", {"name": version, "properties": {"tags": tags}})
    return fake


def log(azure: Runs, gentle: float | None, bold: float | None, metric: str = "eval_loss") -> None:
    for name, value in (("gentle", gentle), ("bold", bold)):
        azure.logged[f"job-of-{name}"] = {"loss": 1.0, **({metric: value} if value is not None else {})}


@pytest.mark.parametrize(
    ("metric", "gentle", "bold", "best"),
    [
        ("eval_loss", 1.5, 1.25, "bold"),
        ("eval_loss", 1.25, 1.5, "gentle"),
        ("eval_loss", 1.25, 1.25, "bold"),  # the first by name
        ("eval_loss", 9.0, float("nan"), "gentle"),
        ("eval_accuracy", 0.5, 0.75, "bold"),
        ("eval_accuracy", 0.75, float("nan"), "gentle"),
    ],
)
def test_the_best_is_told_by_the_metric(azure: Runs, metric: str, gentle: float, bold: float, best: str) -> None:
    log(azure, gentle, bold, metric)
    assert choose.best(dataclasses.replace(CHOICE, metric=metric)).name == best


def test_the_choice_is_told_with_all_values(azure: Runs) -> None:
    log(azure, 1.5, 1.25)
    spec = dataclasses.replace(CHOICE, lengths={"gentle": 2048, "bold": -1})
    told, warned = choose.best(spec).lines(spec)
    assert told == "the best recipe by eval_loss is bold (bold 1.25, gentle 1.5)"
    assert warned.startswith("warning: they were measured with conversations cut at different lengths")
    assert "(max_seq_length: bold -1, gentle 2048)" in warned


def test_without_a_value_of_each_nothing_is_chosen(azure: Runs) -> None:
    log(azure, 1.5, None)
    with pytest.raises(StageError, match=r"recipe bold.*job-of-bold has logged no eval_loss"):
        choose.best(CHOICE)


def test_where_every_loss_has_diverged_nothing_is_chosen(azure: Runs) -> None:
    log(azure, float("nan"), float("nan"))
    with pytest.raises(StageError, match=r"eval_loss of every job is no number: their losses diverged"):
        choose.best(CHOICE)


def test_without_a_model_of_each_nothing_is_chosen(azure: Runs) -> None:
    log(azure, 1.5, 1.25)
    azure.refuse("GET", f"{TARGET.path}/models/phi/versions/{model_version('00000000000b')}", 404, "NotFound")
    with pytest.raises(StageError, match=r"recipe bold.*no longer registered.*--replace '\*\*::finetune-bold'"):
        choose.best(CHOICE)


def test_a_choice_survives_the_state() -> None:
    spec = dataclasses.replace(CHOICE, lengths={"gentle": 2048, "bold": -1})
    inputs = {**spec.to_inputs(), "lengths": {"gentle": 2048.0, "bold": -1.0}}
    assert ChoiceSpec.from_inputs(inputs) == spec


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    return install_ml(monkeypatch)


@pytest.fixture
def said() -> list[str]:
    return []


def of_stack(**more: Any) -> FinetuneSpec:
    return changed(FINETUNE, stack="dev", **more)


def test_a_job_of_another_recipe_of_the_stack_goes_on_and_one_of_none_is_cancelled(ml: FakeMl, said: list[str]) -> None:
    other, earlier = of_stack(recipe={"seed": 1}), of_stack(recipe={"seed": 2})
    for spec in (other, earlier):
        ml.jobs.put(spec.job_name(1), "Running", stack="dev", fingerprint=spec.fingerprint)
    supersede.earlier(of_stack(beside=(other.fingerprint,)), said.append, Stop())
    assert ml.jobs.cancels == [earlier.job_name(1)]


def test_a_job_says_by_which_recipe_it_is(ml: FakeMl, said: list[str]) -> None:
    spec = of_stack(recipe_name="gentle", wait=False)
    with pytest.raises(StageError):
        finetune.run(spec, said.append, Stop())
    (job,) = ml.jobs.submitted
    assert job.tags["recipe_name"] == "gentle"
    assert job.display_name == "phi-ultrachat: Phi-4-mini-instruct on ultrachat, by gentle"


def test_a_name_makes_no_other_model() -> None:
    named = of_stack(recipe_name="gentle", beside=("00000000000a",))
    assert named.fingerprint == of_stack().fingerprint == FINETUNE.fingerprint
    inputs = named.to_inputs()
    assert inputs["recipe_name"] == "gentle" and "beside" not in inputs
    assert FinetuneSpec.from_inputs(inputs) == changed(named, beside=())
    assert (named.stage, FINETUNE.stage) == ("finetune-gentle", "finetune")


def test_jobs_that_are_submitted_side_by_side_are_built_one_after_the_other(ml: FakeMl, said: list[str]) -> None:
    """The SDK mixes up the nodes of pipelines that two threads build at the same time."""
    inside: list[int] = []
    at_once = 0
    second = threading.Event()

    class Counting(Component):
        def __call__(self, **inputs: Any) -> Any:
            nonlocal at_once
            at_once += 1
            inside.append(at_once)
            second.wait(0.05)  # for the other one to come in, if it can
            if at_once > 1:
                second.set()
            at_once -= 1
            return super().__call__(**inputs)

    ml.component = Counting()

    def submit(seed: int) -> None:
        with contextlib.suppress(StageError):
            finetune.run(of_stack(recipe={"learning_rate": seed}, wait=False), said.append, Stop())

    threads = [threading.Thread(target=submit, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert inside == [1, 1] and len(ml.jobs.submitted) == 2
