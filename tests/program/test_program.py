"""What the program registers for a stack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import rpc

from settings.naming import Names
from tests.program.conftest import KEY, SUBSCRIPTION, Monitor, Program, Run


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
