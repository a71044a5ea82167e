"""Private DNS zones, and the virtual networks that they are linked to."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from emulator.arm.errors import AzureError
from emulator.arm.paths import ArmPath
from emulator.machine.store import Resource
from emulator.resources.base import Kind
from emulator.resources.network.networks import NETWORKS


class DnsZone(Kind):
    """A private DNS zone. The records in it are those of the zone groups that name it; there are no others."""

    type = "Microsoft.Network/privateDnsZones"
    asynchronous = True

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        del old
        check_global(path, body)

    def fill(self, resource: Resource, old: Resource | None) -> None:
        resource.body["etag"] = str(uuid.uuid4())
        resource.properties.update(
            maxNumberOfRecordSets=25000,
            maxNumberOfVirtualNetworkLinks=1000,
            maxNumberOfVirtualNetworkLinksWithRegistration=100,
            numberOfRecordSets=1,
        )

    def admit_delete(self, resource: Resource, query: Mapping[str, str]) -> None:
        del query
        nested = [each.id for each in self.cloud.store.below(resource.id, DnsLink.type)]
        if nested:
            raise AzureError(
                409,
                "CannotDeleteResource",
                "Cannot delete resource while nested resources exist. Some existing nested resource IDs include: "
                f"'{', '.join(nested)}'. Please delete all nested resources before deleting this resource.",
            )


class DnsLink(Kind):
    """A virtual network whose machines find what is in a zone; a network knows one zone of a name."""

    type = f"{DnsZone.type}/virtualNetworkLinks"
    asynchronous = True

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        check_global(path, body)
        network = str(((body.get("properties") or {}).get("virtualNetwork") or {}).get("id") or "")
        found = self.cloud.store.get(network)
        if found is None or found.type != NETWORKS:
            raise AzureError(400, "BadRequest", f"The virtual network '{network}' was not found.")
        zone = path.names[0].lower()
        for other in self.cloud.store.of_type(self.type):
            theirs = str(other.properties["virtualNetwork"]["id"]).lower()
            if other.id.lower() == path.id.lower() or theirs != network.lower():
                continue
            name = other.id.split("/")[8]
            if name.lower() == zone:
                raise AzureError(
                    400,
                    "BadRequest",
                    "A virtual network cannot be linked to multiple zones with overlapping namespaces. You tried to "
                    f"link virtual network with '{path.names[0]}' and '{name}' zones.",
                )

    def fill(self, resource: Resource, old: Resource | None) -> None:
        del old
        resource.body["etag"] = str(uuid.uuid4())
        resource.properties["virtualNetworkLinkState"] = "Completed"
        resource.properties.setdefault("registrationEnabled", False)


def check_global(path: ArmPath, body: dict[str, Any]) -> None:
    """Refuse a region: zones and links are in none.

    Raises:
        AzureError: as ARM words it for types that are nowhere.
    """
    place = Resource(body).region
    if place != "global":
        raise AzureError(
            400,
            "LocationNotAvailableForResourceType",
            f"The provided location '{place}' is not available for resource type '{path.type}'. List of available "
            "regions for the resource type is 'global'.",
        )
