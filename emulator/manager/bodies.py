"""Bodies of requests: what a PUT or a PATCH makes of the resource that is there."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from emulator.arm.errors import AzureError, now
from emulator.arm.paths import ArmPath
from emulator.machine.home import CLIENT_OBJECT_ID
from emulator.machine.store import Resource
from emulator.resources.base import Kind

ENVELOPE = ("location", "tags", "sku", "kind", "identity", "zones", "managedBy", "properties", "etag", "eTag")


def assemble(path: ArmPath, kind: Kind, body: dict[str, Any], old: Resource | None) -> Resource:
    """The resource that a PUT of this body makes, or makes of the old one."""
    system = dict(old.body.get("systemData", {})) if old else {}
    caller = {"By": CLIENT_OBJECT_ID, "ByType": "Application", "At": now()}
    if not old:
        system = {f"created{key}": value for key, value in caller.items()}
    system |= {f"lastModified{key}": value for key, value in caller.items()}
    kept = {key: json.loads(json.dumps(body[key])) for key in ENVELOPE if body.get(key) is not None}
    identity = {"id": old.id if old else path.id, "name": old.name if old else path.name, "type": kind.type}
    return Resource({**identity, **kept, "systemData": system}, dict(old.internal) if old else {})


def merge(into: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """What a PATCH does to properties: objects member by member, all else exchanged."""
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)


def place(body: dict[str, Any] | None) -> str | None:
    """The region that a body names, in its short form."""
    named = (body or {}).get("location")
    return named.replace(" ", "").lower() if isinstance(named, str) else None


def check_location(old: Resource, new: Resource, path: ArmPath) -> None:
    """Refuse to move what is there to another region.

    Raises:
        AzureError: InvalidResourceLocation.
    """
    before, after = old.region, new.region
    if before and after and before != after:
        raise AzureError(
            409,
            "InvalidResourceLocation",
            f"The resource '{path.name}' already exists in location '{before}' in resource group "
            f"'{path.resource_group}'. A resource with the same name cannot be created in location '{after}'. "
            "Please select a new resource name.",
        )
