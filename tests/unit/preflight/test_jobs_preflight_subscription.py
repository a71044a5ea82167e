"""The preflight on the subscription: its offer, regions, providers, and what the caller may do there."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from preflight_asked import GROUP, ML, NAMESPACES, PERMISSIONS, SPEC, S, found, offer, only, register, usage

from jobs.preflight import run
from jobs.preflight.findings import State
from jobs.preflight.subscription import allows
from tests.unit.arm_fake import ArmFake


@pytest.mark.parametrize(
    "quota_id",
    ["FreeTrial_2014-09-01", "LightweightTrial_2016-09-01", "AzureForStudents_2018-01-01", "DreamSpark_2015-02-01"],
)
def test_offers_that_can_have_no_quota_are_refused(arm: ArmFake, quota_id: str) -> None:
    arm.get(S, offer(quota_id, limit="On"))
    finding = only()
    assert (finding.check, finding.state) == ("subscription", State.REFUSED)
    assert "no GPU quota" in finding.found and "az account set" in finding.fix


@pytest.mark.parametrize(
    "quota_id",
    [
        *("AzurePass_2014-09-01", "AzureInOpen_2014-09-01", "MPN_2014-09-01", "MSDN_2014-09-01"),
        *("Sponsored_2016-01-01", "CSPDEVTEST_2018-05-01", "Novel_2027-01-01"),
    ],
)
def test_of_other_offers_the_quota_decides(arm: ArmFake, quota_id: str) -> None:
    arm.get(S, offer(quota_id))
    finding = only()
    assert (finding.check, finding.state) == ("subscription", State.WARNING)
    assert "the quota of the family decides" in finding.found
    arm.get(f"{ML}/usages", {"value": [usage("standardNCADSA100v4Family", 0, 0)]})
    assert [each.state for each in found()] == [State.WARNING, State.REFUSED]


@pytest.mark.parametrize(
    "quota_id",
    [
        *("PayAsYouGo_2014-09-01", "EnterpriseAgreement_2014-09-01", "CSP_2015-05-01", "MSDNDevTest_2014-09-01"),
        "Internal_2014-09-01",
    ],
)
def test_paid_offers_pass(arm: ArmFake, quota_id: str) -> None:
    arm.get(S, offer(quota_id))
    assert found() == []


def test_a_spending_limit_and_a_disabled_subscription(arm: ArmFake) -> None:
    arm.get(S, offer("MSDN_2014-09-01", limit="On"))
    assert only().state is State.WARNING and "spending limit" in only().found
    arm.get(S, offer("PayAsYouGo_2014-09-01", state="Warned"))
    assert only().state is State.REFUSED and "Warned" in only().found


def test_a_subscription_that_is_not_there(arm: ArmFake) -> None:
    arm.refuse("GET", S, 404, "SubscriptionNotFound")
    refused = [finding for finding in found() if finding.state is State.REFUSED]
    assert "no subscription s" in refused[0].found and "az account list" in refused[0].fix


def test_azure_says_which_regions_there_are(arm: ArmFake) -> None:
    """eastus3 was opened after any list that could be kept here."""
    region = next(each for each in run.check(SPEC) if each.check == "region")
    assert (region.state, region.found) == (State.OK, "eastus2")
    spec = dataclasses.replace(SPEC, location="eastus22")
    region = next(each for each in found(spec) if each.check == "region")
    assert region.state is State.REFUSED
    assert "this subscription has no region eastus22" in region.found
    assert "did you mean eastus2 or eastus3?" in region.fix and "az account list-locations" in region.fix


def test_what_is_no_region_but_a_group_of_them_is_refused(arm: ArmFake) -> None:
    spec = dataclasses.replace(SPEC, location="europe")
    region = next(each for each in found(spec) if each.check == "region")
    assert region.state is State.REFUSED and "did you mean" not in region.fix


def test_unregistered_namespaces(arm: ArmFake) -> None:
    states = {"Microsoft.KeyVault": "NotRegistered", "Microsoft.Storage": "Registering"}
    rows = [
        {"namespace": name.lower(), "registrationState": states.get(name, "Registered")}
        for name in NAMESPACES
        if name != "Microsoft.ManagedIdentity"
    ]
    half = len(rows) // 2
    arm.get(f"{S}/providers", {"value": rows[:half], "nextLink": "https://management.azure.com/more?page=2"})
    arm.get("/more", {"value": rows[half:]})
    refused, under_way = found()
    assert (refused.state, under_way.state) == (State.REFUSED, State.WARNING)
    assert refused.fix == (
        "az provider register --namespace Microsoft.KeyVault --wait; "
        "az provider register --namespace Microsoft.ManagedIdentity --wait"
    )
    assert "Microsoft.Storage" in under_way.found
    assert under_way.fix == "az provider register --namespace Microsoft.Storage --wait"


@pytest.mark.parametrize("namespace", ["Microsoft.Cdn", "Microsoft.PolicyInsights"])
def test_what_azure_makes_endpoints_of_has_to_be_registered(arm: ArmFake, namespace: str) -> None:
    """Seen many times: SubscriptionNotRegistered at the endpoint, which then stays Failed."""
    register(arm, {namespace: "NotRegistered"})
    finding = only()
    assert (finding.check, finding.state) == ("resource providers", State.REFUSED)
    assert finding.fix == f"az provider register --namespace {namespace} --wait"


def test_a_stack_s_own_namespaces_are_asked_for_too(arm: ArmFake) -> None:
    spec = dataclasses.replace(SPEC, namespaces=("Microsoft.Network",))
    assert "not registered: Microsoft.Network" in only(spec).found
    register(arm, {}, ("Microsoft.Network",))
    assert found(spec) == []


CONTRIBUTOR = {"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write", "Microsoft.Authorization/*/Delete"]}
ADMINISTRATOR = {"actions": ["*/read", "Microsoft.Authorization/roleAssignments/write"], "notActions": []}
READER = {"actions": ["*/read"], "notActions": []}


@pytest.mark.parametrize(
    ("granted", "says", "role"),
    [
        ([CONTRIBUTOR], "you may not assign roles in", "Role Based Access Control Administrator"),
        ([ADMINISTRATOR], "create resources nor create resource groups", "Contributor"),
        ([READER], "you may not assign roles nor create resources", "Owner"),
        ([], "you may not assign roles", "Owner"),
    ],
)
def test_what_the_caller_may_not_do(arm: ArmFake, granted: list[Any], says: str, role: str) -> None:
    arm.get(f"{S}/{PERMISSIONS}", {"value": granted})
    finding = only()
    assert (finding.check, finding.state) == ("permissions", State.REFUSED)
    assert says in finding.found and f'--role "{role}" --scope {S}' in finding.fix


def test_what_one_role_excludes_another_may_grant(arm: ArmFake) -> None:
    arm.get(f"{S}/{PERMISSIONS}", {"value": [CONTRIBUTOR, ADMINISTRATOR]})
    assert found() == []


def test_a_conditional_grant_is_not_weighed(arm: ArmFake) -> None:
    conditional = {
        **ADMINISTRATOR,
        "condition": "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})))",
    }
    arm.get(f"{S}/{PERMISSIONS}", {"value": [CONTRIBUTOR, conditional]})
    assert only().state is State.WARNING and "under a condition" in only().found


def test_in_a_group_that_exists_its_permissions_count(arm: ArmFake) -> None:
    arm.get(f"{S}/{PERMISSIONS}", {"value": []})
    arm.get(GROUP, {"id": GROUP})
    arm.get(f"{GROUP}/{PERMISSIONS}", {"value": [{"actions": ["*"]}]})
    assert found() == []


def test_actions_are_matched_as_azure_matches_them() -> None:
    action = "Microsoft.Authorization/roleAssignments/write"
    assert allows({"actions": ["microsoft.authorization/*"]}, action)
    assert allows({"actions": ["*/write"]}, action)
    assert not allows({"actions": ["*"], "notActions": ["*/Write"]}, action)
    assert not allows({"actions": ["Microsoft.Authorization/roleAssignments/read"]}, action)
    assert not allows({}, action)
