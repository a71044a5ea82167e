"""What is learnt from."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from settings.fields import AssetName, AsText, Count, Flag, Number, Pattern, Positive, Section, Text
from settings.machines import CPU_SIZES, VmSize
from settings.problems import refuse, similar
from settings.sections.sources import AZUREML, SAMPLE, is_address, may_be_source

PREPARATION_HOURS = 12
DATA_IDLE_SECONDS = 120
"""How long an idle node of the data cluster waits before it is released."""
RowCount = Annotated[Text, AsText]


ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=200, strict=True)]
ColumnPart = Literal[
    "messages", "system", "context", "question", "answer", "history", "weight", "label", "rejected", "tools", "text"
]


OwnFile = Annotated[str, StringConstraints(strip_whitespace=True, strict=True)]


class DataClusterSettings(Section):
    """With cluster: the CPU cluster that prepares the data, which has no node without a job."""

    vm_size: Text = "Standard_D4s_v3"
    """size of a node"""
    max_nodes: Annotated[Positive, Field(le=100)] = 1
    """nodes at most"""
    nodes: Annotated[Positive, Field(le=100)] = 1
    """nodes among which the rows are divided, maxNodes at most; a further step joins them"""
    max_hours: Annotated[Number, Field(gt=0, le=720)] = PREPARATION_HOURS
    """how long the job may run; Azure cancels it then: on several nodes each step of it, and the whole is cancelled by
    `pulumi up` while it follows it"""

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


class RowsSettings(Section):
    """Where rows are, and how they are read."""

    source: Text = "HuggingFaceH4/ultrachat_200k"
    """data set of the Hugging Face hub | sample (bundled) | a file (.jsonl, .json, .csv, .tsv, .parquet), folder/ or
    pattern of files, also compressed | azureml:name:version
    """
    config: Text = "default"
    """the data set's configuration"""
    split: Text = "train_sft[:1%]"
    """the data set's split, in the slicing syntax of `datasets`; of files: train[:100]"""
    revision: Annotated[str, StringConstraints(strip_whitespace=True, strict=True)] = ""
    """the data set's commit, tag or branch; empty for the newest"""
    rows: Annotated[RowCount, Pattern(r"all|[1-9]\d*|\d+(\.\d+)?%", "must be all, a number or a share like 5%")] = "all"
    """all | a number, the first ones | a share like 5%, which stays the same when rows are added"""
    shape: Literal["auto", "messages", "sharegpt", "alpaca", "pair", "preference", "tree", "turns", "text"] = "auto"
    """auto (each row its own) | messages | sharegpt | alpaca | pair | preference | tree | turns | text"""
    columns: dict[ColumnName, ColumnPart] = Field(default_factory=dict)
    """columns of other names than the usual ones, and the part each holds: messages system context question answer
    history weight label rejected tools text
    """
    ignore: tuple[ColumnName, ...] = ()
    """columns, and keys of messages, that may go"""

    @field_validator("source")
    @classmethod
    def _known_source(cls, source: str) -> str:
        if is_address(source):
            raise refuse(
                "must not be an address: nothing is downloaded from one, and what is signed in it would be kept",
                "fetch the file and name it, or register it as a data asset (azureml:name:version)",
            )
        if may_be_source(source):
            return source
        raise refuse(
            "must be `sample`, a data set of the Hugging Face hub, a file (.jsonl, .json, .csv, .tsv or .parquet), a "
            "folder/ or pattern of files, or a data asset (azureml:name:version)",
            "for example HuggingFaceH4/ultrachat_200k, or my-chats.jsonl",
        )


class MixedSettings(RowsSettings):
    """One of several sources, and how much of the result comes from it."""

    source: Text
    """as data.source"""
    share: Annotated[Text, Pattern(r"\d+(\.\d+)?%", "must be a share like 70%")]
    """of the rows that come out, such as 70%; all shares together are 100%"""


class DataSettings(RowsSettings):
    """The conversations to learn from."""

    sources: tuple[MixedSettings, ...] = ()
    """several instead of source, each with its share of the rows and with any of the keys above:
    [{source: sample, share: 70%}, ...] and so on (docs/data.md)
    """
    test_ratio: Annotated[Number, Field(gt=0, lt=1)] = 0.2
    """share of the conversations that are not trained on: test_data.jsonl, which tests, and validates where there is no
    file for that
    """
    validation_ratio: Annotated[Number, Field(ge=0, lt=1)] = 0
    """share of the conversations for a third file, validation_data.jsonl: it chooses, and the test file judges; 0 for
    two files
    """
    test: OwnFile = ""
    """test conversations of your own: a file, folder/ or pattern of files; testRatio does not apply then"""
    validation: OwnFile = ""
    """conversations of your own by which the fine-tune validates; validationRatio does not apply then"""
    seed: Count = 0
    """decides which ones"""
    bad_rows: Literal["refuse", "skip", "repair"] = "refuse"
    """what happens to rows that break a rule: refuse | skip | repair"""
    repairs: tuple[
        Literal[
            "role-names",
            "control",
            "marks",
            "drop-unlearnt",
            "drop-results",
            "drop-empty",
            "merge-roles",
            "drop-lead",
            "drop-tail",
        ],
        ...,
    ] = (
        "role-names",
        "control",
        "drop-empty",
        "merge-roles",
        "drop-lead",
        "drop-tail",
    )
    """with repair: some of role-names control marks drop-unlearnt drop-results drop-empty merge-roles drop-lead
    drop-tail
    """
    max_rejected: Annotated[RowCount, Pattern(r"\d+(\.\d+)?%?", "must be a number or a share like 1%")] = "1%"
    """with skip and repair: most rows that may be left out, a number or a share like 1%"""
    duplicates: Literal["report", "near", "drop"] = "report"
    """report (exact ones) | near (MinHash too, and test rows like training rows) | drop (both)"""
    mask: Flag = False
    """replace personal data and secrets in the texts"""
    tokenizer: Text = "auto"
    """auto (the model's, where it is at hand) | estimate | a tokenizer.json | a hub repository"""
    directory: Text = "data"
    """where train_data.jsonl and test_data.jsonl are written, inside the project"""
    name: AssetName = "ultrachat"
    """first part of the data assets' names"""
    run_on: Literal["local", "cluster"] = "local"
    """where they are prepared: local (make data) | cluster (a job on a CPU cluster, in `pulumi up`)"""
    cluster: DataClusterSettings = DataClusterSettings()
    """with cluster: that CPU cluster, which has no node without a job"""

    @field_validator("test", "validation")
    @classmethod
    def _own_files(cls, name: str) -> str:
        if name and (name == SAMPLE or name.startswith(AZUREML) or is_address(name) or not may_be_source(name)):
            raise refuse("must be a file, a folder/ or a pattern of files", "for example my-test.jsonl, or nothing")
        return name

    @field_validator("directory")
    @classmethod
    def _inside(cls, directory: str) -> str:
        path = PurePosixPath(directory)
        if path.is_absolute() or ".." in path.parts:
            raise refuse("must be a directory inside the project", "for example data")
        return directory
