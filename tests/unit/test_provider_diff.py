"""Differences, replacements, what a refresh takes over, and made-up names."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.provider.experimental.provider import PropertyDiffKind as Kind

from emulator.provider.diff import CREATE_BEFORE_DELETE, diff, follow
from emulator.provider.names import made_up_name
from emulator.provider.resources import RESOURCES
from emulator.provider.values import UNKNOWN
from emulator.provider.writable import writable

STORAGE = RESOURCES["azure-native:storage:StorageAccount"]
ENDPOINT = "azure-native:machinelearningservices:OnlineEndpoint"
OLD = {
    "resourceGroupName": "g",
    "accountName": "a",
    "location": "eastus2",
    "sku": {"name": "Standard_LRS"},
    "tags": {"a.b": "1", "plain": "x"},
}


def kinds(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Kind]:
    return {path: d.kind for path, d in diff(STORAGE, old, new).detailed_diff.items()}


def test_same_inputs_are_no_change() -> None:
    answer = diff(STORAGE, OLD, {**OLD, "location": "East US 2", CREATE_BEFORE_DELETE: True})
    assert (answer.changes, answer.replaces, answer.detailed_diff) == (False, [], {})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"sku": {"name": "Standard_GRS"}}, {"sku.name": Kind.UPDATE}),
        ({"tags": {"a.b": "2", "plain": "x"}}, {'tags["a.b"]': Kind.UPDATE}),
        ({"tags": {"a.b": "1"}}, {"tags.plain": Kind.DELETE}),
        ({"kind": "StorageV2"}, {"kind": Kind.ADD}),
        ({"sku": {"name": UNKNOWN}}, {"sku.name": Kind.UPDATE}),
        ({"sku": UNKNOWN}, {"sku": Kind.UPDATE}),
        ({"location": "westus"}, {"location": Kind.UPDATE_REPLACE}),
        ({"accountName": "b"}, {"accountName": Kind.UPDATE_REPLACE}),
        ({"resourceGroupName": UNKNOWN}, {"resourceGroupName": Kind.UPDATE_REPLACE}),
    ],
)
def test_one_change(change: dict[str, Any], expected: dict[str, Kind]) -> None:
    assert kinds(OLD, {**OLD, **change}) == expected


def test_lists_differ_item_by_item() -> None:
    old = {**OLD, "networkRuleSet": {"ipRules": [{"v": "1"}, {"v": "2"}]}}
    new = {**OLD, "networkRuleSet": {"ipRules": [{"v": "1"}, {"v": "3"}, {"v": "4"}]}}
    assert kinds(old, new) == {
        "networkRuleSet.ipRules[1].v": Kind.UPDATE,
        "networkRuleSet.ipRules[2]": Kind.ADD,
    }


@pytest.mark.parametrize(("random", "first_delete"), [(True, False), (False, True)])
def test_replacement_waits_for_the_name_unless_it_is_made_up(random: bool, first_delete: bool) -> None:
    answer = diff(STORAGE, {**OLD, CREATE_BEFORE_DELETE: random}, {**OLD, "location": "westus"})
    assert answer.replaces == ["location"]
    assert answer.delete_before_replace is first_delete


def test_cluster_size_is_an_update_as_with_the_official_provider() -> None:
    # Azure accepts it and keeps the old size: the program has to ask for the replacement itself.
    row = RESOURCES["azure-native:machinelearningservices:Compute"]
    old = {"properties": {"properties": {"vmSize": "A"}}}
    answer = diff(row, old, {"properties": {"properties": {"vmSize": "B"}}})
    assert (list(answer.detailed_diff), answer.replaces) == (["properties.properties.vmSize"], [])


@pytest.mark.parametrize(
    ("kind", "replaces"),
    [
        ("storage:StorageAccount", ["location"]),
        ("machinelearningservices:OnlineEndpoint", ["location"]),
        ("machinelearningservices:Workspace", []),
        ("machinelearningservices:Compute", []),
        ("keyvault:Vault", []),
        ("cognitiveservices:Account", []),
    ],
)
def test_another_region_replaces_what_the_specification_says(kind: str, replaces: list[str]) -> None:
    row = RESOURCES[f"azure-native:{kind}"]
    assert diff(row, {"location": "eastus2"}, {"location": "westus3"}).replaces == replaces


def test_role_assignment_of_another_principal_is_another_one() -> None:
    row = RESOURCES["azure-native:authorization:RoleAssignment"]
    assert diff(row, {"principalId": "a"}, {"principalId": "b"}).replaces == ["principalId"]


def test_refresh_takes_over_changes_but_no_defaults() -> None:
    inputs = {"tags": {"a": "1"}, "properties": {"authMode": "Key"}, "endpointName": "e"}
    before = {"tags": {"a": "1"}, "properties": {"authMode": "Key", "mirrorTraffic": {}}}
    after = {"tags": {}, "properties": {"authMode": "Key", "mirrorTraffic": {}, "traffic": {"m1": 100}}}
    assert follow(inputs, before, after) == {
        "tags": {},
        "properties": {"authMode": "Key", "traffic": {"m1": 100}},
        "endpointName": "e",
    }
    assert follow(inputs, after, after) == inputs


def test_refresh_follows_lists_by_position() -> None:
    assert follow(["a", "b"], ["a", "b"], ["a", "c", "d"]) == ["a", "c", "d"]
    assert follow([{"x": 1}], [{"x": 1, "y": 2}], [{"x": 3, "y": 2}]) == [{"x": 3}]


def test_only_writable_outputs_become_inputs() -> None:
    outputs = {
        "id": "/e",
        "name": "e",
        "location": "eastus2",
        "systemData": {"createdBy": "me"},
        "identity": {"type": "UserAssigned", "principalId": "p", "userAssignedIdentities": {"/i": {"clientId": "c"}}},
        "properties": {
            "authMode": "Key",
            "provisioningState": "Succeeded",
            "scoringUri": "https://x",
            "traffic": {"m1": 100},
        },
    }
    assert writable(ENDPOINT, outputs) == {
        "location": "eastus2",
        "identity": {"type": "UserAssigned", "userAssignedIdentities": ["/i"]},
        "properties": {"authMode": "Key", "traffic": {"m1": 100}},
    }


def test_what_a_case_of_a_union_takes_becomes_an_input() -> None:
    machines = {"vmSize": "Standard_NC24ads_A100_v4", "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 1}}
    outputs = {"properties": {"computeType": "AmlCompute", "properties": {**machines, "currentNodeCount": 0}}}
    assert writable("azure-native:machinelearningservices:Compute", outputs) == {
        "properties": {"computeType": "AmlCompute", "properties": machines}
    }


def test_made_up_names() -> None:
    name, random = made_up_name(STORAGE, "phistore", b"seed")
    assert random and name.startswith("phistore") and len(name) == len("phistore") + 8
    assert made_up_name(STORAGE, "phistore", b"seed") == (name, True)
    assert made_up_name(STORAGE, "phistore", b"other")[0] != name
    assert made_up_name(STORAGE, "phistore", b"")[0] != made_up_name(STORAGE, "phistore", b"")[0]
    assert made_up_name(RESOURCES[ENDPOINT], "ep", b"seed") == ("ep", False)
    guid, _ = made_up_name(RESOURCES["azure-native:authorization:RoleAssignment"], "ra", b"seed")
    assert len(guid) == 36 and guid[14] == "4"
