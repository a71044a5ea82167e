"""What `jobs adopt` finds, whole, and what it says where something is not clear."""

from __future__ import annotations

from typing import Any

import pytest
from test_jobs_adopt import (
    CLUSTER,
    CONNECTION,
    DEPLOYMENT,
    ENDPOINT,
    GROUP,
    HUB,
    IDENTITY,
    INSIGHTS,
    LOGS,
    ML,
    NOTEBOOK,
    PROJECT,
    REGISTRY,
    STORAGE,
    VAULT,
    WORKSPACE,
    arm,
    complete,
    found,
    lists,
    row,
)

from cloud.errors import StageError
from jobs.adoption.found import Found
from tests.unit.arm_fake import ArmFake

__all__ = ["arm"]
EXISTING = {
    "group": GROUP,
    "storage": STORAGE,
    "vault": VAULT,
    "registry": REGISTRY,
    "insights": INSIGHTS,
    "logs": LOGS,
    "workspace": WORKSPACE["id"],
    "identity": IDENTITY,
    "cluster": CLUSTER["id"],
    "hub": HUB["id"],
    "project": PROJECT["id"],
}
WHOLE = Found(
    location="eastus2",
    existing=EXISTING,
    beside={"endpoint": "phi3-ep", "connection": "phi3-connection"},
    taken={
        "cluster": ["me", "gpu"],
        "data_cluster": ["me", "gpu"],
        "endpoint": ["phi3-ep"],
        "connection": ["ai", "phi3-connection"],
    },
    sizes={"compute": "STANDARD_NC24ADS_A100_V4", "serving": "Standard_NC24ads_A100_v4"},
    lacking=("AI Services",),
    notes=("deployment blue of endpoint phi3-ep goes on answering, and on billing, until somebody deletes it",),
)


def test_all_that_is_found(arm: ArmFake) -> None:
    complete(arm)
    assert found() == WHOLE


def test_of_an_empty_group_everything_is_lacking(arm: ArmFake) -> None:
    assert found() == Found(
        location="eastus2",
        existing={"group": GROUP},
        beside={},
        lacking=("the Azure ML workspace", "AI Foundry's project", "AI Foundry's hub", "AI Services"),
    )


def test_a_workspace_without_registry_and_insights(arm: ArmFake) -> None:
    lists(arm, workspaces=[row(f"{ML}/phi3-mlw", "Default", storageAccount=STORAGE, keyVault=VAULT)])
    mends = "az ml workspace update --name phi3-mlw --resource-group phi3-rg"
    assert found().notes == (
        "workspace phi3-mlw has no container registry, so the stack makes a workspace of its own beside it, unless "
        f"you give it one and adopt again: {mends} --container-registry <id> --update-dependent-resources",
        "workspace phi3-mlw has no Application Insights, so the stack makes a workspace of its own beside it, unless "
        f"you give it one and adopt again: {mends} --application-insights <id> --update-dependent-resources",
    )
    assert found().taken == {} and not found().managed


def test_a_workspace_that_does_not_say_its_kind_is_one(arm: ArmFake) -> None:
    complete(arm)
    lists(arm, workspaces=[{key: value for key, value in WORKSPACE.items() if key != "kind"}])
    assert found().existing["workspace"] == WORKSPACE["id"]
    lists(arm, workspaces=[{**WORKSPACE, "kind": "FeatureStore"}])
    assert found().existing == {"group": GROUP}


def refused(**chosen: str) -> str:
    with pytest.raises(StageError) as error:
        found(**chosen)
    return str(error.value)


def test_what_is_not_clear_is_said_with_its_option(arm: ArmFake) -> None:
    complete(arm)
    assert refused(ai_services="x") == (
        f"AI Services was not found ({GROUP}): --ai-services is x, and there are none. Give --ai-services one of those."
    )
    other = row(f"{ML}/other", "Default", storageAccount=STORAGE, keyVault=VAULT)
    arm.get(ML, {"value": [WORKSPACE, other]})
    assert refused() == (
        f"the Azure ML workspace could be one of several ({GROUP}): there are 2: other, phi3-mlw. Say which: "
        "--workspace."
    )
    assert refused(workspace="third") == (
        f"the Azure ML workspace was not found ({GROUP}): --workspace is third, and there are other, phi3-mlw. Give "
        "--workspace one of those."
    )
    del arm.routes[f"GET {GROUP}".lower()]
    assert refused() == (
        f"the resource group was not found ({GROUP}): it is not there, or hidden. Give another --group, or "
        "--subscription; `az group list --output table` shows them."
    )


