"""The base model."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ConfigDict, field_validator, model_validator

from settings.fields import AssetName, RegistryVersion, Section
from settings.models import model
from settings.problems import refuse

MODEL_ID = r"azureml://registries/(?P<registry>[^/]+)/models/(?P<name>[^/]+)/versions/(?P<version>[^/]+)"


def _or_an_id(schema: dict[str, Any]) -> None:
    schema["properties"]["id"] = {
        "type": "string",
        "pattern": "^azureml://registries/[^/]+/models/[^/]+/versions/[^/]+$",
    }


class ModelSettings(Section):
    """The base model.

    Or, instead of the three, id: azureml://registries/REGISTRY/models/NAME/versions/VERSION
    """

    model_config = ConfigDict(json_schema_extra=_or_an_id)

    registry: AssetName = "azureml"
    """model registry"""
    name: AssetName = "Phi-4-mini-instruct"
    """model"""
    version: RegistryVersion = "1"
    """its version, in quotes"""

    @model_validator(mode="before")
    @classmethod
    def _from_id(cls, given: Any) -> Any:
        if not isinstance(given, dict) or "id" not in given:
            return given
        parts = re.fullmatch(MODEL_ID, str(given["id"]))
        if parts is None:
            rule = "must be azureml://registries/REGISTRY/models/NAME/versions/VERSION"
            example = model("Phi-4-mini-instruct").ids[0]
            raise refuse(rule, f"for example {example}", at="id", value=given["id"])
        if doubled := sorted(set(given) & {"registry", "name", "version"}):
            rule = f"says the same as {', '.join(doubled)}"
            raise refuse(rule, "keep the one or the other", at="id", value=given["id"])
        return {**{key: value for key, value in given.items() if key != "id"}, **parts.groupdict()}

    @field_validator("name")
    @classmethod
    def _not_retired(cls, name: str) -> str:
        known = model(name)
        if known.retired:
            raise refuse(
                f"can no longer be fine-tuned: Azure retired that on {known.retired}",
                f"take its successor, {known.successor}",
            )
        return name
