"""Private endpoints and the stages of their network, each with all that is declared of it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from cloud.place import Place
from infra.locked import provisioning
from settings.stack import parse
from tests.program.conftest import SUBSCRIPTION, Program, Run
from tests.program.test_private import APPROVER, NETWORK, SUBNET, private


@pytest.fixture
def program(run: Run) -> Program:
    return run(change=private)


GROUP = "rg-phi-local-6lik4z"
OURS = {"resourceGroupName": GROUP, "tags": {"stack": "local", "project": "finetune-phi"}}
GROUP_ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}"


def test_an_endpoint_with_its_name_zone_and_link_is_declared_so(program: Program) -> None:
    name, zone = "pep-stphilocal6lik4z-blob", "privatelink.blob.core.windows.net"
    endpoint = program.resources["storage-blob-endpoint"].inputs
    assert endpoint == {
        **OURS,
        "location": "eastus2",
        "privateEndpointName": name,
        "subnet": {
            "id": SUBNET,
            # The SDK's own defaults; Azure looks at the id alone.
            "privateEndpointNetworkPolicies": "Disabled",
            "privateLinkServiceNetworkPolicies": "Enabled",
        },
        "privateLinkServiceConnections": [{"name": name, "privateLinkServiceId": "/id/storage", "groupIds": ["blob"]}],
    }
    assert program.resources["storage-blob-names"].inputs == {
        "resourceGroupName": GROUP,
        "privateDnsZoneGroupName": "default",
        "privateEndpointName": name,
        "privateDnsZoneConfigs": [
            {"name": "privatelink-blob-core-windows-net", "privateDnsZoneId": "/id/zone-blob-core-windows-net"}
        ],
    }
    assert "link-blob-core-windows-net" in program.waits_for("storage-blob-names")
    assert program.resources["zone-blob-core-windows-net"].inputs == {
        **OURS, "location": "global", "privateZoneName": zone
    }  # fmt: skip
    assert program.resources["link-blob-core-windows-net"].inputs == {
        **OURS,
        "location": "global",
        "privateZoneName": zone,
        "virtualNetworkLinkName": "to-vnet-corp",
        "registrationEnabled": False,
        "virtualNetwork": {"id": NETWORK},
    }


def test_the_stages_of_the_network_have_what_they_work_on(program: Program) -> None:
    inputs = {
        name: dict(program.resources[name].inputs["input"]) for name in ("reach", "workspace-network", "hub-network")
    }
    assert len({each.pop("fingerprint") for each in inputs.values()}) == 3
    approves = {"role": "AZURE_AI_ENTERPRISE_NETWORK_CONNECTION_APPROVER", "scope": GROUP_ID}
    grants = [{**approves, "identity": "", "principal": "", "kind": "ServicePrincipal"}]
    made = "2026-01-01T00:00:00.123Z"

    def target(workspace: str) -> dict[str, str]:
        return {"subscription_id": SUBSCRIPTION, "resource_group": GROUP, "workspace": workspace}

    ours, hub = target("mlw-phi-local-6lik4z"), target("hub-phi-local-6lik4z")
    of_workspace = {"stack": "local", "target": ours, "workspace_id": f"guid-of-workspace-{made}"}
    assert inputs == {
        "reach": {**of_workspace, "subnet": SUBNET},
        "workspace-network": {**of_workspace, "grants": grants},
        "hub-network": {"stack": "local", "target": hub, "workspace_id": f"guid-of-hub-{made}", "grants": grants},
    }
    role = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions"
    assert program.resources[f"workspace-{APPROVER}"].inputs == {
        "roleAssignmentName": "41fe70dd-aff3-596d-8b82-3d74bca399e2",
        "roleDefinitionId": f"{role}/b556d68e-0be0-4f35-a333-ad7ee1ce17ea",
        "scope": GROUP_ID,
        "principalId": "principal-of-workspace",
        "principalType": "ServicePrincipal",
    }


THEIRS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-shared"
VAULT = f"{THEIRS}/providers/Microsoft.KeyVault/vaults/kv-shared"


@pytest.mark.parametrize(
    ("of", "existing", "expected"),
    [
        ("workspace", {}, {"": "{group}"}),
        ("workspace", {"vault": VAULT}, {"": "{group}", "vault": VAULT}),
        (
            "workspace",
            {"group": THEIRS, "vault": VAULT},
            {"storage": "{storage}", "vault": VAULT, "registry": "{registry}", "own": "{own}"},
        ),
        (
            "hub",
            {"group": THEIRS},
            {
                "storage": "{storage}",
                "vault": "{vault}",
                "registry": "{registry}",
                "own": "{own}",
                "ai-services": "{ai}",
            },
        ),
    ],
)
def test_a_network_is_approved_on_what_it_leads_to(of: str, existing: dict[str, str], expected: dict[str, str]) -> None:
    config = {"finetune-phi:purgeOnDestroy": False, "finetune-phi:existing": existing}
    place = Place.of(parse(config, "local"), "local", SUBSCRIPTION)
    names = place.names
    target = place.workspace if of == "workspace" else replace(place.workspace, workspace=names.hub)
    args: Any = SimpleNamespace(of=of, place=place, target=target)
    providers = f"{THEIRS}/providers"
    ids = {
        "group": place.group_id,
        "storage": f"{providers}/Microsoft.Storage/storageAccounts/{names.storage_account}",
        "vault": f"{providers}/Microsoft.KeyVault/vaults/{names.key_vault}",
        "registry": f"{providers}/Microsoft.ContainerRegistry/registries/{names.container_registry}",
        "ai": f"{providers}/Microsoft.CognitiveServices/accounts/{names.ai_services}",
        "own": f"{providers}/Microsoft.MachineLearningServices/workspaces/{getattr(names, of)}",
    }
    assert dict(provisioning._scopes(args)) == {key: each.format(**ids) for key, each in expected.items()}
