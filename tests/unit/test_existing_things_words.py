"""Storage, vault and the rest that somebody else has made: each finding whole."""

from __future__ import annotations

import dataclasses

import pytest
from existing_asked import Change, of, told
from test_existing import FULL, GROUP, HUB, REGISTRY, SPEC, STORAGE, WORKSPACE

from jobs.preflight.spec import PreflightSpec, PrivateNetwork

PRIVATE = PrivateNetwork(subnet="s", network="n", zones="z")
VAULT, INSIGHTS = FULL["vault"], FULL["insights"]


CASES: dict[str, tuple[PreflightSpec, list[Change]]] = {
    "nothing": (dataclasses.replace(SPEC, existing={}), []),
    "all of it": (SPEC, []),
    "one": (of("storage"), []),
    "not there": (of("insights"), []),
    "the group of another subscription": (of("group", subscription_id="s"), [(GROUP, "location", "mars")]),
    "its own group": (of("group"), [(GROUP, "location", "mars")]),
    "a region": (of("storage"), [(STORAGE, "location", "West Europe")]),
    "an identity is anywhere": (of("identity"), [(FULL["identity"], "location", "West Europe")]),
    "a bound region": (of("hub", "storage"), [(HUB, "location", "West Europe")]),
    "a bound region of what makes nothing": (of("hub", "project", "storage"), [(HUB, "location", "West Europe")]),
    "a workspace's region": (SPEC, [(WORKSPACE, "location", "West Europe")]),
    "storage of a kind": (of("storage"), [(STORAGE, "kind", "FileStorage"), (STORAGE, "sku.name", "Premium_LRS")]),
    "storage, old": (of("storage"), [(STORAGE, "kind", "Storage")]),
    "storage of no kind": (of("storage"), [(STORAGE, "", {})]),
    "storage with folders": (of("storage"), [(STORAGE, "properties.isHnsEnabled", True)]),
    "storage without keys": (of("storage"), [(STORAGE, "properties.allowSharedKeyAccess", False)]),
    "which is what is wanted": (
        of("storage", shared_access=False),
        [(STORAGE, "properties.allowSharedKeyAccess", False)],
    ),
    "closed storage": (of("storage"), [(STORAGE, "properties.publicNetworkAccess", "Disabled")]),
    "closed without an endpoint": (
        of("storage", private=PRIVATE),
        [(STORAGE, "properties.publicNetworkAccess", "Disabled")],
    ),
    "closed with one": (
        of("storage", private=PRIVATE),
        [
            (STORAGE, "properties.publicNetworkAccess", "Disabled"),
            (STORAGE, "properties.privateEndpointConnections", [{}]),
        ],
    ),
    "a vault": (of("vault"), [(VAULT, "properties.enableRbacAuthorization", True)]),
    "a vault of policies": (of("vault"), [(VAULT, "properties.publicNetworkAccess", "Disabled")]),
    "a registry": (of("registry"), [(REGISTRY, "properties.publicNetworkAccess", "Disabled")]),
    "insights": (of("insights"), [(INSIGHTS, "properties.WorkspaceResourceId", "/x")]),
    "classic insights": (of("insights"), [(INSIGHTS, "properties", {})]),
    "insights of nothing": (of("insights"), [(INSIGHTS, "", {})]),
}
TOLD: dict[str, list[str]] = {
    "nothing": [
        "ok existing: nothing is given",
    ],
    "all of it": [
        "ok existing: storage account, container registry, identity, Azure ML workspace, cluster, hub, "
        "project: used as they are",
    ],
    "one": [
        "ok existing: storage account: used as they are",
    ],
    "not there": [
        "refused existing: existing.insights, Microsoft.Insights/components/appi: is not there, or you may "
        "not see it -> az resource show --ids Microsoft.Insights/components/appi",
    ],
    "the group of another subscription": [
        "refused existing: existing.group, "
        "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg-ml: is in another "
        "subscription than the stack, s -> set azure-native:subscriptionId to its own",
    ],
    "its own group": [
        "ok existing: resource group: used as they are",
    ],
    "a region": [
        "warning existing: existing.storage, Microsoft.Storage/storageAccounts/stml: is in westeurope, the "
        "stack in eastus2, so traffic between them is slow and billed -> take one in eastus2, or set "
        "azure-native:location to westeurope",
    ],
    "an identity is anywhere": [
        "ok existing: identity: used as they are",
    ],
    "a bound region": [
        "refused existing: existing.hub, ml:hub: is in westeurope, and the stack would make in eastus2 what "
        "Azure has in its region -> take one in eastus2, or set azure-native:location to westeurope",
    ],
    "a bound region of what makes nothing": [
        "warning existing: existing.hub, ml:hub: is in westeurope, the stack in eastus2, so traffic between "
        "them is slow and billed -> take one in eastus2, or set azure-native:location to westeurope",
    ],
    "a workspace's region": [
        "refused existing: existing.workspace, ml:mlw: is in westeurope, and the stack would make in eastus2 "
        "what Azure has in its region -> take one in eastus2, or set azure-native:location to westeurope",
    ],
    "storage of a kind": [
        "refused existing: existing.storage, Microsoft.Storage/storageAccounts/stml: is FileStorage "
        "Premium_LRS, which cannot be a workspace's default storage -> take a general-purpose account, "
        "StorageV2 and no Premium",
    ],
    "storage, old": [
        "ok existing: storage account: used as they are",
    ],
    "storage of no kind": [
        "refused existing: existing.storage, Microsoft.Storage/storageAccounts/stml: is of no known kind, "
        "which cannot be a workspace's default storage -> take a general-purpose account, StorageV2 and no "
        "Premium",
    ],
    "storage with folders": [
        "refused existing: existing.storage, Microsoft.Storage/storageAccounts/stml: has a hierarchical "
        "namespace, which a workspace's default storage cannot have -> take an account without one",
    ],
    "storage without keys": [
        "refused existing: existing.storage, Microsoft.Storage/storageAccounts/stml: does not take its keys, "
        "and the stack counts on them -> set finetune-phi:storage.sharedKeys to false",
    ],
    "which is what is wanted": [
        "ok existing: storage account: used as they are",
    ],
    "closed storage": [
        "refused existing: existing.storage, Microsoft.Storage/storageAccounts/stml: answers to nobody "
        "outside its network, in which neither this machine nor the workspace is -> take one that is "
        "reachable, or set finetune-phi:network to private",
    ],
    "closed without an endpoint": [
        "warning existing: existing.storage, Microsoft.Storage/storageAccounts/stml: answers to nobody "
        "outside its network, and Azure shows no private endpoint that leads to it -> let its owner make one "
        "where this machine is; the program makes none to it",
    ],
    "closed with one": [
        "ok existing: storage account: used as they are",
    ],
    "a vault": [
        "ok existing: key vault: used as they are",
    ],
    "a vault of policies": [
        "warning existing: existing.vault, Microsoft.KeyVault/vaults/kv-ml: grants by access policies, of "
        "which the workspace needs one -> let its owner switch it to roles: az keyvault update "
        "--enable-rbac-authorization true",
        "refused existing: existing.vault, Microsoft.KeyVault/vaults/kv-ml: answers to nobody outside its "
        "network, in which neither this machine nor the workspace is -> take one that is reachable, or set "
        "finetune-phi:network to private",
    ],
    "a registry": [
        "refused existing: existing.registry, Microsoft.ContainerRegistry/registries/crmlteam: answers to "
        "nobody outside its network, in which neither this machine nor the workspace is -> take one that is "
        "reachable, or set finetune-phi:network to private",
    ],
    "insights": [
        "ok existing: Application Insights: used as they are",
    ],
    "classic insights": [
        "warning existing: existing.insights, Microsoft.Insights/components/appi: is a classic one, which "
        "Azure has retired -> let its owner move it to a Log Analytics workspace",
    ],
    "insights of nothing": [
        "warning existing: existing.insights, Microsoft.Insights/components/appi: is a classic one, which "
        "Azure has retired -> let its owner move it to a Log Analytics workspace",
    ],
}


@pytest.mark.parametrize("case", CASES)
def test_each_finding_is_told_in_these_words(monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    assert told(monkeypatch, *CASES[case]) == TOLD[case]
