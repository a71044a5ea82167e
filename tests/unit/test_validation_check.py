"""Bodies against Azure's models: what is refused, and what passes."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from emulator.validation.bodies import post_shape, put_shape
from emulator.validation.check import Problem, problems, read_only_members, required_members

ML = "Microsoft.MachineLearningServices/workspaces"
VAULT = "Microsoft.KeyVault/vaults"
IDENTITY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i"
TENANT = "00000000-0000-0000-0000-000000000002"

BODIES: dict[str, dict[str, Any]] = {
    VAULT: {
        "location": "eastus2",
        "properties": {"tenantId": TENANT, "sku": {"family": "A", "name": "standard"}, "softDeleteRetentionInDays": 7},
    },
    f"{ML}/computes": {
        "location": "eastus2",
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}},
        "properties": {
            "computeType": "AmlCompute",
            "properties": {
                "vmSize": "Standard_NC24ads_A100_v4",
                "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 1},
            },
        },
    },
    f"{ML}/connections": {
        "properties": {
            "category": "CustomKeys",
            "authType": "CustomKeys",
            "target": "https://endpoint/score",
            "credentials": {"keys": {"key": "k"}},
            "metadata": {"anything": "goes"},
        }
    },
    "Microsoft.Insights/metricAlerts": {
        "location": "global",
        "properties": {
            "severity": 2,
            "enabled": True,
            "scopes": ["/subscriptions/s"],
            "evaluationFrequency": "PT5M",
            "windowSize": "PT15M",
            "criteria": {"odata.type": "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria", "allOf": []},
        },
    },
    "Microsoft.Insights/components": {
        "location": "eastus2",
        "kind": "web",
        "properties": {"Application_Type": "web", "RetentionInDays": 90},
    },
    "Microsoft.Insights/diagnosticSettings": {
        "properties": {"workspaceId": "/w", "logs": [{"categoryGroup": "allLogs", "enabled": True}]}
    },
}


def found(kind: str, change: dict[str, Any] | None = None) -> list[Problem]:
    """What is wrong with a type's body after members, named by dotted paths, are set."""
    body = copy.deepcopy(BODIES[kind])
    for path, value in (change or {}).items():
        *outer, last = path.split("/")
        at: Any = body
        for part in outer:
            at = at[int(part) if isinstance(at, list) else part]
        at[last] = value
    return list(problems(put_shape(kind), body))


@pytest.mark.parametrize("kind", BODIES)
def test_good_bodies_pass(kind: str) -> None:
    assert found(kind) == []


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (VAULT, "propertys"),
        (VAULT, "properties/enableSoftDelet"),
        (VAULT, "properties/sku/tier"),
        (f"{ML}/computes", "properties/properties/scaleSettings/minNodes"),
        (f"{ML}/connections", "properties/authtype"),
        ("Microsoft.Insights/diagnosticSettings", "properties/logs/0/categories"),
    ],
)
def test_an_unknown_property_is_refused_wherever_it_stands(kind: str, path: str) -> None:
    (problem,) = found(kind, {path: 1})
    assert problem.rule == "unknown"
    assert problem.message.startswith(f"Could not find member '{path.rpartition('/')[2]}' on object of type '")


def test_free_dictionaries_take_any_key() -> None:
    assert found(VAULT, {"tags": {"cost centre": "17"}}) == []
    assert found(f"{ML}/connections", {"properties/credentials/keys": {"another": "k"}}) == []
    assert found("Microsoft.Insights/metricAlerts", {"properties/criteria/any": 1}) == []


@pytest.mark.parametrize("kind", BODIES)
def test_every_required_property_is_missed(kind: str) -> None:
    shape = put_shape(kind)
    required = list(required_members(shape, BODIES[kind]))
    assert required
    for path in required:
        body: Any = copy.deepcopy(BODIES[kind])
        at = body
        for part in path[:-1]:
            at = at[part]
        del at[path[-1]]
        rules = {problem.rule for problem in problems(shape, body)}
        assert "required" in rules, path


