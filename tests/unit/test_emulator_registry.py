"""The emulator's registry beside the catalogue of models: what a stack may name can be rehearsed."""

from __future__ import annotations

from emulator.registry import BASE_MODELS, MLFLOW, asset
from emulator.training.base import shape_of
from emulator.training.model.shape import initial_parameters
from settings.models import MODELS


def test_every_model_that_a_stack_may_name_has_a_stand_in() -> None:
    allowed = [model.name for model in MODELS.values() if not model.retired]
    assert len(allowed) == 6
    for name in allowed:
        assert BASE_MODELS[name]["type"] == MLFLOW and not BASE_MODELS[name]["archived"]
        found = asset(f"/registries/azureml/models/{name}")
        assert found["properties"]["latestVersion"] == BASE_MODELS[name]["versions"][-1]


def test_a_larger_model_has_a_larger_stand_in() -> None:
    def weights(name: str) -> int:
        return sum(each.size for each in initial_parameters(shape_of(name, 1500), 1).values())

    assert weights("Phi-4-mini-instruct") == weights("Phi-4-mini-reasoning") == 569_472
    assert weights("Phi-4") == weights("Phi-4-reasoning-plus") == 1_892_608
