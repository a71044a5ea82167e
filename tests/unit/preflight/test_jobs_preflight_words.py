"""Quota, sizes and names: each finding whole, with how bad it is, what is told, and what mends it."""

from __future__ import annotations

from typing import Any

import pytest
from preflight_asked import (
    A100,
    ACCOUNTS,
    GROUP,
    ML,
    NC24,
    SPEC,
    VAULT,
    WORKSPACE,
    Answers,
    S,
    nothing,
    of,
    usage,
    whole,
)

from jobs.preflight import checks, names
from jobs.preflight.checks import Check
from jobs.preflight.spec import CLUSTER, DATA_CLUSTER, ENDPOINT, Machines, PreflightSpec
from tests.unit.arm_fake import ArmFake

FAMILY = "standardNCADSA100v4Family"
TOTAL, SHOWN_TOTAL = "TotalDedicatedCores", "Total Cluster Dedicated Regional vCPUs"


def uncounted(row: dict[str, Any]) -> dict[str, Any]:
    """As Azure says it before it counts: no number of those in use."""
    return {**row, "currentValue": None}


def usages(*rows: dict[str, Any]) -> Answers:
    return lambda arm: arm.get(f"{ML}/usages", {"value": list(rows)})


def at_work(*rows: dict[str, Any]) -> Answers:
    """A node of the cluster, and two deployments, one of which does not say how many instances it has."""

    def answers(arm: ArmFake) -> None:
        node = {"vmSize": NC24.upper(), "currentNodeCount": 1}
        arm.get(f"{WORKSPACE}/computes/gpu", {"properties": {"properties": node}})
        arm.get(f"{WORKSPACE}/onlineEndpoints/e", {"name": "e"})
        here = {"name": "m1", "properties": {"instanceType": NC24}, "sku": {"capacity": 2}}
        silent = {"name": "m2", "properties": {"instanceType": NC24}}
        foreign = {"name": "m3", "properties": {"instanceType": "Standard_D4s_v3"}, "sku": {"capacity": 9}}
        arm.get(f"{WORKSPACE}/onlineEndpoints/e/deployments", {"value": [here, silent, foreign, {"name": "m4"}]})
        usages(*rows)(arm)

    return answers


def sizes(*rows: dict[str, Any]) -> Answers:
    return lambda arm: arm.get(f"{ML}/vmSizes", {"value": list(rows)})


def vault(**properties: Any) -> Answers:
    return lambda arm: arm.get(VAULT, {"properties": properties} if properties else {})


def machine(use: str, **more: Any) -> Machines:
    return Machines(use=use, vm_size=NC24, family=A100, cores=24, count=1, **more)


def name_of(answer: dict[str, Any]) -> Answers:
    path = f"{S}/providers/Microsoft.KeyVault/checkNameAvailability"
    return lambda arm: arm.then("POST", path, (200, {}, answer))


