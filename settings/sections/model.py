"""The base model."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints, field_validator, model_validator

from settings.fields import AssetName, AsText, Count, Flag, Number, Pattern, RegistryVersion, Section
from settings.models import Model, Shape, model
from settings.problems import refuse

MODEL_ID = r"azureml://registries/(?P<registry>[^/]+)/models/(?P<name>[^/]+)/versions/(?P<version>[^/]+)"


def _or_an_id(schema: dict[str, Any]) -> None:
    schema["properties"]["id"] = {
        "type": "string",
        "pattern": "^azureml://registries/[^/]+/models/[^/]+/versions/[^/]+$",
    }


class SizeSettings(Section):
    """How large a base model is that this project does not know, for the estimate of GPU memory."""

    billions: Annotated[Number, Field(ge=0, le=2000)] = 0
    """its weights in billions, 8 for 8B; 0: unknown, and no estimate"""
    layers: Annotated[Count, Field(le=1000)] = 0
    """its layers (num_hidden_layers in its config.json); 0: what is usual for its size"""
    hidden: Annotated[Count, Field(le=100_000)] = 0
    """their width (hidden_size); 0: what is usual"""
    inner: Annotated[Count, Field(le=1_000_000)] = 0
    """the width inside them (intermediate_size); 0: what is usual"""
    vocabulary: Annotated[Count, Field(le=1_000_000)] = 0
    """its vocabulary (vocab_size); 0: 128,256, as of Llama 3"""
    context: Count = 0
    """longest conversation in tokens (max_position_embeddings); 0: unknown"""


_REGISTRY = Pattern(r"|[A-Za-z0-9][\w-]{2,32}", "must be 3 to 33 letters, digits, - and _", "or empty for none")


class ShareSettings(Section):
    """Where a model goes once it is in service, so that another stack can take it (model.promote)."""

    registry: Annotated[str, _REGISTRY] = ""
    """an Azure ML registry of your own; empty: nowhere"""
    make: Flag = False
    """the stack makes that registry in its own group, and protects it; false: it is there"""


class PromoteSettings(Section):
    """The model of another stack that has proved it, in place of a fine-tune: nothing is trained."""

    stack: Annotated[str, StringConstraints(strip_whitespace=True, strict=True)] = ""
    """the stack whose model it is, as dev; empty: this one trains"""
    registry: Annotated[str, _REGISTRY] = ""
    """the registry to which that stack's model.share leads"""
    version: Annotated[str, Pattern(r"|[1-9]\d*", "must be the number of a version"), AsText] = ""
    """its version, in quotes; empty: the newest that the other stack has proved"""


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
    size: SizeSettings = SizeSettings()
    """how large a model is that this project does not know"""
    share: ShareSettings = ShareSettings()
    """where the model goes once it is in service, so that another stack can take it"""
    promote: PromoteSettings = PromoteSettings()
    """another stack's model, which it has proved, in place of a fine-tune"""

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

    @property
    def known(self) -> Model:
        """What is known of it: by this project, else by `size`."""
        found, size = model(self.name), self.size
        if found.shape or not size.billions:
            return found
        keys = ("layers", "hidden", "inner", "vocabulary")
        shape = Shape.of_size(size.billions * 1e9, **{key: value for key in keys if (value := getattr(size, key))})
        return Model(name=found.name, context=size.context or None, shape=shape)

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
