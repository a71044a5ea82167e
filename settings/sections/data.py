"""What is learnt from."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints, field_validator

from settings.catalogue import CPU_SIZES, VmSize
from settings.fields import AssetName, Count, Flag, Number, Positive, Section, Text, as_version, pattern
from settings.problems import refuse, similar

RowCount = Annotated[Text, BeforeValidator(as_version)]


class DataClusterSettings(Section):
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


class DataSettings(Section):
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
    cluster: DataClusterSettings = DataClusterSettings()

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
