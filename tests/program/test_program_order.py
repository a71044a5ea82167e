"""In which order things are made and deleted, and what waits for what."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.runtime import rpc

from cloud.place import Place
from settings.naming import Names
from settings.stack import load
from tests.program.conftest import ROOT, SUBSCRIPTION, Program, Run


def test_only_the_critical_path_waits(local: Program) -> None:
    assert {"cluster", "dataset", "acr-pull", "azureml-metrics-writer"} <= local.waits_for("finetune")
    assert {"finetune", "endpoint", "acr-pull", "storage-blob-data-reader"} <= local.waits_for("release")
    assert "cluster" not in local.waits_for("dataset")
    for name in ("hub", "project", "endpoint", "endpoint-connection", "ai-services"):
        assert not local.waits_for(name) & {"dataset", "finetune", "release", "cluster"}, name
    assert not local.waits_for("finetune") & {"hub", "project", "endpoint", "ai-services"}


def test_a_clusters_machines_are_the_programs_and_closed(local: Program) -> None:
    cluster = local.resources["cluster"]
    inner = cluster.inputs["properties"]["properties"]
    assert (inner["vmSize"], inner["remoteLoginPortPublicAccess"]) == ("STANDARD_NC24ADS_A100_V4", "Disabled")
    assert inner["enableNodePublicIp"] is True
    # Case alone replaces nothing; another size does, once the old cluster is gone with its machines.
    assert not cluster.request.replaceOnChanges
    assert cluster.request.replacement_trigger.string_value == "STANDARD_NC24ADS_A100_V4"
    assert cluster.request.deleteBeforeReplace
    size = local.resources["cluster-size"]
    own = Place.of(load("local", ROOT), "local", SUBSCRIPTION).workspace.path
    assert (size.inputs["cluster"], size.inputs["vmSize"]) == (f"{own}/computes/gpu-cluster", inner["vmSize"])
    assert {"cluster-size"} <= local.waits_for("cluster") and "workspace" in local.waits_for("cluster-size")


def test_a_managed_network_is_made_with_its_workspace_and_one_cluster_after_the_other(run: Run) -> None:
    def on_a_cluster(config: dict[str, Any]) -> None:
        config["finetune-phi:data"] = {**config["finetune-phi:data"], "runOn": "cluster"}

    managed, public = run("prod", change=on_a_cluster), run("dev", change=on_a_cluster)
    for name in ("workspace", "hub"):
        assert managed.resources[name].inputs["provisionNetworkNow"] is True
        assert "provisionNetworkNow" not in public.resources[name].inputs
        # Of one that is there it is no change.
        assert list(managed.resources[name].request.ignoreChanges) == ["provisionNetworkNow"]
    for name in ("cluster", "data-cluster"):
        assert managed.resources[name].inputs["properties"]["properties"]["enableNodePublicIp"] is False
        assert list(managed.resources[name].request.ignoreChanges) == ["properties.properties.enableNodePublicIp"]
    assert "cluster" in managed.waits_for("data-cluster")
    assert "cluster" not in public.waits_for("data-cluster")


def test_connections_are_made_one_after_the_other(local: Program) -> None:
    assert "ai-services-connection" in local.waits_for("endpoint-connection")


def test_what_azure_soft_deletes_is_gone_before_the_purge(local: Program) -> None:
    for name in ("key-vault", "workspace", "hub", "project", "ai-services"):
        assert "purge" in local.waits_for(name), name
    names = local.resources["purge"].inputs["names"]
    soft = Names.of("phi", "local", SUBSCRIPTION)
    assert names == {"vaults": [soft.key_vault], "accounts": [soft.ai_services]}


IN_A_WORKSPACE = {
    "workspace": {"cluster", "endpoint", "azureml-metrics-writer"},
    "hub": {"project", "ai-services-connection"},
    "project": {"endpoint-connection"},
    "log-analytics": {"application-insights"},
}


@pytest.mark.parametrize("target", IN_A_WORKSPACE)
def test_a_workspace_is_deleted_for_good_after_what_is_in_it_and_before_itself(local: Program, target: str) -> None:
    """A destroy goes the other way round."""
    purge = local.resources[f"{target}-purge"]
    assert purge.type == "pulumi-python:dynamic:Purge"
    assert purge.inputs["target"] == f"/id/{target}"
    assert target in local.waits_for(purge.name)
    for name in IN_A_WORKSPACE[target]:
        assert purge.name in local.waits_for(name), name


def test_a_workspace_is_not_deleted_for_good_while_the_stack_lives(local: Program) -> None:
    """When one of these is there, only the purge was taken out of the stack."""
    names, scope = Names.of("phi", "local", SUBSCRIPTION), f"/subscriptions/{SUBSCRIPTION}/resourceGroups/"
    ml = f"{scope}{names.resource_group}/providers/Microsoft.MachineLearningServices/workspaces"
    insights = f"{scope}{names.resource_group}/providers/Microsoft.Insights/components/appi-phi-local"
    own = f"{ml}/{names.workspace}"
    assert {name: local.resources[f"{name}-purge"].inputs["holds"] for name in IN_A_WORKSPACE} == {
        "workspace": {
            f"{own}/computes/gpu-cluster": "2025-12-01",
            f"{own}/onlineEndpoints/{names.endpoint}": "2025-12-01",
        },
        "hub": {f"{ml}/{names.project}": "2025-12-01"},
        "project": {f"{ml}/{names.project}/connections/phi-connection": "2025-12-01"},
        "log-analytics": {insights: "2020-02-02"},
    }


def test_prod_purges_nothing(run: Run) -> None:
    assert not [name for name in run("prod").resources if name.endswith("purge")]


def test_the_purge_pickles_neither_code_nor_paths(local: Program) -> None:
    import base64

    provider = local.resources["purge"].inputs["__provider"]
    pickled = base64.b64decode(rpc.unwrap_rpc_secret(provider))
    assert b"infra.purge" in pickled
    assert str(ROOT).encode() not in pickled
    assert len(pickled) < 200
