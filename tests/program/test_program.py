"""What the program declares, seen through Pulumi's mocks."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc

from cloud.place import Place
from data_prep import fingerprint
from jobs.specs import flow, specs
from settings.naming import Names
from settings.stack import load
from tests.program.conftest import KEY, ROOT, SUBSCRIPTION, Azure, Monitor, Program, Run

ML = "azure-native:machinelearningservices:"


@pytest.fixture
def local(run: Run) -> Program:
    return run()


def test_declares_what_the_tutorial_clicks_together(local: Program) -> None:
    kinds = sorted(found.type.split(":", 1)[1] for found in local.of_type("") if "azure-native" in found.type)
    assert kinds == sorted(
        [
            "resources:ResourceGroup",
            "operationalinsights:Workspace",
            "applicationinsights:Component",
            "storage:StorageAccount",
            "keyvault:Vault",
            "containerregistry:Registry",
            "managedidentity:UserAssignedIdentity",
            *["authorization:RoleAssignment"] * 4,
            *["machinelearningservices:Workspace"] * 3,
            "machinelearningservices:Compute",
            "machinelearningservices:OnlineEndpoint",
            *["machinelearningservices:WorkspaceConnection"] * 2,
            "cognitiveservices:Account",
            *["monitor:DiagnosticSetting"] * 3,
        ]
    )


def test_every_resource_belongs_to_a_component(local: Program) -> None:
    assert len(local.components) == 10
    orphans = [r.name for r in local.resources.values() if r.request.parent not in local.components]
    assert orphans == []


def test_everything_that_can_have_tags_has_them(run: Run) -> None:
    def owned(config: dict[str, Any]) -> None:
        config["finetune-phi:tags"] = {"owner": "me"}

    program = run(change=owned)
    tagless = ("RoleAssignment", "WorkspaceConnection", "DiagnosticSetting", "Budget")
    for found in program.resources.values():
        if "azure-native" in found.type and not found.type.endswith(tagless):
            assert found.inputs["tags"] == {"owner": "me", "project": "finetune-phi", "stack": "local"}, found.name


def test_every_name_is_given_and_the_same_each_time(run: Run) -> None:
    def names(program: Program) -> dict[str, str]:
        keys = ("Name", "Name_", "name")
        return {
            f"{found.name}.{key}": value
            for found in program.resources.values()
            for key, value in found.inputs.items()
            if key.endswith(keys) and isinstance(value, str)
        }

    first = names(run())
    assert first == names(run(change=lambda config: None))
    expected = Names.of("phi", "local", SUBSCRIPTION)
    assert first["key-vault.vaultName"] == expected.key_vault
    assert first["endpoint.endpointName"] == expected.endpoint
    assert not {value for key, value in first.items() if value in names(run("dev")).values()} & {
        expected.storage_account,
        expected.workspace,
    }


def test_security_of_the_foundation(local: Program) -> None:
    vault = local.resources["key-vault"].inputs["properties"]
    assert vault["enableRbacAuthorization"] is True
    assert "enablePurgeProtection" not in vault  # false is refused by Azure, true cannot be undone
    assert local.resources["container-registry"].inputs["adminUserEnabled"] is False
    assert local.resources["storage"].inputs["allowBlobPublicAccess"] is False


def test_roles_of_the_identity(local: Program) -> None:
    roles = {found.name: found.inputs for found in local.of_type("RoleAssignment")}
    assert {name: role["scope"] for name, role in roles.items()} == {
        "contributor": "/id/resource-group",
        "storage-blob-data-reader": "/id/storage",
        "acr-pull": "/id/container-registry",
        "azureml-metrics-writer": "/id/workspace",
    }
    assert {role["principalType"] for role in roles.values()} == {"ServicePrincipal"}
    assert {role["principalId"] for role in roles.values()} == {"principal"}
    assert len({role["roleAssignmentName"] for role in roles.values()}) == 4
    definitions = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/"
    assert {name: role["roleDefinitionId"].removeprefix(definitions) for name, role in roles.items()} == {
        "contributor": "b24988ac-6180-42a0-ab88-20f7382dd24c",
        "storage-blob-data-reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        "acr-pull": "7f951dda-4ed3-4680-a7ca-43fe172d538d",
        "azureml-metrics-writer": "635dd51f-9968-44d3-b7fb-6d9a6bd613ae",
    }


def test_the_cluster(local: Program) -> None:
    cluster = local.resources["cluster"]
    assert cluster.inputs["identity"] == {"type": "UserAssigned", "userAssignedIdentities": ["/id/identity"]}
    assert cluster.inputs["properties"]["computeType"] == "AmlCompute"
    machines = cluster.inputs["properties"]["properties"]
    assert (machines["vmSize"], machines["vmPriority"]) == ("STANDARD_NC24ADS_A100_V4", "Dedicated")
    scale = {"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": "PT120S"}
    assert machines["scaleSettings"] == scale


def test_the_endpoint_has_key_auth_and_the_identity(local: Program) -> None:
    endpoint = local.resources["endpoint"]
    assert endpoint.inputs["properties"] == {"authMode": "Key", "publicNetworkAccess": "Enabled"}
    assert endpoint.inputs["identity"]["userAssignedIdentities"] == ["/id/identity"]


def test_hub_and_project(local: Program) -> None:
    hub, project = local.resources["hub"].inputs, local.resources["project"].inputs
    assert (hub["kind"], project["kind"], project["hubResourceId"]) == ("Hub", "Project", "/id/hub")
    assert hub["identity"] == project["identity"] == {"type": "SystemAssigned"}
    assert hub["sku"] == project["sku"] == {"name": "Basic", "tier": "Basic"}
    connection = local.resources["ai-services-connection"].inputs
    assert connection["workspaceName"] == hub["workspaceName"]
    assert connection["properties"]["target"] == "https://ai-services/"
    assert connection["properties"]["metadata"]["ResourceId"] == "/id/ai-services"


def test_the_connection_holds_the_key_as_a_secret_only(local: Program) -> None:
    connection = local.resources["endpoint-connection"]
    properties = connection.inputs["properties"]
    # Nested secrets arrive as the secret-marked whole.
    assert rpc.is_rpc_secret(properties)
    opened = rpc.unwrap_rpc_secret(properties)
    assert opened["credentials"] == {"keys": {"key": KEY}}
    assert opened["target"] == opened["metadata"]["endpoint"] == "https://endpoint/score"
    assert opened["metadata"]["request_timeout_seconds"] == "90"
    assert opened["metadata"]["azureml.flow.connection_type"] == "Custom"
    assert opened["metadata"]["azureml.flow.module"] == "promptflow.connections"
    assert list(connection.request.additionalSecretOutputs) == ["properties"]
    others = {name: found.inputs for name, found in local.resources.items() if name != connection.name}
    assert KEY not in json.dumps([others, local.outputs], default=str)


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


@pytest.mark.parametrize("stack", ["local", "dev", "prod"])
def test_stages_record_their_specs(run: Run, stack: str) -> None:
    program = run(stack)
    settings = load(stack, ROOT)
    expected = specs(settings, Place.of(settings, stack, SUBSCRIPTION), fingerprint(Path("data")))
    for name in ("dataset", "finetune", "release"):
        spec = getattr(expected, name)
        recorded = program.resources[name].inputs["input"]
        assert {key: recorded[key] for key in spec.to_inputs()} == spec.to_inputs()
        # The tags go to the deployment alone: they decide nothing.
        assert type(spec).from_inputs(recorded) == (dataclasses.replace(spec, tags={}) if name == "release" else spec)
        assert recorded["fingerprint"] == type(spec).from_inputs(recorded).fingerprint
    assert program.resources["finetune"].request.hooks.before_create == ["finetune"]
    assert program.resources["finetune"].request.hooks.before_update == ["finetune"]
    assert not program.resources["finetune"].request.hooks.before_delete


def test_stages_record_which_workspace_and_endpoint_they_have_filled(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what Azure gives anew, as names, and so ids, are the same for the next one."""

    def recorded() -> dict[str, dict[str, Any]]:
        stages = run(change=lambda config: None).resources
        return {name: stages[name].inputs["input"] for name in ("dataset", "finetune", "release", "flow")}

    before = recorded()
    monkeypatch.setattr(Azure, "made", "2026-02-02T00:00:00.1Z")
    after = recorded()
    changed = {name: [key for key in before[name] if before[name][key] != after[name][key]] for name in before}
    assert changed == {
        "dataset": ["workspace_id"],
        "finetune": ["workspace_id"],
        "release": ["endpoint_created"],
        "flow": ["workspace_id"],
    }
    assert after["release"]["endpoint_created"] == "2026-02-02T00:00:00", "however many digits Azure tells"


