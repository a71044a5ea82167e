"""What a stack declares that is locked down: no keys, Azure's keys replaced by one's own, no way in from outside."""

from __future__ import annotations

from typing import Any

from pulumi.runtime import rpc

from tests.program.conftest import SUBSCRIPTION, Run


def without_keys(config: dict[str, Any]) -> None:
    config["finetune-phi:localAuth"] = False
    config["finetune-phi:storage"].pop("sharedKeys")


def test_without_keys_entra_id_alone_opens_anything(run: Run) -> None:
    program = run(change=without_keys)
    assert program.resources["storage"].inputs["allowSharedKeyAccess"] is False
    assert program.resources["ai-services"].inputs["properties"]["disableLocalAuth"] is True
    assert program.resources["cluster"].inputs["properties"]["disableLocalAuth"] is True
    assert program.resources["endpoint"].inputs["properties"]["authMode"] == "AADToken"
    assert {"workspace", "hub"} == {
        name for name, each in program.resources.items() if each.inputs.get("systemDatastoresAuthMode") == "Identity"
    }


def test_without_keys_the_connection_says_so_and_no_key_is_asked_for(run: Run) -> None:
    properties = rpc.unwrap_rpc_secret(run(change=without_keys).resources["endpoint-connection"].inputs["properties"])
    assert properties["metadata"]["auth"] == "entra"
    assert rpc.unwrap_rpc_secret(properties["credentials"])["keys"] == {"key": "none"}


def test_with_keys_nothing_of_it_is_sent(run: Run) -> None:
    program = run()
    assert "disableLocalAuth" not in program.resources["ai-services"].inputs["properties"]
    assert "disableLocalAuth" not in program.resources["cluster"].inputs["properties"]
    assert program.resources["endpoint"].inputs["properties"]["authMode"] == "Key"
    properties = rpc.unwrap_rpc_secret(program.resources["endpoint-connection"].inputs["properties"])
    assert "auth" not in properties["metadata"]


GROUP = "/subscriptions/00000000-1111-2222-3333-444444444444/resourceGroups/rg-keys/providers"
VAULT = f"{GROUP}/Microsoft.KeyVault/vaults/kv-keys"
IDENTITY = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/id-keys"
KEY = "https://kv-keys.vault.azure.net/keys/cmk"
VERSION = "0123456789abcdef0123456789abcdef"


def with_own_key(config: dict[str, Any]) -> None:
    config["finetune-phi:encryption"] = {"key": f"{KEY}/{VERSION}", "vault": VAULT, "infrastructure": True}
    config["finetune-phi:highBusinessImpact"] = True


def with_own_key_and_identity(config: dict[str, Any]) -> None:
    config["finetune-phi:encryption"] = {"key": f"{KEY}/{VERSION}", "vault": VAULT, "identity": IDENTITY}


def test_all_that_can_lies_under_a_key_of_ones_own(run: Run) -> None:
    program = run(change=with_own_key)
    ours = "/id/key-identity"
    assert program.resources["storage"].inputs["encryption"] == {
        "keySource": "Microsoft.Keyvault",
        "keyVaultProperties": {"keyName": "cmk", "keyVaultUri": "https://kv-keys.vault.azure.net/"},
        "encryptionIdentity": {"encryptionUserAssignedIdentity": ours},
        "requireInfrastructureEncryption": True,
    }
    acts_as = {"type": "UserAssigned", "userAssignedIdentities": [ours]}
    assert program.resources["storage"].inputs["identity"] == acts_as
    registry = program.resources["container-registry"].inputs
    assert registry["sku"] == {"name": "Premium"}
    assert registry["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {ours: {}}}
    assert registry["encryption"]["status"] == "enabled"
    assert registry["encryption"]["keyVaultProperties"] == {"keyIdentifier": KEY, "identity": "client"}
    account = program.resources["ai-services"].inputs
    assert account["identity"] == {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": [ours]}
    assert account["properties"]["encryption"]["keySource"] == "Microsoft.KeyVault"
    assert account["properties"]["encryption"]["keyVaultProperties"] == {
        "keyName": "cmk",
        "keyVersion": VERSION,
        "keyVaultUri": "https://kv-keys.vault.azure.net/",
        "identityClientId": "client",
    }
    for name in ("workspace", "hub"):
        inputs = program.resources[name].inputs
        assert inputs["encryption"] == {
            "status": "Enabled",
            "identity": {"userAssignedIdentity": ours},
            "keyVaultProperties": {"keyIdentifier": f"{KEY}/{VERSION}", "keyVaultArmId": VAULT},
        }
        assert inputs["identity"] == {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": [ours]}
        # Else Azure keeps the metadata in a Cosmos DB and a search service of its own, which the stack pays.
        assert inputs["enableServiceSideCMKEncryption"] is True
        assert inputs["hbiWorkspace"] is True
    assert "encryption" not in program.resources["project"].inputs


def test_the_identity_of_the_key_may_use_it_before_anything_lies_under_it(run: Run) -> None:
    program = run(change=with_own_key)
    role = "key-identity-key-vault-crypto-service-encryption-user"
    definitions = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions"
    assert program.resources[role].inputs == {
        "roleAssignmentName": "6a078c43-003d-5f60-aea2-f999888e28d9",
        "roleDefinitionId": f"{definitions}/e147488a-f6f5-4113-8e2d-b22465e65bf6",
        "scope": VAULT,
        "principalId": "principal",
        "principalType": "ServicePrincipal",
    }
    assert program.resources["key-identity"].inputs == {
        "resourceName": "id-phi-local-key",
        "resourceGroupName": "rg-phi-local-6lik4z",
        "location": "eastus2",
        "tags": {"stack": "local", "project": "finetune-phi"},
    }
    for name in ("storage", "container-registry", "ai-services", "workspace", "hub"):
        assert role in program.waits_for(name), name


def test_an_identity_that_is_given_is_read_and_granted_nothing(run: Run) -> None:
    program = run(change=with_own_key_and_identity)
    assert program.read == {"existing-key-identity": IDENTITY}
    assert not [name for name in program.resources if name.startswith("key-identity")]
    assert program.resources["storage"].inputs["identity"]["userAssignedIdentities"] == [IDENTITY]
    assert program.resources["preflight"].inputs["input"]["own_key"]["identity"] == IDENTITY


def test_under_microsofts_keys_nothing_of_it_is_sent(run: Run) -> None:
    program = run()
    assert {name for name, each in program.resources.items() if "encryption" in each.inputs} == set()
    assert program.resources["workspace"].inputs["identity"] == {"type": "SystemAssigned"}
    assert not {"hbiWorkspace", "enableServiceSideCMKEncryption"} & program.resources["workspace"].inputs.keys()
    assert "own_key" not in program.resources["preflight"].inputs["input"]
