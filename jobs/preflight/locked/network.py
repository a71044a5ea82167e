"""The check of the preflight of `network: private`: the subnet, the zones, and whether this machine is in there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from cloud.catalogue import DNS_LINK, DNS_ZONE, ML_VERSION, PRIVATE_ENDPOINT, STORAGE
from cloud.roles import Role
from cloud.services.reach import advice, outside
from cloud.target import Target
from jobs.preflight.findings import Finding, State, as_far_as_read
from jobs.preflight.spec import PreflightSpec, PrivateNetwork
from jobs.preflight.subscription import PERMISSIONS_VERSION, allows
from settings.estate.private import ELSEWHERE
from settings.estate.zones import ALL_ZONES

if TYPE_CHECKING:
    from cloud.arm import Arm
    from settings.stack import Settings

NAME = "private network"
SMALLEST = 27
"""Prefix of a subnet with room for seven endpoints, some with several addresses, and for the five that Azure keeps."""
_JOIN_SUBNET = "Microsoft.Network/virtualNetworks/subnets/join/action"
"""Whoever puts a private endpoint into a subnet (learn.microsoft.com/azure/private-link/rbac-permissions)."""
_JOIN_NETWORK = "Microsoft.Network/virtualNetworks/join/action"
"""Whoever links a zone to a network; without it Azure says LinkedAuthorizationFailed."""
_JOIN_ZONE = "Microsoft.Network/privateDnsZones/join/action"
"""Whoever has names of an endpoint written into a zone (the same; github.com/Azure/data-landing-zone/issues/203)."""
_NO_ENDPOINTS = "Azure takes no private endpoint into a subnet that is delegated"


def private(settings: Settings) -> PrivateNetwork | None:
    """What is asked of somebody else's network; None where the stack needs none."""
    own = settings.private_endpoints
    if settings.network != "private":
        return None
    return PrivateNetwork(subnet=own.subnet, network=own.network, zones=own.zones)


