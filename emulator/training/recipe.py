"""The inputs of the fine-tune component that the stand-in honours, with the component's own names and defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emulator.training.errors import TrainingError

SchedulerName = Literal["linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup"]

# Inputs that choose how a large network fits on GPUs: accepted, said in the log, nothing to apply them to here.
WITHOUT_EFFECT = (
    "precision", "apply_lora", "lora_r", "lora_alpha", "lora_dropout", "merge_lora_weights", "apply_deepspeed",
    "deepspeed_stage", "deepspeed", "apply_ort", "num_nodes_finetune", "number_of_gpu_to_use_finetuning", "optim",
)  # fmt: skip
SMALLEST_WINDOW = 16


class Recipe(BaseModel):
    """Defaults are those of chat_completion_pipeline 0.0.82. Inputs that are none of these are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    learning_rate: float = Field(2e-5, gt=0, allow_inf_nan=False)
    lr_scheduler_type: SchedulerName = "linear"
    warmup_steps: int = Field(0, ge=0)
    num_train_epochs: int = Field(1, ge=1)
    max_steps: int = -1  # above 0 it decides instead of num_train_epochs
    per_device_train_batch_size: int = Field(1, ge=1)
    gradient_accumulation_steps: int = Field(1, ge=1)
    weight_decay: float = Field(0.0, ge=0, allow_inf_nan=False)
    seed: int = Field(42, ge=0)
    max_seq_length: int = -1  # -1: the context window of the base model
    logging_strategy: Literal["epoch", "steps"] = "steps"
    logging_steps: int = Field(10, ge=1)

    @property
    def batch(self) -> int:
        """Conversations that one step of the optimizer sees."""
        return self.per_device_train_batch_size * self.gradient_accumulation_steps

    def window(self, context: int) -> int:
        """Tokens a conversation is cut to, given the context window of the base model."""
        return min(context, max(SMALLEST_WINDOW, self.max_seq_length)) if self.max_seq_length > 0 else context


class Job(BaseModel):
    """What `python -m emulator.training.finetune --job` reads; paths are as the process sees them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_model: Path
    train_file: Path
    validation_file: Path | None = None
    test_file: Path | None = None
    prepared: Path | None = None  # what the step before has made of the files
    output_dir: Path
    log_file: Path | None = None
    metrics_file: Path
    inputs: dict[str, str | int | float | bool | None] = {}


def read_job(path: Path) -> tuple[Job, Recipe]:
    """The job file and the recipe in its inputs; raises TrainingError with every problem in one line."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as e:
        raise TrainingError(f"cannot read the job file {path}: {e.strerror}") from None
    try:
        job = Job.model_validate(json.loads(text))
    except json.JSONDecodeError as e:
        raise TrainingError(f"the job file {path} is not JSON: {e}") from None
    except ValidationError as e:
        raise TrainingError(f"the job file {path}: {_problems(e)}") from None
    return job, read_recipe(job.inputs)


def read_recipe(inputs: Mapping[str, Any]) -> Recipe:
    """The recipe in a component's inputs; an empty input counts as not given."""
    try:
        return Recipe.model_validate({name: value for name, value in inputs.items() if value not in (None, "")})
    except ValidationError as e:
        raise TrainingError(f"inputs of the fine-tune: {_problems(e)}") from None


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'])} is {problem['input']!r}: {problem['msg']}"
        for problem in error.errors()
    )
