"""The preflight on quota and sizes of machines."""

from __future__ import annotations

import dataclasses

import pytest
from preflight_asked import A100, ML, NC24, SPEC, T4, WORKSPACE, found, only, usage

from jobs.preflight import run
from jobs.preflight.findings import State
from jobs.preflight.spec import BASE, DATA_CLUSTER, ENDPOINT, Machines, PreflightSpec
from tests.unit.arm_fake import ArmFake


def machines(*wanted: Machines) -> PreflightSpec:
    return dataclasses.replace(SPEC, machines=wanted)


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
