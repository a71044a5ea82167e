"""How far each stage of a stack is, and which deployment serves it."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from status_azure import NOW, WANTED
from status_made import job
from test_jobs_comparison import BOLD, GENTLE, SPECS
from test_jobs_specs import DATASET, FINETUNE

from jobs.paused import BY_HAND, Pause
from jobs.stage_specs import StageSpecs
from jobs.status import stages
from jobs.status.status import Deployment, Job, Stage, serving_it


def deployment(name: str = "m1", **other: Any) -> Deployment:
    own = {"state": "Succeeded", "traffic": 100, "model": "phi-ultrachat:1", "vm_size": WANTED.serving.vm_size}
    return Deployment(**{"name": name, "count": 2, "since": None, **own, **other})


BY_NAME = deployment(WANTED.deployment_name, traffic=0)


@pytest.mark.parametrize(
    ("there", "found"),
    [
        ([], None),
        ([deployment("m1"), BY_NAME], WANTED.deployment_name),
        ([deployment("m1")], "m1"),
        ([deployment("m1", traffic=90)], None),
        ([deployment("m1", vm_size="other")], None),
        ([deployment("m1", model="phi-ultrachat:2")], None),
        ([deployment("m1", model="azureml://registries/r/models/phi-ultrachat/versions/1")], "m1"),
    ],
)
def test_what_serves_a_release(there: list[Deployment], found: str | None) -> None:
    serving = serving_it(there, WANTED, "phi-ultrachat:1")
    assert (serving.name if serving else None) == found


@pytest.mark.parametrize(
    ("model", "short"),
    [
        ("azureml://registries/azureml/models/Phi-4/versions/3", "Phi-4:3"),
        ("phi:7", "phi:7"),
        ("azureml://registries/azureml/models/Phi-4/versions/3/more", None),
        ("x-azureml://registries/azureml/models/Phi-4/versions/3", None),
    ],
)
def test_a_model_of_a_registry_has_a_short_name(model: str, short: str | None) -> None:
    assert deployment(model=model).short_model == (model if short is None else short)
    assert deployment().instances == f"2 x {WANTED.serving.vm_size}"


PAUSE = Pause(at=NOW - timedelta(hours=1), by=BY_HAND, version="1", deployment="m1")


@pytest.mark.parametrize(
    ("there", "pause", "stage"),
    [
        ([], None, Stage("release", "to do", WANTED.deployment_name)),
        ([], PAUSE, Stage("release", "paused", "since 2026-11-25 11:00 UTC")),
        ([BY_NAME], PAUSE, Stage("release", "paused", "since 2026-11-25 11:00 UTC")),
        ([BY_NAME], None, Stage("release", "under way", f"0 % on {WANTED.deployment_name}")),
        ([deployment("m1", model="phi-ultrachat:9")], PAUSE, Stage("release", "done", "100 % on m1")),
        ([deployment("m1", model="phi-ultrachat:9")], None, Stage("release", "done", "100 % on m1")),
        (
            [dataclasses.replace(BY_NAME, state="Updating", traffic=100)],
            None,
            Stage("release", "updating", WANTED.deployment_name),
        ),
    ],
)
def test_how_far_a_release_is(there: list[Deployment], pause: Pause | None, stage: Stage) -> None:
    specs = StageSpecs(dataset=DATASET, finetunes=(FINETUNE,), releases={"": WANTED})
    found = stages.of_stack(specs, "", True, {FINETUNE.fingerprint: "9"}, [], there, pause)
    assert found == (
        Stage("dataset", "done", "ultrachat-train:0123456789ab"),
        Stage("finetune", "done", "phi-ultrachat:9"),
        stage,
    )


@pytest.mark.parametrize(
    ("jobs", "state", "detail"),
    [
        ([], "to do", f"phi-ultrachat:{FINETUNE.model_version}"),
        ([("Running", FINETUNE.fingerprint)], "running", "finetune-1"),
        ([("Completed", FINETUNE.fingerprint)], "registering", "finetune-1"),
        ([("Failed", FINETUNE.fingerprint)], "failed", "finetune-1"),
        ([("Running", "another")], "to do", f"phi-ultrachat:{FINETUNE.model_version}"),
    ],
)
def test_how_far_a_fine_tune_is(jobs: list[tuple[str, str]], state: str, detail: str) -> None:
    specs = StageSpecs(dataset=DATASET, finetunes=(FINETUNE,), releases={"": WANTED})
    some = [dataclasses.replace(job("finetune-1", status, 1), fingerprint=of) for status, of in jobs]
    found = stages.of_stack(specs, "", False, {}, some, [], None)
    assert found[:2] == (
        Stage("dataset", "to do", "ultrachat-train:0123456789ab"),
        Stage("finetune", state, detail),
    )


def test_of_several_recipes_the_released_ones_version_is_in_service() -> None:
    """Whatever the version of the others is."""
    release = SPECS.releases["gentle"]
    live = deployment("m0", model=f"{release.model_name}:1", vm_size=release.serving.vm_size)
    registered = {GENTLE.fingerprint: "1", BOLD.fingerprint: "2"}
    for best, state in (("gentle", "done"), ("bold", "to do")):
        *_, last = stages.of_stack(SPECS, best, True, registered, [], [live], None)
        assert last.state == state, best
    assert SPECS.of("gentle") is GENTLE and SPECS.of("bold") is BOLD and SPECS.of(None) is GENTLE
    assert SPECS.finetune is GENTLE and SPECS.release is SPECS.releases["gentle"]
    later = dataclasses.replace(SPECS, releases={"bold": SPECS.releases["bold"]})
    assert later.finetune is BOLD and later.release is SPECS.releases["bold"]
    assert SPECS.directory == "data" and dataclasses.replace(SPECS, dataset=None).directory == ""


def never(job: str) -> dict[str, float]:
    raise AssertionError(job)


def test_the_best_recipe_is_known_once_all_are_trained() -> None:
    def trained(*names: str) -> list[Job]:
        done = {"gentle": GENTLE, "bold": BOLD}
        return [dataclasses.replace(job(name, "Completed", 1), fingerprint=done[name].fingerprint) for name in names]

    values = {"gentle": {"eval_loss": 2.0}, "bold": {"eval_loss": 3.0}}
    assert stages.best(SPECS, trained("gentle", "bold"), lambda name: values[name]) == "gentle"
    assert stages.best(SPECS, trained("gentle"), lambda name: values[name]) is None
    assert stages.best(SPECS, trained("gentle", "bold"), lambda name: {"loss": 1.0}) is None
    failed = [dataclasses.replace(each, status="Failed") for each in trained("bold")]
    assert stages.best(SPECS, trained("gentle") + failed, lambda name: values[name]) is None
    alone = dataclasses.replace(SPECS, choice=None)
    assert stages.best(alone, [], never) == "gentle"
    assert stages.best(dataclasses.replace(alone, finetunes=()), [], never) == ""
