"""What the settings switch on and off in the program."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import rpc

from infra.lifecycle.protection import STATEFUL
from settings.naming import Names
from tests.program.conftest import SUBSCRIPTION, Azure, Program, Run

TAGS = {"project": "finetune-phi", "stack": "local"}


@pytest.fixture
def prod(run: Run) -> Program:
    return run("prod")


def keyless(config: dict[str, Any]) -> None:
    config["finetune-phi:storage"] = {"sharedKeys": False}


def commit(config: dict[str, Any]) -> None:
    config["finetune-phi:commitTag"] = True


def silent(config: dict[str, Any]) -> None:
    config["finetune-phi:monitoring"] = {"diagnostics": False}


def told(config: dict[str, Any]) -> None:
    config["finetune-phi:flow"] = {"systemPrompt": "Answer in rhymes."}


def suffixed(config: dict[str, Any]) -> None:
    config["finetune-phi:suffix"] = "two"


def clustered(config: dict[str, Any]) -> None:
    config["finetune-phi:data"] |= {"runOn": "cluster", "cluster": {"vmSize": "standard_d8s_v3", "maxNodes": 2}}


def owned(config: dict[str, Any]) -> None:
    config["finetune-phi:tags"] = {"owner": "me"}


def test_a_system_prompt_goes_to_those_who_chat_and_those_who_test(run: Run) -> None:
    program = run(change=told)
    properties = rpc.unwrap_rpc_secret(program.resources["endpoint-connection"].inputs["properties"])
    assert properties["metadata"]["system_prompt"] == "Answer in rhymes."
    assert program.resources["release"].inputs["input"]["system_prompt"] == "Answer in rhymes."


def test_storage_without_keys_is_reached_by_identity_and_role(run: Run) -> None:
    program = run(change=keyless)
    assert program.resources["storage"].inputs["allowSharedKeyAccess"] is False
    for name in ("workspace", "hub"):
        assert program.resources[name].inputs["systemDatastoresAuthMode"] == "Identity"
    extra = {"storage-blob-data-contributor", "storage-file-data-privileged-contributor"}
    roles = {found.name: found.inputs for found in program.of_type("RoleAssignment")}
    assert extra | {f"caller-{role}" for role in extra} <= roles.keys()
    assert len({role["roleAssignmentName"] for role in roles.values()}) == len(roles) == 8
    definitions = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/"
    assert {name: roles[name]["roleDefinitionId"].removeprefix(definitions) for name in extra} == {
        "storage-blob-data-contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "storage-file-data-privileged-contributor": "69566ab7-960f-475b-8e7c-b3118f30c6bd",
    }
    for name in extra:
        assert roles[name]["scope"] == roles[f"caller-{name}"]["scope"] == "/id/storage"
        assert roles[name]["principalType"] == "ServicePrincipal"
        assert roles[f"caller-{name}"]["principalId"] == "object"
        assert roles[f"caller-{name}"]["principalType"] == "ServicePrincipal"
    assert {"caller-storage-blob-data-contributor"} <= program.waits_for("dataset")


TEAM, SOMEBODY = "11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555"


def named(config: dict[str, Any]) -> None:
    config["finetune-phi:storage"] = {"sharedKeys": False, "deployers": {TEAM: "Group", SOMEBODY: "User"}}


def named_and_github(config: dict[str, Any]) -> None:
    named(config)
    config["finetune-phi:github"] = {"repository": "someone/finetune-phi", "environment": "local"}


def roles_of(program: Program) -> dict[str, Any]:
    return {found.name: found.inputs for found in program.of_type("RoleAssignment")}


def test_the_roles_of_those_who_deploy_are_the_same_whoever_does(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    roles = roles_of(run(change=named_and_github))
    wanted = {
        f"{who}-{role}": (id_, kind)
        for who, id_, kind in (
            (TEAM, TEAM, "Group"),
            (SOMEBODY, SOMEBODY, "User"),
            ("github", "principal", "ServicePrincipal"),
        )
        for role in ("storage-blob-data-contributor", "storage-file-data-privileged-contributor")
    }
    assert {name: (roles[name]["principalId"], roles[name]["principalType"]) for name in wanted} == wanted
    assert not any(name.startswith("caller-") for name in roles)
    assert len({role["roleAssignmentName"] for role in roles.values()}) == len(roles)

    nobody_named = roles_of(run(change=keyless))  # kept, so asked for before the caller is another
    # Another caller, and a person instead of an application.
    monkeypatch.setattr(Azure, "claims", {"scp": "user_impersonation"})
    monkeypatch.setattr(Azure, "caller", "somebody-else")
    assert roles_of(run(change=lambda config: named_and_github(config))) == roles
    assert roles_of(run(change=lambda config: keyless(config))) != nobody_named


def test_the_data_wait_for_the_roles_of_all_who_deploy(run: Run) -> None:
    who = (TEAM, SOMEBODY, "github")
    assert {f"{one}-storage-blob-data-contributor" for one in who} <= run(change=named_and_github).waits_for("dataset")


def test_who_is_named_keeps_the_role_that_followed_the_caller(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure refuses a second assignment of the same role, scope and principal."""
    monkeypatch.setattr(Azure, "caller", SOMEBODY)
    before = run(change=lambda config: keyless(config))
    after = run(change=lambda config: named(config))
    role = "storage-blob-data-contributor"
    kept = after.resources[f"{SOMEBODY}-{role}"]
    assert kept.inputs["roleAssignmentName"] == before.resources[f"caller-{role}"].inputs["roleAssignmentName"]
    aliases = {name: {alias.spec.name for alias in after.resources[name].request.aliases} for name in roles_of(after)}
    assert f"caller-{role}" in aliases[f"{SOMEBODY}-{role}"]
    assert f"caller-{role}" not in aliases[f"{TEAM}-{role}"]


