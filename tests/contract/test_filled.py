"""What Azure writes into a resource later than the PUT that made it, and what a policy writes beside it."""

from __future__ import annotations

import threading

import pytest

from cloud.errors import StageError
from cloud.roles import Role
from cloud.target import Target
from emulator.machine.home import SUBSCRIPTION_ID
from emulator.resources.filled import POLICY_TAGS
from jobs.network import provision
from jobs.network.spec import ProvisionSpec
from jobs.preflight.spec import Grant
from tests.contract.conftest import LOCATION
from tests.contract.lab import GROUP, SCOPE, Lab

APPROVER = Role.AZURE_AI_ENTERPRISE_NETWORK_CONNECTION_APPROVER
H100 = "Standard_NC40ads_H100_v5"


def test_a_hub_lists_its_projects(lab: Lab) -> None:
    hub = lab.make_workspace("hub-filled", kind="Hub")
    assert "associatedWorkspaces" not in lab.get(hub)["properties"]
    project = lab.make_workspace("proj-filled", kind="Project", hubResourceId=hub)
    assert lab.get(hub)["properties"]["associatedWorkspaces"] == [project]


def test_a_managed_network_comes_to_life_with_the_first_cluster(lab: Lab) -> None:
    with lab.state(lab.workspace, managedNetwork={"isolationMode": "AllowInternetOutbound"}):
        network = lab.get(lab.workspace)["properties"]["managedNetwork"]
        if not lab.store.below(lab.workspace, "Microsoft.MachineLearningServices/workspaces/computes"):
            assert network["status"]["status"] == "Inactive" and "outboundRules" not in network
        lab.make_cluster("filled", H100)
        network = lab.get(lab.workspace)["properties"]["managedNetwork"]
        assert network["status"]["status"] == "Active"
        assert network["outboundRules"] == {}, "what is open needs no private endpoint"


def test_a_network_leads_to_what_was_closed_since_when_it_is_provisioned_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provision, "ROLE_SECONDS", 0.0)
    storage, mode = lab.make_storage("stfilled"), {"isolationMode": "AllowInternetOutbound"}
    workspace = lab.make_workspace(
        "mlw-closed-later", storageAccount=storage, managedNetwork=mode, provisionNetworkNow=True
    )
    target = Target(SUBSCRIPTION_ID, GROUP, "mlw-closed-later")
    spec = ProvisionSpec(stack="s", target=target, grants=(Grant(role=APPROVER.name, scope=SCOPE),))

    def states() -> set[tuple[str, str]]:
        rules = lab.get(workspace)["properties"]["managedNetwork"]["outboundRules"]
        return {(rule["destination"]["subresourceTarget"], rule["status"]) for rule in rules.values()}

    assert states() == set(), "what is open needs no private endpoint"
    closed = {"location": LOCATION, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    lab.put(storage, {**closed, "properties": {"publicNetworkAccess": "Disabled"}})
    assert states() == {("blob", "Inactive"), ("file", "Inactive")}
    with pytest.raises(StageError, match="may not approve the private endpoints"):
        provision.run(spec, print, threading.Event())
    lab.assign(APPROVER.title, lab.get(workspace)["identity"]["principalId"], SCOPE)
    provision.run(spec, print, threading.Event())
    assert states() == {("blob", "Active"), ("file", "Active")}


@pytest.mark.parametrize("given", ["enabled", "Enabled", "ENABLED"])
def test_access_comes_back_in_one_spelling(lab: Lab, given: str) -> None:
    workspace = lab.make_workspace(f"mlw-spelt-{given.lower()}", publicNetworkAccess=given)
    assert lab.get(workspace)["properties"]["publicNetworkAccess"] == "Enabled"


def test_a_policy_tags_what_has_a_region(lab: Lab) -> None:
    connection = f"{lab.workspace}/connections/untagged"
    lab.put(connection, {"properties": {"authType": "None", "category": "CustomKeys", "target": "https://example.org"}})
    with lab.setting(POLICY_TAGS, {"costCenter": "research"}):
        assert lab.get(lab.workspace)["tags"]["costCenter"] == "research"
        assert "tags" not in lab.get(connection)
    assert "costCenter" not in lab.get(lab.workspace).get("tags", {})
