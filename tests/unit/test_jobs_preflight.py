"""Every finding of the preflight, from Azure's answers down where azure-core would open a connection."""

from __future__ import annotations

import dataclasses
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from cloud.arm import Arm
from cloud.credentials import CredentialError
from cloud.errors import StageError
from cloud.target import RegistryAsset
from jobs import __main__ as cli
from jobs import specs
from jobs.preflight import own_key, run
from jobs.preflight.findings import Finding, State
from jobs.preflight.spec import BASE, CLUSTER, DATA_CLUSTER, ENDPOINT, Machines, OwnKey, PreflightSpec, TrainingData
from jobs.preflight.subscription import allows
from tests.unit.arm_fake import ArmFake, install

A100, T4 = "StandardNCADSA100v4Family", "Standard NCASv3_T4 Family"
NC24 = "Standard_NC24ads_A100_v4"
SPEC = PreflightSpec(
    stack="dev",
    subscription_id="s",
    location="eastus2",
    resource_group="rg",
    workspace="ws",
    cluster_name="gpu",
    data_cluster_name="cpu",
    endpoint="e",
    vault="kv",
    ai_services="ai",
    machines=(
        Machines(use=CLUSTER, vm_size=NC24, family=A100, cores=24, count=1),
        Machines(use=ENDPOINT, vm_size=NC24, family=A100, cores=24, count=1),
    ),
    releasing=1,
    base_model=RegistryAsset("azureml", "Phi-4-mini-instruct", "1"),
    base_model_successor="",
    component=RegistryAsset("azureml", "chat_completion_pipeline", "latest"),
)
NAMESPACES = tuple(
    f"Microsoft.{name}"
    for name in (
        *("Authorization", "Cdn", "CognitiveServices", "ContainerRegistry", "Insights", "KeyVault"),
        *("MachineLearningServices", "ManagedIdentity", "OperationalInsights", "PolicyInsights", "Resources"),
        "Storage",
    )
)
"""Written out, not read from the program: tests/program compares with what it registers."""
S, GROUP = "/subscriptions/s", "/subscriptions/s/resourceGroups/rg"
ML = f"{S}/providers/Microsoft.MachineLearningServices/locations/eastus2"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/ws"
DISCOVERY = "https://eastus.api.azureml.ms/registrymanagement/v1.0/registries/azureml/discovery"
REGISTRY = (
    "https://eastus2.api.azureml.ms/mferp/managementfrontend/subscriptions/r/resourceGroups/g/providers"
    "/Microsoft.MachineLearningServices/registries/azureml"
)
MODEL = f"{REGISTRY}/models/Phi-4-mini-instruct"
COMPONENT = f"{REGISTRY}/components/chat_completion_pipeline"
VAULT = f"{S}/providers/Microsoft.KeyVault/locations/eastus2/deletedVaults/kv"
ACCOUNTS = f"{S}/providers/Microsoft.CognitiveServices/deletedAccounts"
PERMISSIONS = "providers/Microsoft.Authorization/permissions"


def usage(name: str, used: int, limit: int, kind: str = "dedicatedCores") -> dict[str, Any]:
    return {
        "type": f"Microsoft.MachineLearningServices/{kind}/usages",
        "currentValue": used,
        "limit": limit,
        "name": {"value": name, "localizedValue": f"{name} Cluster Dedicated vCPUs"},
    }


def offer(quota_id: str, limit: str = "Off", state: str = "Enabled") -> dict[str, Any]:
    policies = {"quotaId": quota_id, "spendingLimit": limit}
    return {"displayName": "ours", "state": state, "subscriptionPolicies": policies}


def register(arm: ArmFake, states: dict[str, str], more: tuple[str, ...] = ()) -> None:
    """All are registered but those with a state of their own."""
    rows = [{"namespace": n, "registrationState": states.get(n, "Registered")} for n in NAMESPACES + more]
    arm.get(f"{S}/providers", {"value": rows})


def location(name: str, kind: str = "Physical") -> dict[str, Any]:
    return {"name": name, "metadata": {"regionType": kind}}


