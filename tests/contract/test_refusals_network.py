"""Private endpoints, zones and managed networks that are not made, and what is closed to whoever is outside."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from azure.identity import DefaultAzureCredential

from emulator.machine.home import SUBSCRIPTION_ID
from tests.contract.cases import Cases
from tests.contract.conftest import LOCATION
from tests.contract.lab import SCOPE, Lab

CASES = Cases("network")
NETWORK = f"{SCOPE}/providers/Microsoft.Network/virtualNetworks/vnet-refusals"
SUBNET = f"{NETWORK}/subnets/snet"
ZONES = f"{SCOPE}/providers/Microsoft.Network/privateDnsZones"
ZONE = f"{ZONES}/privatelink.blob.core.windows.net"
OTHER = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-refusals-zones"
ENDPOINTS = f"{SCOPE}/providers/Microsoft.Network/privateEndpoints"
ML = "2025-12-01"


@pytest.mark.parametrize("name", CASES.rows)
def test_refused(name: str, lab: Lab) -> None:
    CASES.check_refused(name, lab)


@pytest.mark.parametrize("name", CASES.rows)
def test_way_through(name: str, lab: Lab) -> None:
    CASES.check_passes(name, lab)


def network(lab: Lab) -> str:
    subnet = {"name": "snet", "properties": {"addressPrefix": "10.0.0.0/24"}}
    space = {"addressPrefixes": ["10.0.0.0/16"]}
    lab.put(NETWORK, {"location": LOCATION, "properties": {"addressSpace": space, "subnets": [subnet]}})
    return SUBNET


def endpoint(lab: Lab, to: str, group: str, subnet: str = SUBNET, name: str = "pep") -> str:
    connection = {"name": "it", "properties": {"privateLinkServiceId": to, "groupIds": [group]}}
    body = {"subnet": {"id": subnet}, "privateLinkServiceConnections": [connection]}
    lab.put(f"{ENDPOINTS}/{name}", {"location": LOCATION, "properties": body})
    return f"{ENDPOINTS}/{name}"


def zone(lab: Lab, path: str = ZONE, location: str = "global") -> str:
    lab.arm.put(path, "2024-06-01", {"location": location})
    return path


def link(lab: Lab, path: str) -> str:
    body = {"location": "global", "properties": {"virtualNetwork": {"id": NETWORK}}}
    lab.arm.put(f"{path}/virtualNetworkLinks/ours", "2024-06-01", body)
    return f"{path}/virtualNetworkLinks/ours"


@CASES.refused("subnet")
def _(lab: Lab) -> None:
    network(lab)
    endpoint(lab, lab.storage, "blob", f"{NETWORK}/subnets/none")


@CASES.refused("target")
def _(lab: Lab) -> None:
    network(lab)
    endpoint(lab, f"{lab.storage}x", "blob")


@CASES.refused("group")
def _(lab: Lab) -> None:
    network(lab)
    endpoint(lab, lab.workspace, "workspace")


@CASES.refused("tier")
def _(lab: Lab) -> None:
    network(lab)
    endpoint(lab, lab.registry, "registry")


@CASES.passes("subnet")
@CASES.passes("target")
@CASES.passes("group")
def _(lab: Lab) -> None:
    network(lab)
    endpoint(lab, lab.workspace, "amlworkspace")
    (connection,) = lab.get(f"{ENDPOINTS}/pep")["properties"]["privateLinkServiceConnections"]
    assert connection["properties"]["privateLinkServiceConnectionState"]["status"] == "Approved"
    lab.delete(f"{ENDPOINTS}/pep")


@CASES.passes("tier")
def _(lab: Lab) -> None:
    network(lab)
    registry = lab.make_registry("crrefusalspremium")
    lab.put(registry, {"location": LOCATION, "sku": {"name": "Premium"}, "properties": {}})
    lab.delete(endpoint(lab, registry, "registry"))


@CASES.refused("zone-region")
def _(lab: Lab) -> None:
    zone(lab, location=LOCATION)


@CASES.refused("zone-linked")
def _(lab: Lab) -> None:
    network(lab)
    link(lab, zone(lab))
    try:
        lab.arm.delete(ZONE, "2024-06-01")
    finally:
        lab.arm.delete(f"{ZONE}/virtualNetworkLinks/ours", "2024-06-01")


@CASES.refused("zone-twice")
def _(lab: Lab) -> None:
    network(lab)
    lab.group(OTHER.rsplit("/", 1)[1])
    ours, theirs = zone(lab), zone(lab, ZONE.replace(SCOPE, OTHER))
    link(lab, ours)
    try:
        link(lab, theirs)
    finally:
        lab.arm.delete(f"{ours}/virtualNetworkLinks/ours", "2024-06-01")


@CASES.passes("zone-region")
@CASES.passes("zone-linked")
@CASES.passes("zone-twice")
def _(lab: Lab) -> None:
    network(lab)
    path = zone(lab)
    lab.arm.delete(link(lab, path), "2024-06-01")
    lab.arm.delete(path, "2024-06-01")


def managed(lab: Lab, name: str) -> str:
    mode = {"isolationMode": "AllowOnlyApprovedOutbound"}
    return lab.make_workspace(name, containerRegistry=lab.registry, managedNetwork=mode)


def provision(lab: Lab, workspace: str) -> None:
    lab.arm.run("POST", f"{workspace}/provisionManagedNetwork", ML, {"includeSpark": False})


@CASES.refused("approver")
def _(lab: Lab) -> None:
    provision(lab, managed(lab, "ws-unapproved"))


@CASES.passes("approver")
def _(lab: Lab) -> None:
    workspace = managed(lab, "ws-approved")
    principal = lab.get(workspace)["identity"]["principalId"]
    lab.assign("Azure AI Enterprise Network Connection Approver", principal, SCOPE)
    assert lab.get(workspace)["properties"]["managedNetwork"]["status"]["status"] == "Inactive"
    provision(lab, workspace)
    assert lab.get(workspace)["properties"]["managedNetwork"]["status"]["status"] == "Active"


def containers(account: str) -> tuple[int, str]:
    token = DefaultAzureCredential().get_token("https://storage.azure.com/.default").token
    headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2023-11-03"}
    answer = requests.get(f"https://{account}.blob.core.windows.net/?comp=list", headers=headers, timeout=30)
    return answer.status_code, answer.headers.get("x-ms-error-code", "")


OUTSIDE = (403, "AuthorizationFailure")


def close(lab: Lab, path: str) -> None:
    body: dict[str, Any] = {"location": LOCATION, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    lab.put(path, {**body, "properties": {"publicNetworkAccess": "Disabled"}})


def test_what_is_closed_answers_by_an_endpoint_whose_name_is_found_and_to_nobody_outside(lab: Lab) -> None:
    subnet, account = network(lab), lab.make_storage("stclosed")
    assert containers("stclosed") == (200, "")
    close(lab, account)
    assert containers("stclosed") == OUTSIDE, "without an endpoint"
    way = endpoint(lab, account, "blob", subnet, "pep-closed")
    assert containers("stclosed") == OUTSIDE, "an endpoint whose name nobody finds"
    with lab.setting("network", {"dns": "own"}):
        assert containers("stclosed") == (200, ""), "name servers of one's own"
    path = zone(lab)
    config = {"name": "blob", "properties": {"privateDnsZoneId": path}}
    lab.put(f"{way}/privateDnsZoneGroups/default", {"properties": {"privateDnsZoneConfigs": [config]}})
    assert containers("stclosed") == OUTSIDE, "a zone that the network does not know"
    linked = link(lab, path)
    assert containers("stclosed") == (200, "")
    with lab.setting("network", {"callers": "outside"}):
        assert containers("stclosed") == OUTSIDE
        assert containers("strefusals") == (200, ""), "what is open answers everybody"
    lab.delete(way)
    assert containers("stclosed") == OUTSIDE, "an endpoint that is gone"
    lab.arm.delete(linked, "2024-06-01")


def test_a_closed_vault_and_a_closed_workspace_refuse_in_their_own_words(lab: Lab) -> None:
    vault = lab.make_vault("kv-closed", publicNetworkAccess="Disabled", enableRbacAuthorization=True)
    token = DefaultAzureCredential().get_token("https://vault.azure.net/.default").token
    headers = {"Authorization": f"Bearer {token}"}
    url = f"https://{vault.rsplit('/', 1)[1]}.vault.azure.net/keys/dev?api-version=7.6"
    answer = requests.get(url, headers=headers, timeout=30)
    assert (answer.status_code, answer.json()["error"]["innererror"]["code"]) == (403, "ForbiddenByConnection")
    workspace = lab.make_workspace("ws-closed", publicNetworkAccess="Disabled")
    asked = requests.get(
        f"https://{LOCATION}.api.azureml.ms/history/v1.0{workspace}/experiments/x/runs/y", headers=headers, timeout=30
    )
    assert asked.status_code == 403 and "private endpoint" in asked.text
