"""Workspaces, hubs and projects, their connections and clusters."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from cloud.removal.deletion import delete_other_size
from emulator.subscription import quota
from tests.contract.arm import Refusal
from tests.contract.bodies import A100, cluster_body
from tests.contract.cases import Cases
from tests.contract.lab import Lab

CASES = Cases("workspaces")


@pytest.mark.parametrize("name", CASES.rows)
def test_refused(name: str, lab: Lab) -> None:
    CASES.check_refused(name, lab)


@pytest.mark.parametrize("name", CASES.rows)
def test_way_through(name: str, lab: Lab) -> None:
    CASES.check_passes(name, lab)


H100 = "Standard_NC40ads_H100_v5"
QUOTA = "StandardNCADSA100v4Family"


@CASES.refused("dependencies")
def _(lab: Lab) -> None:
    lab.make_workspace("mlw-bare", keyVault=None)


@CASES.passes("dependencies")
def _(lab: Lab) -> None:
    lab.make_workspace("mlw-bare")


@CASES.refused("project-hub")
def _(lab: Lab) -> None:
    lab.make_workspace("proj-alone", kind="Project", hubResourceId=f"{lab.workspace}-no-hub")


@CASES.passes("project-hub")
def _(lab: Lab) -> None:
    project = lab.make_workspace(
        "proj-hub", kind="Project", hubResourceId=lab.make_workspace("hub-project", kind="Hub")
    )
    assert lab.get(project)["properties"]["storageAccount"] == lab.storage


def hub_and_project(lab: Lab, stem: str) -> tuple[str, str]:
    hub = lab.make_workspace(f"hub-{stem}", kind="Hub")
    return hub, lab.make_workspace(f"proj-{stem}", kind="Project", hubResourceId=hub)


@CASES.refused("hub-projects")
def _(lab: Lab) -> None:
    hub, _project = hub_and_project(lab, "kept")
    lab.delete(hub)


@CASES.passes("hub-projects")
def _(lab: Lab) -> None:
    hub, project = hub_and_project(lab, "gone")
    lab.delete(project)
    lab.delete(hub)


def nested(lab: Lab) -> tuple[str, str]:
    """A group with a hub and a project in it, and the project."""
    group = lab.group("rg-refusals-nested")
    hub = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/hub-nested"
    project = hub.replace("hub-", "proj-")
    for path in (hub, project):
        lab.store.purge(path)  # as after 14 days
    if lab.store.get(hub) is None:
        lab.put(hub, lab.workspace_body("Hub"))
    lab.put(project, lab.workspace_body("Project", hubResourceId=hub))
    return group, project


@CASES.refused("group-nested")
def _(lab: Lab) -> None:
    lab.arm.delete(nested(lab)[0], "2024-03-01")


@CASES.passes("group-nested")
def _(lab: Lab) -> None:
    group, project = nested(lab)
    lab.delete(project)
    lab.arm.delete(group, "2024-03-01")


def connect(lab: Lab, name: str, keys: dict[str, str] | None) -> int:
    """PUT a Custom keys connection; returns the status."""
    properties: dict[str, Any] = {"authType": "CustomKeys", "category": "CustomKeys", "target": "https://example.org"}
    if keys is not None:
        properties["credentials"] = {"keys": keys}
    answer = lab.arm.call("PUT", f"{lab.workspace}/connections/{name}", "2025-12-01", {"properties": properties})
    if answer.status_code >= 400:
        error = answer.json()["error"]
        raise Refusal(answer.status_code, error["code"], error["message"], answer.json())
    return answer.status_code


@CASES.refused("connection-keys")
def _(lab: Lab) -> None:
    connect(lab, "without", None)


@CASES.passes("connection-keys")
def _(lab: Lab) -> None:
    connect(lab, "with", {"key": "k"})
    secrets = lab.arm.post(f"{lab.workspace}/connections/with/listsecrets", "2025-12-01")
    assert secrets["properties"]["credentials"]["keys"] == {"key": "k"}
    assert lab.get(f"{lab.workspace}/connections/with")["properties"]["credentials"] is None


@CASES.refused("connection-race")
def _(lab: Lab) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: connect(lab, f"race{number}", {"key": "k"}), range(4)))


@CASES.passes("connection-race")
def _(lab: Lab) -> None:
    assert [connect(lab, f"serial{number}", {"key": "k"}) for number in range(2)] == [200, 200]


@CASES.refused("connection-missing")
def _(lab: Lab) -> None:
    lab.get(f"{lab.workspace}/connections/nowhere")


@CASES.passes("connection-missing")
def _(lab: Lab) -> None:
    connect(lab, "somewhere", {"key": "k"})
    assert lab.get(f"{lab.workspace}/connections/somewhere")["name"] == "somewhere"


@CASES.refused("cluster-region")
def _(lab: Lab) -> None:
    lab.put(f"{lab.workspace}/computes/elsewhere", {**cluster_body(H100), "location": "brazilsouth"})


@CASES.passes("cluster-region")
def _(lab: Lab) -> None:
    lab.make_cluster("h100", H100)


@CASES.refused("cluster-family")
def _(lab: Lab) -> None:
    lab.make_cluster("a10", "Standard_NV36ads_A10_v5")


@CASES.passes("cluster-family")
def _(lab: Lab) -> None:
    lab.make_cluster("t4", "Standard_NC4as_T4_v3")


@CASES.refused("cluster-low-priority")
def _(lab: Lab) -> None:
    lab.make_cluster("low", H100, priority="LowPriority")


@CASES.passes("cluster-low-priority")
def _(lab: Lab) -> None:
    lab.make_cluster("high", H100)


@CASES.refused("cluster-quota")
def _(lab: Lab) -> None:
    """Even a cluster without a node of its own; the reason stands in the compute's errors too."""
    with lab.setting("quota", {QUOTA: 23}):
        try:
            lab.make_cluster("big")
        finally:
            found = lab.get(f"{lab.workspace}/computes/big")["properties"]
            assert found["provisioningState"] == "Failed"
            assert found["properties"]["errors"][0]["error"]["code"] == "ClusterMinNodesExceedCoreQuota"
            lab.delete(f"{lab.workspace}/computes/big")