def test_a_person_who_runs_the_program_is_a_user(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Azure, "claims", {"scp": "user_impersonation"})
    answer, audiences = Azure.call, set[str]()

    def call(self: Azure, args: Any) -> Any:
        audiences.add(args.args.get("endpoint", ""))
        return answer(self, args)

    monkeypatch.setattr(Azure, "call", call)
    caller = run(change=lambda config: keyless(config)).resources["caller-storage-blob-data-contributor"]
    assert caller.inputs["principalType"] == "User"
    assert audiences - {""} == {"https://management.azure.com"}


def test_with_keys_nobody_gets_more_than_the_tutorials_roles(run: Run) -> None:
    local = run()
    assert len(local.of_type("RoleAssignment")) == 4
    assert local.resources["storage"].inputs["allowSharedKeyAccess"] is True
    assert "systemDatastoresAuthMode" not in local.resources["workspace"].inputs


def test_the_identity_may_be_kept_to_the_workspace(run: Run, prod: Program) -> None:
    assert prod.resources["contributor"].inputs["scope"] == "/id/workspace"
    names = [run(stack).resources["contributor"].inputs["roleAssignmentName"] for stack in ("dev", "prod")]
    assert len(set(names)) == 2


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


def test_logs_and_metrics_go_to_log_analytics(run: Run) -> None:
    settings = {found.name: found.inputs for found in run().of_type("DiagnosticSetting")}
    watched = {"workspace": "/id/workspace", "endpoint": "/id/endpoint", "vault": "/id/key-vault"}
    assert {name.removesuffix("-diagnostics"): each["resourceUri"] for name, each in settings.items()} == watched
    assert {each["workspaceId"] for each in settings.values()} == {"/id/log-analytics"}
    for each in settings.values():
        assert each["metrics"] == [{"category": "AllMetrics", "enabled": True}]
        assert all(log["enabled"] and len(log) == 2 for log in each["logs"])
    assert {log["category"] for log in settings["endpoint-diagnostics"]["logs"]} == {
        "AmlOnlineEndpointTrafficLog",
        "AmlOnlineEndpointConsoleLog",
        "AmlOnlineEndpointEventLog",
    }


def test_alerts_on_errors_and_latency_send_an_e_mail(prod: Program) -> None:
    group = prod.resources["recipients"].inputs
    assert [each["emailAddress"] for each in group["emailReceivers"]] == ["ml-platform@example.com"]
    assert len(group["groupShortName"]) <= 12
    alerts = {found.name: found.inputs for found in prod.of_type("MetricAlert")}
    for alert in alerts.values():
        assert (alert["location"], alert["scopes"]) == ("global", ["/id/endpoint"])
        assert alert["actions"] == [{"actionGroupId": "/id/recipients"}]
        assert alert["criteria"]["odataType"] == "Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria"
        assert (alert["evaluationFrequency"], alert["windowSize"]) == ("PT1M", "PT5M")
        assert (alert["location"], alert["autoMitigate"], alert["enabled"]) == ("global", True, True)
        assert alert["targetResourceType"] == "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
        (criterion,) = alert["criteria"]["allOf"]
        assert criterion["metricNamespace"] == "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
        assert criterion["criterionType"] == "StaticThresholdCriterion"
        assert (criterion["operator"], criterion["timeAggregation"]) == ("GreaterThan", "Average")
    assert {name: alert["severity"] for name, alert in alerts.items()} == {
        "error-alert": 1,
        "model-alert": 1,
        "latency-alert": 2,
    }
    (errors,) = alerts["error-alert"]["criteria"]["allOf"]
    assert (errors["metricName"], errors["dimensions"]) == (
        "RequestsPerMinute",
        [{"name": "statusCodeClass", "operator": "Include", "values": ["5xx"]}],
    )
    (raised,) = alerts["model-alert"]["criteria"]["allOf"]
    assert raised["dimensions"] == [
        {"name": "modelStatusCode", "operator": "Include", "values": ["500", "501", "502", "503", "504", "507"]}
    ]
    assert (raised["metricName"], raised["threshold"]) == ("RequestsPerMinute", 0)
    (slow,) = alerts["latency-alert"]["criteria"]["allOf"]
    assert (slow["metricName"], slow["threshold"]) == ("RequestLatency_P95", 60_000)


