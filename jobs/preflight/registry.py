"""Whether a shared registry has the base model and the fine-tune component."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from cloud.arm import Arm
from cloud.services import registry
from cloud.target import RegistryAsset
from jobs.preflight.findings import Finding, State
from jobs.preflight.spec import BASE, CLUSTER, ENDPOINT, PreflightSpec
from jobs.training import model_defaults

MLFLOW = "mlflow_model"
LISTS = (
    ("finetune_compute_allow_list", "fine-tuning", (CLUSTER,)),
    ("inference_compute_allow_list", "serving", (ENDPOINT, BASE)),
)
"""Tags of a model that name VM sizes, and what for."""


def base_model(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """The base model is in its registry, in this version, of the type that can be fine-tuned, and not archived."""
    name, model = "base model", spec.base_model
    successor = spec.base_model_successor
    take = f"set finetune-phi:model to {successor}" if successor else "choose another in the studio's model catalogue"
    shelf = registry.shelf(model, registry.MODELS, arm)
    if shelf is None:
        return [_no_registry(name, model)]
    container = shelf.container()
    if container is None:
        return [
            Finding(
                check=name, state=State.REFUSED, found=f"registry {model.registry} has no model {model.name}", fix=take
            )
        ]
    version = shelf.version()
    if version is None:
        latest = (container.get("properties") or {}).get("latestVersion")
        fix = f'set version: "{latest}" in finetune-phi:model' if latest else take
        says = f"{model.name} has no version {model.version} in registry {model.registry}"
        return [Finding(check=name, state=State.REFUSED, found=says, fix=fix)]
    if any((each.get("properties") or {}).get("isArchived") for each in (container, version)):
        says = f"{model.name} version {model.version} is archived: Azure has retired it"
        return [Finding(check=name, state=State.REFUSED, found=says, fix=take)]
    properties = version.get("properties") or {}
    kind = str(properties.get("modelType") or "")
    if kind.lower() != MLFLOW:
        # Beside Phi-4-mini-instruct the registry has a phi-4-mini-instruct, which is for devices.
        says = f"{model.name} version {model.version} is of type {kind or '(not told)'}; the component takes {MLFLOW}"
        return [
            Finding(
                check=name,
                state=State.REFUSED,
                found=says,
                fix="check the spelling of finetune-phi:model, capitals too, or " + take,
            )
        ]
    unusual = list(_unusual(spec, {**registry.tags_of(container), **registry.tags_of(version)}))
    says = f"{model.name} version {model.version} in registry {model.registry}"
    if given := model_defaults.of(registry.tags_of(version)):
        says += f"; its own defaults count where `recipe` says nothing: {model_defaults.shown(given)}"
    return [*unusual, Finding(check=name, state=State.OK, found=says)]


def _unusual(spec: PreflightSpec, tags: Mapping[str, Any]) -> Iterator[Finding]:
    """Sizes that the model's own lists do not have: Microsoft's notebooks refuse them, Azure does not."""
    for tag, work, uses in LISTS:
        listed = _listed(tags.get(tag))
        if not listed:
            continue
        for size in sorted({each.vm_size for each in spec.machines if each.use in uses}):
            if size.lower() not in {each.lower() for each in listed}:
                says = f"{size} is not among the sizes {spec.base_model.name} was tried on for {work}"
                yield Finding(
                    check="base model",
                    state=State.WARNING,
                    found=says,
                    fix=f"nothing, if it fits; listed: {', '.join(listed)}",
                )


def _listed(tag: Any) -> list[str]:
    """The sizes of a tag, whose text is a list as Python writes it; none where it is anything else."""
    try:
        found = ast.literal_eval(str(tag or "[]"))
    except (ValueError, SyntaxError):
        return []
    return [str(each) for each in found] if isinstance(found, list | tuple) else []


def component(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """The fine-tune component is in its registry, in this version."""
    name, wanted = "fine-tune component", spec.component
    shelf = registry.shelf(wanted, registry.COMPONENTS, arm)
    if shelf is None:
        return [_no_registry(name, wanted)]
    fix = "set finetune-phi:finetune.component to one the studio's registry lists"
    if wanted.version != "latest":
        if shelf.version() is None:
            says = f"{wanted.name} has no version {wanted.version} in registry {wanted.registry}"
            return [
                Finding(
                    check=name,
                    state=State.REFUSED,
                    found=says,
                    fix="set its version to latest, or to one the registry has",
                )
            ]
        newest = shelf.newest()
        later = f"; the registry has {newest} by now" if newest not in ("", wanted.version) else ""
        return [Finding(check=name, state=State.OK, found=f"{wanted.name} version {wanted.version}{later}")]
    newest = shelf.newest()
    if not newest:
        says = f"registry {wanted.registry} has no component {wanted.name}"
        return [Finding(check=name, state=State.REFUSED, found=says, fix=fix)]
    return [Finding(check=name, state=State.OK, found=f"{wanted.name} version {newest} (latest)")]


def _no_registry(name: str, asset: RegistryAsset) -> Finding:
    return Finding(
        check=name,
        state=State.REFUSED,
        found=f"there is no registry {asset.registry}",
        fix="set its registry to azureml",
    )