@pytest.mark.parametrize(
    ("kind", "path", "value", "wanted"),
    [
        (VAULT, "location", 7, "System.String"),
        (VAULT, "properties", [], "VaultProperties"),
        (VAULT, "properties/softDeleteRetentionInDays", "seven", "System.Int32"),
        (VAULT, "properties/softDeleteRetentionInDays", True, "System.Int32"),
        (VAULT, "properties/softDeleteRetentionInDays", 7.5, "System.Int32"),
        (VAULT, "properties/enableRbacAuthorization", "yes", "System.Boolean"),
        (VAULT, "tags", ["a"], "Dictionary"),
        (VAULT, "tags", {"a": 1}, "System.String"),
        ("Microsoft.Insights/metricAlerts", "properties/scopes", "/subscriptions/s", "List"),
    ],
)
def test_a_value_of_another_type_is_refused(kind: str, path: str, value: Any, wanted: str) -> None:
    (problem,) = found(kind, {path: value})
    assert problem.rule == "type"
    assert f"to type '{wanted}'" in problem.message


def test_nulls_count_as_absent() -> None:
    assert found(VAULT, {"tags": None, "properties/createMode": None, "nothing": None}) == []
    (problem,) = found(VAULT, {"properties/tenantId": None})
    assert problem.rule == "required"
    endpoint = {"location": "eastus2", "properties": {"authMode": "Key", "mirrorTraffic": None}}
    assert not list(problems(put_shape(f"{ML}/onlineEndpoints"), endpoint))


def test_a_value_outside_an_enumeration_is_refused() -> None:
    (problem,) = found(VAULT, {"properties/sku/name": "free"})
    assert (problem.rule, problem.path) == ("enum", "properties.sku.name")
    assert "Known values: standard, premium." in problem.message
    (older,) = found("Microsoft.Insights/components", {"properties/Application_Type": "desktop"})
    assert older.rule == "enum"


def test_enumerations_do_not_mind_case() -> None:
    assert found(VAULT, {"properties/sku/name": "Standard"}) == []


def test_an_unknown_subclass_is_refused() -> None:
    (problem,) = found(f"{ML}/computes", {"properties/computeType": "Mainframe"})
    assert (problem.rule, problem.path) == ("discriminator", "properties.computeType")
    assert "AmlCompute" in problem.message


def test_the_discriminator_chooses_what_is_allowed() -> None:
    assert found(f"{ML}/connections", {"properties/authType": "aad", "properties/credentials": None}) == []
    (problem,) = found(f"{ML}/connections", {"properties/authType": "AAD"})
    assert (problem.rule, problem.path) == ("unknown", "properties.credentials")


def test_limits_of_length_pattern_and_range_are_kept() -> None:
    from emulator.validation.shapes import INTEGER, STRING, Limits, Member, Record

    members = {
        "name": Member(STRING, limits=Limits(min_length=2, max_length=4, pattern="^[a-z]+$")),
        "count": Member(INTEGER, limits=Limits(minimum=1, maximum=3)),
    }
    shape = Record("Thing", lambda: members)
    assert [each.rule for each in problems(shape, {"name": "a", "count": 0})] == ["length", "range"]
    assert [each.rule for each in problems(shape, {"name": "abcDE", "count": 4})] == ["length", "pattern", "range"]
    assert not list(problems(shape, {"name": "abc", "count": 3}))


def test_read_only_members_are_ignored_and_can_be_told() -> None:
    assert found(VAULT, {"id": "/x", "systemData": {}}) == []
    body = copy.deepcopy(BODIES[f"{ML}/computes"])
    body["properties"]["provisioningState"] = "Succeeded"
    shape = put_shape(f"{ML}/computes")
    assert not list(problems(shape, body))
    assert list(read_only_members(shape, body)) == ["properties.provisioningState"]


def test_bodies_of_actions_are_checked() -> None:
    keys = post_shape(f"{ML}/onlineEndpoints", "REGENERATEKEYS")
    assert not list(problems(keys, {"keyType": "Primary"}))
    assert [each.rule for each in problems(keys, {})] == ["required"]
    assert [each.rule for each in problems(keys, {"keyType": "Tertiary"})] == ["enum"]
    assert post_shape(f"{ML}/onlineEndpoints", "listKeys") is None


def test_types_without_a_model_have_no_shape() -> None:
    assert put_shape("Microsoft.Nothing/things") is None
