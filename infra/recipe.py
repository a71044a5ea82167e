"""The recipe: how the model is trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from infra.fields import Count, CountOrOff, Flag, Number, Positive, Share, as_number
from infra.problems import refuse


class Recipe(BaseModel):
    """Inputs of the fine-tuning component, under the component's own names.

    Types, choices and ranges are those of `chat_completion_pipeline` 0.0.82 (Azure/azureml-assets, spec.yaml), some of
    them narrowed to what makes sense; a key that is left out keeps its default there. The component's other inputs
    (models, files, computes) are the program's to fill.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    learning_rate: Annotated[Number, Field(gt=0, le=1)] = 2e-5
    lr_scheduler_type: Literal[
        "linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup"
    ] = "linear"
    num_train_epochs: Annotated[Positive, Field(le=1000)] = 1
    per_device_train_batch_size: Annotated[Positive, Field(le=1024)] = 1
    warmup_steps: Count = 0
    weight_decay: Annotated[Number, Field(ge=0, le=1)] = 0
    gradient_accumulation_steps: Annotated[Positive, Field(le=1024)] = 1
    seed: Count = 42
    max_seq_length: CountOrOff = -1
    apply_lora: Flag = False

    # Text that YAML reads as a number: it stays one until the job is built.
    precision: Annotated[Literal[16, 32], BeforeValidator(as_number)] | None = None
    max_steps: CountOrOff | None = None
    lora_r: Annotated[Positive, Field(le=1024)] | None = None
    lora_alpha: Positive | None = None
    lora_dropout: Share | None = None
    merge_lora_weights: Flag | None = None
    per_device_eval_batch_size: Positive | None = None
    auto_find_batch_size: Flag | None = None
    optim: Literal["adamw_torch", "adafactor"] | None = None
    adam_beta1: Share | None = None
    adam_beta2: Share | None = None
    adam_epsilon: Annotated[Number, Field(gt=0, lt=1)] | None = None
    max_grad_norm: Annotated[Number, Field(gt=0)] | None = None
    eval_accumulation_steps: CountOrOff | None = None
    enable_full_determinism: Flag | None = None
    dataloader_num_workers: Count | None = None
    ignore_mismatched_sizes: Flag | None = None
    evaluation_strategy: Literal["epoch", "steps", "disable"] | None = None
    evaluation_steps_interval: Annotated[Number, Field(ge=0, le=1)] | None = None
    eval_steps: Positive | None = None
    logging_strategy: Literal["epoch", "steps"] | None = None
    logging_steps: Positive | None = None
    metric_for_best_model: Literal["loss", "f1", "exact"] | None = None
    resume_from_checkpoint: Flag | None = None
    save_total_limit: CountOrOff | None = None
    apply_early_stopping: Flag | None = None
    early_stopping_patience: Positive | None = None
    early_stopping_threshold: Annotated[Number, Field(ge=0)] | None = None
    apply_deepspeed: Flag | None = None
    deepspeed_stage: Annotated[Literal[2, 3], BeforeValidator(as_number)] | None = None
    apply_ort: Flag | None = None
    batch_size: Positive | None = None
    pad_to_max_length: Flag | None = None

    @field_validator("max_seq_length", "max_steps", "eval_accumulation_steps", "save_total_limit")
    @classmethod
    def _not_none_of_it(cls, value: int | None) -> int | None:
        if value == 0:
            raise refuse("must be 1 or more, or -1 for no limit", "set it to -1")
        return value

    @field_validator("warmup_steps")
    @classmethod
    def _warms_up(cls, steps: int, info: ValidationInfo) -> int:
        if steps and info.data.get("lr_scheduler_type") == "constant":
            raise refuse(
                "has no effect with lr_scheduler_type constant",
                "set lr_scheduler_type to constant_with_warmup, or remove this key",
            )
        return steps

    @field_validator("max_steps")
    @classmethod
    def _longer_than_the_warmup(cls, steps: int | None, info: ValidationInfo) -> int | None:
        warmup = info.data.get("warmup_steps", 0)
        if steps is not None and 0 < steps <= warmup:
            rule = f"ends before the learning rate has risen: warmup_steps is {warmup}"
            raise refuse(rule, f"set it to more than {warmup}, or lower warmup_steps")
        return steps

    @field_validator(
        "lora_r",
        "lora_alpha",
        "lora_dropout",
        "merge_lora_weights",
        "early_stopping_patience",
        "early_stopping_threshold",
        "deepspeed_stage",
    )
    @classmethod
    def _switched_on(cls, value: Any, info: ValidationInfo) -> Any:
        field = info.field_name or ""
        switch = "apply_lora" if "lora" in field else "apply_" + field.rsplit("_", 1)[0]
        if switch in info.data and not info.data[switch]:
            raise refuse(f"has no effect without {switch}: true", f"set {switch} to true, or remove this key")
        return value

    def inputs(self) -> dict[str, str | int | float | bool]:
        """What the component is given: the keys that are set, with numbers as numbers and flags as bool."""
        return self.model_dump(exclude_none=True)
