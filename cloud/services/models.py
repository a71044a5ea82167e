"""Tags of a model's versions, in a workspace: read and written without a client library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cloud.arm import Arm
from cloud.catalogue import ML_VERSION

_WRITABLE = ("description", "flavors", "isAnonymous", "isArchived", "jobName", "modelType", "modelUri", "properties")


def tag(arm: Arm, path: str, model: Mapping[str, Any], tags: Mapping[str, str], version: str = ML_VERSION) -> None:
    """Adds tags to a version whose properties are `model`. Raises what azure-core raises.

    Not by the SDK, which would send the model's address in another form, and be told that it can't be changed.
    """
    body = {each: model[each] for each in _WRITABLE if model.get(each) is not None}
    body["tags"] = {**(model.get("tags") or {}), **tags}
    arm.run("PUT", path, {"api-version": version}, {"properties": body})
