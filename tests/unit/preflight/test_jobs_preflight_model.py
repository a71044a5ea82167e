"""The preflight on the base model and the component that trains it."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from preflight_asked import COMPONENT, MODEL, NC24, REGISTRY, SPEC, found, only, told

from cloud.target import RegistryAsset
from jobs.preflight.findings import State
from tests.unit.arm_fake import ArmFake


def test_an_archived_model_names_its_successor(arm: ArmFake) -> None:
    phi3 = RegistryAsset("azureml", "Phi-3-mini-4k-instruct", "15")
    spec = dataclasses.replace(SPEC, base_model=phi3, base_model_successor="Phi-4-mini-instruct")
    container = f"{REGISTRY}/models/Phi-3-mini-4k-instruct"
    arm.get(container, {"properties": {"isArchived": True}})
    arm.get(f"{container}/versions/15", {"properties": {"isArchived": False}})
    finding = only(spec)
    assert "archived" in finding.found and finding.fix == "set finetune-phi:model to Phi-4-mini-instruct"


def test_a_model_of_another_type_cannot_be_fine_tuned(arm: ArmFake) -> None:
    """The registry has a phi-4-mini-instruct, for devices, beside Phi-4-mini-instruct."""
    small = f"{REGISTRY}/models/phi-4-mini-instruct"
    arm.get(small, {"properties": {"isArchived": False}})
    arm.get(f"{small}/versions/1", {"properties": {"isArchived": False, "modelType": "custom_model"}})
    finding = only()
    assert (finding.check, finding.state) == ("base model", State.REFUSED)
    assert "is of type custom_model; the component takes mlflow_model" in finding.found and "capitals" in finding.fix


@pytest.mark.parametrize(
    ("tag", "says"),
    [("finetune_compute_allow_list", "for fine-tuning"), ("inference_compute_allow_list", "for serving")],
)
@pytest.mark.parametrize("place", ["model", "version"])
def test_the_model_s_own_lists_of_sizes(arm: ArmFake, tag: str, says: str, place: str) -> None:
    def tagged(text: str) -> None:
        model: dict[str, Any] = {"isArchived": False, "tags": {tag: text} if place == "model" else {}}
        version = {"isArchived": False, "modelType": "mlflow_model", "tags": {tag: text} if place == "version" else {}}
        arm.get(MODEL, {"properties": model})
        arm.get(f"{MODEL}/versions/1", {"properties": version})

    tagged("['Standard_NC96ads_A100_v4', 'Standard_ND96asr_v4']")
    finding = only()
    assert (finding.check, finding.state) == ("base model", State.WARNING)
    assert f"{NC24} is not among the sizes" in finding.found and says in finding.found
    assert "Standard_NC96ads_A100_v4" in finding.fix
    for text in (f"['{NC24.lower()}']", f'["{NC24}"]', "[]", "none", "'text'"):
        tagged(text)
        assert found() == [], text


def test_models_versions_components_and_registries_that_are_not_there(arm: ArmFake) -> None:
    def refused(**changes: Any) -> str:
        finding = only(dataclasses.replace(SPEC, **changes))
        assert finding.state is State.REFUSED
        return str(finding)

    assert "has no model none" in refused(base_model=RegistryAsset("azureml", "none", "1"))
    old = refused(base_model=RegistryAsset("azureml", "Phi-4-mini-instruct", "9"))
    assert "has no version 9" in old and 'version: "2"' in old
    assert "no version 7" in refused(component=RegistryAsset("azureml", "chat_completion_pipeline", "7"))
    assert "no component none" in refused(component=RegistryAsset("azureml", "none", "latest"))
    assert "no registry ours" in refused(component=RegistryAsset("ours", "c", "1"))


def test_the_base_model_s_own_defaults_are_shown(arm: ArmFake) -> None:
    tags = {"model_specific_defaults": "{'apply_deepspeed': 'true', 'learning_rate': 5e-06}"}
    arm.get(f"{MODEL}/versions/1", {"properties": {"isArchived": False, "modelType": "mlflow_model", "tags": tags}})
    assert told("base model") == (
        "Phi-4-mini-instruct version 1 in registry azureml; its own defaults count where `recipe` says nothing: "
        "apply_deepspeed=true, learning_rate=5e-06"
    )


def test_a_newer_component_than_the_fixed_one_is_told(arm: ArmFake) -> None:
    fixed = dataclasses.replace(SPEC, component=RegistryAsset("azureml", "chat_completion_pipeline", "0.0.82"))
    arm.get(f"{COMPONENT}/versions/0.0.82", {"name": "0.0.82"})
    assert told("fine-tune component", fixed) == "chat_completion_pipeline version 0.0.82"
    arm.get(f"{COMPONENT}/versions", {"value": [{"name": "0.0.83"}]})
    assert told("fine-tune component", fixed) == (
        "chat_completion_pipeline version 0.0.82; the registry has 0.0.83 by now"
    )
