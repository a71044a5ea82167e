"""Base model, component and data: each finding whole."""

from __future__ import annotations

from typing import Any

import pytest
from preflight_asked import COMPONENT, DISCOVERY, MODEL, NC24, SPEC, Answers, gone, nothing, of, says, whole

from cloud.target import RegistryAsset
from jobs.preflight import data, registry
from jobs.preflight.checks import Check
from jobs.preflight.spec import PreflightSpec
from tests.unit.arm_fake import ArmFake


def model(container: dict[str, Any], version: dict[str, Any] | None = None) -> Answers:
    def answers(arm: ArmFake) -> None:
        arm.get(MODEL, container)
        arm.get(f"{MODEL}/versions/1", {"properties": {"modelType": "mlflow_model"}} if version is None else version)

    return answers


LISTS = {
    "finetune_compute_allow_list": "['Standard_B', 'Standard_A']",
    "inference_compute_allow_list": f"('{NC24.lower()}',)",
}
FIXED = of(component=RegistryAsset("azureml", "chat_completion_pipeline", "0.0.82"))
CASES: dict[str, tuple[Check, PreflightSpec, Answers]] = {
    "a model": (registry.base_model, SPEC, nothing),
    "no registry": (registry.base_model, SPEC, gone(DISCOVERY)),
    "no model": (registry.base_model, SPEC, gone(MODEL)),
    "no model, but another": (registry.base_model, of(base_model_successor="Phi-5"), gone(MODEL)),
    "no version": (registry.base_model, SPEC, gone(f"{MODEL}/versions/1")),
    "no version at all": (
        registry.base_model,
        SPEC,
        lambda arm: (arm.get(MODEL, {}), gone(f"{MODEL}/versions/1")(arm))[0],
    ),
    "an archived model": (registry.base_model, SPEC, model({"properties": {"isArchived": True}})),
    "an archived version": (registry.base_model, SPEC, model({}, {"properties": {"isArchived": True}})),
    "a model of no type": (registry.base_model, SPEC, model({}, {})),
    "a model for devices": (registry.base_model, SPEC, model({}, {"properties": {"modelType": "custom_model"}})),
    "a model with lists": (registry.base_model, SPEC, model({"properties": {"tags": LISTS}})),
    "a component": (registry.component, SPEC, nothing),
    "no component": (registry.component, SPEC, says({"value": []}, f"{COMPONENT}/versions")),
    "no registry of it": (registry.component, SPEC, gone(DISCOVERY)),
    "no version of it": (registry.component, FIXED, nothing),
    "the newest of it": (registry.component, FIXED, says({}, f"{COMPONENT}/versions/0.0.82")),
    "not the newest of it": (
        registry.component,
        FIXED,
        says({"value": [{"name": "0.0.83"}]}, f"{COMPONENT}/versions", f"{COMPONENT}/versions/0.0.82"),
    ),
    "one of no newest": (
        registry.component,
        FIXED,
        says({"value": []}, f"{COMPONENT}/versions", f"{COMPONENT}/versions/0.0.82"),
    ),
    "data elsewhere": (data.fits, SPEC, nothing),
}
TOLD: dict[str, list[str]] = {
    "a model": [
        "ok base model: Phi-4-mini-instruct version 1 in registry azureml",
    ],
    "no registry": [
        "refused base model: there is no registry azureml -> set its registry to azureml",
    ],
    "no model": [
        "refused base model: registry azureml has no model Phi-4-mini-instruct -> choose another in the "
        "studio's model catalogue",
    ],
    "no model, but another": [
        "refused base model: registry azureml has no model Phi-4-mini-instruct -> set finetune-phi:model to Phi-5",
    ],
    "no version": [
        'refused base model: Phi-4-mini-instruct has no version 1 in registry azureml -> set version: "2" in '
        "finetune-phi:model",
    ],
    "no version at all": [
        "refused base model: Phi-4-mini-instruct has no version 1 in registry azureml -> choose another in "
        "the studio's model catalogue",
    ],
    "an archived model": [
        "refused base model: Phi-4-mini-instruct version 1 is archived: Azure has retired it -> choose "
        "another in the studio's model catalogue",
    ],
    "an archived version": [
        "refused base model: Phi-4-mini-instruct version 1 is archived: Azure has retired it -> choose "
        "another in the studio's model catalogue",
    ],
    "a model of no type": [
        "refused base model: Phi-4-mini-instruct version 1 is of type (not told); the component takes "
        "mlflow_model -> check the spelling of finetune-phi:model, capitals too, or choose another in the "
        "studio's model catalogue",
    ],
    "a model for devices": [
        "refused base model: Phi-4-mini-instruct version 1 is of type custom_model; the component takes "
        "mlflow_model -> check the spelling of finetune-phi:model, capitals too, or choose another in the "
        "studio's model catalogue",
    ],
    "a model with lists": [
        "warning base model: Standard_NC24ads_A100_v4 is not among the sizes Phi-4-mini-instruct was tried "
        "on for fine-tuning -> nothing, if it fits; listed: Standard_B, Standard_A",
        "ok base model: Phi-4-mini-instruct version 1 in registry azureml",
    ],
    "a component": [
        "ok fine-tune component: chat_completion_pipeline version 0.0.82 (latest)",
    ],
    "no component": [
        "refused fine-tune component: registry azureml has no component chat_completion_pipeline -> set "
        "finetune-phi:finetune.component to one the studio's registry lists",
    ],
    "no registry of it": [
        "refused fine-tune component: there is no registry azureml -> set its registry to azureml",
    ],
    "no version of it": [
        "refused fine-tune component: chat_completion_pipeline has no version 0.0.82 in registry azureml -> "
        "set its version to latest, or to one the registry has",
    ],
    "the newest of it": [
        "ok fine-tune component: chat_completion_pipeline version 0.0.82",
    ],
    "not the newest of it": [
        "ok fine-tune component: chat_completion_pipeline version 0.0.82; the registry has 0.0.83 by now",
    ],
    "one of no newest": [
        "ok fine-tune component: chat_completion_pipeline version 0.0.82",
    ],
    "data elsewhere": [
        "ok training data: not on this machine: a job on the cluster prepares them and looks at them",
    ],
}


@pytest.mark.parametrize("case", CASES)
def test_each_finding_is_told_in_these_words(arm: ArmFake, case: str) -> None:
    check, spec, answers = CASES[case]
    answers(arm)
    assert whole(check, spec) == TOLD[case]
