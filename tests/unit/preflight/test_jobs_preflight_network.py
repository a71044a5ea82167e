"""The preflight on somebody else's network."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from preflight_asked import GROUP, SPEC, WORKSPACE

from cloud.arm import Arm
from cloud.target import Target
from jobs.preflight.findings import Finding, State
from jobs.preflight.locked import network
from jobs.preflight.spec import PrivateNetwork
from settings.estate.zones import ALL_ZONES
from settings.stack import parse
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


ADVICE = (
    "run it on a machine that is in the virtual network vnet, or in one that is peered or connected with it, and that "
    "resolves names by its private DNS zones: a self-hosted runner, a jump host (docs/network.md)"
)
NOT_YET = (
    State.WARNING,
    "whoever runs `pulumi up` has to be in the network: it uploads the data and asks the model",
    ADVICE,
)
REGISTRY = "privatelink.azurecr.io"


def test_without_private_endpoints_nothing_is_asked(arm: ArmFake) -> None:
    assert network.usable(SPEC, Arm()) == [
        Finding(check="private network", state=State.OK, found="no private endpoints")
    ]
    assert arm.sent == []


def test_a_subnet_that_is_not_there_or_not_seen(arm: ArmFake) -> None:
    may(arm, SUBNET, "*")
    may(arm, NET, "*")
    assert asked() == [
        (
            State.REFUSED,
            f"{SUBNET}: is not there, or you may not see it",
            f"az network vnet subnet show --ids {SUBNET}",
        ),
        NOT_YET,
    ]


@pytest.mark.parametrize(
    ("location", "subnet", "expected"),
    [
        ("East US 2", {}, None),
        ("", {"addressPrefix": "10.0.0.0/27"}, None),
        ("eastus2", {"addressPrefix": None, "addressPrefixes": ["10.0.0.0/26"]}, None),
        (
            "West Europe", {},
            (
                State.REFUSED,
                "subnet snet: is in westeurope, and a private endpoint is in the region of its subnet, not eastus2",
                "take a subnet in eastus2; networks of two regions can be peered",
            ),
        ),
        (
            "eastus2", {"delegations": [{"name": "x"}]},
            (
                State.REFUSED,
                "subnet snet: is delegated; Azure takes no private endpoint into a subnet that is delegated",
                "take another subnet",
            ),
        ),
        (
            "eastus2", {"addressPrefix": "10.0.0.0/28"},
            (
                State.WARNING,
                "subnet snet: /28 may be too small for seven private endpoints beside what is in it",
                "take one of /27 or larger",
            ),
        ),
    ],
)  # fmt: skip
def test_a_subnet_that_does_or_does_not_do(
    arm: ArmFake, location: str, subnet: dict[str, Any], expected: tuple[State, str, str] | None
) -> None:
    there(arm, location, **subnet)
    assert asked() == [*([expected] if expected else []), NOT_YET]


def test_zones_of_others_are_all_there_and_linked(arm: ArmFake) -> None:
    there(arm)
    linked(arm)
    assert asked(THEIRS) == [NOT_YET]
    linked(arm, REGISTRY, "privatelink.openai.azure.com")
    create = "az network private-dns zone create --resource-group rg-dns --name"
    missing = (
        State.REFUSED,
        f"{DNS}: has no zones {REGISTRY}, privatelink.openai.azure.com",
        f"{create} {REGISTRY}; {create} privatelink.openai.azure.com",
    )
    assert asked(THEIRS) == [missing, NOT_YET]
    linked(arm)
    for zone in (REGISTRY, "privatelink.vaultcore.azure.net"):
        arm.get(f"{ZONES}/{zone}/virtualNetworkLinks", {"value": [{"properties": {"virtualNetwork": None}}]})
    unlinked = (
        State.WARNING,
        f"not linked to vnet: privatelink.vaultcore.azure.net, {REGISTRY}",
        "go on where its name servers ask these zones in another way; else az network private-dns link vnet create "
        f"--resource-group rg-dns --zone-name <zone> --name <name> --virtual-network {NET} "
        "--registration-enabled false",
    )
    assert asked(THEIRS) == [unlinked, NOT_YET]


@pytest.mark.parametrize("zones", ["", "elsewhere"])
def test_of_zones_that_nobody_elses_group_has_nothing_is_asked(arm: ArmFake, zones: str) -> None:
    there(arm)
    assert asked(dataclasses.replace(OURS, zones=zones)) == [NOT_YET]
    assert not [url for _, url in arm.sent if "privateDnsZones" in url]


def test_what_is_asked_about_is_what_the_settings_say() -> None:
    config = {"azure-native:location": "eastus2", "finetune-phi:purgeOnDestroy": False}
    own = {"subnet": SUBNET.replace("/n/", f"/{'0' * 8}-0000-4000-8000-0000000000a1/"), "zones": "elsewhere"}
    settings = parse({**config, "finetune-phi:network": "private", "finetune-phi:privateEndpoints": own}, "dev")
    assert network.private(settings) == PrivateNetwork(
        subnet=own["subnet"], network=own["subnet"].removesuffix("/subnets/snet"), zones="elsewhere"
    )
    assert network.private(parse(config, "dev")) is None


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
    target = Target("s", "rg", "ws")
    monkeypatch.setattr(network, "outside", lambda arm, asked_for: "" if asked_for == target else "another")
    assert asked() == [(State.OK, f"private endpoints in {SUBNET}", "")]
    monkeypatch.setattr(network, "outside", lambda arm, target: "st refuses")
    assert asked() == [(State.REFUSED, "this machine is outside of the network: st refuses", ADVICE)]
    arm.get(STORAGE, {"properties": {"publicNetworkAccess": "Enabled"}})
    assert asked() == [NOT_YET]
