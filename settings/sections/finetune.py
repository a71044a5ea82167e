"""The fine-tuning job."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from settings.fields import AssetName, Flag, Positive, Section, Text, as_version, pattern


class ComponentSettings(Section):
    """The registry's fine-tuning pipeline."""

    registry: AssetName = "azureml"
    name: AssetName = "chat_completion_pipeline"
    version: Annotated[
        Text,
        pattern(r"latest|\d+(\.\d+)*", "must be `latest` or a version number like 0.0.82"),
        BeforeValidator(as_version),
    ] = "latest"


class FinetuneSettings(Section):
    """The fine-tuning job."""

    component: ComponentSettings = ComponentSettings()
    model_name: AssetName = "phi-ultrachat"
    experiment: AssetName = "finetune-phi"
    wait: Flag = True
    cancel_on_interrupt: Flag = False
    supersede: Literal["cancel", "keep"] = "cancel"
    max_attempts: Annotated[Positive, Field(le=10)] = 3
