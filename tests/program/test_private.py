"""What a stack declares that answers by private endpoints alone (`network: private`)."""

from __future__ import annotations

from typing import Any

import pytest

from settings.estate.zones import ALL_ZONES, ZONES
from tests.program.conftest import SUBSCRIPTION, Program, Run

NETWORK = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-net/providers/Microsoft.Network/virtualNetworks/vnet-corp"
SUBNET = f"{NETWORK}/subnets/snet-phi"
HUB_ZONES = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-dns"
CLOSED = {
    "workspace": "publicNetworkAccess",
    "hub": "publicNetworkAccess",
    "storage": "publicNetworkAccess",
    "container-registry": "publicNetworkAccess",
    "key-vault": "properties.publicNetworkAccess",
    "ai-services": "properties.publicNetworkAccess",
    "endpoint": "properties.publicNetworkAccess",
}
APPROVER = "azure-ai-enterprise-network-connection-approver"


def private(config: dict[str, Any]) -> None:
    config["finetune-phi:network"] = "private"
    config["finetune-phi:privateEndpoints"] = {"subnet": SUBNET}


def with_zones(config: dict[str, Any]) -> None:
    private(config)
    config["finetune-phi:privateEndpoints"]["zones"] = HUB_ZONES


def elsewhere(config: dict[str, Any]) -> None:
    private(config)
    config["finetune-phi:privateEndpoints"]["zones"] = "elsewhere"


def approved(config: dict[str, Any]) -> None:
    config["finetune-phi:network"] = "managed"
    config["finetune-phi:outbound"] = {"to": "approved", "hosts": ["pypi.org", "*.pythonhosted.org"]}


def without_roles(config: dict[str, Any]) -> None:
    private(config)
    config["finetune-phi:identity"] = {**config["finetune-phi:identity"], "assignRoles": False}


@pytest.fixture
def program(run: Run) -> Program:
    return run(change=private)


def at(inputs: Any, path: str) -> Any:
    for part in path.split("."):
        inputs = inputs[part]
    return inputs


def test_nothing_that_the_stack_makes_answers_the_internet(program: Program) -> None:
    assert {name: at(program.resources[name].inputs, path) for name, path in CLOSED.items()} == dict.fromkeys(
        CLOSED, "Disabled"
    )
    assert program.resources["storage"].inputs["networkRuleSet"] == {"defaultAction": "Deny", "bypass": "AzureServices"}
    acls = program.resources["key-vault"].inputs["properties"]["networkAcls"]
    assert acls == {"defaultAction": "Deny", "bypass": "AzureServices"}
    registry = program.resources["container-registry"].inputs
    assert registry["sku"] == {"name": "Premium"} and registry["networkRuleBypassOptions"] == "AzureServices"
    # A registry that is closed builds no images.
    assert program.resources["workspace"].inputs["imageBuildCompute"] == "gpu-cluster"


def test_each_part_has_an_endpoint_in_the_subnet_and_a_name_in_its_zones(program: Program) -> None:
    endpoints = {each.name: each.inputs for each in program.of_type(":PrivateEndpoint")}
    leads = {
        name: (each["privateLinkServiceConnections"][0]["privateLinkServiceId"],
               *each["privateLinkServiceConnections"][0]["groupIds"])
        for name, each in endpoints.items()
    }  # fmt: skip
    assert leads == {
        "workspace-endpoint": ("/id/workspace", "amlworkspace"),
        "hub-endpoint": ("/id/hub", "amlworkspace"),
        "storage-blob-endpoint": ("/id/storage", "blob"),
        "storage-file-endpoint": ("/id/storage", "file"),
        "vault-endpoint": ("/id/key-vault", "vault"),
        "registry-endpoint": ("/id/container-registry", "registry"),
        "ai-services-endpoint": ("/id/ai-services", "account"),
    }
    assert {each["subnet"]["id"] for each in endpoints.values()} == {SUBNET}
    assert len({each["privateEndpointName"] for each in endpoints.values()}) == len(ZONES)
    named = {
        each.name: [config["privateDnsZoneId"] for config in each.inputs["privateDnsZoneConfigs"]]
        for each in program.of_type(":PrivateDnsZoneGroup")
    }
    of_a_workspace = ["/id/zone-api-azureml-ms", "/id/zone-notebooks-azure-net"]
    assert named == {
        "workspace-names": of_a_workspace,
        "hub-names": of_a_workspace,
        "storage-blob-names": ["/id/zone-blob-core-windows-net"],
        "storage-file-names": ["/id/zone-file-core-windows-net"],
        "vault-names": ["/id/zone-vaultcore-azure-net"],
        "registry-names": ["/id/zone-azurecr-io"],
        "ai-services-names": [
            "/id/zone-cognitiveservices-azure-com",
            "/id/zone-openai-azure-com",
            "/id/zone-services-ai-azure-com",
        ],
    }
    zones = {each.inputs["privateZoneName"] for each in program.of_type(":PrivateZone")}
    assert zones == set(ALL_ZONES)
    links = program.of_type(":VirtualNetworkLink")
    assert len(links) == len(ALL_ZONES)
    assert {each.inputs["virtualNetwork"]["id"] for each in links} == {NETWORK}


