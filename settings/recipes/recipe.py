"""The recipe: how the model is trained."""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from settings.fields import Count, CountOrOff, Flag, Number, Pattern, Positive, Share, Text, as_number
from settings.problems import refuse

_ROOT = Path(__file__).resolve().parent.parent.parent
_ALWAYS_MERGED = "is ignored: the component always merges the adapters into the model"
_NO_ORT = "is ignored: the component switches ONNX Runtime off for every task"
_NEVER_MEASURED = "is never measured for a chat, and the component fails at the first evaluation"


# Types, choices and ranges are those of `chat_completion_pipeline` 0.0.82 (Azure/azureml-assets, spec.yaml), some of
# them narrowed to what makes sense; what its code (src/finetune/finetune.py there, azureml-acft-accelerator 0.0.91)
# refuses or ignores is refused here. A key without a default that is left out is the base model's own or the
# component's (`jobs.training.recipe`). The component's other inputs (models, data, computes) are the program's to fill.
class Recipe(BaseModel):
    """Inputs of the fine-tuning component under its own names; more than these are accepted (settings/recipes/).

    At each evaluation the component saves a checkpoint with the optimizer's state; `save_total_limit` says how many
    are kept, and 1 is sent where it is not set. The model that comes out has the last weights, not the best ones:
    `apply_early_stopping` ends the training and does not go back. `resume_from_checkpoint` finds a checkpoint only
    where Azure starts the same job once more, as after the loss of a node; a new attempt begins anew.
    `max_seq_length` cuts conversations off, with `pad_to_max_length` or without it. `evaluation_steps_interval`
    counts conversations, not steps: with 4 of them to a step, 0.5 evaluates every second epoch.
    `num_nodes_finetune` is at most compute.maxNodes. `shm_size_finetune` is a number with b, k, m or g (the
    component's 5g unless set). `finetune_config_path` is a .json file of the project that goes before the base
    model's own finetune_config.json; what it may hold is in docs/models.md.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    learning_rate: Annotated[Number, Field(gt=0, le=1)] = 2e-5
    """how far a step moves the weights"""
    lr_scheduler_type: Literal[
        "linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup"
    ] = "linear"
    """linear | cosine | cosine_with_restarts | polynomial | constant | constant_with_warmup"""
    num_train_epochs: Annotated[Positive, Field(le=1000)] = 1
    """passes over the training data"""
    per_device_train_batch_size: Annotated[Positive, Field(le=1024)] = 1
    """conversations per step and GPU"""
    warmup_steps: Count = 0
    """steps over which the learning rate rises from 0"""
    weight_decay: Annotated[Number, Field(ge=0, le=1)] = 0
    """how strongly the weights are drawn towards 0"""
    gradient_accumulation_steps: Annotated[Positive, Field(le=1024)] = 1
    """steps whose gradients are added up before an update"""
    seed: Count = 42
    """of everything random in training"""
    max_seq_length: CountOrOff = -1
    """tokens of a conversation that are used; -1 for the model's maximum"""
    apply_lora: Flag = False
    """train low-rank adapters instead of all weights"""

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
    num_nodes_finetune: Annotated[Positive, Field(le=100)] | None = None
    # As Azure ML and Docker write it.
    shm_size_finetune: (
        Annotated[Text, Pattern(r"[1-9]\d*[bkmg]", "must be a number with b, k, m or g behind it, like 16g")] | None
    ) = None
    trust_remote_code: Flag | None = None
    finetune_config_path: Text | None = None

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

    @field_validator("merge_lora_weights", "apply_ort")
    @classmethod
    def _not_ignored(cls, value: bool | None, info: ValidationInfo) -> bool | None:
        if info.field_name == "merge_lora_weights" and value is False:
            raise refuse(_ALWAYS_MERGED, "remove this key")
        if info.field_name == "apply_ort" and value:
            raise refuse(_NO_ORT, "remove this key; apply_deepspeed is what saves memory")
        return value

    @field_validator("metric_for_best_model")
    @classmethod
    def _measured(cls, metric: str | None) -> str | None:
        if metric not in (None, "loss"):
            raise refuse(_NEVER_MEASURED, "set it to loss, or remove this key")
        return metric

    @field_validator("adam_beta1", "adam_beta2", "adam_epsilon")
    @classmethod
    def _of_adam(cls, value: float | None, info: ValidationInfo) -> float | None:
        if info.data.get("optim") == "adafactor":
            raise refuse("has no effect with optim: adafactor", "set optim to adamw_torch, or remove this key")
        return value

    @field_validator("evaluation_steps_interval", "eval_steps")
    @classmethod
    def _evaluated_by_steps(cls, value: float | None, info: ValidationInfo) -> float | None:
        if value and info.data.get("evaluation_strategy") != "steps":
            remedy = "set evaluation_strategy to steps, or remove this key"
            raise refuse("has no effect without evaluation_strategy: steps", remedy)
        if info.field_name == "eval_steps" and info.data.get("evaluation_steps_interval"):
            raise refuse("has no effect with evaluation_steps_interval", "keep the one or the other")
        return value

    @field_validator("evaluation_steps_interval")
    @classmethod
    def _evaluated_at_all(cls, share: float | None, info: ValidationInfo) -> float | None:
        """The component takes the share of the conversations, not of the steps of an epoch."""
        batch, epochs = info.data.get("per_device_train_batch_size", 1), info.data.get("num_train_epochs", 1)
        if share and (info.data.get("max_steps") or -1) < 0 and share * batch > epochs:
            rule = (
                f"means no evaluation at all: the component counts conversations, not steps, and with {batch} of them "
                f"to a step (per_device_train_batch_size) it would evaluate every {share * batch:g} epochs of {epochs}"
            )
            raise refuse(rule, "give eval_steps instead, or set evaluation_strategy to epoch")
        return share

    @field_validator("logging_steps")
    @classmethod
    def _logged_by_steps(cls, steps: int | None, info: ValidationInfo) -> int | None:
        if steps is not None and info.data.get("logging_strategy") == "epoch":
            raise refuse("has no effect with logging_strategy: epoch", "remove one of the two")
        return steps

    @field_validator("apply_early_stopping")
    @classmethod
    def _stopped_by_evaluations(cls, on: bool | None, info: ValidationInfo) -> bool | None:
        if on and info.data.get("evaluation_strategy") == "disable":
            rule = "is refused by the component with evaluation_strategy: disable"
            raise refuse(rule, "set evaluation_strategy to epoch or steps, or remove this key")
        return on

    @field_validator("apply_deepspeed")
    @classmethod
    def _with_a_known_batch(cls, on: bool | None, info: ValidationInfo) -> bool | None:
        if on and info.data.get("auto_find_batch_size"):
            rule = "is refused by the component with auto_find_batch_size: true"
            raise refuse(rule, "remove auto_find_batch_size and set per_device_train_batch_size, or remove this key")
        return on

    @field_validator("finetune_config_path")
    @classmethod
    def _readable(cls, name: str | None) -> str | None:
        if name is None:
            return None
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or path.suffix != ".json":
            raise refuse("must be a .json file inside the project", "for example finetune-config.json")
        try:
            content = json.loads((_ROOT / path).read_text(encoding="utf-8"))
        except OSError as error:
            raise refuse(f"cannot be read: {error.strerror}", "name a file that is there") from None
        except ValueError as error:
            raise refuse(f"is no JSON: {error}", "mend the file") from None
        if not isinstance(content, dict):
            raise refuse("must hold an object", 'for example {"lora_algo": "peft"}')
        return name

    def inputs(self) -> dict[str, str | int | float | bool]:
        """What the component is given: the keys that are set, with numbers as numbers and flags as bool."""
        return self.model_dump(exclude_none=True, exclude={"finetune_config_path"})

    def finetune_config(self) -> str:
        """The content of the file `finetune_config_path` as JSON in one form; "" for none."""
        if self.finetune_config_path is None:
            return ""
        content = json.loads((_ROOT / self.finetune_config_path).read_text(encoding="utf-8"))
        return json.dumps(content, sort_keys=True, separators=(",", ":"))
