"""From a recipe to the inputs of the fine-tune component: known names only, values of the input's type."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from cloud.errors import StageError
from jobs.spec import RecipeValue
from jobs.training.spec import FinetuneSpec

_OURS = {
    "mlflow_model_path": "model",
    "pytorch_model_path": "model",
    "huggingface_id": "model",
    "train_file_path": "data",
    "validation_file_path": "data",
    "test_file_path": "data",
    "finetune_config_path": "recipe.finetune_config_path",
    "number_of_gpu_to_use_finetuning": "compute.vmSize",
}
_CHECKPOINTS = "save_total_limit"


def component_inputs(
    spec: FinetuneSpec, known: Mapping[str, Any], defaults: Mapping[str, RecipeValue]
) -> dict[str, RecipeValue]:
    """The recipe and the compute choice as literal inputs of a component that takes ``known`` inputs.

    ``defaults`` are the base model's own, for keys that the recipe does not name.
    Raises StageError naming every key the component does not take, or takes with other values.
    """
    recipe = {**defaults, **spec.recipe}
    problems = [problem for key, value in recipe.items() if (problem := _problem(key, value, known))]
    if problems:
        component = spec.finetune.component
        raise StageError(
            "the recipe does not fit the fine-tune component",
            on=f"component {component.name}:{component.version} of registry {component.registry}",
            why="; ".join(problems),
            todo="Correct `recipe` in the stack's settings file.",
        )
    inputs = {key: _literal(value, known[key]) for key, value in recipe.items()}
    if _CHECKPOINTS in known:
        # The component's own default keeps one for every evaluation, each with the optimizer's state.
        inputs.setdefault(_CHECKPOINTS, 1)
    inputs |= {key: spec.cluster for key in known if key.startswith("compute_")}
    if "number_of_gpu_to_use_finetuning" in known:
        inputs["number_of_gpu_to_use_finetuning"] = spec.gpus_per_node
    return inputs


def _problem(key: str, value: RecipeValue, known: Mapping[str, Any]) -> str | None:
    if key in _OURS or key.startswith("compute_"):
        return f"{key} is set by `{_OURS.get(key, 'compute')}`, not by the recipe"
    if key not in known:
        close = difflib.get_close_matches(key, known, n=3)
        hint = f", did you mean {' or '.join(close)}" if close else f", it takes {', '.join(sorted(known))}"
        return f"{key} is not one of its inputs{hint}"
    allowed = [str(choice) for choice in getattr(known[key], "enum", None) or ()]
    if allowed and str(_literal(value, known[key])) not in allowed:
        return f"{key} is {value}, it takes {', '.join(allowed)}"
    return None


def _literal(value: RecipeValue, declared: Any) -> RecipeValue:
    """The component's booleans are the strings "true" and "false", its precision the string "32"."""
    if getattr(declared, "type", "string") != "string":
        return value
    return str(value).lower() if isinstance(value, bool) else str(value)