@pytest.fixture
def arm(monkeypatch: pytest.MonkeyPatch) -> ArmFake:
    """A subscription in which nothing stands in the way, and of which nothing is up yet."""
    arm = install(monkeypatch)
    arm.get(S, offer("PayAsYouGo_2014-09-01"))
    register(arm, {})
    arm.get(f"{S}/locations", {"value": [location("eastus2"), location("eastus3"), location("europe", "Logical")]})
    arm.get(f"{S}/{PERMISSIONS}", {"value": [{"actions": ["*"], "notActions": []}]})
    arm.get(f"{ML}/usages", {"value": [usage("standardNCADSA100v4Family", 0, 72)]})
    arm.get(f"{ML}/vmSizes", {"value": [{"name": NC24.upper(), "supportedComputeTypes": ["AmlCompute", "MIR"]}]})
    arm.get(DISCOVERY, {
        "subscriptionId": "r", "resourceGroup": "g", "primaryRegionResourceProviderUri": "https://eastus2.api.azureml.ms/",
    })  # fmt: skip
    arm.get(MODEL, {"properties": {"latestVersion": "2", "isArchived": False}})
    arm.get(f"{MODEL}/versions/1", {"properties": {"isArchived": False, "modelType": "mlflow_model"}})
    arm.get(f"{COMPONENT}/versions", {"value": [{"name": "0.0.82"}]})
    arm.get(ACCOUNTS, {"value": [{"name": "another"}]})
    return arm


def found(spec: PreflightSpec = SPEC) -> list[Finding]:
    """What is not ok."""
    return [finding for finding in run.check(spec) if finding.state is not State.OK]


def only(spec: PreflightSpec = SPEC) -> Finding:
    (finding,) = found(spec)
    return finding


def machines(*wanted: Machines) -> PreflightSpec:
    return dataclasses.replace(SPEC, machines=wanted)


def test_all_is_well(arm: ArmFake) -> None:
    findings = run.check(SPEC)
    assert [finding.check for finding in findings] == list(run.CHECKS)
    assert not [str(finding) for finding in findings if finding.state is not State.OK]
    assert {method for method, _ in arm.sent} == {"GET"}


# --- subscription


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


# --- region


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


# --- resource providers


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


# --- permissions

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


# --- quota


def test_both_uses_of_a_family_add_up(arm: ArmFake) -> None:
    arm.get(f"{ML}/usages", {"value": [usage("standardNCADSA100v4Family", 0, 24)]})
    finding = only()
    assert (finding.check, finding.state) == ("quota", State.REFUSED)
    assert "needed 48 (cluster 24, endpoint 24), limit 24, in use 0" in finding.found
    assert finding.fix == "python -m jobs quota request --stack dev"


def test_what_others_use_is_not_there(arm: ArmFake) -> None:
    arm.get(f"{ML}/usages", {"value": [usage("standardNCADSA100v4Family", 48, 72)]})
    assert only().state is State.REFUSED


def test_what_the_stack_uses_itself_is_there(arm: ArmFake) -> None:
    arm.get(f"{ML}/usages", {"value": [usage("standardNCADSA100v4Family", 72, 96)]})
    node = {"vmSize": NC24, "currentNodeCount": 1}
    arm.get(f"{WORKSPACE}/computes/gpu", {"properties": {"properties": node}})
    arm.get(f"{WORKSPACE}/onlineEndpoints/e", {"name": "e"})
    rows = [
        {"name": "m1", "properties": {"instanceType": NC24.lower()}, "sku": {"capacity": 1}},
        {"name": "base", "properties": {"instanceType": NC24}, "sku": {"capacity": 1}},
    ]
    arm.get(f"{WORKSPACE}/onlineEndpoints/e/deployments", {"value": rows})
    base = Machines(use=BASE, vm_size=NC24, family=A100, cores=24, count=1)
    spec = machines(*SPEC.machines, base)
    assert found(spec) == []
    assert "(72 by this stack)" in next(f.found for f in run.check(spec) if f.check == "quota")
    arm.get(f"{ML}/usages", {"value": [usage("standardNCADSA100v4Family", 73, 72)]})
    assert only(spec).state is State.REFUSED


def test_a_running_node_of_the_data_cluster_is_the_stack_s_own(arm: ArmFake) -> None:
    family, size = "StandardDSv3Family", "Standard_D4s_v3"
    rows = [usage("standardNCADSA100v4Family", 0, 96), usage(family, 4, 4)]
    arm.get(f"{ML}/usages", {"value": rows})
    cpu = {"properties": {"properties": {"vmSize": size.upper(), "currentNodeCount": 1}}}
    arm.get(f"{WORKSPACE}/computes/cpu", cpu)
    spec = machines(*SPEC.machines, Machines(use=DATA_CLUSTER, vm_size=size, family=family, cores=4, count=1))
    told = [each for each in run.check(spec) if each.check == "quota" and family in each.found]
    assert [(each.state, "in use 4 (4 by this stack)" in each.found) for each in told] == [(State.OK, True)]


