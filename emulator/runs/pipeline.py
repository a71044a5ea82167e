"""A pipeline job's body, read as what the fine-tune component needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from emulator.arm.errors import user_error
from emulator.registry import COMPONENT, component
from emulator.store import Resource

BINDING = re.compile(r"\$\{\{parent\.(inputs|outputs)\.([^}]+)\}\}")
FILES = ("uri_file", "uri_folder", "mltable", "mlflow_model", "custom_model")


@dataclass(frozen=True)
class FineTune:
    """The one node of the pipeline.

    Attributes:
        node: its name in the pipeline.
        literals: component inputs that are values, as text.
        files: component inputs that are files or models: their URIs.
        outputs: component output → the pipeline's output it is bound to.
    """

    node: str
    literals: dict[str, str]
    files: dict[str, str]
    outputs: dict[str, str]


def read(job: Resource) -> FineTune:
    """Take the pipeline apart.

    Raises:
        AzureError: it is not one node around the fine-tune component, or its inputs do not fit.
    """
    nodes = job.properties.get("jobs") or {}
    if len(nodes) != 1:
        raise user_error(f"The emulator runs pipelines of one node, and {job.name} has {len(nodes)}.")
    name, node = next(iter(nodes.items()))
    if f"/components/{COMPONENT}/" not in str(node.get("componentId")):
        raise user_error(f"Node {name} runs {node.get('componentId')}; the emulator knows {COMPONENT} only.")
    literals: dict[str, str] = {}
    files: dict[str, str] = {}
    for key, given in (node.get("inputs") or {}).items():
        value = _bound(given, job.properties.get("inputs") or {})
        kind = str(component()["inputs"].get(key, {}).get("type"))
        if key not in component()["inputs"]:
            raise user_error(f"Unknown input {key} of component {COMPONENT}.")
        (files if kind in FILES else literals)[key] = str(value.get("uri", value.get("value")))
    outputs = {
        key: match[2]
        for key, given in (node.get("outputs") or {}).items()
        if (match := BINDING.search(str(given.get("value", ""))))
    }
    return FineTune(name, literals, files, outputs)


def _bound(given: dict[str, Any], parent: dict[str, Any]) -> dict[str, Any]:
    match = BINDING.fullmatch(str(given.get("value", "")))
    if not match:
        return given
    if match[2] not in parent:
        raise user_error(f"The pipeline has no input {match[2]}.")
    bound: dict[str, Any] = parent[match[2]]
    return bound
