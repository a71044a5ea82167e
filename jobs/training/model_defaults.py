"""The base model's own defaults for its fine-tuning, which the registry keeps in a tag of the model."""

from __future__ import annotations

import ast
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.spec import RecipeValue

TAG = "model_specific_defaults"
JOB_TAG = "model_defaults"
"""Tag of a job and of the model that it made: those that counted."""
_NEVER = frozenset({"finetune_config_path", "num_nodes_finetune", "trust_remote_code"})
"""Files, machines and trust are the stack's to decide."""


@dataclass(frozen=True)
class Defaults:
    """`taken` counts for the job; `left` are those that do not go with the rest, and why."""

    taken: dict[str, RecipeValue]
    left: dict[str, str]

    def __str__(self) -> str:
        return shown(self.taken)


def of(tags: Mapping[str, str] | None) -> dict[str, Any] | None:
    """What the tag holds, nothing where there is none; None for a tag that cannot be read.

    Azure writes it as Python does, `{'apply_lora': 'true', 'precision': 16}`, and its notebooks read it so.
    """
    text = str((tags or {}).get(TAG) or "{}")
    for read in (ast.literal_eval, json.loads):
        try:
            given = read(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
        if isinstance(given, dict):
            return {str(key): value for key, value in given.items()}
    return None


def chosen(given: Mapping[str, Any], recipe: Mapping[str, RecipeValue], inputs: Collection[str]) -> Defaults:
    """Those that count: inputs of the component that the recipe does not name, and that go with what it says."""
    from pydantic import ValidationError

    from settings.recipes.recipe import Recipe

    taken: dict[str, RecipeValue] = {}
    left = {key: "no input of the recipe" for key in given if key not in Recipe.model_fields or key in _NEVER}
    # In the order in which the rules look at them: a switch comes before what it switches.
    for key in Recipe.model_fields:
        if key not in given or key in recipe or key in left:
            continue
        if key not in inputs:
            left[key] = "no input of the component"
            continue
        try:
            whole = Recipe.model_validate({**recipe, **taken, key: given[key]})
        except ValidationError as error:
            first = error.errors()[0]
            left[key] = str(first.get("ctx", {}).get("rule") or first["msg"])
        else:
            taken[key] = getattr(whole, key)
    return Defaults(taken, left)


def shown(values: Mapping[str, Any]) -> str:
    """`apply_deepspeed=true, deepspeed_stage=3`."""
    texts = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in values.items()}
    return ", ".join(f"{key}={text}" for key, text in sorted(texts.items()))