def test_a_next_release_needs_room_too(arm: ArmFake) -> None:
    arm.get(f"{ML}/usages", {"value": [usage("standardNCADSA100v4Family", 0, 48)]})
    finding = only()
    assert finding.state is State.WARNING and "next release needs 24 more" in finding.found


@pytest.mark.parametrize(
    ("limit", "state", "says"),
    [
        (23, State.REFUSED, "needed 24 (cluster 24, endpoint 24, one after the other), limit 23"),
        (24, State.WARNING, "a next fine-tune needs 24 more while the endpoint answers"),
        (48, State.OK, ""),
    ],
)
def test_one_after_the_other_what_counts_is_the_peak(arm: ArmFake, limit: int, state: State, says: str) -> None:
    spec = dataclasses.replace(SPEC, releasing=0, in_turn=True)
    arm.get(f"{ML}/usages", {"value": [usage("standardNCADSA100v4Family", 0, limit)]})
    (finding,) = [each for each in run.check(spec) if each.check == "quota"]
    assert finding.state is state and says in finding.found
    assert ("jobs pause --stack" in finding.fix) is (state is State.WARNING)


def test_the_order_in_which_machines_are_had_is_part_of_no_earlier_fingerprint() -> None:
    assert "in_turn" not in SPEC.to_inputs()
    assert dataclasses.replace(SPEC, in_turn=True).fingerprint != SPEC.fingerprint
    assert SPEC.fingerprint == "6e9acc555e3d"


@pytest.mark.parametrize(("instances", "cores"), [(1, 8), (4, 20), (5, 24), (10, 48)])
def test_endpoints_reserve_a_fifth_where_azure_does(arm: ArmFake, instances: int, cores: int) -> None:
    serving = Machines(use=ENDPOINT, vm_size="Standard_NC4as_T4_v3", family=T4, cores=4, count=instances, reserve=0.2)
    assert serving.cores_needed == cores
    spec = dataclasses.replace(machines(serving), releasing=0)
    arm.get(f"{ML}/vmSizes", {"value": [{"name": "Standard_NC4as_T4_v3"}]})
    arm.get(f"{ML}/usages", {"value": [usage("Standard NCASv3_T4 Family", 0, cores)]})
    assert found(spec) == []
    arm.get(f"{ML}/usages", {"value": [usage("Standard NCASv3_T4 Family", 0, cores - 1)]})
    assert only(spec).state is State.REFUSED


def test_families_are_matched_in_every_spelling(arm: ArmFake) -> None:
    for spelling in (
        A100,
        A100.upper(),
        "Standard NCADSA100v4 Family",
        "Standard NCADSA100v4 Family Cluster Dedicated vCPUs",
    ):
        arm.get(f"{ML}/usages", {"value": [usage(spelling, 0, 72)]})
        assert found() == [], spelling


def test_an_unknown_family_no_limit_and_rows_of_no_account(arm: ArmFake) -> None:
    low = usage("standardNCADSA100v4Family", 0, 999, "lowPriorityCores")
    share = usage("standardNCADSA100v4Family", 0, 999, "workspaces/dedicatedCores")
    arm.get(f"{ML}/usages", {"value": [low, share]})
    assert "lists no such family" in only().found
    arm.get(f"{ML}/usages", {"value": [low, usage("standardNCADSA100v4Family", 500, -1)]})
    assert found() == []


@pytest.mark.parametrize("kind", ["workspaces", "workspace", "workspace/computes", "vmFamily"])
def test_a_workspace_s_share_is_not_the_region_s_limit(arm: ArmFake, kind: str) -> None:
    """The specification's example has both spellings, and rows of clusters; their order means nothing."""
    share = usage("Standard NCADSA100v4 Family Cluster Dedicated vCPUs", 6, 24, kind)
    share["id"] = f"{WORKSPACE}/computes/gpu/usages/Standard_NCADSA100v4_Family_Cluster_Dedicated_vCPUs"
    arm.get(f"{ML}/usages", {"value": [share, usage("standardNCADSA100v4Family", 0, 72)]})
    assert found() == []


def test_low_priority_machines_are_known_by_their_name_too(arm: ArmFake) -> None:
    low = usage("Standard NCADSA100v4 Family Cluster LowPriority vCPUs", 0, -1, "vmFamily")
    arm.get(f"{ML}/usages", {"value": [low, usage("standardNCADSA100v4Family", 0, 24)]})
    assert only().state is State.REFUSED


