"""What counts as somebody's hand, and what Azure or a policy has written."""

from __future__ import annotations

from typing import Any

import pytest

from review.drift.found import drift
from review.events import Preview, State, Step

HUB = "azure-native:machinelearningservices:Workspace"
VAULT = "azure-native:keyvault:Vault"
INACTIVE = {"isolationMode": "AllowInternetOutbound", "status": {"status": "Inactive"}}
SYSTEM = {"__SYS_PE_st_blob": {"type": "PrivateEndpoint", "category": "Required"}}
OURS = {"pypi": {"type": "FQDN", "category": "UserDefined"}}
ACTIVE = {**INACTIVE, "status": {"status": "Active"}, "outboundRules": SYSTEM}


def found(
    kind: str, was: dict[str, Any], now: dict[str, Any], *paths: str, elsewhere: tuple[str, ...] = ()
) -> list[str]:
    """The paths told of a resource whose outputs a refresh finds to be others."""
    step = Step(f"urn::{kind}::one", kind, "refresh", State({}, was), State({}, now), "", paths)
    return [one.path for one in drift(Preview(refreshed=[step]), elsewhere)]


@pytest.mark.parametrize(
    ("was", "now", "paths"),
    [
        ({}, {"associatedWorkspaces": ["/p"]}, ["associatedWorkspaces"]),
        ({"associatedWorkspaces": ["/p"]}, {"associatedWorkspaces": ["/p", "/q"]}, ["associatedWorkspaces[1]"]),
        ({"managedNetwork": INACTIVE}, {"managedNetwork": ACTIVE}, ["managedNetwork.status.status"]),
        ({"managedNetwork": INACTIVE}, {"managedNetwork": ACTIVE}, ["managedNetwork.outboundRules"]),
        ({"managedNetwork": INACTIVE}, {"managedNetwork": ACTIVE}, ["managedNetwork"]),
        ({"managedNetwork": INACTIVE}, {"managedNetwork": ACTIVE}, ["managedNetwork.outboundRules.__SYS_PE_st_blob"]),
    ],
)
def test_what_azure_writes_later_is_nobodys_hand(was: dict[str, Any], now: dict[str, Any], paths: list[str]) -> None:
    assert found(HUB, was, now, *paths) == []


@pytest.mark.parametrize(
    "path", ["managedNetwork.outboundRules", "managedNetwork.outboundRules.pypi", "managedNetwork"]
)
def test_a_rule_that_a_person_adds_is_drift(path: str) -> None:
    opened = {"managedNetwork": {**ACTIVE, "outboundRules": {**SYSTEM, **OURS}}}
    assert found(HUB, {"managedNetwork": ACTIVE}, opened, path) == [path]


def test_another_isolation_is_drift_whatever_comes_with_it() -> None:
    open_ = {"managedNetwork": {**ACTIVE, "isolationMode": "Disabled"}}
    assert found(HUB, {"managedNetwork": INACTIVE}, open_, "managedNetwork") == ["managedNetwork"]
    path = "managedNetwork.isolationMode"
    assert found(HUB, {"managedNetwork": INACTIVE}, open_, path) == [path]


def test_what_a_pause_leaves_on_the_endpoint_is_nobodys_hand() -> None:
    kind = "azure-native:machinelearningservices:OnlineEndpoint"
    was = {"tags": {"stack": "dev"}, "properties": {"traffic": {"m1": 100}}}
    now = {"tags": {"stack": "dev", "finetune-phi-paused": "{}"}, "properties": {"traffic": {}}}
    paths = ["properties.traffic", "properties.traffic.m1", 'tags["finetune-phi-paused"]', "tags"]
    assert found(kind, was, now, *paths) == []
    emptied = {**now, "tags": {"stack": "dev"}}
    assert found(kind, was, emptied, "properties.traffic") == ["properties.traffic"]


def test_of_another_type_it_is_drift() -> None:
    assert found(VAULT, {}, {"associatedWorkspaces": ["/p"]}, "associatedWorkspaces") == ["associatedWorkspaces"]


@pytest.mark.parametrize(
    ("was", "now", "path"),
    [
        ({"owner": "me"}, {"owner": "me", "costCenter": "7"}, "tags.costCenter"),
        ({"owner": "me"}, {"owner": "me", "CostCenter": "7"}, "tags"),
        ({}, {"cost centre": "7"}, 'tags["cost centre"]'),
        (None, {"costCenter": "7"}, "tags"),
        ({"costCenter": "7"}, {"costCenter": "8"}, "tags.costCenter"),
    ],
)
def test_a_tag_from_elsewhere_is_no_drift_where_it_is_named(was: Any, now: Any, path: str) -> None:
    before = {"tags": was} if was is not None else {}
    assert found(VAULT, before, {"tags": now}, path, elsewhere=("costCenter", "cost centre")) == []
    assert found(VAULT, before, {"tags": now}, path) == [path]


@pytest.mark.parametrize("path", ["tags.owner", "tags"])
def test_another_tag_stays_drift_beside_it(path: str) -> None:
    was, now = {"owner": "me"}, {"owner": "you", "costCenter": "7"}
    assert found(VAULT, {"tags": was}, {"tags": now}, path, elsewhere=("costCenter",)) == [path]
