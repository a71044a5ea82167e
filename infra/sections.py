"""The sections of a stack's settings, and the rules for each key.

Every key has its default here; Pulumi.yaml repeats key, type, default and description for the reader and the
CLI, and a test holds the two together.
"""

from __future__ import annotations

import itertools
import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel

from infra.catalogue import MODELS, VM_SIZES, VmSize
from infra.problems import refuse, similar


def _number(value: Any) -> Any:
    """YAML 1.1 reads 2e-5, and `pulumi config set --path` every fraction, as text; true is no number."""
    if isinstance(value, bool):
        raise refuse("must be a number")
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise refuse("must be a number") from None
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _flag(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, str) and value.lower() in ("true", "false")):
        return value
    raise refuse("must be true or false")


def _version(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def pattern(expression: str, rule: str) -> BeforeValidator:
    """Text that matches as a whole, refused with `rule` in words."""

    def check(value: Any) -> Any:
        if isinstance(value, str) and not re.fullmatch(expression, value):
            raise refuse(rule)
        return value

    return BeforeValidator(check)


Whole = Annotated[int, BeforeValidator(_number)]
Number = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_number)]
Positive = Annotated[Whole, Field(ge=1)]
Count = Annotated[Whole, Field(ge=0)]
CountOrOff = Annotated[Whole, Field(ge=-1)]  # -1 switches the component's limit off
Share = Annotated[Number, Field(ge=0, lt=1)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, strict=True)]
AssetName = Annotated[
    Text,
    pattern(r"[A-Za-z0-9][\w.-]{0,250}", "must be letters, digits, - _ . with a letter or digit first"),
]
RegistryVersion = Annotated[
    Text, pattern(r"\d+(\.\d+)*", "must be a version number like 1 or 0.0.82"), BeforeValidator(_version)
]


class Section(BaseModel):
    """Keys are written in camelCase; unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


class Data(Section):
    """Where the conversations come from and how they are split."""

    source: Text = "HuggingFaceH4/ultrachat_200k"
    config: Text = "default"
    split: Text = "train_sft[:1%]"
    test_ratio: Annotated[Number, Field(gt=0, lt=1)] = 0.2
    seed: Count = 0
    directory: Text = "data"
    name: AssetName = "ultrachat"

    @field_validator("source")
    @classmethod
    def _known_source(cls, source: str) -> str:
        local = PurePosixPath(source).suffix in (".jsonl", ".json", ".parquet")
        if source == "sample" or local or re.fullmatch(r"[\w.-]+/[\w.-]+", source):
            return source
        raise refuse(
            "must be `sample`, a data set of the Hugging Face hub, or a .jsonl, .json or .parquet file",
            "for example HuggingFaceH4/ultrachat_200k, or my-chats.jsonl",
        )

    @field_validator("directory")
    @classmethod
    def _inside(cls, directory: str) -> str:
        path = PurePosixPath(directory)
        if path.is_absolute() or ".." in path.parts:
            raise refuse("must be a directory inside the project", "for example data")
        return directory


class Model(Section):
    """The base model, as its registry names it."""

    registry: AssetName = "azureml"
    name: AssetName = "Phi-4-mini-instruct"
    version: RegistryVersion = "1"

    @field_validator("name")
    @classmethod
    def _not_retired(cls, name: str) -> str:
        known = MODELS.get(name)
        if known and known.retired:
            raise refuse(
                f"can no longer be fine-tuned: Azure retired that on {known.retired}",
                f"take its successor, {known.successor}",
            )
        return name


class Component(Section):
    """The registry's fine-tuning pipeline."""

    registry: AssetName = "azureml"
    name: AssetName = "chat_completion_pipeline"
    version: Annotated[
        Text,
        pattern(r"latest|\d+(\.\d+)*", "must be `latest` or a version number like 0.0.82"),
        BeforeValidator(_version),
    ] = "latest"


class Finetune(Section):
    """The fine-tuning job."""

    component: Component = Component()
    model_name: AssetName = "phi-ultrachat"
    experiment: AssetName = "finetune-phi"
    wait: Flag = True
    max_attempts: Annotated[Positive, Field(le=10)] = 3


