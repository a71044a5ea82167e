"""Virtual networks and their subnets."""

from __future__ import annotations

import ipaddress
import uuid
from typing import Any

from emulator.arm.errors import AzureError
from emulator.arm.paths import ArmPath
from emulator.machine.store import Resource
from emulator.resources.base import Kind

NETWORKS = "Microsoft.Network/virtualNetworks"
SUBNETS = f"{NETWORKS}/subnets"


class VirtualNetwork(Kind):
    """A virtual network; subnets in its PUT are made with it, and those it leaves out stay."""

    type = NETWORKS
    asynchronous = True
    patchable = ("tags",)

    def fill(self, resource: Resource, old: Resource | None) -> None:
        properties = resource.properties
        properties["resourceGuid"] = old.properties["resourceGuid"] if old else str(uuid.uuid4())
        for given in properties.pop("subnets", None) or ():
            body = {
                "id": f"{resource.id}/subnets/{given['name']}",
                "name": given["name"],
                "type": SUBNETS,
                "properties": {**(given.get("properties") or {}), "provisioningState": "Succeeded"},
            }
            self.cloud.store.put(Resource(body))

    def view(self, resource: Resource) -> dict[str, Any]:
        subnets = [each.body for each in self.cloud.store.below(resource.id, SUBNETS)]
        return {**resource.body, "properties": {**resource.properties, "subnets": subnets}}


class Subnet(Kind):
    """A subnet of a virtual network."""

    type = SUBNETS
    asynchronous = True

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        del old
        network = self.cloud.store.get(path.parent_id)
        prefix = (body.get("properties") or {}).get("addressPrefix")
        spaces = ((network.properties if network else {}).get("addressSpace") or {}).get("addressPrefixes") or []
        if prefix and not any(_within(prefix, space) for space in spaces):
            message = f"Subnet '{path.name}' is not valid because its IP address range is outside the IP address range "
            raise AzureError(400, "NetcfgSubnetRangeOutsideVnet", f"{message}of virtual network '{path.names[0]}'.")


def _within(prefix: str, space: str) -> bool:
    inner, outer = ipaddress.ip_network(prefix, strict=False), ipaddress.ip_network(space, strict=False)
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]
