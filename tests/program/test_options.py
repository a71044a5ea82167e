"""What each setting changes of what is registered."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import rpc

from infra.lifecycle.protection import STATEFUL
from settings.naming import Names
from tests.program.conftest import SUBSCRIPTION, Program, Run


def told(config: dict[str, Any]) -> None:
    config["finetune-phi:flow"] = {"systemPrompt": "Answer in rhymes."}


def commit(config: dict[str, Any]) -> None:
    config["finetune-phi:commitTag"] = True


def silent(config: dict[str, Any]) -> None:
    config["finetune-phi:monitoring"] = {"diagnostics": False}


def suffixed(config: dict[str, Any]) -> None:
    config["finetune-phi:suffix"] = "two"


def clustered(config: dict[str, Any]) -> None:
    config["finetune-phi:data"] |= {"runOn": "cluster", "cluster": {"vmSize": "standard_d8s_v3", "maxNodes": 2}}


def test_a_system_prompt_goes_to_those_who_chat_and_those_who_test(run: Run) -> None:
    program = run(change=told)
    properties = rpc.unwrap_rpc_secret(program.resources["endpoint-connection"].inputs["properties"])
    assert properties["metadata"]["system_prompt"] == "Answer in rhymes."
    assert program.resources["release"].inputs["input"]["system_prompt"] == "Answer in rhymes."


def test_a_managed_network_for_workspace_and_hub(run: Run, prod: Program) -> None:
    for name in ("workspace", "hub"):
        assert prod.resources[name].inputs["managedNetwork"]["isolationMode"] == "AllowInternetOutbound"
        assert prod.resources[name].inputs["publicNetworkAccess"] == "Enabled"
        assert "managedNetwork" not in run("dev").resources[name].inputs
    assert "managedNetwork" not in prod.resources["project"].inputs  # it has its hub's
    everything = json.dumps([found.inputs for found in prod.resources.values()], default=str)
    assert "egressPublicNetworkAccess" not in everything  # refused by Azure with a managed network


def test_prod_keeps_what_it_has(prod: Program) -> None:
    vault = prod.resources["key-vault"].inputs["properties"]
    assert (vault["enablePurgeProtection"], vault["softDeleteRetentionInDays"]) == (True, 90)
    assert prod.resources["storage"].inputs["sku"] == {"name": "Standard_GRS"}
    assert prod.resources["release"].inputs["input"]["instance_count"] == 2
    assert prod.resources["release"].inputs["input"]["traffic_steps"] == [10, 50, 100]
    assert "purge" not in prod.resources


def test_prod_protects_what_holds_data_and_nothing_else(prod: Program, run: Run) -> None:
    assert {each.type for each in prod.resources.values() if each.request.protect} == STATEFUL - {
        "azure-native:machinelearningservices:Registry"  # which prod does not make
    }
    assert not [each.name for each in run().resources.values() if each.request.protect]


def test_everything_of_it_can_be_switched_off(run: Run) -> None:
    assert not [found for found in run(change=silent).resources.values() if "azure-native:monitor" in found.type]
    dev = run("dev")
    assert not dev.of_type("MetricAlert") + dev.of_type("ActionGroup") + dev.of_type("Budget")


def test_another_suffix_gives_other_names(run: Run) -> None:
    renamed, before = run(change=suffixed).resources, run().resources
    names = Names.of("phi", "local", SUBSCRIPTION, "two")
    assert renamed["key-vault"].inputs["vaultName"] == names.key_vault == "kvphilocaltwo"
    assert renamed["workspace"].inputs["workspaceName"] != before["workspace"].inputs["workspaceName"]


def commits(program: Program) -> dict[str, str]:
    """The tag, by the resources that have it."""
    tags = {name: found.inputs.get("tags", {}) for name, found in program.resources.items()}
    return {name: each["commit"] for name, each in tags.items() if "commit" in each}


@pytest.mark.parametrize("variable", ["GITHUB_SHA", "BUILD_SOURCEVERSION"])
def test_the_commit_is_a_tag_of_the_group_alone(run: Run, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    for each in ("GITHUB_SHA", "BUILD_SOURCEVERSION"):
        monkeypatch.delenv(each, raising=False)
    monkeypatch.setenv(variable, "0123abc")
    assert commits(run(change=lambda config: commit(config))) == {"resource-group": "0123abc"}


@pytest.mark.parametrize("git", ["#!/bin/sh\n[ \"$3 $4\" = 'rev-parse HEAD' ] && echo 4567def", "#!/bin/sh\nexit 128"])
def test_without_a_pipeline_git_says_which_commit(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, git: str
) -> None:
    for each in ("GITHUB_SHA", "BUILD_SOURCEVERSION"):
        monkeypatch.delenv(each, raising=False)
    (tmp_path / "git").write_text(git)
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    known = "4567def" if "echo" in git else "unknown"
    assert commits(run(change=lambda config: commit(config))) == {"resource-group": known}


def test_a_cluster_for_the_data_only_when_asked_for(run: Run) -> None:
    local = run()
    assert [found.name for found in local.of_type(":Compute")] == ["cluster"]
    assert set(local.resources["dataset"].inputs["input"]) == {
        "target",
        "name",
        "fingerprint",
        "directory",
        "workspace_id",
    }

    program = run(change=clustered)
    assert set(program.resources) - set(local.resources) == {"data-cluster", "data-cluster-size"}
    cpu, gpu = program.resources["data-cluster"].inputs, program.resources["cluster"].inputs
    assert cpu["computeName"] == "cpu-cluster"
    assert cpu["identity"] == gpu["identity"]
    inner = cpu["properties"]["properties"]
    assert (inner["vmSize"], inner["vmPriority"]) == ("STANDARD_D8S_V3", "Dedicated")
    assert (inner["scaleSettings"]["minNodeCount"], inner["scaleSettings"]["maxNodeCount"]) == (0, 2)

    given = program.resources["dataset"].inputs["input"]
    assert (given["source"], given["cluster"], given["vm_size"]) == ("sample", "cpu-cluster", "Standard_D8s_v3")
    assert program.resources["finetune"].inputs["input"]["dataset_fingerprint"] == given["fingerprint"]
    assert {"data-cluster", "contributor"} <= program.waits_for("dataset")
    machines = program.resources["preflight"].inputs["input"]["machines"]
    assert ("data cluster", "standardDSv3Family", 8, 2) in [
        (each["use"], each["family"], each["cores"], each["count"]) for each in machines
    ]
    assert [each["use"] for each in local.resources["preflight"].inputs["input"]["machines"]] == [
        "cluster",
        "endpoint",
        "base model",
    ]


def test_a_clusters_data_need_no_files_here(run: Run, project: Path) -> None:
    for file in (project / "data").iterdir():
        file.unlink()
    assert "data-cluster" in run(change=lambda config: clustered(config)).resources