RETIRED = machine(ENDPOINT, retired="2025-09-30")
CHOSEN = of(unique_names={"key_vault": "kv"})
CASES: dict[str, tuple[Check, PreflightSpec, Answers]] = {
    "enough": (checks.cores, SPEC, usages(usage(FAMILY, 0, 72))),
    "no limit": (checks.cores, SPEC, usages(usage(FAMILY, 0, -1))),
    "no such family": (checks.cores, SPEC, usages()),
    "a release short": (checks.cores, SPEC, usages(usage(FAMILY, 0, 71))),
    "just enough without one": (checks.cores, of(releasing=0), usages(usage(FAMILY, 0, 48))),
    "short": (checks.cores, SPEC, usages(usage(FAMILY, 0, 47))),
    "a fine-tune short": (checks.cores, of(in_turn=True), usages(usage(FAMILY, 0, 47))),
    "a release short in turn": (checks.cores, of(in_turn=True, releasing=2), usages(usage(FAMILY, 0, 71))),
    "not counted": (checks.cores, SPEC, usages(uncounted(usage(FAMILY, 0, 6)))),
    "not counted, no limit": (checks.cores, SPEC, usages(uncounted(usage(FAMILY, 0, -1)))),
    "the sum is enough": (checks.cores, SPEC, usages(usage(FAMILY, 0, 72), usage(TOTAL, 52, 100))),
    "the sum is short": (checks.cores, SPEC, usages(usage(FAMILY, 0, 72), usage(TOTAL, 53, 100))),
    "the sum as people see it": (checks.cores, SPEC, usages(usage(FAMILY, 0, 72), usage(SHOWN_TOTAL, 53, 100))),
    "no sum": (checks.cores, SPEC, usages(usage(FAMILY, 0, 72), usage(TOTAL, 53, -1))),
    "the sum is not counted": (checks.cores, SPEC, usages(usage(FAMILY, 0, 72), uncounted(usage(TOTAL, 0, 1)))),
    "its own is there": (checks.cores, SPEC, at_work(usage(FAMILY, 96, 97), usage(TOTAL, 96, 47))),
    "sizes offered": (checks.sizes, SPEC, sizes({"name": NC24})),
    "sizes of many": (
        checks.sizes,
        of(machines=(machine(CLUSTER), Machines(use=DATA_CLUSTER, vm_size="B", family="b", cores=1, count=1))),
        sizes({"name": "b"}, {"name": NC24}, {}),
    ),
    "a size not offered": (checks.sizes, of(machines=(machine(CLUSTER),)), sizes()),
    "a retired size": (checks.sizes, of(machines=(RETIRED,)), sizes({"name": NC24})),
    "a size for machines of one's own": (
        checks.sizes,
        of(machines=(machine(CLUSTER, successor="Standard_X"), machine(DATA_CLUSTER), machine(ENDPOINT))),
        sizes({"name": NC24, "supportedComputeTypes": ["ComputeInstance"]}),
    ),
    "no deleted vault": (checks.deleted_vault, SPEC, nothing),
    "somebody else's vault": (checks.deleted_vault, of(existing={"vault": "/v"}), vault(scheduledPurgeDate="2026")),
    "a deleted vault": (checks.deleted_vault, SPEC, vault(scheduledPurgeDate="2026-12-01T10:00:00Z")),
    "a deleted vault of no date": (checks.deleted_vault, SPEC, vault()),
    "a protected vault": (checks.deleted_vault, SPEC, vault(purgeProtectionEnabled=True)),
    "no deleted account": (checks.deleted_account, SPEC, lambda arm: arm.get(ACCOUNTS, {"value": [{}, {"name": "b"}]})),
    "a deleted account": (checks.deleted_account, SPEC, lambda arm: arm.get(ACCOUNTS, {"value": [{"name": "AI"}]})),
    "somebody else's hub": (checks.deleted_account, of(existing={"hub": "/h"}), nothing),
    "no name is chosen": (names.free, SPEC, nothing),
    "a free name": (names.free, CHOSEN, name_of({"nameAvailable": True, "message": "fine"})),
    "a name that Azure says nothing of": (names.free, CHOSEN, name_of({})),
    "a taken name": (names.free, CHOSEN, name_of({"nameAvailable": False, "reason": "AlreadyExists"})),
    "a taken name, no reason": (names.free, CHOSEN, name_of({"nameAvailable": False})),
    "its own name": (names.free, CHOSEN, lambda arm: arm.get(f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv", {})),
}
TOLD: dict[str, list[str]] = {
    "enough": [
        "ok quota: StandardNCADSA100v4Family in eastus2: needed 48 (cluster 24, endpoint 24), limit 72, in use 0",
    ],
    "no limit": [
        "ok quota: StandardNCADSA100v4Family in eastus2: needed 48 (cluster 24, endpoint 24), limit none, in use 0",
    ],
    "no such family": [
        "refused quota: StandardNCADSA100v4Family in eastus2: needed 48 (cluster 24, endpoint 24), but the "
        "region lists no such family -> choose another region",
    ],
    "a release short": [
        "warning quota: StandardNCADSA100v4Family in eastus2: needed 48 (cluster 24, endpoint 24), limit 71, "
        "in use 0; a next release needs 24 more while it stands beside the old one -> python -m jobs quota "
        "request --stack dev",
    ],
    "just enough without one": [
        "ok quota: StandardNCADSA100v4Family in eastus2: needed 48 (cluster 24, endpoint 24), limit 48, in use 0",
    ],
    "short": [
        "refused quota: StandardNCADSA100v4Family in eastus2: needed 48 (cluster 24, endpoint 24), limit 47, "
        "in use 0 -> python -m jobs quota request --stack dev",
    ],
    "a fine-tune short": [
        "warning quota: StandardNCADSA100v4Family in eastus2: needed 24 (cluster 24, endpoint 24, one after "
        "the other), limit 47, in use 0; a next fine-tune needs 24 more while the endpoint answers -> "
        "`python -m jobs pause --stack dev` before it and `resume` after it, or ask for more: python -m jobs "
        "quota request --stack dev",
    ],
    "a release short in turn": [
        "warning quota: StandardNCADSA100v4Family in eastus2: needed 24 (cluster 24, endpoint 24, one after "
        "the other), limit 71, in use 0; a next release needs 48 more while it stands beside the old one -> "
        "python -m jobs quota request --stack dev",
    ],
    "not counted": [
        "warning quota: StandardNCADSA100v4Family in eastus2: needed 48 (cluster 24, endpoint 24), limit 6; "
        "not materialised yet: Azure counts nothing as in use here, so the limit proves nothing -> ask again "
        "in some hours, or at once: python -m jobs quota request --stack dev",
    ],
    "not counted, no limit": [
        "warning quota: StandardNCADSA100v4Family in eastus2: needed 48 (cluster 24, endpoint 24), limit "
        "none; not materialised yet: Azure counts nothing as in use here, so the limit proves nothing -> ask "
        "again in some hours, or at once: python -m jobs quota request --stack dev",
    ],
    "the sum is enough": [
        "ok quota: StandardNCADSA100v4Family in eastus2: needed 48 (cluster 24, endpoint 24), limit 72, in use 0",
    ],
    "the sum is short": [
        "ok quota: StandardNCADSA100v4Family in eastus2: needed 48 (cluster 24, endpoint 24), limit 72, in use 0",
        "refused regional quota: all families together: limit 100, in use 53, needed 48 -> Azure portal, "
        "Quotas, Machine learning, region eastus2: raise the regional total to 101",
    ],
    "the sum as people see it": [
        "ok quota: StandardNCADSA100v4Family in eastus2: needed 48 (cluster 24, endpoint 24), limit 72, in use 0",
        "refused regional quota: all families together: limit 100, in use 53, needed 48 -> Azure portal, "
        "Quotas, Machine learning, region eastus2: raise the regional total to 101",
    ],
    "no sum": [
        "ok quota: StandardNCADSA100v4Family in eastus2: needed 48 (cluster 24, endpoint 24), limit 72, in use 0",
    ],
    "the sum is not counted": [
        "ok quota: StandardNCADSA100v4Family in eastus2: needed 48 (cluster 24, endpoint 24), limit 72, in use 0",
    ],
    "its own is there": [
        "ok quota: StandardNCADSA100v4Family in eastus2: needed 48 (cluster 24, endpoint 24), limit 97, in "
        "use 96 (96 by this stack)",
        "refused regional quota: all families together: limit 47, in use 96, needed 48 -> Azure portal, "
        "Quotas, Machine learning, region eastus2: raise the regional total to 48",
    ],
    "sizes offered": [
        "ok VM sizes: Standard_NC24ads_A100_v4 offered in eastus2",
    ],
    "sizes of many": [
        "ok VM sizes: B, Standard_NC24ads_A100_v4 offered in eastus2",
    ],
    "a size not offered": [
        "refused VM sizes: Standard_NC24ads_A100_v4 for the cluster is not offered in eastus2 -> choose "
        "another vmSize or region",
    ],
    "a retired size": [
        "refused VM sizes: Standard_NC24ads_A100_v4 for the endpoint was retired on 2025-09-30 -> choose "
        "another vmSize or region",
    ],
    "a size for machines of one's own": [
        "refused VM sizes: Standard_NC24ads_A100_v4 for the cluster: eastus2 offers it, not for clusters -> "
        "take Standard_X",
        "refused VM sizes: Standard_NC24ads_A100_v4 for the data cluster: eastus2 offers it, not for "
        "clusters -> choose another vmSize or region",
        "refused VM sizes: Standard_NC24ads_A100_v4 for the endpoint: eastus2 offers it, not for managed "
        "endpoints -> choose another vmSize or region",
    ],
    "no deleted vault": [
        "ok soft-deleted vault: kv is free",
    ],
    "somebody else's vault": [
        "ok soft-deleted vault: somebody else's vault is used",
    ],
    "a deleted vault": [
        "refused soft-deleted vault: kv is soft-deleted and holds the name until 2026-12-01 -> python -m "
        "jobs purge --stack dev (or az keyvault recover --name kv)",
    ],
    "a deleted vault of no date": [
        "refused soft-deleted vault: kv is soft-deleted and holds the name -> python -m jobs purge --stack "
        "dev (or az keyvault recover --name kv)",
    ],
    "a protected vault": [
        "refused soft-deleted vault: kv is soft-deleted and holds the name -> it may not be purged: az "
        "keyvault recover --name kv, or change finetune-phi:name",
    ],
    "no deleted account": [
        "ok soft-deleted AI Services: ai is free",
    ],
    "a deleted account": [
        "refused soft-deleted AI Services: ai is soft-deleted and holds the name -> python -m jobs purge --stack dev",
    ],
    "somebody else's hub": [
        "ok soft-deleted AI Services: a hub of somebody else's is used, and what it has",
    ],
    "no name is chosen": [
        "ok names: the program's own",
    ],
    "a free name": [
        "ok names: kv: free, or this stack's",
    ],
    "a name that Azure says nothing of": [
        "ok names: kv: free, or this stack's",
    ],
    "a taken name": [
        "refused names: key vault kv: AlreadyExists -> give finetune-phi:names another, or a pattern with {suffix}",
    ],
    "a taken name, no reason": [
        "refused names: key vault kv: Azure says that it is taken -> give finetune-phi:names another, or a "
        "pattern with {suffix}",
    ],
    "its own name": [
        "ok names: kv: free, or this stack's",
    ],
}


@pytest.mark.parametrize("case", CASES)
def test_each_finding_is_told_in_these_words(arm: ArmFake, case: str) -> None:
    check, spec, answers = CASES[case]
    answers(arm)
    assert whole(check, spec) == TOLD[case]
