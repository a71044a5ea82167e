"""Whether a shared registry has the base model and the fine-tune component."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from cloud.arm import ML_SCOPE, Arm
from cloud.target import RegistryAsset
from jobs.preflight.findings import Finding, State
from jobs.preflight.spec import BASE, CLUSTER, ENDPOINT, PreflightSpec
from jobs.training import model_defaults

_DISCOVERY = "https://eastus.api.azureml.ms/registrymanagement/v1.0/registries"
"""Where azure-ai-ml asks for any registry."""
_VERSION = "2021-10-01-dataplanepreview"
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
    url = _assets(model, "models")
    if url is None:
        return [_no_registry(name, model)]
    container = arm.find(url, _VERSION)
    if container is None:
        return [Finding(name, State.REFUSED, f"registry {model.registry} has no model {model.name}", take)]
    version = arm.find(f"{url}/versions/{model.version}", _VERSION)
    if version is None:
        latest = (container.get("properties") or {}).get("latestVersion")
        fix = f'set version: "{latest}" in finetune-phi:model' if latest else take
        told = f"{model.name} has no version {model.version} in registry {model.registry}"
        return [Finding(name, State.REFUSED, told, fix)]
    if any((each.get("properties") or {}).get("isArchived") for each in (container, version)):
        told = f"{model.name} version {model.version} is archived: Azure has retired it"
        return [Finding(name, State.REFUSED, told, take)]
    properties = version.get("properties") or {}
    kind = str(properties.get("modelType") or "")
    if kind.lower() != MLFLOW:
        # Beside Phi-4-mini-instruct the registry has a phi-4-mini-instruct, which is for devices.
        told = f"{model.name} version {model.version} is of type {kind or '(not told)'}; the component takes {MLFLOW}"
        return [
            Finding(name, State.REFUSED, told, "check the spelling of finetune-phi:model, capitals too, or " + take)
        ]
    unusual = list(_unusual(spec, {**_tags(container), **_tags(version)}))
    told = f"{model.name} version {model.version} in registry {model.registry}"
    if given := model_defaults.of(_tags(version)):
        told += f"; its own defaults count where `recipe` says nothing: {model_defaults.shown(given)}"
    return [*unusual, Finding(name, State.OK, told)]


def _unusual(spec: PreflightSpec, tags: Mapping[str, Any]) -> Iterator[Finding]:
    """Sizes that the model's own lists do not have: Microsoft's notebooks refuse them, Azure does not."""
    for tag, work, uses in LISTS:
        listed = _listed(tags.get(tag))
        if not listed:
            continue
        for size in sorted({each.vm_size for each in spec.machines if each.use in uses}):
            if size.lower() not in {each.lower() for each in listed}:
                told = f"{size} is not among the sizes {spec.base_model.name} was tried on for {work}"
                yield Finding("base model", State.WARNING, told, f"nothing, if it fits; listed: {', '.join(listed)}")


def _listed(tag: Any) -> list[str]:
    """The sizes of a tag, whose text is a list as Python writes it; none where it is anything else."""
    try:
        found = ast.literal_eval(str(tag or "[]"))
    except (ValueError, SyntaxError):
        return []
    return [str(each) for each in found] if isinstance(found, list | tuple) else []


def _tags(asset: Mapping[str, Any]) -> dict[str, Any]:
    return dict((asset.get("properties") or {}).get("tags") or {})


def component(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """The fine-tune component is in its registry, in this version."""
    name, wanted = "fine-tune component", spec.component
    url = _assets(wanted, "components")
    if url is None:
        return [_no_registry(name, wanted)]
    fix = "set finetune-phi:finetune.component to one the studio's registry lists"
    if wanted.version != "latest":
        if arm.find(f"{url}/versions/{wanted.version}", _VERSION) is None:
            told = f"{wanted.name} has no version {wanted.version} in registry {wanted.registry}"
            return [Finding(name, State.REFUSED, told, "set its version to latest, or to one the registry has")]
        newest = _newest(url, arm)
        later = f"; the registry has {newest} by now" if newest not in ("", wanted.version) else ""
        return [Finding(name, State.OK, f"{wanted.name} version {wanted.version}{later}")]
    newest = _newest(url, arm)
    if not newest:
        told = f"registry {wanted.registry} has no component {wanted.name}"
        return [Finding(name, State.REFUSED, told, fix)]
    return [Finding(name, State.OK, f"{wanted.name} version {newest} (latest)")]


def _newest(url: str, arm: Arm) -> str:
    """Version of an asset that came last; "" where there is none."""
    found = arm.find(f"{url}/versions", _VERSION, **{"$orderBy": "createdtime desc", "$top": "1"})
    rows = (found or {}).get("value") or ()
    return str(rows[0].get("name") or "") if rows else ""


def _assets(asset: RegistryAsset, kind: str) -> str | None:
    """URL of an asset, by the registry's own directory; None for a registry that does not exist."""
    where: dict[str, Any] | None = Arm(ML_SCOPE, retries=2).find(f"{_DISCOVERY}/{asset.registry}/discovery", "v1.0")
    if where is None:
        return None
    return (
        f"{str(where['primaryRegionResourceProviderUri']).rstrip('/')}/mferp/managementfrontend"
        f"/subscriptions/{where['subscriptionId']}/resourceGroups/{where['resourceGroup']}"
        f"/providers/Microsoft.MachineLearningServices/registries/{asset.registry}/{kind}/{asset.name}"
    )


def _no_registry(name: str, asset: RegistryAsset) -> Finding:
    return Finding(name, State.REFUSED, f"there is no registry {asset.registry}", "set its registry to azureml")


def tags(model: RegistryAsset, arm: Arm) -> dict[str, Any]:
    """What the registry has written on a model; nothing where it has no such model."""
    url = _assets(model, "models")
    return _tags((arm.find(f"{url}/versions/{model.version}", _VERSION) if url else None) or {})


def note(model: RegistryAsset, arm: Arm) -> str:
    """What the registry remarks about a model in its tag `note`: nothing, unless it is not what its name says."""
    return str(tags(model, arm).get("note") or "")