def test_what_azure_has_not_counted_yet_is_neither_enough_nor_too_little(arm: ArmFake) -> None:
    """Seen before an offer's upgrade had arrived: no number in use, limits of a template (6, in all 20)."""
    rows = [usage("standardNCADSA100v4Family", 0, 6), usage("TotalDedicatedCores", 0, 20)]
    arm.get(f"{ML}/usages", {"value": [{**row, "currentValue": None} for row in rows]})
    finding = only()
    assert (finding.check, finding.state) == ("quota", State.WARNING)
    assert "not materialised yet" in finding.found and "limit 6" in finding.found
    assert "python -m jobs quota request --stack dev" in finding.fix


def test_the_region_s_sum_can_be_what_is_short(arm: ArmFake) -> None:
    rows = [usage("standardNCADSA100v4Family", 0, 72), usage("TotalDedicatedCores", 90, 100)]
    arm.get(f"{ML}/usages", {"value": rows})
    finding = only()
    assert (finding.check, finding.state) == ("regional quota", State.REFUSED)
    assert "limit 100, in use 90, needed 48" in finding.found and "138" in finding.fix


# --- VM sizes


def test_sizes_the_region_does_not_offer(arm: ArmFake) -> None:
    arm.get(f"{ML}/vmSizes", {"value": []})
    cluster, endpoint = found()
    assert (cluster.state, endpoint.state) == (State.REFUSED, State.REFUSED)
    assert f"{NC24} for the cluster is not offered in eastus2" in cluster.found


@pytest.mark.parametrize(
    ("kinds", "says"),
    [
        (["ComputeInstance", "MIR"], "for the cluster: eastus2 offers it, not for clusters"),
        (["AmlCompute", "ComputeInstance"], "for the endpoint: eastus2 offers it, not for managed endpoints"),
    ],
)
def test_a_size_for_something_else(arm: ArmFake, kinds: list[str], says: str) -> None:
    """As the specification's example has Standard_DS1_v2: without MIR, which is managed inference."""
    arm.get(f"{ML}/vmSizes", {"value": [{"name": NC24, "supportedComputeTypes": kinds}]})
    assert only().state is State.REFUSED and says in only().found


def test_a_size_that_names_no_use_has_all(arm: ArmFake) -> None:
    arm.get(f"{ML}/vmSizes", {"value": [{"name": NC24}]})
    assert found() == []


def test_a_size_endpoints_alone_take(arm: ArmFake) -> None:
    a10 = Machines(use=ENDPOINT, vm_size="Standard_NV36ads_A10_v5", family=A100, cores=36, count=1)
    arm.get(f"{ML}/vmSizes", {"value": [{"name": "Standard_NV36ads_A10_v5", "supportedComputeTypes": ["MIR"]}]})
    assert found(machines(a10)) == []
    arm.get(f"{ML}/vmSizes", {"value": []})
    assert only(machines(a10)).state is State.REFUSED


def test_a_retired_size_names_its_successor(arm: ArmFake) -> None:
    v100 = Machines(
        use=ENDPOINT, vm_size="Standard_NC6s_v3", family=A100, cores=6, count=1, retired="2025-09-30", successor=NC24
    )
    finding = only(machines(v100))
    assert "was retired on 2025-09-30" in finding.found and finding.fix == f"take {NC24}"


# --- registry


def test_an_archived_model_names_its_successor(arm: ArmFake) -> None:
    phi3 = RegistryAsset("azureml", "Phi-3-mini-4k-instruct", "15")
    spec = dataclasses.replace(SPEC, base_model=phi3, base_model_successor="Phi-4-mini-instruct")
    container = f"{REGISTRY}/models/Phi-3-mini-4k-instruct"
    arm.get(container, {"properties": {"isArchived": True}})
    arm.get(f"{container}/versions/15", {"properties": {"isArchived": False}})
    finding = only(spec)
    assert "archived" in finding.found and finding.fix == "set finetune-phi:model to Phi-4-mini-instruct"


def test_a_model_of_another_type_cannot_be_fine_tuned(arm: ArmFake) -> None:
    """The registry has a phi-4-mini-instruct, for devices, beside Phi-4-mini-instruct."""
    small = f"{REGISTRY}/models/phi-4-mini-instruct"
    arm.get(small, {"properties": {"isArchived": False}})
    arm.get(f"{small}/versions/1", {"properties": {"isArchived": False, "modelType": "custom_model"}})
    finding = only()
    assert (finding.check, finding.state) == ("base model", State.REFUSED)
    assert "is of type custom_model; the component takes mlflow_model" in finding.found and "capitals" in finding.fix