@CASES.passes("cluster-quota")
def _(lab: Lab) -> None:
    with lab.setting("quota", {QUOTA: 0, f"{QUOTA}@eastus2": 24}):
        path = lab.make_cluster("fits", workspace=lab.make_workspace("mlw-quota"))
    assert lab.get(path)["properties"]["properties"]["errors"] is None


def test_nodes_a_cluster_keeps_are_counted_against_the_quota(lab: Lab) -> None:
    family = "Standard NCASv3_T4 Family"
    with lab.setting("quota", {family: 12}):
        kept = lab.make_cluster("keeps", "Standard_NC8as_T4_v3", nodes=1)
        with pytest.raises(Refusal, match="ClusterMinNodesExceedCoreQuota"):
            lab.make_cluster("keeps-too", "Standard_NC8as_T4_v3", nodes=1)
        lab.delete(kept)
        lab.delete(lab.make_cluster("keeps-too", "Standard_NC8as_T4_v3", nodes=1))


def test_a_changed_vm_size_is_accepted_echoed_and_ignored(lab: Lab) -> None:
    path = lab.make_cluster("sized")
    answer = lab.arm.call("PUT", path, "2025-12-01", cluster_body("Standard_NC48ads_A100_v4"))
    assert answer.status_code == 200
    assert answer.json()["properties"]["properties"]["vmSize"] == "STANDARD_NC48ADS_A100_V4"
    lab.put(path, cluster_body("Standard_NC48ads_A100_v4"))
    assert lab.get(path)["properties"]["properties"]["vmSize"] == A100.upper()


def machines_of(lab: Lab, path: str) -> tuple[str, str]:
    """The size a cluster answers, and that of the machines it has."""
    found = lab.store.get(path)
    assert found is not None
    return found.properties["properties"]["vmSize"], quota.machines(found)


NC48 = "Standard_NC48ads_A100_v4"


def test_a_cluster_deleted_without_a_word_keeps_its_machines_for_the_next_of_its_name(lab: Lab) -> None:
    """As azure-native deletes it."""
    path = lab.make_cluster("detached")
    lab.delete(path)
    lab.make_cluster("detached", NC48)
    assert machines_of(lab, path) == (NC48.upper(), A100.upper())
    lab.delete(path, "?underlyingResourceAction=Delete")
    lab.make_cluster("detached", NC48)
    assert machines_of(lab, path) == (NC48.upper(), NC48.upper())


def test_with_its_workspace_the_machines_are_gone(lab: Lab) -> None:
    workspace = lab.make_workspace("mlw-machines")
    path = lab.make_cluster("detached", workspace=workspace)
    lab.delete(path)
    lab.delete(workspace, "?forceToPurge=true")
    lab.make_workspace("mlw-machines")
    lab.make_cluster("detached", NC48, workspace=workspace)
    assert machines_of(lab, path) == (NC48.upper(), NC48.upper())


def test_another_size_gets_other_machines(lab: Lab) -> None:
    """What the program does before azure-native replaces a cluster."""
    path = lab.make_cluster("resized")
    assert delete_other_size(path, A100.upper(), print) is None
    line = delete_other_size(path, NC48, print)
    assert line is not None and line.startswith(f"cluster resized: deleted with its machines of size {A100.upper()}")
    lab.delete(path)  # azure-native's own, of what is gone
    lab.make_cluster("resized", NC48)
    assert machines_of(lab, path) == (NC48.upper(), NC48.upper())
    assert delete_other_size(path.replace("resized", "none-yet"), NC48, print) is None


def test_ssh_is_open_where_nothing_is_said(lab: Lab) -> None:
    assert (
        lab.get(lab.make_cluster("said-nothing"))["properties"]["properties"]["remoteLoginPortPublicAccess"]
        == "Enabled"
    )
    body = cluster_body(A100)
    body["properties"]["properties"]["remoteLoginPortPublicAccess"] = "Disabled"
    path = f"{lab.workspace}/computes/said-closed"
    lab.put(path, body)
    assert lab.get(path)["properties"]["properties"]["remoteLoginPortPublicAccess"] == "Disabled"
