"""Private endpoints, and the groups of zones that their names go into."""

from __future__ import annotations

import uuid
from typing import Any

from emulator.arm.errors import AzureError
from emulator.arm.paths import ArmPath
from emulator.machine.store import Resource
from emulator.resources.base import Kind
from emulator.resources.network.networks import SUBNETS
from emulator.resources.network.zones import DnsZone

GROUPS = {
    "microsoft.machinelearningservices/workspaces": ("amlworkspace",),
    "microsoft.machinelearningservices/registries": ("amlregistry",),
    "microsoft.storage/storageaccounts": ("blob", "file", "queue", "table", "dfs", "web"),
    "microsoft.keyvault/vaults": ("vault",),
    "microsoft.containerregistry/registries": ("registry",),
    "microsoft.cognitiveservices/accounts": ("account",),
}
"""What of each type an endpoint may lead to."""


class PrivateEndpoint(Kind):
    """A private endpoint. Its connections are approved at once, as Azure does for who may approve them."""

    type = "Microsoft.Network/privateEndpoints"
    asynchronous = True

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        del old
        properties = body.get("properties") or {}
        subnet = (properties.get("subnet") or {}).get("id") or ""
        if not self._there(subnet, SUBNETS) or self._elsewhere(subnet, Resource(body).region):
            raise _missing(subnet, path.id)
        for connection in properties.get("privateLinkServiceConnections") or ():
            own = connection.get("properties") or {}
            self._check_target(path, str(own.get("privateLinkServiceId") or ""), own.get("groupIds") or [])

    def _check_target(self, path: ArmPath, target_id: str, groups: list[str]) -> None:
        target = self.cloud.store.get(target_id)
        allowed = GROUPS.get(target.type.lower()) if target else None
        if target is None or allowed is None:
            raise _missing(target_id, path.id)
        if target.body.get("kind") == "Project":
            message = f"Private endpoints lead to the hub of project '{target.name}', not to the project."
            raise AzureError(400, "BadRequest", message)
        if not groups or set(groups) - set(allowed):
            message = f"Call to {target.type.split('/')[0]} failed. Error message: Group ids {groups} are none of it; "
            raise AzureError(400, "PrivateEndpointFeatureNotSupported", f"{message}there are {', '.join(allowed)}.")
        tier = str((target.body.get("sku") or {}).get("name", ""))
        if target.type.lower().endswith("containerregistry/registries") and tier != "Premium":
            message = f"The registry '{target.name}' is {tier}: private endpoints are supported by Premium alone."
            raise AzureError(400, "PrivateEndpointFeatureNotSupported", message)

    def _there(self, id_: str, kind: str) -> bool:
        found = self.cloud.store.get(id_)
        return found is not None and found.type.lower() == kind.lower()

    def _elsewhere(self, subnet: str, region: str) -> bool:
        network = self.cloud.store.get(subnet.rpartition("/subnets/")[0])
        return network is None or network.region != region

    def fill(self, resource: Resource, old: Resource | None) -> None:
        properties = resource.properties
        number = sum(each.id != resource.id for each in self.cloud.store.of_type(self.type)) + 4
        properties["networkInterfaces"] = (
            old.properties["networkInterfaces"]
            if old
            else [{"id": resource.id.replace("privateEndpoints", "networkInterfaces") + f".nic.{uuid.uuid4()}"}]
        )
        properties["subnet"] = {"id": properties["subnet"]["id"]}
        properties.setdefault("manualPrivateLinkServiceConnections", [])
        properties.setdefault("customDnsConfigs", [])
        resource.internal.setdefault("address", f"10.0.{number // 250}.{number % 250 + 1}")
        for connection in properties.get("privateLinkServiceConnections") or ():
            name = connection.get("name") or resource.name
            connection["id"] = f"{resource.id}/privateLinkServiceConnections/{name}"
            connection["type"] = f"{self.type}/privateLinkServiceConnections"
            connection["properties"] |= {
                "provisioningState": "Succeeded",
                "privateLinkServiceConnectionState": {
                    "status": "Approved",
                    "description": "Auto-Approved",
                    "actionsRequired": "None",
                },
            }


class PrivateDnsZoneGroup(Kind):
    """The zones that an endpoint's names are written into; deleted, it takes them out again."""

    type = f"{PrivateEndpoint.type}/privateDnsZoneGroups"
    asynchronous = True

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        del old
        for config in (body.get("properties") or {}).get("privateDnsZoneConfigs") or ():
            zone = (config.get("properties") or {}).get("privateDnsZoneId") or ""
            found = self.cloud.store.get(zone)
            if found is None or found.type != DnsZone.type:
                raise _missing(zone, path.id)


def _missing(what: str, by: str) -> AzureError:
    return AzureError(
        400,
        "InvalidResourceReference",
        f"Resource {what} referenced by resource {by} was not found. Please make sure that the referenced resource "
        "exists, and that both resources are in the same region.",
    )