@pytest.mark.parametrize(
    ("tag", "says"),
    [("finetune_compute_allow_list", "for fine-tuning"), ("inference_compute_allow_list", "for serving")],
)
@pytest.mark.parametrize("place", ["model", "version"])
def test_the_model_s_own_lists_of_sizes(arm: ArmFake, tag: str, says: str, place: str) -> None:
    def tagged(text: str) -> None:
        model: dict[str, Any] = {"isArchived": False, "tags": {tag: text} if place == "model" else {}}
        version = {"isArchived": False, "modelType": "mlflow_model", "tags": {tag: text} if place == "version" else {}}
        arm.get(MODEL, {"properties": model})
        arm.get(f"{MODEL}/versions/1", {"properties": version})

    tagged("['Standard_NC96ads_A100_v4', 'Standard_ND96asr_v4']")
    finding = only()
    assert (finding.check, finding.state) == ("base model", State.WARNING)
    assert f"{NC24} is not among the sizes" in finding.found and says in finding.found
    assert "Standard_NC96ads_A100_v4" in finding.fix
    for text in (f"['{NC24.lower()}']", f'["{NC24}"]', "[]", "none", "'text'"):
        tagged(text)
        assert found() == [], text


def test_models_versions_components_and_registries_that_are_not_there(arm: ArmFake) -> None:
    def refused(**changes: Any) -> str:
        finding = only(dataclasses.replace(SPEC, **changes))
        assert finding.state is State.REFUSED
        return str(finding)

    assert "has no model none" in refused(base_model=RegistryAsset("azureml", "none", "1"))
    old = refused(base_model=RegistryAsset("azureml", "Phi-4-mini-instruct", "9"))
    assert "has no version 9" in old and 'version: "2"' in old
    assert "no version 7" in refused(component=RegistryAsset("azureml", "chat_completion_pipeline", "7"))
    assert "no component none" in refused(component=RegistryAsset("azureml", "none", "latest"))
    assert "no registry ours" in refused(component=RegistryAsset("ours", "c", "1"))


def told(check: str, spec: PreflightSpec = SPEC) -> str:
    return next(finding.found for finding in run.check(spec) if finding.check == check)


def test_the_base_model_s_own_defaults_are_shown(arm: ArmFake) -> None:
    tags = {"model_specific_defaults": "{'apply_deepspeed': 'true', 'learning_rate': 5e-06}"}
    arm.get(f"{MODEL}/versions/1", {"properties": {"isArchived": False, "modelType": "mlflow_model", "tags": tags}})
    assert told("base model") == (
        "Phi-4-mini-instruct version 1 in registry azureml; its own defaults count where `recipe` says nothing: "
        "apply_deepspeed=true, learning_rate=5e-06"
    )


def test_a_newer_component_than_the_fixed_one_is_told(arm: ArmFake) -> None:
    fixed = dataclasses.replace(SPEC, component=RegistryAsset("azureml", "chat_completion_pipeline", "0.0.82"))
    arm.get(f"{COMPONENT}/versions/0.0.82", {"name": "0.0.82"})
    assert told("fine-tune component", fixed) == "chat_completion_pipeline version 0.0.82"
    arm.get(f"{COMPONENT}/versions", {"value": [{"name": "0.0.83"}]})
    assert told("fine-tune component", fixed) == (
        "chat_completion_pipeline version 0.0.82; the registry has 0.0.83 by now"
    )


# --- soft-deleted names


def test_a_soft_deleted_vault(arm: ArmFake) -> None:
    arm.get(VAULT, {"properties": {"scheduledPurgeDate": "2026-12-01T00:00:00Z"}})
    finding = only()
    assert (finding.state, finding.check) == (State.REFUSED, "soft-deleted vault")
    assert "until 2026-12-01" in finding.found and "python -m jobs purge --stack dev" in finding.fix
    arm.get(VAULT, {"properties": {"purgeProtectionEnabled": True}})
    assert "az keyvault recover" in only().fix and "jobs purge" not in only().fix


def test_a_soft_deleted_account(arm: ArmFake) -> None:
    arm.get(ACCOUNTS, {"value": [{"name": "another"}, {"name": "AI"}]})
    assert only().fix == "python -m jobs purge --stack dev"