def _gpu_size(name: str) -> VmSize:
    by_lower = {known.lower(): size for known, size in VM_SIZES.items()}
    size = by_lower.get(name.lower())
    if size is None:
        offered = [known for known, candidate in VM_SIZES.items() if not candidate.retired]
        guess = similar(name, offered)
        raise refuse("must be a GPU size this project knows", f"{guess} there are {', '.join(offered)}".strip())
    if size.retired:
        raise refuse(f"was retired by Azure on {size.retired}", f"take {size.successor}")
    return size


class Compute(Section):
    """The GPU cluster that trains."""

    vm_size: Text = "Standard_NC24ads_A100_v4"
    min_nodes: Count = 0
    max_nodes: Annotated[Positive, Field(le=100)] = 1
    idle_seconds: Annotated[Whole, Field(ge=60, le=86_400)] = 120

    @field_validator("vm_size")
    @classmethod
    def _for_clusters(cls, name: str) -> str:
        size = _gpu_size(name)
        if not size.cluster:
            raise refuse("is not offered for Azure ML clusters", "take Standard_NC24ads_A100_v4")
        return size.name

    @field_validator("max_nodes")
    @classmethod
    def _not_below_minimum(cls, nodes: int, info: ValidationInfo) -> int:
        least = info.data.get("min_nodes", 0)
        if nodes < least:
            raise refuse(f"must not be less than minNodes, which is {least}", f"set it to {least} or more")
        return nodes

    @property
    def size(self) -> VmSize:
        return VM_SIZES[self.vm_size]


class Serving(Section):
    """The deployment that answers, and how traffic reaches it."""

    vm_size: Text = "Standard_NC24ads_A100_v4"
    instances: Annotated[Positive, Field(le=20)] = 1
    traffic_steps: tuple[Annotated[Whole, Field(ge=1, le=100)], ...] = (100,)
    soak_seconds: Annotated[Count, Field(le=86_400)] = 0
    # 180 s is as long as Azure lets a scoring request run.
    request_timeout_seconds: Annotated[Positive, Field(le=180)] = 90
    compare_with_base: Flag = False
    question: Text = "Who founded Microsoft?"

    @field_validator("vm_size")
    @classmethod
    def _for_endpoints(cls, name: str) -> str:
        size = _gpu_size(name)
        if not size.endpoint:
            raise refuse("is not offered for managed endpoints", "take Standard_NC24ads_A100_v4")
        return size.name

    @field_validator("traffic_steps")
    @classmethod
    def _rising_to_all(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if not steps or steps[-1] != 100 or any(a >= b for a, b in itertools.pairwise(steps)):
            raise refuse("must rise from step to step and end at 100", "for example [100] or [10, 50, 100]")
        return steps

    @property
    def size(self) -> VmSize:
        return VM_SIZES[self.vm_size]


class Recipe(BaseModel):
    """Inputs of the fine-tuning component, under the component's own names.

    Types and choices are those of `chat_completion_pipeline` 0.0.57; a key that is left out keeps its default there.
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
    precision: Annotated[Literal[16, 32], BeforeValidator(_number)] | None = None
    max_steps: CountOrOff | None = None
    lora_r: Annotated[Positive, Field(le=1024)] | None = None
    lora_alpha: Positive | None = None
    lora_dropout: Share | None = None
    merge_lora_weights: Flag | None = None
    per_device_eval_batch_size: Positive | None = None
    auto_find_batch_size: Flag | None = None
    optim: Literal["adamw_hf", "adamw_torch", "adafactor"] | None = None
    adam_beta1: Share | None = None
    adam_beta2: Share | None = None
    adam_epsilon: Annotated[Number, Field(gt=0, lt=1)] | None = None
    max_grad_norm: Annotated[Number, Field(gt=0)] | None = None
    eval_accumulation_steps: CountOrOff | None = None
    enable_full_determinism: Flag | None = None
    dataloader_num_workers: Count | None = None
    ignore_mismatched_sizes: Flag | None = None
    evaluation_strategy: Literal["epoch", "steps"] | None = None
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
    deepspeed_stage: Annotated[Literal[2, 3], BeforeValidator(_number)] | None = None
    apply_ort: Flag | None = None
    batch_size: Positive | None = None
    pad_to_max_length: Flag | None = None

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
