"""What Azure writes into a resource by and by, long after the PUT that made it: no read right after that shows it.

Unproven, from Azure ML's models, where none of this is read-only: when each of it appears, and the names of the rules.
"""

from __future__ import annotations

import copy
from typing import Any

from emulator.machine.store import Resource, Store
from emulator.resources.network.closed import is_closed

POLICY_TAGS = "policy-tags"
"""Setting: tags that a policy with the effect `modify` has put onto everything, and puts onto what is written."""
COMPUTES = "Microsoft.MachineLearningServices/workspaces/computes"
WORKSPACES = "Microsoft.MachineLearningServices/workspaces"
ENDPOINTS_OF = (
    ("storageAccount", "blob"),
    ("storageAccount", "file"),
    ("keyVault", "vault"),
    ("containerRegistry", "registry"),
)
"""For what a managed network makes private endpoints of its own accord, and to which part of it: for what is closed,
and for all where only approved addresses are reached."""


def policy_tags(value: Any) -> dict[str, str]:
    """``{"name": "value"}``."""
    if not all(isinstance(each, str) for pair in value.items() for each in pair):
        raise ValueError(f"{value!r} are no tags")
    return dict(value)


def tagged(store: Store, body: dict[str, Any]) -> dict[str, Any]:
    """A body as a GET shows it under that policy, which sees what has a region and nothing else (mode `Indexed`)."""
    added = store.setting(POLICY_TAGS, {})
    return {**body, "tags": {**(body.get("tags") or {}), **added}} if added and body.get("location") else body


def workspace(store: Store, resource: Resource) -> dict[str, Any]:
    """A hub lists its projects; a managed network is active, with rules of its own, once it is asked for or needed."""
    body: dict[str, Any] = copy.deepcopy(resource.body)
    properties = body["properties"]
    projects = [
        each.id
        for each in store.of_type(WORKSPACES)
        if str(each.properties.get("hubResourceId", "")).lower() == resource.id.lower()
    ]
    if projects:
        properties["associatedWorkspaces"] = projects
    network = properties.get("managedNetwork")
    if network and network.get("isolationMode") != "Disabled":
        asked = properties.get("provisionNetworkNow") or resource.internal.get("provisioned")
        active = bool(asked or store.below(resource.id, COMPUTES))
        network.setdefault("status", {"status": "Active" if active else "Inactive", "sparkReady": False})
        if network["status"].get("status") == "Active":
            network["outboundRules"] = {**_own_rules(store, resource), **(network.get("outboundRules") or {})}
    return body


def _own_rules(store: Store, resource: Resource) -> dict[str, Any]:
    """Of what was closed after the network was provisioned, the endpoint is there when that is done again."""
    properties, led = resource.properties, resource.internal.get("led", ())
    every = properties["managedNetwork"]["isolationMode"] == "AllowOnlyApprovedOutbound"
    rules = {}
    for of, part in ENDPOINTS_OF:
        target = store.get(str(properties.get(of) or ""))
        if target is not None and (every or is_closed(target)):
            rules[f"__SYS_PE_{target.name}_{part}"] = {
                "type": "PrivateEndpoint",
                "category": "Required",
                "status": "Active" if target.id.lower() in led else "Inactive",
                "destination": {"serviceResourceId": target.id, "subresourceTarget": part, "sparkEnabled": False},
            }
    return rules