# --- as a whole


def test_what_cannot_be_read_is_a_warning_and_stops_nothing(arm: ArmFake) -> None:
    arm.refuse("GET", f"{ML}/usages", 403, "AuthorizationFailed", "The client 'x' may not")
    arm.refuse("GET", ACCOUNTS, 500, "InternalServerError", "oops")
    arm.get(f"{ML}/vmSizes", {"value": [None]})
    arm.unreachable.add("get eastus.api.azureml.ms/registrymanagement/v1.0/registries/azureml/discovery")
    findings = found()
    assert {finding.state for finding in findings} == {State.WARNING}
    assert {finding.check for finding in findings} == {
        *("quota", "VM sizes", "base model", "fine-tune component", "soft-deleted AI Services"),
    }
    assert all(finding.found.startswith("not checked: ") for finding in findings)


def test_a_failed_sign_in_is_one_error(arm: ArmFake, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: Any) -> Any:
        raise CredentialError("half of it is missing")

    monkeypatch.setattr(run.azure, "credential", nobody)
    with pytest.raises(CredentialError, match="half of it is missing"):
        run.check(SPEC)


def test_the_stage_says_everything_at_once(arm: ArmFake) -> None:
    arm.get(VAULT, {"properties": {}})
    arm.get(f"{ML}/usages", {"value": [usage("standardNCADSA100v4Family", 0, 0)]})
    arm.get(S, offer("Novel_2027-01-01"))
    lines: list[str] = []
    with pytest.raises(StageError, match="nothing was created") as raised:
        run.run(SPEC, lines.append, threading.Event())
    text = str(raised.value)
    assert "2 things stand in the way" in text and "quota request" in text and "jobs purge" in text
    assert [line for line in lines if line.startswith("warning: subscription: offer Novel_2027-01-01 may have")]


def test_the_stage_goes_on_with_warnings(arm: ArmFake) -> None:
    arm.get(S, offer("Novel_2027-01-01"))
    run.run(SPEC, lambda line: None, threading.Event())


def test_the_spec_survives_the_engine() -> None:
    inputs = json.loads(json.dumps(SPEC.to_inputs()), parse_int=float)  # it carries every number as a double
    again = PreflightSpec.from_inputs(inputs)
    assert again == SPEC and again.fingerprint == SPEC.fingerprint