def test_the_flow_waits_for_its_connection_and_for_no_other_stage(local: Program) -> None:
    assert "endpoint-connection" in local.waits_for("flow")
    assert not local.waits_for("flow") & {"dataset", "finetune", "release", "cluster"}
    spec = flow(Place.of(load("local", ROOT), "local", SUBSCRIPTION))
    assert local.resources["flow"].inputs["input"] == {
        **spec.to_inputs(),
        "workspace_id": f"guid-of-project-{Azure.made}",
    }
    assert local.resources["flow"].request.hooks.before_update == ["flow"]


def test_a_stack_can_do_without_the_flow(run: Run) -> None:
    def without(config: dict[str, Any]) -> None:
        config["finetune-phi:flow"] = {"publish": False}

    assert "flow" not in run(change=without).resources


def test_another_learning_rate_changes_finetune_and_release_only(run: Run) -> None:
    def faster(config: dict[str, Any]) -> None:
        config["finetune-phi:recipe"] = {**config["finetune-phi:recipe"], "learning_rate": 0.004}

    before, after = run().resources, run(change=faster).resources
    assert before.keys() == after.keys()
    changed = {name for name in before if before[name].inputs != after[name].inputs}
    assert changed == {"finetune", "release"}
    assert after["finetune"].inputs["input"]["recipe"]["learning_rate"] == 0.004