def test_the_budget_begins_once_and_tells_somebody(prod: Program) -> None:
    budget = prod.resources["budget"]
    assert (budget.inputs["amount"], budget.inputs["scope"]) == (8000, "/id/resource-group")
    assert budget.inputs["timePeriod"]["startDate"].endswith("-01T00:00:00Z")
    assert list(budget.request.ignoreChanges) == ["timePeriod"]
    assert (budget.inputs["category"], budget.inputs["timeGrain"]) == ("Cost", "Monthly")
    notice = {
        "enabled": True,
        "operator": "GreaterThanOrEqualTo",
        "contactEmails": ["ml-platform@example.com"],
    }
    assert budget.inputs["notifications"] == {
        "actual80": {**notice, "thresholdType": "Actual", "threshold": 80},
        "actual100": {**notice, "thresholdType": "Actual", "threshold": 100},
        "forecast100": {**notice, "thresholdType": "Forecasted", "threshold": 100},
    }


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


def live(**changed: Any) -> str:
    endpoint = {
        "id": "/id/endpoint",
        "name": "endpoint",
        "location": "eastus2",
        "tags": TAGS,
        "properties": {
            "authMode": "Key",
            "publicNetworkAccess": "Enabled",
            "traffic": {"m1": 90, "m2": 10},
            "provisioningState": "Succeeded",
        },
    }
    endpoint["properties"] |= changed
    return json.dumps(endpoint)


def test_the_live_traffic_is_no_reason_to_update_the_endpoint(run: Run) -> None:
    endpoint = run(live=live()).resources["endpoint"]
    assert endpoint.inputs == run().resources["endpoint"].inputs
    released = {"properties.traffic", "properties.mirrorTraffic"}
    told = {'tags["finetune-phi-paused"]', 'tags["finetune-phi-served"]'}
    ignored = released | told | {"properties.properties", "properties.description", "azureApiVersion"}
    assert set(endpoint.request.ignoreChanges) == ignored


def test_an_update_of_the_endpoint_carries_the_live_traffic(run: Run) -> None:
    endpoint = run(change=owned, live=live()).resources["endpoint"]
    assert endpoint.inputs["tags"] == {"owner": "me", **TAGS}
    assert endpoint.inputs["properties"]["traffic"] == {"m1": 90, "m2": 10}
    assert "properties.traffic" not in endpoint.request.ignoreChanges


def test_what_a_pause_has_written_is_no_update_of_the_endpoint_and_is_carried_by_one(run: Run) -> None:
    said = {"finetune-phi-paused": '{"version":"7"}', "finetune-phi-served": "{}"}
    paused = json.dumps(json.loads(live(traffic={})) | {"tags": {**TAGS, **said}})
    assert run(live=paused).resources["endpoint"].inputs == run().resources["endpoint"].inputs
    endpoint = run(change=owned, live=paused).resources["endpoint"]
    assert endpoint.inputs["tags"] == {"owner": "me", **TAGS, **said}
    assert not {each for each in endpoint.request.ignoreChanges if each.startswith("tags")}


def test_an_endpoint_whose_update_failed_is_updated_with_the_live_traffic(run: Run) -> None:
    """It may have the new tags already, so that only the state knows of a difference."""
    endpoint = run(live=live(provisioningState="Failed")).resources["endpoint"]
    assert endpoint.inputs["properties"]["traffic"] == {"m1": 90, "m2": 10}
    assert "properties.traffic" not in endpoint.request.ignoreChanges


def test_an_endpoint_that_never_came_to_life_is_updated_even_if_the_state_knows_of_no_failure(run: Run) -> None:
    """The hook before the update deletes it, so that the update makes it anew."""
    endpoint = run(live=live(provisioningState="Failed", traffic={})).resources["endpoint"]
    assert endpoint.inputs["properties"]["description"].startswith("In place of the one of ")
    assert set(endpoint.request.ignoreChanges) == {"properties.properties", "azureApiVersion"}


def governed(config: dict[str, Any]) -> None:
    config["finetune-phi:tagsFromElsewhere"] = ["costCenter", "cost centre"]


def test_tags_from_elsewhere_are_left_alone_on_everything_that_has_tags(run: Run) -> None:
    found = [each for each in run(change=governed).resources.values() if "tags" in each.inputs]
    assert len(found) > 10
    for each in found:
        assert {'tags["costCenter"]', 'tags["cost centre"]'} <= set(each.request.ignoreChanges), each.name
        assert not {"costCenter", "cost centre"} & set(each.inputs["tags"])


def test_tags_from_elsewhere_are_no_update_of_the_endpoint(run: Run) -> None:
    tagged = json.loads(live()) | {"tags": {**TAGS, "CostCenter": "research"}}
    for change, carried in ((governed, None), (None, {"m1": 90, "m2": 10})):
        endpoint = run(change=change, live=json.dumps(tagged)).resources["endpoint"]
        assert endpoint.inputs["properties"].get("traffic") == carried


def test_what_would_reset_the_traffic_is_asked_before_every_update(run: Run) -> None:
    hooks = run().resources["endpoint"].request.hooks
    assert (hooks.before_update, hooks.before_create, hooks.before_delete) == (["traffic"], [], [])


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
