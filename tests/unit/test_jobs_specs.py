"""Fingerprints and the way of a spec through a stack's state."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cloud.target import RegistryAsset, Target
from jobs.dataset.spec import DatasetSpec
from jobs.release.spec import ReleaseSpec
from jobs.training.spec import FinetuneSpec, model_version
from settings.sections.evaluation import EvaluationSettings
from settings.sections.finetune import FinetuneSettings
from settings.sections.serving import HealthSettings, LivenessSettings, ReadinessSettings, ServingSettings
from tests.changing import changed

TARGET = Target("sub", "rg", "ws")
FINETUNE = FinetuneSpec(
    target=TARGET,
    dataset_name="ultrachat",
    dataset_fingerprint="0123456789ab",
    base_model=RegistryAsset("azureml", "Phi-4-mini-instruct", "1"),
    recipe={"learning_rate": 2e-5, "num_train_epochs": 3, "apply_lora": True, "lr_scheduler_type": "cosine"},
    cluster="gpu",
    gpus_per_node=1,
    finetune=FinetuneSettings(),
)
RELEASE = ReleaseSpec(
    target=TARGET,
    endpoint="phi",
    model_name="phi-ultrachat",
    model_version="1707408517",
    model_fingerprint="931b65c3d64e",
    base_model=FINETUNE.base_model,
    serving=ServingSettings.model_construct(traffic_steps=(10, 50, 100), soak_seconds=60, drain_seconds=75),
    evaluation=EvaluationSettings(questions=""),
)
DATASET = DatasetSpec(target=TARGET, name="ultrachat", fingerprint="0123456789ab", directory="data")


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    # The names of everything on Azure hang on these values: a change orphans what is there.
    assert FINETUNE.fingerprint == "7b963b464e21"
    assert FINETUNE.model_version == "994526542"
    assert RELEASE.fingerprint == "daf3f651c37a"
    # As it was named when versions were fingerprints, and as one of a model that was not made here is.
    assert changed(RELEASE, model_version="931b65c3d64e", model_fingerprint="").fingerprint == "daf3f651c37a"


@pytest.mark.parametrize(
    ("fingerprint", "version"),
    [("000000000000", "1"), ("00007ffffffe", "2147483647"), ("00007fffffff", "1"), ("ffffffffffff", "131072")],
)
def test_a_model_version_is_a_positive_integer(fingerprint: str, version: str) -> None:
    # Azure ML takes nothing else, and 2**31 - 1 is the largest that is known to be taken.
    assert model_version(fingerprint) == version


@pytest.mark.parametrize(
    "change",
    [
        {"recipe": FINETUNE.recipe | {"learning_rate": 3e-5}},
        {"recipe": FINETUNE.recipe | {"seed": 1}},
        {"dataset_fingerprint": "fedcba987654"},
        {"base_model": RegistryAsset("azureml", "Phi-4-mini-instruct", "2")},
        {"target": Target("sub", "rg", "other")},
        {"cluster": "gpu2"},
        {"finetune_config": '{"lora_algo":"peft"}'},
    ],
)
def test_what_decides_the_result_changes_the_fingerprint(change: dict[str, Any]) -> None:
    assert changed(FINETUNE, **change).fingerprint != FINETUNE.fingerprint


@pytest.mark.parametrize("change", [{"max_attempts": 5}, {"wait": False}, {"experiment": "other"}])
def test_how_the_result_is_obtained_does_not(change: dict[str, Any]) -> None:
    assert changed(FINETUNE, **change).fingerprint == FINETUNE.fingerprint


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"model_fingerprint": "other"}, False),
        ({"model_fingerprint": "", "model_version": "3"}, False),
        ({"model_version": "3"}, True),  # another number for the same model
        ({"instances": 2}, False),
        ({"traffic_steps": (100,)}, True),
        ({"compare_with_base": True}, True),
        ({"question": "Why?"}, True),
        ({"evaluation": EvaluationSettings.model_construct(minimum_score=1)}, True),
        ({"health": HealthSettings.model_construct(failed_percent=1)}, True),
        ({"max_concurrent_requests": 1}, True),
        ({"liveness": LivenessSettings.model_construct(initial_delay_seconds=1)}, True),
        ({"readiness": ReadinessSettings.model_construct(period_seconds=1)}, True),
    ],
)
def test_a_release_is_named_by_what_is_deployed(change: dict[str, Any], same: bool) -> None:
    assert (changed(RELEASE, **change).deployment_name == RELEASE.deployment_name) is same


@pytest.mark.parametrize("spec", [FINETUNE, RELEASE, DATASET])
def test_a_spec_survives_the_engine_which_carries_numbers_as_doubles(spec: Any) -> None:
    inputs = json.loads(json.dumps(spec.to_inputs()), parse_int=float)
    again = type(spec).from_inputs(inputs)
    assert again == spec
    assert again.fingerprint == spec.fingerprint == inputs["fingerprint"]


def test_a_finetune_config_is_recorded_where_there_is_one() -> None:
    assert "finetune_config" not in FINETUNE.to_inputs()
    spec = changed(FINETUNE, finetune_config='{"lora_algo":"peft"}')
    assert spec.to_inputs()["finetune_config"] == '{"lora_algo":"peft"}'
    assert FinetuneSpec.from_inputs(spec.to_inputs()) == spec


def test_the_recipe_is_visible_in_the_inputs() -> None:
    assert FINETUNE.to_inputs()["recipe"]["learning_rate"] == 2e-5


def test_names() -> None:
    assert FINETUNE.job_name(2) == f"finetune-{FINETUNE.fingerprint}-2"
    assert FINETUNE.base_model.model_uri == ("azureml://registries/azureml/models/Phi-4-mini-instruct/versions/1")
    assert DATASET.train_asset == "ultrachat-train"
    assert RELEASE.deployment_name == f"m{RELEASE.fingerprint}"