def test_each_option_chooses_among_several(arm: ArmFake) -> None:
    complete(arm)
    twin = {**HUB, "id": f"{ML}/hub-2", "name": "hub-2"}
    second = {**PROJECT, "id": f"{ML}/project-2", "name": "project-2", "properties": {"hubResourceId": twin["id"]}}
    accounts = [row(f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/{name}", "AIServices") for name in "ab"]
    accounts.append(row(f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/c", "OpenAI"))
    lists(
        arm,
        workspaces=[HUB, twin, PROJECT, second, WORKSPACE],
        accounts=accounts,
        computes=[CLUSTER, {**CLUSTER, "id": f"{ML}/phi3-mlw/computes/two", "name": "two"}],
        endpoints=[ENDPOINT, {**ENDPOINT, "id": f"{ML}/phi3-mlw/onlineEndpoints/two", "name": "two"}],
        connections=[CONNECTION, {**CONNECTION, "name": "two"}],
        deployments=[DEPLOYMENT],
    )
    chosen = {"project": "PHI3-project", "ai_services": "a", "cluster": "two", "endpoint": "phi3-ep"}
    there = found(**chosen, connection="two")
    assert there.existing["project"] == PROJECT["id"] and there.existing["hub"] == HUB["id"]
    assert there.existing["cluster"].endswith("/two")
    assert there.beside == {"endpoint": "phi3-ep", "connection": "two"}
    for option in ("project", "ai-services", "cluster", "endpoint", "connection"):
        left = {key: value for key, value in {**chosen, "connection": "two"}.items() if key != option.replace("-", "_")}
        assert refused(**left).endswith(f"Say which: --{option}.")


@pytest.mark.parametrize(
    ("cluster", "endpoint", "notes"),
    [
        (
            None,
            None,
            [
                "cluster gpu acts as no user-assigned identity, which training here needs: the stack makes a "
                "cluster of its own"
            ],
        ),
        ("a", "b", ["phi3-ep acts as /b: not as the identity that the stack uses, so the stack makes its own"]),
        ("ab", "a", ["gpu acts as /a, /b: not as the identity that the stack uses, so the stack makes its own"]),
        ("a", None, []),
    ],
)
def test_whom_cluster_and_endpoint_act_as(
    arm: ArmFake, cluster: str | None, endpoint: str | None, notes: list[str]
) -> None:
    def acting(one: dict[str, Any], names: str | None) -> dict[str, Any]:
        return {**one, "identity": {"userAssignedIdentities": {f"/{each}": {} for each in names}} if names else None}

    complete(arm)
    lists(arm, workspaces=[WORKSPACE], computes=[acting(CLUSTER, cluster)], endpoints=[acting(ENDPOINT, endpoint)])
    there = found()
    assert list(there.notes) == notes
    assert ("cluster" in there.existing) is (cluster == "a")
    assert there.existing.get("identity") == ("/a" if "a" in (cluster, endpoint) else None)


def test_sizes_of_deployments_count_where_they_are_one(arm: ArmFake) -> None:
    complete(arm)
    two = [DEPLOYMENT, row(f"{ENDPOINT['id']}/deployments/green", instanceType="other"), row("/x/none")]
    lists(arm, workspaces=[WORKSPACE], computes=[NOTEBOOK], endpoints=[ENDPOINT], deployments=two)
    assert found().sizes == {} and len(found().notes) == 3
    lists(arm, workspaces=[WORKSPACE], computes=[], endpoints=[ENDPOINT], deployments=[two[0], two[2]])
    assert found().sizes == {"serving": "Standard_NC24ads_A100_v4"}


@pytest.mark.parametrize(("mode", "isolated"), [(None, False), ("Disabled", False), ("AllowOnlyApproved", True)])
def test_a_network_of_the_workspaces_own(arm: ArmFake, mode: str | None, isolated: bool) -> None:
    complete(arm)
    network = {"managedNetwork": {"isolationMode": mode}} if mode else {}
    lists(arm, workspaces=[{**WORKSPACE, "properties": {**WORKSPACE["properties"], **network}}])
    assert found().managed is isolated


@pytest.mark.parametrize(
    ("shared", "mode", "keys"),
    [
        (None, None, True),
        (True, "AccessKey", True),
        (False, None, False),
        (True, "Identity", False),
        (None, "identity", False),
    ],
)
def test_whether_the_storage_takes_its_keys(arm: ArmFake, shared: Any, mode: str | None, keys: bool) -> None:
    complete(arm)
    arm.get(STORAGE, row(STORAGE, allowSharedKeyAccess=shared))
    lists(arm, workspaces=[{**WORKSPACE, "properties": {**WORKSPACE["properties"], "systemDatastoresAuthMode": mode}}])
    assert found().by_keys is keys


def test_a_project_that_is_there_has_what_it_has(arm: ArmFake) -> None:
    """Its hub is used wherever it is; where it does not say which, the group has one; nobody makes services then."""
    accounts = [row(f"{GROUP}/providers/Microsoft.CognitiveServices/accounts/ai", "AIServices")]
    complete(arm)
    lists(arm, workspaces=[WORKSPACE, PROJECT, {**HUB, "location": "West Europe"}], accounts=accounts)
    there = found()
    assert (there.existing["hub"], there.existing["project"]) == (HUB["id"], PROJECT["id"])
    assert "ai_services" not in there.beside and there.location == "eastus2"
    silent = row(f"{ML}/phi3-project", "Project")
    lists(arm, workspaces=[silent, HUB], accounts=accounts)
    assert found().existing["hub"] == HUB["id"]
    lists(arm, workspaces=[PROJECT], accounts=accounts)
    assert "hub" not in found().existing and "ai_services" not in found().beside
    other = row(f"{ML}/other-hub", "Hub")
    lists(arm, workspaces=[PROJECT, HUB, other], accounts=accounts)
    assert found().existing["hub"] == HUB["id"], "the project's own"
