"""What Azure writes into a resource later than the PUT that made it, and what a policy writes beside it."""

from __future__ import annotations

import pytest

from emulator.resources.filled import POLICY_TAGS
from tests.contract.lab import Lab

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
        assert {rule["category"] for rule in network["outboundRules"].values()} == {"Required"}


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
