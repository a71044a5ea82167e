"""The fine-tuning job."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings.fields import AssetName, AsText, Flag, Number, Pattern, Positive, Section, Text

FINETUNING_HOURS = 12


class ComponentSettings(Section):
    """The registry's pipeline component that fine-tunes."""

    registry: AssetName = "azureml"
    """model registry"""
    name: AssetName = "chat_completion_pipeline"
    """pipeline component"""
    version: Annotated[
        Text,
        Pattern(r"latest|\d+(\.\d+)*", "must be `latest` or a version number like 0.0.82"),
        AsText,
    ] = "latest"
    """its version, in quotes, or latest"""


class FinetuneSettings(Section):
    """The fine-tuning job."""

    component: ComponentSettings = ComponentSettings()
    """the pipeline component that is run"""
    model_name: AssetName = "phi-ultrachat"
    """name under which the result is registered"""
    experiment: AssetName = "finetune-phi"
    """groups the jobs in the studio"""
    wait: Flag = True
    """follow the job to its end; with false, `pulumi up` submits it, and a later one goes on"""
    cancel_on_interrupt: Flag = False
    """an interrupted `pulumi up` cancels the job instead of leaving it to run"""
    supersede: Literal["cancel", "keep"] = "cancel"
    """a job of an earlier recipe that still runs: cancel | keep"""
    max_hours: Annotated[Number, Field(gt=0, le=720)] = FINETUNING_HOURS
    """how long one job may run, without waiting for a machine; one that reaches it is cancelled"""
    max_cost: Annotated[Number, Field(ge=0, le=1_000_000)] = 0
    """the same in US dollars, by the price of the cluster's machines; 0: no limit but maxHours"""
    adapt: Flag = False
    """after a job that ran out of GPU memory the next attempt takes half the batch and adds up twice as many"""
    max_attempts: Annotated[Positive, Field(le=10)] = 3
    """how many failed jobs before giving up; cancelled ones do not count"""