def usable(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """Azure would refuse the endpoints one after the other, or make them where nobody finds them.

    Subnet, zones, rights and this machine are looked at each by itself: who may not read one still hears of the others.
    """
    if spec.private is None:
        return [Finding(check=NAME, state=State.OK, found="no private endpoints")]
    own = spec.private
    findings = [
        *as_far_as_read(NAME, lambda: _subnet(spec, own, arm), f"subnet {own.subnet.rpartition('/')[2]}"),
        *as_far_as_read(NAME, lambda: _zones(own, arm), "zones"),
        *as_far_as_read(NAME, lambda: _rights(own, arm), "your rights in the network"),
        *as_far_as_read(NAME, lambda: _here(spec, own, arm), "this machine's way to the stack"),
    ]
    return findings or [Finding(check=NAME, state=State.OK, found=f"private endpoints in {spec.private.subnet}")]


def _refused(found: str, fix: str) -> Finding:
    return Finding(check=NAME, state=State.REFUSED, found=found, fix=fix)


def _subnet(spec: PreflightSpec, own: PrivateNetwork, arm: Arm) -> Iterator[Finding]:
    subnet = arm.find(own.subnet, PRIVATE_ENDPOINT.version)
    if subnet is None:
        fix = f"az network vnet subnet show --ids {own.subnet}"
        yield _refused(f"{own.subnet}: is not there, or you may not see it", fix)
        return
    name, properties = own.subnet.rpartition("/")[2], subnet.get("properties") or {}
    network = arm.find(own.network, PRIVATE_ENDPOINT.version) or {}
    region = str(network.get("location", "")).replace(" ", "").lower()
    if region and region != spec.location:
        says = (
            f"subnet {name}: is in {region}, and a private endpoint is in the region of its subnet, not {spec.location}"
        )
        yield _refused(says, f"take a subnet in {spec.location}; networks of two regions can be peered")
    if properties.get("delegations"):
        yield _refused(f"subnet {name}: is delegated; {_NO_ENDPOINTS}", "take another subnet")
    prefix = str(properties.get("addressPrefix") or "").rpartition("/")[2]
    if prefix.isdecimal() and int(prefix) > SMALLEST:
        says = f"subnet {name}: /{prefix} may be too small for seven private endpoints beside what is in it"
        yield Finding(check=NAME, state=State.WARNING, found=says, fix=f"take one of /{SMALLEST} or larger")


def _zones(own: PrivateNetwork, arm: Arm) -> Iterator[Finding]:
    """Zones of somebody else are there, and linked.

    Where the program makes them nothing is asked: no question to Azure lists the zones that a network is linked to.
    """
    if own.zones in ("", ELSEWHERE):
        return
    there = {
        str(each.get("name", "")).lower()
        for each in arm.items(f"{own.zones}/providers/{DNS_ZONE.arm_type}", DNS_ZONE.version)
    }
    group = own.zones.rpartition("/")[2]
    if missing := [zone for zone in ALL_ZONES if zone not in there]:
        lines = "; ".join(
            f"az network private-dns zone create --resource-group {group} --name {zone}" for zone in missing
        )
        yield _refused(f"{own.zones}: has no zones {', '.join(missing)}", lines)
    unlinked = [zone for zone in ALL_ZONES if zone in there and not _linked(own, zone, arm)]
    if unlinked:
        says = f"not linked to {own.network.rpartition('/')[2]}: {', '.join(unlinked)}"
        fix = (
            "go on where its name servers ask these zones in another way; else az network private-dns link vnet create "
            f"--resource-group {group} --zone-name <zone> --name <name> --virtual-network {own.network} "
            "--registration-enabled false"
        )
        yield Finding(check=NAME, state=State.WARNING, found=says, fix=fix)


def _linked(own: PrivateNetwork, zone: str, arm: Arm) -> bool:
    path = f"{own.zones}/providers/{DNS_ZONE.arm_type}/{zone}/virtualNetworkLinks"
    links: list[dict[str, Any]] = arm.items(path, DNS_LINK.version)
    networks = [((each.get("properties") or {}).get("virtualNetwork") or {}).get("id") for each in links]
    return own.network.lower() in {str(each).lower() for each in networks}


def _rights(own: PrivateNetwork, arm: Arm) -> Iterator[Finding]:
    """What the caller may do with what is not the stack's; the check of permissions asks about its own group."""
    wanted = [(own.subnet, _JOIN_SUBNET, Role.NETWORK_CONTRIBUTOR, "put a private endpoint into it")]
    if not own.zones:
        wanted.append((own.network, _JOIN_NETWORK, Role.NETWORK_CONTRIBUTOR, "link private DNS zones to it"))
    elif own.zones != ELSEWHERE:
        wanted.append((own.zones, _JOIN_ZONE, Role.PRIVATE_DNS_ZONE_CONTRIBUTOR, "write names into its zones"))
    for scope, action, role, what in wanted:
        granted = arm.items(f"{scope}/providers/Microsoft.Authorization/permissions", PERMISSIONS_VERSION)
        if not any(allows(each, action) for each in granted):
            fix = f'az role assignment create --role "{role.title}" --scope {scope} --assignee <you>'
            yield _refused(f"{scope.rpartition('/')[2]}: you may not {what} ({action})", fix)


def _here(spec: PreflightSpec, own: PrivateNetwork, arm: Arm) -> Iterator[Finding]:
    """Before there is anything to reach, nobody can tell; `pulumi up` looks again when there is."""
    target = Target(spec.subscription_id, spec.resource_group, spec.workspace)
    workspace = arm.find(target.path, ML_VERSION)
    storage = str(((workspace or {}).get("properties") or {}).get("storageAccount") or "")
    account = arm.find(storage, STORAGE.version) if storage else None
    if account is None or (account.get("properties") or {}).get("publicNetworkAccess") != "Disabled":
        says = "whoever runs `pulumi up` has to be in the network: it uploads the data and asks the model"
        yield Finding(check=NAME, state=State.WARNING, found=says, fix=advice(own.subnet))
    elif why := outside(arm, target):
        yield _refused(f"this machine is outside of the network: {why}", advice(own.subnet))
