"""The sections of a stack's settings that say what is learnt, on what and how it is served.

Every key has its default here; Pulumi.yaml repeats key, type, default and description for the reader and the
CLI, and a test holds the two together.
"""

from __future__ import annotations

import itertools
import re
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, ValidationInfo, field_validator, model_validator

from settings.catalogue import CPU_SIZES, MODELS, VM_SIZES, VmSize
from settings.fields import (
    AssetName,
    Count,
    Flag,
    Number,
    Positive,
    RegistryVersion,
    Section,
    Text,
    Whole,
    as_version,
    pattern,
)
from settings.problems import refuse, similar
from settings.watching import Health, Liveness, Readiness

RowCount = Annotated[Text, BeforeValidator(as_version)]
MODEL_ID = r"azureml://registries/(?P<registry>[^/]+)/models/(?P<name>[^/]+)/versions/(?P<version>[^/]+)"


class DataCluster(Section):
    """The CPU cluster that prepares the data, where it is asked for; it has no machine without a job."""

    vm_size: Text = "Standard_D4s_v3"
    max_nodes: Annotated[Positive, Field(le=100)] = 1

    @field_validator("vm_size")
    @classmethod
    def _without_gpu(cls, name: str) -> str:
        size = next((known for known in CPU_SIZES.values() if known.name.lower() == name.lower()), None)
        if size is None:
            guess = similar(name, CPU_SIZES)
            raise refuse("must be a CPU size this project knows", f"{guess} there are {', '.join(CPU_SIZES)}".strip())
        return size.name

    @property
    def size(self) -> VmSize:
        """What is known of the size."""
        return CPU_SIZES[self.vm_size]


class Data(Section):
    """Where the conversations come from, how they are checked and how they are split."""

    source: Text = "HuggingFaceH4/ultrachat_200k"
    config: Text = "default"
    split: Text = "train_sft[:1%]"
    revision: Annotated[str, StringConstraints(strip_whitespace=True, strict=True)] = ""
    rows: Annotated[RowCount, pattern(r"all|[1-9]\d*|\d+(\.\d+)?%", "must be all, a number or a share like 5%")] = "all"
    shape: Literal["auto", "messages", "sharegpt", "alpaca", "pair"] = "auto"
    test_ratio: Annotated[Number, Field(gt=0, lt=1)] = 0.2
    seed: Count = 0
    bad_rows: Literal["refuse", "skip", "repair"] = "refuse"
    repairs: tuple[
        Literal["role-names", "control", "marks", "drop-empty", "merge-roles", "drop-lead", "drop-tail"], ...
    ] = (
        "role-names",
        "control",
        "drop-empty",
        "merge-roles",
        "drop-lead",
        "drop-tail",
    )
    max_rejected: Annotated[RowCount, pattern(r"\d+(\.\d+)?%?", "must be a number or a share like 1%")] = "1%"
    duplicates: Literal["report", "near", "drop"] = "report"
    mask: Flag = False
    tokenizer: Text = "auto"
    directory: Text = "data"
    name: AssetName = "ultrachat"
    run_on: Literal["local", "cluster"] = "local"
    cluster: DataCluster = DataCluster()

    @field_validator("source")
    @classmethod
    def _known_source(cls, source: str) -> str:
        if "://" in source and not source.startswith("azureml:"):
            raise refuse(
                "must not be an address: nothing is downloaded from one, and what is signed in it would be kept",
                "fetch the file and name it, or register it as a data asset (azureml:name:version)",
            )
        data_file = re.search(r"\.(jsonl|ndjson|json|csv|parquet)(\.(gz|bz2|zst|xz))?$", source)
        path = source.startswith((".", "/", "~")) or source.endswith("/") or any(sign in source for sign in "*?[")
        asset = re.fullmatch(r"azureml:[\w.-]+(:[\w.-]+|@latest)|azureml://.+/data/[^/]+/versions/[^/]+", source)
        if source == "sample" or data_file or path or asset or re.fullmatch(r"[\w.-]+(/[\w.-]+)+", source):
            return source
        raise refuse(
            "must be `sample`, a data set of the Hugging Face hub, a file (.jsonl, .json, .csv or .parquet), a folder/ "
            "or pattern of files, or a data asset (azureml:name:version)",
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
    """The base model, as its registry names it; `id: azureml://registries/…` says all three at once."""

    registry: AssetName = "azureml"
    name: AssetName = "Phi-4-mini-instruct"
    version: RegistryVersion = "1"

    @model_validator(mode="before")
    @classmethod
    def _from_id(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "id" not in given:
            return given
        parts = re.fullmatch(MODEL_ID, str(given["id"]))
        if parts is None:
            rule = "must be azureml://registries/REGISTRY/models/NAME/versions/VERSION"
            example = next(iter(MODELS["Phi-4-mini-instruct"].ids))
            raise refuse(rule, f"for example {example}", at="id", value=given["id"])
        if doubled := sorted(set(given) & {"registry", "name", "version"}):
            rule = f"says the same as {', '.join(doubled)}"
            raise refuse(rule, "keep the one or the other", at="id", value=given["id"])
        return {**{key: value for key, value in given.items() if key != "id"}, **parts.groupdict()}

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
        BeforeValidator(as_version),
    ] = "latest"


class Finetune(Section):
    """The fine-tuning job."""

    component: Component = Component()
    model_name: AssetName = "phi-ultrachat"
    experiment: AssetName = "finetune-phi"
    wait: Flag = True
    cancel_on_interrupt: Flag = False
    supersede: Literal["cancel", "keep"] = "cancel"
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
    # For the data card, and before the price list for what jobs status tells; reviews ask the price list alone.
    hourly_price: Annotated[float, Field(ge=0, le=1_000)] = 0

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
        """What is known of the size."""
        return VM_SIZES[self.vm_size]


class Serving(Section):
    """The deployment that answers, and how traffic reaches it."""

    vm_size: Text = "Standard_NC24ads_A100_v4"
    instances: Annotated[Positive, Field(le=20)] = 1
    traffic_steps: tuple[Annotated[Whole, Field(ge=1, le=100)], ...] = (100,)
    soak_seconds: Annotated[Count, Field(le=86_400)] = 0
    # As long as an answer may take; how long Azure lets a deployment that is deleted finish is not documented.
    drain_seconds: Annotated[Count, Field(le=3_600)] = 90
    health: Health = Health()
    # Azure lets in twice as many for each instance and answers the others with 429; its own default is 1.
    max_concurrent_requests: Annotated[Positive, Field(le=1_000)] = 8
    liveness: Liveness = Liveness()
    readiness: Readiness = Readiness()
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


class Evaluation(Section):
    """The questions whose answers decide whether a new model may have traffic."""

    questions: Annotated[str, StringConstraints(strip_whitespace=True, strict=True)] = "golden/general.jsonl"
    minimum_score: Annotated[Number, Field(ge=0, le=1)] = 0.5
    maximum_drop: Annotated[Number, Field(ge=0, le=1)] = 0.1
    latency_seconds: Annotated[Number, Field(gt=0, le=180)] = 30

    @field_validator("questions")
    @classmethod
    def _a_file_of_the_project(cls, questions: str) -> str:
        path = PurePosixPath(questions)
        if questions and (path.is_absolute() or ".." in path.parts or path.suffix != ".jsonl"):
            raise refuse("must be a .jsonl file inside the project", "for example golden/general.jsonl, or nothing")
        return questions


class Flow(Section):
    """The chat in front of the endpoint."""

    publish: Flag = True
    front_end: Literal["promptflow", "agent"] = "promptflow"
