"""The preflight on somebody else's network."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from preflight_asked import GROUP, SPEC, WORKSPACE

from cloud.arm import Arm
from jobs.preflight.findings import State
from jobs.preflight.locked import network
from jobs.preflight.spec import PrivateNetwork
from settings.estate.zones import ALL_ZONES
from tests.unit.arm_fake import ArmFake

NET = "/subscriptions/n/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks/vnet"
SUBNET, DNS = f"{NET}/subnets/snet", "/subscriptions/n/resourceGroups/rg-dns"
ZONES = f"{DNS}/providers/Microsoft.Network/privateDnsZones"
STORAGE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st"
OURS = PrivateNetwork(subnet=SUBNET, network=NET, zones="")
THEIRS = dataclasses.replace(OURS, zones=DNS)


def asked(private: PrivateNetwork = OURS) -> list[tuple[State, str, str]]:
    found = network.usable(dataclasses.replace(SPEC, private=private), Arm())
    return [(each.state, each.found, each.fix) for each in found]


def may(arm: ArmFake, scope: str, *actions: str) -> None:
    granted = [{"actions": [each], "notActions": []} for each in actions]
    arm.get(f"{scope}/providers/Microsoft.Authorization/permissions", {"value": granted})


def there(arm: ArmFake, location: str = "East US 2", **subnet: Any) -> None:
    for scope in (SUBNET, NET, DNS):
        may(arm, scope, "*")
    arm.get(SUBNET, {"name": "snet", "properties": {"addressPrefix": "10.0.0.0/26", **subnet}})
    arm.get(NET, {"name": "vnet", "location": location})


def linked(arm: ArmFake, *without: str) -> None:
    arm.get(ZONES, {"value": [{"name": zone} for zone in ALL_ZONES if zone not in without]})
    for zone in ALL_ZONES:
        link = {"properties": {"virtualNetwork": {"id": NET.upper()}}}
        arm.get(f"{ZONES}/{zone}/virtualNetworkLinks", {"value": [link]})


def test_a_subnet_that_is_not_there_or_not_seen(arm: ArmFake) -> None:
    may(arm, SUBNET, "*")
    may(arm, NET, "*")
    (first, _) = asked()
    assert first[0] is State.REFUSED and "is not there, or you may not see it" in first[1]
    assert first[2] == f"az network vnet subnet show --ids {SUBNET}"


def test_before_there_is_anything_it_says_where_this_has_to_run(arm: ArmFake) -> None:
    there(arm)
    ((state, found, fix),) = asked()
    assert state is State.WARNING and "has to be in the network" in found
    assert "the virtual network vnet" in fix and "self-hosted runner" in fix


@pytest.mark.parametrize(
    ("location", "subnet", "state", "said"),
    [
        ("westeurope", {}, State.REFUSED, "is in westeurope"),
        ("eastus2", {"delegations": [{"name": "x"}]}, State.REFUSED, "is delegated"),
        ("eastus2", {"addressPrefix": "10.0.0.0/29"}, State.WARNING, "/29 may be too small"),
    ],
)
def test_a_subnet_that_does_not_do(
    arm: ArmFake, location: str, subnet: dict[str, Any], state: State, said: str
) -> None:
    there(arm, location, **subnet)
    found = asked()[0]
    assert found[0] is state and said in found[1]


def test_zones_of_others_are_all_there_and_linked(arm: ArmFake) -> None:
    there(arm)
    linked(arm)
    assert [found for _, found, _ in asked(THEIRS) if "zone" in found] == []
    linked(arm, "privatelink.azurecr.io")
    found = asked(THEIRS)[0]
    assert found[0] is State.REFUSED and "privatelink.azurecr.io" in found[1]
    assert found[2] == "az network private-dns zone create --resource-group rg-dns --name privatelink.azurecr.io"
    linked(arm)
    arm.get(f"{ZONES}/privatelink.azurecr.io/virtualNetworkLinks", {"value": []})
    found = asked(THEIRS)[0]
    assert found[0] is State.WARNING and found[1] == "not linked to vnet: privatelink.azurecr.io"


def test_zones_that_may_not_be_read_hide_nothing_of_the_subnet(arm: ArmFake) -> None:
    there(arm, delegations=[{"name": "x"}])
    arm.refuse("GET", ZONES, 403, "AuthorizationFailed")
    found = asked(THEIRS)
    assert [state for state, _, _ in found] == [State.REFUSED, State.WARNING, State.WARNING]
    assert "is delegated" in found[0][1]
    assert found[1][1] == "zones: not checked: AuthorizationFailed: no"
    assert "has to be in the network" in found[2][1]


def test_a_link_that_may_not_be_read_hides_no_zone_that_is_missing(arm: ArmFake) -> None:
    there(arm)
    linked(arm, "privatelink.azurecr.io")
    arm.refuse("GET", f"{ZONES}/{ALL_ZONES[0]}/virtualNetworkLinks", 403, "AuthorizationFailed")
    missing, unread, _ = asked(THEIRS)
    assert missing[0] is State.REFUSED and "privatelink.azurecr.io" in missing[1]
    assert unread[1] == "zones: not checked: AuthorizationFailed: no"


SUBNET_JOIN = (
    "snet: you may not put a private endpoint into it (Microsoft.Network/virtualNetworks/subnets/join/action)",
    f'az role assignment create --role "Network Contributor" --scope {SUBNET} --assignee <you>',
)
NETWORK_JOIN = (
    "vnet: you may not link private DNS zones to it (Microsoft.Network/virtualNetworks/join/action)",
    f'az role assignment create --role "Network Contributor" --scope {NET} --assignee <you>',
)
ZONE_JOIN = (
    "rg-dns: you may not write names into its zones (Microsoft.Network/privateDnsZones/join/action)",
    f'az role assignment create --role "Private DNS Zone Contributor" --scope {DNS} --assignee <you>',
)


@pytest.mark.parametrize(
    ("private", "lacking"),
    [
        (OURS, [SUBNET_JOIN, NETWORK_JOIN]),
        (THEIRS, [SUBNET_JOIN, ZONE_JOIN]),
        (dataclasses.replace(OURS, zones="elsewhere"), [SUBNET_JOIN]),
    ],
)
def test_who_may_not_join_what_is_somebody_elses(
    arm: ArmFake, private: PrivateNetwork, lacking: list[tuple[str, str]]
) -> None:
    there(arm)
    linked(arm)
    for scope in (SUBNET, NET, DNS):
        may(arm, scope, "Microsoft.Network/*/read")
    assert [(found, fix) for state, found, fix in asked(private) if state is State.REFUSED] == lacking


def test_who_may_join_and_no_more_may_make_them(arm: ArmFake) -> None:
    there(arm)
    linked(arm)
    may(arm, SUBNET, "Microsoft.Network/virtualNetworks/subnets/join/action")
    may(arm, NET, "Microsoft.Network/virtualNetworks/join/action")
    may(arm, DNS, "Microsoft.Network/privateDnsZones/join/action")
    assert [found for state, found, _ in (*asked(), *asked(THEIRS)) if state is State.REFUSED] == []


def closed(arm: ArmFake) -> None:
    there(arm)
    arm.get(WORKSPACE, {"properties": {"storageAccount": STORAGE}})
    arm.get(STORAGE, {"properties": {"publicNetworkAccess": "Disabled"}})


def test_a_stack_that_is_there_is_asked_from_this_machine(arm: ArmFake, monkeypatch: pytest.MonkeyPatch) -> None:
    closed(arm)
    monkeypatch.setattr(network, "outside", lambda arm, target: "")
    assert asked()[0][0] is State.OK
    monkeypatch.setattr(network, "outside", lambda arm, target: "st refuses")
    ((state, found, fix),) = asked()
    assert (state, found) == (State.REFUSED, "this machine is outside of the network: st refuses")
    assert fix.startswith("run it on a machine that is in the virtual network vnet")
