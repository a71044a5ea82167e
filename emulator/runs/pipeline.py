"""A pipeline job's body, read as what the fine-tune component needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from emulator.arm.errors import user_error
from emulator.machine.store import Resource
from emulator.registry import COMPONENT, component

COMPUTES = ("compute_model_import", "compute_preprocess", "compute_finetune")
"""Inputs of the component that name the compute of its steps."""
BINDING = re.compile(r"\$\{\{parent\.(inputs|outputs)\.([^}]+)\}\}")
MODELS = ("mlflow_model", "custom_model", "triton_model")
ANY = re.compile(r".*", re.DOTALL)
LITERALS = {
    "integer": re.compile(r"[+-]?\d+"),
    "number": re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE),
    "boolean": re.compile(r"true|false", re.IGNORECASE),
}
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
        declared = component()["inputs"].get(key)
        if declared is None:
            raise user_error(f"Unknown input {key} of component {COMPONENT}.")
        _check_type(key, declared, value)
        (files if declared["type"] in FILES else literals)[key] = str(value.get("uri", value.get("value")))
    outputs = {
        key: match[2]
        for key, given in (node.get("outputs") or {}).items()
        if (match := BINDING.search(str(given.get("value", ""))))
    }
    return FineTune(name, literals, files, outputs)


def _check_type(key: str, declared: dict[str, Any], value: dict[str, Any]) -> None:
    kind = str(declared["type"])
    text = str(value.get("value"))
    given = str(value.get("jobInputType") or value.get("job_input_type") or "literal").lower()
    if kind in FILES:
        # The service takes a folder for a model, which is one.
        fits = given == kind or (kind in MODELS and given in (*MODELS, "uri_folder"))
    else:
        fits = given == "literal" and bool(LITERALS.get(kind, ANY).fullmatch(text))
    if not fits:
        shown = f"the value {text!r}" if given == "literal" else f"type {given}"
        raise user_error(f"Input {key} of component {COMPONENT} has type {kind}, and was given {shown}.")
    allowed = [str(each) for each in declared.get("enum", [])]
    if allowed and text not in allowed:
        raise user_error(f"Input {key} of component {COMPONENT} has to be one of {', '.join(allowed)}, not {text}.")
    if "min" in declared and float(text) < declared["min"]:
        raise user_error(f"Input {key} of component {COMPONENT} has to be at least {declared['min']}, not {text}.")


def _bound(given: dict[str, Any], parent: dict[str, Any]) -> dict[str, Any]:
    match = BINDING.fullmatch(str(given.get("value", "")))
    if not match:
        return given
    if match[2] not in parent:
        raise user_error(f"The pipeline has no input {match[2]}.")
    bound: dict[str, Any] = parent[match[2]]
    return bound