def test_the_command_prints_and_exits(
    arm: ArmFake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(specs, "preflight_of", lambda stack: SPEC)
    cli.main(["preflight", "--stack", "dev"])
    assert "Phi-4-mini-instruct version 1" in capsys.readouterr().out
    arm.get(VAULT, {"properties": {}})
    with pytest.raises(SystemExit) as ended:
        cli.main(["preflight", "--stack", "dev", "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert (ended.value.code, answer["refused"]) == (1, True)
    assert {finding["state"] for finding in answer["findings"]} == {"ok", "refused"}


@pytest.mark.parametrize(
    ("rows", "state", "says"),
    [
        ([10] * 10, State.OK, ""),
        ([10] * 9, State.REFUSED, "train_data.jsonl has 9 rows, and the fine-tune component needs 10"),
        ([*[10] * 10, 500], State.WARNING, "1 of them have no answer left"),
        ([500, *[10] * 10], State.REFUSED, "the first row of train_data.jsonl has no answer within 100 tokens"),
    ],
)
def test_data_that_the_component_cannot_train_on(
    arm: ArmFake, tmp_path: Path, rows: list[int], state: State, says: str
) -> None:
    for name, lengths in (("train_data.jsonl", rows), ("test_data.jsonl", [10])):
        texts = [[("user", "q" * length), ("assistant", "Yes.")] for length in lengths]
        lines = [{"messages": [{"role": role, "content": text} for role, text in turns]} for turns in texts]
        (tmp_path / name).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    data = TrainingData(
        directory=str(tmp_path), fingerprint="0123456789ab", max_seq_length=100, model="Phi-4-mini-instruct"
    )
    told = found(dataclasses.replace(SPEC, data=data))
    assert [finding.state for finding in told] == ([] if state is State.OK else [state])
    assert all(finding.check == "training data" and says in finding.found and finding.fix for finding in told)


def test_data_that_are_gone_are_no_refusal_of_azures(arm: ArmFake, tmp_path: Path) -> None:
    data = TrainingData(
        directory=str(tmp_path / "none"), fingerprint="0123456789ab", max_seq_length=100, model="Phi-4-mini-instruct"
    )
    finding = only(dataclasses.replace(SPEC, data=data))
    assert finding.state is State.WARNING and "cannot be read" in finding.found


TAKEN = {"nameAvailable": False, "reason": "AlreadyExists", "message": "The vault name 'kv' is already in use."}


def names_are(arm: ArmFake, **answers: dict[str, Any]) -> None:
    """What the providers say of the names that the settings choose; without an answer they are free."""
    calls = {
        "storage_account": ("Microsoft.Storage/checkNameAvailability", {"nameAvailable": True}),
        "key_vault": ("Microsoft.KeyVault/checkNameAvailability", {"nameAvailable": True}),
        "container_registry": ("Microsoft.ContainerRegistry/checkNameAvailability", {"nameAvailable": True}),
        "ai_services": ("Microsoft.CognitiveServices/checkDomainAvailability", {"isSubdomainAvailable": True}),
    }
    for attribute, (call, free) in calls.items():
        arm.then("POST", f"{S}/providers/{call}", (200, {}, answers.get(attribute, free)))


CHOSEN = {"storage_account": "st", "key_vault": "kv", "container_registry": "cr", "ai_services": "ai"}


def test_names_are_asked_about_where_the_settings_choose_them(arm: ArmFake) -> None:
    names_are(arm)
    assert found(dataclasses.replace(SPEC, unique_names=CHOSEN)) == []
    assert arm.bodies == [
        {"name": "st", "type": "Microsoft.Storage/storageAccounts"},
        {"name": "kv", "type": "Microsoft.KeyVault/vaults"},
        {"name": "cr", "type": "Microsoft.ContainerRegistry/registries"},
        {"subdomainName": "ai", "type": "Microsoft.CognitiveServices/accounts"},
    ]
    arm.bodies.clear()
    assert found(SPEC) == [] and arm.bodies == [], "names of the program's own have a suffix"


def test_names_that_somebody_else_has_are_refused_all_at_once(arm: ArmFake) -> None:
    names_are(arm, key_vault=TAKEN, ai_services={"isSubdomainAvailable": False, "reason": "it is used"})
    refused = found(dataclasses.replace(SPEC, unique_names=CHOSEN))
    assert {each.state for each in refused} == {State.REFUSED}
    assert [each.found for each in refused] == [
        "key vault kv: The vault name 'kv' is already in use.",
        "AI Services account ai: it is used",
    ]
    # What the stack has made itself is no obstacle to it.
    arm.get(f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv", {"name": "kv"})
    assert [each.found for each in found(dataclasses.replace(SPEC, unique_names=CHOSEN))] == [refused[1].found]


THEIRS = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/theirs"
STORAGE = f"{THEIRS}/providers/Microsoft.Storage/storageAccounts/st"
VAULT_ID = f"{THEIRS}/providers/Microsoft.KeyVault/vaults/kv"
GOOD = {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "location": "eastus2", "properties": {}}


@pytest.mark.parametrize(
    ("key", "there", "state", "said"),
    [
        ("storage", GOOD, None, ""),
        ("storage", None, State.REFUSED, "is not there, or you may not see it"),
        ("storage", {**GOOD, "location": "West Europe"}, State.WARNING, "is in westeurope, the stack in eastus2"),
        ("storage", {**GOOD, "sku": {"name": "Premium_LRS"}}, State.REFUSED, "cannot be a workspace's default storage"),
        ("storage", {**GOOD, "kind": "BlobStorage"}, State.REFUSED, "is BlobStorage Standard_LRS, which cannot be"),
        ("storage", {**GOOD, "properties": {"isHnsEnabled": True}}, State.REFUSED, "has a hierarchical namespace"),
        (
            "storage",
            {**GOOD, "properties": {"allowSharedKeyAccess": False}},
            State.REFUSED,
            "does not take its keys, and the stack counts on them",
        ),
        (
            "storage",
            {**GOOD, "properties": {"publicNetworkAccess": "Disabled"}},
            State.REFUSED,
            "answers to nobody outside its network",
        ),
        ("vault", {"location": "eastus2", "properties": {"enableRbacAuthorization": True}}, None, ""),
        ("vault", {"location": "eastus2", "properties": {}}, State.WARNING, "grants by access policies"),
        ("group", {"location": "westeurope"}, State.REFUSED, "is in another subscription than the stack, s"),
    ],
)
def test_what_somebody_else_has_made_is_looked_at(
    arm: ArmFake, key: str, there: Any, state: State | None, said: str
) -> None:
    id_ = {"storage": STORAGE, "vault": VAULT_ID, "group": THEIRS}[key]
    if there is not None:
        arm.get(id_, there)
    spec = dataclasses.replace(SPEC, existing={key: id_}, shared_access=key == "storage")
    findings = found(spec)
    assert [each.state for each in findings] == ([state] if state else [])
    assert all(each.check == "existing" and id_ in each.found and said in each.found for each in findings)
    assert {method for method, _ in arm.sent} == {"GET"}, "it only reads"


def test_the_stacks_own_identity_gets_a_role_which_opens_no_vault_of_access_policies(arm: ArmFake) -> None:
    arm.get(OWN_VAULT, {"name": "kv-keys", "location": "eastus2", "properties": {"enablePurgeProtection": True}})
    arm.get(f"{OWN_VAULT}/keys/cmk", {"properties": {"attributes": {"enabled": True}}})
    spec = dataclasses.replace(SPEC, own_key=dataclasses.replace(OWN_KEY, identity=""))
    (found,) = own_key.usable(spec, Arm())
    assert (found.state, found.fix) == (
        State.REFUSED,
        "az keyvault update --name kv-keys --enable-rbac-authorization true",
    )
    assert "grants by access policies" in found.found


KEYS = "/subscriptions/00000000-1111-2222-3333-444444444444/resourceGroups/rg-keys/providers"
OWN_VAULT = f"{KEYS}/Microsoft.KeyVault/vaults/kv-keys"
SAFE_VAULT = {"enablePurgeProtection": True, "enableRbacAuthorization": True}
OWN_IDENTITY = f"{KEYS}/Microsoft.ManagedIdentity/userAssignedIdentities/id-keys"
OWN_REGISTRY = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/cr"
OWN_KEY = OwnKey(key="https://x", name="cmk", vault=OWN_VAULT, identity=OWN_IDENTITY, registry=OWN_REGISTRY)
ROLE = "/providers/Microsoft.Authorization/roleDefinitions/e147488a-f6f5-4113-8e2d-b22465e65bf6"


@pytest.mark.parametrize(
    ("path", "there", "said"),
    [
        (OWN_VAULT, None, "is not there, or you may not see it"),
        (OWN_VAULT, {"location": "eastus2", "properties": {"enableRbacAuthorization": True}}, "no purge protection"),
        (OWN_VAULT, {"location": "westeurope", "properties": SAFE_VAULT}, "is in westeurope"),
        (OWN_VAULT, {"location": "eastus2", "properties": {"enablePurgeProtection": True}}, "was not looked at"),
        (f"{OWN_VAULT}/keys/cmk", None, "has no key cmk"),
        (f"{OWN_VAULT}/keys/cmk", {"properties": {"attributes": {"enabled": False}}}, "is disabled"),
        (OWN_IDENTITY, None, "id-keys: is not there"),
        (f"{OWN_VAULT}/providers/Microsoft.Authorization/roleAssignments", {"value": []}, "may not use the key"),
        (WORKSPACE, {"properties": {}}, "workspace ws: is there already under Microsoft's key"),
        (
            OWN_REGISTRY,
            {"properties": {"encryption": {"status": "disabled"}}},
            "container registry cr: is there already",
        ),
        (WORKSPACE, {"properties": {"encryption": {"status": "Enabled"}}}, ""),
    ],
)
def test_a_key_of_ones_own_is_looked_at_before_anything_lies_under_it(
    arm: ArmFake, path: str, there: Any, said: str
) -> None:
    arm.get(OWN_VAULT, {"name": "kv-keys", "location": "eastus2", "properties": SAFE_VAULT})
    arm.get(f"{OWN_VAULT}/keys/cmk", {"properties": {"attributes": {"enabled": True}}})
    arm.get(OWN_IDENTITY, {"properties": {"principalId": "them"}})
    assigned = {"principalId": "them", "roleDefinitionId": ROLE, "scope": OWN_VAULT}
    arm.get(f"{OWN_VAULT}/providers/Microsoft.Authorization/roleAssignments", {"value": [{"properties": assigned}]})
    if there is None:
        del arm.routes[f"GET {path}".lower()]
    else:
        arm.get(path, there)
    findings = [each for each in own_key.usable(dataclasses.replace(SPEC, own_key=OWN_KEY), Arm()) if each.fix]
    assert [said in each.found for each in findings] == ([True] if said else [])
    assert {method for method, _ in arm.sent} == {"GET"}, "it only reads"
