"""The preflight on names that are taken, things of somebody else, and a key of one's own."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from preflight_asked import ACCOUNTS, GROUP, SPEC, VAULT, S, found, only

from jobs.preflight.findings import State
from tests.unit.arm_fake import ArmFake


def test_a_soft_deleted_vault(arm: ArmFake) -> None:
    arm.get(VAULT, {"properties": {"scheduledPurgeDate": "2026-12-01T00:00:00Z"}})
    finding = only()
    assert (finding.state, finding.check) == (State.REFUSED, "soft-deleted vault")
    assert "until 2026-12-01" in finding.found and "python -m jobs purge --stack dev" in finding.fix
    arm.get(VAULT, {"properties": {"purgeProtectionEnabled": True}})
    assert "az keyvault recover" in only().fix and "jobs purge" not in only().fix


def test_a_soft_deleted_account(arm: ArmFake) -> None:
    arm.get(ACCOUNTS, {"value": [{"name": "another"}, {"name": "AI"}]})
    assert only().fix == "python -m jobs purge --stack dev"


TAKEN = {"nameAvailable": False, "reason": "AlreadyExists", "message": "The vault name 'kv' is already in use."}


def names_are(arm: ArmFake, **answers: dict[str, Any]) -> None:
    """What the providers say of the names that the settings choose; without an answer they are free."""
    calls = {
        "storage_account": ("Microsoft.Storage/checkNameAvailability", {"nameAvailable": True}),
        "key_vault": ("Microsoft.KeyVault/checkNameAvailability", {"nameAvailable": True}),
        "container_registry": ("Microsoft.ContainerRegistry/checkNameAvailability", {"nameAvailable": True}),
        "ai_services": ("Microsoft.CognitiveServices/checkDomainAvailability", {"isSubdomainAvailable": True}),
    }
    for attribute, (call, free) in calls.items():
        arm.then("POST", f"{S}/providers/{call}", (200, {}, answers.get(attribute, free)))


CHOSEN = {"storage_account": "st", "key_vault": "kv", "container_registry": "cr", "ai_services": "ai"}


def test_names_are_asked_about_where_the_settings_choose_them(arm: ArmFake) -> None:
    names_are(arm)
    assert found(dataclasses.replace(SPEC, unique_names=CHOSEN)) == []
    assert arm.bodies == [
        {"name": "st", "type": "Microsoft.Storage/storageAccounts"},
        {"name": "kv", "type": "Microsoft.KeyVault/vaults"},
        {"name": "cr", "type": "Microsoft.ContainerRegistry/registries"},
        {"subdomainName": "ai", "type": "Microsoft.CognitiveServices/accounts"},
    ]
    arm.bodies.clear()
    assert found(SPEC) == [] and arm.bodies == [], "names of the program's own have a suffix"


def test_names_that_somebody_else_has_are_refused_all_at_once(arm: ArmFake) -> None:
    names_are(arm, key_vault=TAKEN, ai_services={"isSubdomainAvailable": False, "reason": "it is used"})
    refused = found(dataclasses.replace(SPEC, unique_names=CHOSEN))
    assert {each.state for each in refused} == {State.REFUSED}
    assert [each.found for each in refused] == [
        "key vault kv: The vault name 'kv' is already in use.",
        "AI Services account ai: it is used",
    ]
    # What the stack has made itself is no obstacle to it.
    arm.get(f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv", {"name": "kv"})
    assert [each.found for each in found(dataclasses.replace(SPEC, unique_names=CHOSEN))] == [refused[1].found]


THEIRS = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/theirs"
STORAGE = f"{THEIRS}/providers/Microsoft.Storage/storageAccounts/st"
VAULT_ID = f"{THEIRS}/providers/Microsoft.KeyVault/vaults/kv"
GOOD = {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}, "location": "eastus2", "properties": {}}


@pytest.mark.parametrize(
    ("key", "there", "state", "said"),
    [
        ("storage", GOOD, None, ""),
        ("storage", None, State.REFUSED, "is not there, or you may not see it"),
        ("storage", {**GOOD, "location": "West Europe"}, State.WARNING, "is in westeurope, the stack in eastus2"),
        ("storage", {**GOOD, "sku": {"name": "Premium_LRS"}}, State.REFUSED, "cannot be a workspace's default storage"),
        ("storage", {**GOOD, "kind": "BlobStorage"}, State.REFUSED, "is BlobStorage Standard_LRS, which cannot be"),
        ("storage", {**GOOD, "properties": {"isHnsEnabled": True}}, State.REFUSED, "has a hierarchical namespace"),
        (
            "storage",
            {**GOOD, "properties": {"allowSharedKeyAccess": False}},
            State.REFUSED,
            "does not take its keys, and the stack counts on them",
        ),
        (
            "storage",
            {**GOOD, "properties": {"publicNetworkAccess": "Disabled"}},
            State.REFUSED,
            "answers to nobody outside its network",
        ),
        ("vault", {"location": "eastus2", "properties": {"enableRbacAuthorization": True}}, None, ""),
        ("vault", {"location": "eastus2", "properties": {}}, State.WARNING, "grants by access policies"),
        ("group", {"location": "westeurope"}, State.REFUSED, "is in another subscription than the stack, s"),
    ],
)
def test_what_somebody_else_has_made_is_looked_at(
    arm: ArmFake, key: str, there: Any, state: State | None, said: str
) -> None:
    id_ = {"storage": STORAGE, "vault": VAULT_ID, "group": THEIRS}[key]
    if there is not None:
        arm.get(id_, there)
    spec = dataclasses.replace(SPEC, existing={key: id_}, shared_access=key == "storage")
    findings = found(spec)
    assert [each.state for each in findings] == ([state] if state else [])
    assert all(each.check == "existing" and id_ in each.found and said in each.found for each in findings)
    assert {method for method, _ in arm.sent} == {"GET"}, "it only reads"
