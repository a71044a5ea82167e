"""Private endpoints and what they need, through the clients of Microsoft.Network."""

from __future__ import annotations

from typing import Any

from tests.contract.official import Clients, Driven
from tests.contract.official_made import GROUP, PLACE, SCOPE, STORAGE, TAGS

NETWORK, SUBNET, ENDPOINT = "vnet-official", "snet-official", "pep-official"
ZONE, LINK = "privatelink.blob.core.windows.net", "to-official"
NETWORK_ID = f"{SCOPE}/providers/Microsoft.Network/virtualNetworks/{NETWORK}"
ZONE_ID = f"{SCOPE}/providers/Microsoft.Network/privateDnsZones/{ZONE}"
NO_PATCH = "the program never sends one"


def _endpoint() -> dict[str, Any]:
    target = f"{SCOPE}/providers/Microsoft.Storage/storageAccounts/{STORAGE}"
    connection = {"name": "blobs", "properties": {"privateLinkServiceId": target, "groupIds": ["blob"]}}
    subnet = {"id": f"{NETWORK_ID}/subnets/{SUBNET}"}
    return {
        "location": PLACE,
        "properties": {"subnet": subnet, "privateLinkServiceConnections": [connection]},
    }


def _zones() -> dict[str, Any]:
    config = {"name": "blob", "properties": {"privateDnsZoneId": ZONE_ID}}
    return {"properties": {"privateDnsZoneConfigs": [config]}}


def _groups(c: Clients) -> Any:
    return c.network.private_dns_zone_groups


NETWORKED = (
    Driven(
        "Microsoft.Network/virtualNetworks",
        create=lambda c: c.network.virtual_networks.begin_create_or_update(
            GROUP, NETWORK, {"location": PLACE, "properties": {"addressSpace": {"addressPrefixes": ["10.1.0.0/16"]}}}
        ),
        get=lambda c: c.network.virtual_networks.get(GROUP, NETWORK),
        lists=(
            lambda c: c.network.virtual_networks.list(GROUP),
            lambda c: c.network.virtual_networks.list_all(),
        ),
        update=lambda c: c.network.virtual_networks.update_tags(GROUP, NETWORK, TAGS),
        delete=lambda c: c.network.virtual_networks.begin_delete(GROUP, NETWORK),
    ),
    Driven(
        "Microsoft.Network/virtualNetworks/subnets",
        create=lambda c: c.network.subnets.begin_create_or_update(
            GROUP, NETWORK, SUBNET, {"properties": {"addressPrefix": "10.1.0.0/24"}}
        ),
        get=lambda c: c.network.subnets.get(GROUP, NETWORK, SUBNET),
        lists=(lambda c: c.network.subnets.list(GROUP, NETWORK),),
        delete=lambda c: c.network.subnets.begin_delete(GROUP, NETWORK, SUBNET),
        lacks={"update": NO_PATCH},
    ),
    Driven(
        "Microsoft.Network/privateDnsZones",
        create=lambda c: c.zones.private_zones.begin_create_or_update(GROUP, ZONE, {"location": "global"}),
        get=lambda c: c.zones.private_zones.get(GROUP, ZONE),
        lists=(lambda c: c.zones.private_zones.list_by_resource_group(GROUP), lambda c: c.zones.private_zones.list()),
        delete=lambda c: c.zones.private_zones.begin_delete(GROUP, ZONE),
        lacks={"update": NO_PATCH},
    ),
    Driven(
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
        create=lambda c: c.zones.virtual_network_links.begin_create_or_update(
            GROUP, ZONE, LINK, {"location": "global", "properties": {"virtualNetwork": {"id": NETWORK_ID}}}
        ),
        get=lambda c: c.zones.virtual_network_links.get(GROUP, ZONE, LINK),
        lists=(lambda c: c.zones.virtual_network_links.list(GROUP, ZONE),),
        delete=lambda c: c.zones.virtual_network_links.begin_delete(GROUP, ZONE, LINK),
        lacks={"update": NO_PATCH},
    ),
    Driven(
        "Microsoft.Network/privateEndpoints",
        create=lambda c: c.network.private_endpoints.begin_create_or_update(GROUP, ENDPOINT, _endpoint()),
        get=lambda c: c.network.private_endpoints.get(GROUP, ENDPOINT),
        lists=(
            lambda c: c.network.private_endpoints.list(GROUP),
            lambda c: c.network.private_endpoints.list_by_subscription(),
        ),
        delete=lambda c: c.network.private_endpoints.begin_delete(GROUP, ENDPOINT),
        lacks={"update": "Azure has no PATCH of it"},
    ),
    Driven(
        "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
        create=lambda c: _groups(c).begin_create_or_update(GROUP, ENDPOINT, "default", _zones()),
        get=lambda c: _groups(c).get(GROUP, ENDPOINT, "default"),
        lists=(lambda c: _groups(c).list(ENDPOINT, GROUP),),
        delete=lambda c: _groups(c).begin_delete(GROUP, ENDPOINT, "default"),
        lacks={"update": "Azure has no PATCH of it"},
    ),
)
