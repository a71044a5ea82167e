"""The preflight against the emulator: all green, each refusal, and the way through."""

from __future__ import annotations

import dataclasses
import threading

import pytest

from emulator.access import rbac
from emulator.machine.home import CLIENT_OBJECT_ID
from emulator.subscription import registrations
from jobs import specs
from jobs.preflight import run
from jobs.preflight.findings import State
from jobs.preflight.spec import PreflightSpec
from tests.contract.arm import Arm, Refusal
from tests.contract.preflight.finding import SCOPE, VAULTS, Setting, found, only


def test_nothing_stands_in_the_way_of_the_local_stack(spec: PreflightSpec) -> None:
    findings = run.check(spec)
    assert [finding.check for finding in findings] == list(run.CHECKS)
    assert {str(finding) for finding in findings if finding.state is not State.OK} == set()
    run.run(spec, lambda line: None, threading.Event())


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_nor_of_the_others(stack: str) -> None:
    assert found(specs.preflight_of(stack)) == []


def test_an_offer_that_can_have_no_quota(spec: PreflightSpec, setting: Setting) -> None:
    setting(registrations.OFFER, {"quotaId": "FreeTrial_2014-09-01", "spendingLimit": "On"})
    assert only(spec).state is State.REFUSED and "free trial" in only(spec).found
    setting(registrations.OFFER, {"quotaId": "MSDN_2014-09-01"})
    assert only(spec).state is State.WARNING
    setting(registrations.OFFER, {"state": "Disabled"})
    assert "is Disabled" in only(spec).found


def test_usage_that_azure_has_not_counted(spec: PreflightSpec, setting: Setting) -> None:
    setting(registrations.OFFER, {"counted": False})
    assert only(spec).state is State.WARNING and "not materialised yet" in only(spec).found


def test_a_region_that_azure_does_not_have(spec: PreflightSpec) -> None:
    refused = [each for each in found(dataclasses.replace(spec, location="eastus22")) if each.check == "region"]
    assert [each.state for each in refused] == [State.REFUSED]
    assert "did you mean eastus2" in refused[0].fix


def test_an_unregistered_provider_is_found_refused_and_registered(
    spec: PreflightSpec, setting: Setting, arm: Arm, group: str
) -> None:
    setting(registrations.PROVIDERS, {"Microsoft.KeyVault": "NotRegistered"})
    finding = only(spec)
    assert finding.fix == "az provider register --namespace Microsoft.KeyVault --wait"
    with pytest.raises(Refusal) as refused:
        arm.put(f"{group}/{VAULTS}/kv-unregistered", "2024-11-01", {"location": "eastus2"})
    assert (refused.value.status, refused.value.code) == (409, "MissingSubscriptionRegistration")
    arm.post(f"{SCOPE}/providers/Microsoft.KeyVault/register", "2021-04-01")
    assert found(spec) == []


@pytest.mark.parametrize("namespace", ["Microsoft.Cdn", "Microsoft.PolicyInsights"])
def test_what_an_endpoint_would_fail_on_is_found_first(spec: PreflightSpec, setting: Setting, namespace: str) -> None:
    setting(registrations.PROVIDERS, {namespace: "NotRegistered"})
    assert only(spec).state is State.REFUSED
    assert only(spec).fix == f"az provider register --namespace {namespace} --wait"


def test_a_contributor_may_not_assign_roles(spec: PreflightSpec, setting: Setting) -> None:
    setting(rbac.ROLES, [{"principal": CLIENT_OBJECT_ID, "role": "Contributor"}])
    finding = only(spec)
    assert (finding.check, finding.state) == ("permissions", State.REFUSED)
    both = ["Contributor", "Role Based Access Control Administrator"]
    setting(rbac.ROLES, [{"principal": CLIENT_OBJECT_ID, "role": role} for role in both])
    assert found(spec) == []


def test_who_may_read_nothing_learns_what_was_not_checked(spec: PreflightSpec, setting: Setting) -> None:
    setting(rbac.ROLES, [])
    unread = [finding for finding in found(spec) if "not checked: AuthorizationFailed" in finding.found]
    assert {"subscription", "quota", "VM sizes", "permissions"} <= {finding.check for finding in unread}
    assert {finding.state for finding in unread} == {State.WARNING}


def test_the_sizes_say_what_they_are_for(arm: Arm) -> None:
    where = f"{SCOPE}/providers/Microsoft.MachineLearningServices/locations/eastus2"
    rows = {row["name"]: row for row in arm.get(f"{where}/vmSizes", "2025-12-01")["value"]}
    assert rows["Standard_NC24ads_A100_v4"]["vCPUs"] == 24
    assert rows["Standard_NC24ads_A100_v4"]["supportedComputeTypes"] == ["AmlCompute", "ComputeInstance", "MIR"]
    assert rows["Standard_DS11_v2"]["supportedComputeTypes"] == ["AmlCompute", "ComputeInstance"]
    assert rows["Standard_NV36ads_A10_v5"]["supportedComputeTypes"] == ["ComputeInstance", "MIR"]
    assert "Standard_NC6s_v3" not in rows  # retired
    limits = arm.get(f"{where}/quotas", "2025-12-01")["value"]
    assert {"limit", "name", "id"} <= set(limits[0])


def test_an_endpoint_of_a_size_for_clusters_alone(spec: PreflightSpec) -> None:
    machines = tuple(
        dataclasses.replace(each, vm_size="Standard_DS11_v2", family="standardDSv2Family", cores=2)
        for each in spec.machines
    )
    refused = [each for each in found(dataclasses.replace(spec, machines=machines)) if each.check == "VM sizes"]
    assert refused and {each.state for each in refused} == {State.REFUSED}
    assert all("not for managed endpoints" in each.found for each in refused)