def test_outputs(local: Program) -> None:
    names = Names.of("phi", "local", SUBSCRIPTION)
    assert set(local.outputs) == {
        "subscriptionId",
        "resourceGroup",
        "workspace",
        "hub",
        "project",
        "endpoint",
        "connection",
        "scoringUri",
        "modelName",
        "modelVersion",
        "deployment",
        "baseDeployment",
        "frontEnd",
        "studioUrl",
        *("contractVersion", "groupId", "workspaceId", "hubId", "projectId", "endpointId", "identityId"),
        *("identityPrincipalId", "storageId", "vaultId", "registryId", "logsId"),
    }
    assert local.outputs["contractVersion"] == 1
    assert local.outputs["workspaceId"] == "/id/workspace"
    assert local.outputs["identityPrincipalId"] == "principal"
    assert local.outputs["endpoint"] == names.endpoint
    assert local.outputs["connection"] == names.connection
    assert local.outputs["baseDeployment"] == "base"
    assert local.outputs["deployment"].startswith("m")


def test_without_comparison_there_is_no_base_deployment(run: Run) -> None:
    assert run("dev").outputs["baseDeployment"] == ""


def test_missing_data_is_one_message(run: Run, project: Path) -> None:
    (project / "data" / "train_data.jsonl").unlink()
    with pytest.raises(pulumi.RunError, match="make data"):
        run(change=lambda config: None)


def test_bad_settings_are_one_message_before_any_resource(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def bad(config: dict[str, Any]) -> None:
        config["finetune-phi:recipe"] = {"learning_rate": 3, "learningRate": 1}

    monitors: list[Monitor] = []
    keep = Monitor.__init__
    monkeypatch.setattr(Monitor, "__init__", lambda self, *args: monitors.append(self) or keep(self, *args))
    with pytest.raises(pulumi.RunError) as raised:
        run(change=bad)
    assert [monitor.registered for monitor in monitors] == [{}]
    assert "finetune-phi:recipe.learning_rate = 3" in str(raised.value)
    assert "did you mean learning_rate?" in str(raised.value)