def test_who_uploads_and_asks_waits_until_this_machine_has_found_the_way(program: Program) -> None:
    for stage in ("dataset", "release", "flow"):
        assert "reach" in program.waits_for(stage), stage
    needed = program.waits_for("reach")
    assert {each.name for each in program.of_type(":PrivateDnsZoneGroup")} <= needed
    assert {each.name for each in program.of_type(":VirtualNetworkLink")} <= needed
    asked = program.resources["preflight"].inputs["input"]
    assert asked["private"] == {"subnet": SUBNET, "network": NETWORK, "zones": ""}
    assert asked["namespaces"] == ["Microsoft.Network"]


def test_the_managed_network_is_provisioned_when_its_workspace_may_approve_and_before_anything_runs(
    program: Program,
) -> None:
    for name in ("workspace", "hub"):
        assert "provisionNetworkNow" not in program.resources[name].inputs
        role = program.resources[f"{name}-{APPROVER}"].inputs
        assert role["principalId"] == f"principal-of-{name}"
        assert role["scope"].endswith("/resourceGroups/rg-phi-local-" + role["scope"].rsplit("-", 1)[1])
        assert f"{name}-{APPROVER}" in program.waits_for(f"{name}-network")
        assert {"storage", "key-vault", "container-registry"} <= program.waits_for(f"{name}-network")
    assert "workspace-network" in program.waits_for("cluster")
    assert "workspace-network" in program.waits_for("release")


def test_zones_of_others_are_named_and_none_is_made(run: Run) -> None:
    program = run(change=with_zones)
    assert not program.of_type(":PrivateZone") + program.of_type(":VirtualNetworkLink")
    (config,) = program.resources["storage-blob-names"].inputs["privateDnsZoneConfigs"]
    zone = f"{HUB_ZONES}/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
    assert config["privateDnsZoneId"] == zone


def test_with_dns_of_ones_own_there_are_endpoints_alone(run: Run) -> None:
    program = run(change=elsewhere)
    assert len(program.of_type(":PrivateEndpoint")) == len(ZONES)
    assert not program.of_type(":PrivateDnsZoneGroup") + program.of_type(":PrivateZone")
    assert "storage-blob-endpoint" in program.waits_for("reach")


def test_what_is_somebody_elses_gets_no_endpoint_of_ours(run: Run) -> None:
    vault = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-shared/providers/Microsoft.KeyVault/vaults/kv-shared"

    def given(config: dict[str, Any]) -> None:
        private(config)
        config["finetune-phi:existing"] = {"vault": vault}

    program = run(change=given)
    assert "vault-endpoint" not in program.resources
    # The managed network leads there all the same, which the workspace has to be allowed to approve.
    assert program.resources[f"workspace-{APPROVER}-vault"].inputs["scope"] == vault


def test_where_others_grant_roles_the_stage_says_which_are_missing(run: Run) -> None:
    program = run(change=without_roles)
    assert not [name for name in program.resources if APPROVER in name]
    (grant,) = program.resources["workspace-network"].inputs["input"]["grants"]
    assert grant["role"] == "AZURE_AI_ENTERPRISE_NETWORK_CONNECTION_APPROVER"


def test_approved_outbound_names_each_host(run: Run) -> None:
    program = run(change=approved)
    rule = {"type": "FQDN", "category": "UserDefined"}
    for name in ("workspace", "hub"):
        assert program.resources[name].inputs["managedNetwork"] == {
            "isolationMode": "AllowOnlyApprovedOutbound",
            "outboundRules": {
                "pypi-org": {**rule, "destination": "pypi.org"},
                "all-pythonhosted-org": {**rule, "destination": "*.pythonhosted.org"},
            },
            "enableNetworkMonitor": False,
        }
        assert f"{name}-network" in program.resources
    assert not program.of_type(":PrivateEndpoint")
    assert program.resources["storage"].inputs.get("publicNetworkAccess") is None


def test_without_it_nothing_of_it_is_sent(run: Run) -> None:
    program = run("prod")
    assert not program.of_type(":PrivateEndpoint")
    assert not {"publicNetworkAccess", "networkRuleSet"} & program.resources["storage"].inputs.keys()
    # The SDK's own default, which it has always sent.
    assert program.resources["container-registry"].inputs["publicNetworkAccess"] == "Enabled"
    assert program.resources["workspace"].inputs["provisionNetworkNow"] is True
    assert not {"reach", "workspace-network", "hub-network"} & program.resources.keys()
    assert "private" not in program.resources["preflight"].inputs["input"]
