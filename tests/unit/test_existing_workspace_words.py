"""Workspace, cluster, hub and project of somebody else's: each finding whole."""

from __future__ import annotations

import pytest
from existing_asked import Change, of, told, without
from test_existing import CLUSTER_ID, FULL, HUB, PROJECT, REGISTRY, SPEC, STORAGE, WORKSPACE

from jobs.preflight.spec import DATA_CLUSTER, Machines, PreflightSpec
from settings.naming import Origin

CPU = Machines(use=DATA_CLUSTER, vm_size="B", family="b", cores=4, count=1)
OWN = {"tags": {"project": "finetune-phi", "stack": "dev"}}
NETWORK = "properties.managedNetwork.isolationMode"
VAULT, INSIGHTS = FULL["vault"], FULL["insights"]


CASES: dict[str, tuple[PreflightSpec, list[Change]]] = {
    "a workspace of a kind": (SPEC, [(WORKSPACE, "kind", "FeatureStore")]),
    "a workspace of no kind": (SPEC, [(WORKSPACE, "kind", None)]),
    "a failed workspace": (SPEC, [(WORKSPACE, "properties.provisioningState", "Failed")]),
    "a closed workspace": (SPEC, [(WORKSPACE, "properties.publicNetworkAccess", "Disabled")]),
    "an old workspace": (SPEC, [(WORKSPACE, "properties.v1LegacyMode", True)]),
    "its storage": (SPEC, [(WORKSPACE, "properties.storageAccount", f"{STORAGE}2")]),
    "its storage, not given": (without("storage"), [(PROJECT, "properties.storageAccount", None)]),
    "its registry": (SPEC, [(WORKSPACE, "properties.containerRegistry", f"{REGISTRY}2/")]),
    "a slash more": (SPEC, [(WORKSPACE, "properties.containerRegistry", f"{REGISTRY.upper()}/")]),
    "no registry": (SPEC, [(WORKSPACE, "properties.containerRegistry", None)]),
    "no registry, and no id": (
        SPEC,
        [(WORKSPACE, "properties.containerRegistry", None), (WORKSPACE, "id", None), (WORKSPACE, "name", "w")],
    ),
    "by identity": (SPEC, [(WORKSPACE, "properties.systemDatastoresAuthMode", "Identity")]),
    "by identity, as wanted": (
        of(shared_access=False),
        [(WORKSPACE, "properties.systemDatastoresAuthMode", "identity")],
    ),
    "by keys": (of(shared_access=False), [(WORKSPACE, "properties.systemDatastoresAuthMode", "accessKey")]),
    "isolated": (without("cluster"), [(WORKSPACE, NETWORK, "AllowOnlyApprovedOutbound")]),
    "isolated, with data prepared there": (
        of(machines=(*SPEC.machines, CPU)),
        [(WORKSPACE, NETWORK, "AllowInternetOutbound")],
    ),
    "isolated, as wanted": (without("cluster", isolated=True), [(WORKSPACE, NETWORK, "AllowInternetOutbound")]),
    "isolated, with its own cluster": (SPEC, [(WORKSPACE, NETWORK, "AllowInternetOutbound")]),
    "not isolated": (without("cluster", isolated=True), []),
    "not isolated, with its own cluster": (of(isolated=True), [(WORKSPACE, NETWORK, "Disabled")]),
    "a hub of a kind": (of("hub", "storage"), [(HUB, "kind", "Default")]),
    "a project of a kind": (SPEC, [(PROJECT, "kind", "Hub")]),
    "a failed project": (SPEC, [(PROJECT, "properties.provisioningState", "Failed")]),
    "its hub": (SPEC, [(PROJECT, "properties.hubResourceId", f"{HUB}2")]),
    "its hub, not given": (without("hub"), [(PROJECT, "properties.hubResourceId", f"{HUB}2")]),
    "its flow": (SPEC, [(PROJECT, "properties.storageAccount", f"{STORAGE}2")]),
    "its flow, somewhere": (SPEC, [(PROJECT, "properties.storageAccount", None)]),
    "a closed hub": (of("hub", "storage"), [(HUB, "properties.publicNetworkAccess", "Disabled")]),
    "a cluster of a kind": (SPEC, [(CLUSTER_ID, "properties.computeType", "Kubernetes")]),
    "a cluster of no kind": (SPEC, [(CLUSTER_ID, "properties", None)]),
    "a failed cluster": (SPEC, [(CLUSTER_ID, "properties.provisioningState", "Failed")]),
    "its size": (SPEC, [(CLUSTER_ID, "properties.properties.vmSize", "STANDARD_NC6")]),
    "no scale": (SPEC, [(CLUSTER_ID, "properties.properties.scaleSettings", None)]),
    "no machines are wanted": (of(machines=()), [(CLUSTER_ID, "properties.properties", {})]),
    "its least": (SPEC, [(CLUSTER_ID, "properties.properties.scaleSettings.minNodeCount", 2)]),
    "its identity": (SPEC, [(CLUSTER_ID, "identity.userAssignedIdentities", {"/a": {}, "/b": {}})]),
    "no identity": (SPEC, [(CLUSTER_ID, "identity", None)]),
    "a name that is taken": (without("cluster"), [(f"{WORKSPACE}/computes/a100", "", {"tags": {"stack": "dev"}})]),
    "a name of its own": (without("cluster"), [(f"{WORKSPACE}/computes/a100", "", OWN)]),
    "by its first name": (
        without("cluster", origin=Origin("first", "s")),
        [(f"{WORKSPACE}/computes/a100", "", OWN), (f"{WORKSPACE}/onlineEndpoints/e", "", {})],
    ),
    "a data cluster's name": (of(machines=(*SPEC.machines, CPU)), [(f"{WORKSPACE}/computes/cpu", "", {})]),
    "no data cluster": (SPEC, [(f"{WORKSPACE}/computes/cpu", "", {})]),
    "no cluster": (without("cluster", machines=(CPU,)), [(f"{WORKSPACE}/computes/a100", "", {})]),
    "a connection": (of(connection="c"), [(f"{PROJECT}/connections/c", "", {})]),
    "its own connection": (
        of(connection="c"),
        [(f"{PROJECT}/connections/c", "properties.metadata.finetune_phi_stack", "dev")],
    ),
    "of its first name": (
        of(connection="c", origin=Origin("first", "s")),
        [(f"{PROJECT}/connections/c", "properties.metadata.finetune_phi_stack", "first")],
    ),
}
TOLD: dict[str, list[str]] = {
    "a workspace of a kind": [
        "refused existing: existing.workspace, ml:mlw: is of the kind FeatureStore, and no Azure ML "
        "workspace -> give the id of one",
    ],
    "a workspace of no kind": [
        "ok existing: storage account, container registry, identity, Azure ML workspace, cluster, hub, "
        "project: used as they are",
    ],
    "a failed workspace": [
        "refused existing: existing.workspace, ml:mlw: has failed -> let its owner mend it, or take another",
    ],
    "a closed workspace": [
        "refused existing: existing.workspace, ml:mlw: answers to nobody outside its network, in which "
        "neither this machine nor the workspace is -> take one that is reachable, or set "
        "finetune-phi:network to private",
    ],
    "an old workspace": [
        "refused existing: existing.workspace, ml:mlw: is in v1LegacyMode, without the API that the program "
        "uses -> let its owner switch it off",
    ],
    "its storage": [
        "refused existing: existing.workspace, ml:mlw: stands on storage account "
        "Microsoft.Storage/storageAccounts/stml2, and existing.storage is "
        "Microsoft.Storage/storageAccounts/stml -> set existing.storage to its own",
    ],
    "its storage, not given": [
        "refused existing: existing.workspace, ml:mlw: stands on storage account "
        "/subscriptions/00000000-0000-4000-8000-000000000001/resourcegroups/rg-ml/providers/microsoft.storage"
        "/storageaccounts/stml, and existing.storage is empty -> set existing.storage to its own",
        "warning existing: existing.hub, ml:hub: keeps the flow on Microsoft.Storage/storageAccounts/stml, "
        "which is not the stack's storage account -> whoever runs the program needs that account's keys, or "
        "Storage File Data Privileged Contributor on it",
    ],
    "its registry": [
        "refused existing: existing.workspace, ml:mlw: stands on container registry "
        "Microsoft.ContainerRegistry/registries/crmlteam2/, and existing.registry is "
        "Microsoft.ContainerRegistry/registries/crmlteam -> set existing.registry to its own",
    ],
    "a slash more": [
        "ok existing: storage account, container registry, identity, Azure ML workspace, cluster, hub, "
        "project: used as they are",
    ],
    "no registry": [
        "refused existing: existing.workspace, ml:mlw: has no container registry, which a deployment's image "
        "goes to -> az ml workspace update --name mlw --resource-group rg-ml --container-registry "
        "Microsoft.ContainerRegistry/registries/crmlteam --update-dependent-resources",
    ],
    "no registry, and no id": [
        "refused existing: existing.workspace, ml:mlw: has no container registry, which a deployment's image "
        "goes to -> az ml workspace update --name w --resource-group rg-ml --container-registry "
        "Microsoft.ContainerRegistry/registries/crmlteam --update-dependent-resources",
    ],
    "by identity": [
        "refused existing: existing.workspace, ml:mlw: reaches its storage by identity, and the stack counts "
        "on keys -> set finetune-phi:storage.sharedKeys to false",
    ],
    "by identity, as wanted": [
        "ok existing: storage account, container registry, identity, Azure ML workspace, cluster, hub, "
        "project: used as they are",
    ],
    "by keys": [
        "warning existing: existing.workspace, ml:mlw: reaches its storage with keys, though "
        "storage.sharedKeys is false -> let its owner set systemDatastoresAuthMode to identity, or set "
        "sharedKeys to true",
    ],
    "isolated": [
        "refused existing: existing.workspace, ml:mlw: has a managed network (AllowOnlyApprovedOutbound), in "
        "which a cluster may have no public address -> set finetune-phi:network to managed",
        "refused existing: existing.workspace, ml:mlw: has a cluster a100 already, which this stack has not "
        "made -> set finetune-phi:names.cluster to another name",
    ],
    "isolated, with data prepared there": [
        "refused existing: existing.workspace, ml:mlw: has a managed network (AllowInternetOutbound), in "
        "which a cluster may have no public address -> set finetune-phi:network to managed",
    ],
    "isolated, as wanted": [
        "refused existing: existing.workspace, ml:mlw: has a cluster a100 already, which this stack has not "
        "made -> set finetune-phi:names.cluster to another name",
    ],
    "isolated, with its own cluster": [
        "ok existing: storage account, container registry, identity, Azure ML workspace, cluster, hub, "
        "project: used as they are",
    ],
    "not isolated": [
        "refused existing: existing.workspace, ml:mlw: has no managed network, and a cluster without one "
        "needs a public address -> set finetune-phi:network to public",
        "refused existing: existing.workspace, ml:mlw: has a cluster a100 already, which this stack has not "
        "made -> set finetune-phi:names.cluster to another name",
    ],
    "not isolated, with its own cluster": [
        "ok existing: storage account, container registry, identity, Azure ML workspace, cluster, hub, "
        "project: used as they are",
    ],
    "a hub of a kind": [
        "refused existing: existing.hub, ml:hub: is of the kind Default, and no hub -> give the id of one",
    ],
    "a project of a kind": [
        "refused existing: existing.project, ml:proj: is of the kind Hub, and no project -> give the id of one",
    ],
    "a failed project": [
        "refused existing: existing.project, ml:proj: has failed -> let its owner mend it, or take another",
    ],
    "its hub": [
        "refused existing: existing.project, ml:proj: is in hub ml:hub2, and existing.hub is another -> set "
        "existing.hub to its own, or to nothing",
    ],
    "its hub, not given": [
        "ok existing: storage account, container registry, identity, Azure ML workspace, cluster, project: "
        "used as they are",
    ],
    "its flow": [
        "warning existing: existing.project, ml:proj: keeps the flow on "
        "Microsoft.Storage/storageAccounts/stml2, which is not the stack's storage account -> whoever runs "
        "the program needs that account's keys, or Storage File Data Privileged Contributor on it",
    ],
    "its flow, somewhere": [
        "ok existing: storage account, container registry, identity, Azure ML workspace, cluster, hub, "
        "project: used as they are",
    ],
    "a closed hub": [
        "refused existing: existing.hub, ml:hub: answers to nobody outside its network, in which neither "
        "this machine nor the workspace is -> take one that is reachable, or set finetune-phi:network to "
        "private",
    ],
    "a cluster of a kind": [
        "refused existing: existing.cluster, ml:mlw/computes/a100: is Kubernetes, which trains nothing here "
        "-> take a compute cluster, AmlCompute",
    ],
    "a cluster of no kind": [
        "refused existing: existing.cluster, ml:mlw/computes/a100: is of no known kind, which trains nothing "
        "here -> take a compute cluster, AmlCompute",
    ],
    "a failed cluster": [
        "refused existing: existing.cluster, ml:mlw/computes/a100: has failed -> let its owner mend it, or "
        "take another",
    ],
    "its size": [
        "refused existing: existing.cluster, ml:mlw/computes/a100: has machines of STANDARD_NC6 -> set "
        "finetune-phi:compute.vmSize to STANDARD_NC6, or take another",
    ],
    "no scale": [
        "refused existing: existing.cluster, ml:mlw/computes/a100: grows to 0 machines, and compute.maxNodes "
        "is 2 -> set finetune-phi:compute.maxNodes to 0, or let its owner let it grow",
    ],
    "no machines are wanted": [
        "ok existing: storage account, container registry, identity, Azure ML workspace, cluster, hub, "
        "project: used as they are",
    ],
    "its least": [
        "warning existing: existing.cluster, ml:mlw/computes/a100: keeps 2 machines that bill without a job "
        "-> let its owner set its least to 0",
    ],
    "its identity": [
        "refused existing: existing.cluster, ml:mlw/computes/a100: acts as /a, /b, and not as "
        "existing.identity -> set existing.identity to its own, or take another cluster",
    ],
    "no identity": [
        "refused existing: existing.cluster, ml:mlw/computes/a100: acts as no identity of its own, and not "
        "as existing.identity -> set existing.identity to its own, or take another cluster",
    ],
    "a name that is taken": [
        "refused existing: existing.workspace, ml:mlw: has a cluster a100 already, which this stack has not "
        "made -> set finetune-phi:names.cluster to another name",
    ],
    "a name of its own": [
        "ok existing: storage account, container registry, identity, Azure ML workspace, hub, project: used "
        "as they are",
    ],
    "by its first name": [
        "refused existing: existing.workspace, ml:mlw: has a cluster a100 already, which this stack has not "
        "made -> set finetune-phi:names.cluster to another name",
        "refused existing: existing.workspace, ml:mlw: has an endpoint e already, which this stack has not "
        "made -> set finetune-phi:names.endpoint to another name",
    ],
    "a data cluster's name": [
        "refused existing: existing.workspace, ml:mlw: has a cluster cpu already, which this stack has not "
        "made -> set finetune-phi:names.dataCluster to another name",
    ],
    "no data cluster": [
        "ok existing: storage account, container registry, identity, Azure ML workspace, cluster, hub, "
        "project: used as they are",
    ],
    "no cluster": [
        "ok existing: storage account, container registry, identity, Azure ML workspace, hub, project: used "
        "as they are",
    ],
    "a connection": [
        "refused existing: existing.project, ml:proj: has a connection c already, which this stack has not "
        "made -> set finetune-phi:names.connection to another name",
    ],
    "its own connection": [
        "ok existing: storage account, container registry, identity, Azure ML workspace, cluster, hub, "
        "project: used as they are",
    ],
    "of its first name": [
        "ok existing: storage account, container registry, identity, Azure ML workspace, cluster, hub, "
        "project: used as they are",
    ],
}


@pytest.mark.parametrize("case", CASES)
def test_each_finding_is_told_in_these_words(monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    assert told(monkeypatch, *CASES[case]) == TOLD[case]
