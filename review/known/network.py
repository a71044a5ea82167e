"""Private endpoints, and the zones in which their names are found."""

from __future__ import annotations

from cloud.catalogue import DNS_LINK, DNS_ZONE, DNS_ZONE_GROUP, PRIVATE_ENDPOINT
from review.known.judge import Level, Property, harmless, matters, naming, prop

HIGH, MEDIUM, LOW = Level.HIGH, Level.MEDIUM, Level.LOW

_NAMES = matters("its name leads somewhere else, or is not found")

NETWORK: dict[str, tuple[Property, ...]] = {
    PRIVATE_ENDPOINT.type: (
        prop("subnet.id", matters("it is in another network, and who comes from the old one is locked out", HIGH)),
        *harmless("subnet.privateEndpointNetworkPolicies", "subnet.privateLinkServiceNetworkPolicies"),
        prop("privateLinkServiceConnections**", matters("it leads to something else", HIGH)),
        prop("manualPrivateLinkServiceConnections**", matters("it leads where somebody has to approve it", MEDIUM,
             at_first=MEDIUM)),
        prop("customDnsConfigs**", _NAMES),
        prop("ipConfigurations**", matters("it has other addresses")),
        *harmless("customNetworkInterfaceName"),
        prop("applicationSecurityGroups**", matters("other rules say who reaches it", at_first=LOW)),
    ),
    DNS_ZONE_GROUP.type: (
        *naming("privateEndpointName", "privateDnsZoneGroupName"),
        prop("privateDnsZoneConfigs**", _NAMES),
    ),
    DNS_ZONE.type: (),
    DNS_LINK.type: (
        *naming("privateZoneName"),
        prop("virtualNetwork.id", matters("another network finds the names, and the old one does not", HIGH)),
        prop("registrationEnabled", matters("machines write their names into the zone, or no longer", MEDIUM), False),
        prop("resolutionPolicy", matters("names that are not in the zone are looked for on the internet, or no longer",
             at_first=LOW), "Default"),
    ),
}  # fmt: skip
