"""Who is let in where public access is off: whoever comes by a private endpoint, and finds it by its name.

Whoever asks is taken to be in every virtual network there is, unless the setting ``network`` says that they are
outside. In a network they find what has an endpoint in it whose zone group names the zone of that kind, linked to the
network. ``"dns": "own"`` is a network with name servers of its own that know every endpoint.
"""

from __future__ import annotations

from typing import Any

from emulator.machine.store import Resource, Store
from emulator.resources.network.endpoints import PrivateDnsZoneGroup, PrivateEndpoint
from emulator.resources.network.zones import DnsLink

SETTING = "network"
_DEFAULTS = {"callers": "inside", "dns": "azure"}
_CHOICES = {"callers": ("inside", "outside"), "dns": ("azure", "own")}
ZONES = {
    "blob": "privatelink.blob.core.windows.net",
    "file": "privatelink.file.core.windows.net",
    "vault": "privatelink.vaultcore.azure.net",
    "amlworkspace": "privatelink.api.azureml.ms",
}
"""Of the groups whose hosts the emulator answers for."""


def position(value: Any) -> dict[str, str]:
    """``{"callers": inside|outside, "dns": azure|own}``; for the admin interface."""
    for key, choice in value.items():
        if choice not in _CHOICES.get(key, ()):
            raise ValueError(f"{key}: {choice!r} is none of {_CHOICES.get(key, 'the keys callers and dns')}")
    return dict(value)


def is_closed(resource: Resource) -> bool:
    """Whether it answers to nobody from the internet."""
    rules = resource.properties.get("networkAcls") or resource.properties.get("networkRuleSet") or {}
    off = str(resource.properties.get("publicNetworkAccess", "")).lower() == "disabled"
    return off or str(rules.get("defaultAction", "")).lower() == "deny"


def lets_in(store: Store, resource: Resource, group: str) -> bool:
    """Whether whoever asks now reaches that part of a resource."""
    if not is_closed(resource):
        return True
    chosen = {**_DEFAULTS, **store.setting(SETTING, {})}
    if chosen["callers"] == "outside":
        return False
    found = [each for each in store.of_type(PrivateEndpoint.type) if _leads_to(each, resource, group)]
    if chosen["dns"] == "own":
        return bool(found)
    return any(_named(store, each, ZONES[group]) for each in found)


def _leads_to(endpoint: Resource, resource: Resource, group: str) -> bool:
    connections = [each["properties"] for each in endpoint.properties.get("privateLinkServiceConnections") or ()]
    return any(
        str(each["privateLinkServiceId"]).lower() == resource.id.lower() and group in each["groupIds"]
        for each in connections
    )


def _named(store: Store, endpoint: Resource, zone: str) -> bool:
    network = str(endpoint.properties["subnet"]["id"]).lower().rpartition("/subnets/")[0]
    for group in store.below(endpoint.id, PrivateDnsZoneGroup.type):
        for config in group.properties.get("privateDnsZoneConfigs") or ():
            id_ = str(config["properties"]["privateDnsZoneId"])
            if id_.rsplit("/", 1)[-1].lower() != zone:
                continue
            links = store.below(id_, DnsLink.type)
            if any(str(link.properties["virtualNetwork"]["id"]).lower() == network for link in links):
                return True
    return False
