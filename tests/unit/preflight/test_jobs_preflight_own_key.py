"""The preflight on a key of one's own."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from preflight_asked import GROUP, SPEC, WORKSPACE

from cloud.arm import Arm
from cloud.place import Place
from jobs.preflight.findings import Finding, State
from jobs.preflight.locked import own_key
from jobs.preflight.spec import OwnKey, PreflightSpec
from settings.stack import parse
from tests.unit.arm_fake import ArmFake

KEYS = "/subscriptions/00000000-1111-2222-3333-444444444444/resourceGroups/rg-keys/providers"
VAULT = f"{KEYS}/Microsoft.KeyVault/vaults/kv-keys"
SAFE = {"enablePurgeProtection": True, "enableRbacAuthorization": True}
IDENTITY = f"{KEYS}/Microsoft.ManagedIdentity/userAssignedIdentities/id-keys"
REGISTRY = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/cr"
KEY = OwnKey(key="https://x", name="cmk", vault=VAULT, identity=IDENTITY, registry=REGISTRY)
GIVEN = dataclasses.replace(SPEC, own_key=KEY)
MADE = dataclasses.replace(SPEC, own_key=dataclasses.replace(KEY, identity=""))
ASSIGNED = f"{VAULT}/providers/Microsoft.Authorization/roleAssignments"
ROLE = "/providers/Microsoft.Authorization/roleDefinitions/e147488a-f6f5-4113-8e2d-b22465e65bf6"
ANEW = "take encryption.key out, or give the stack another suffix: then all of it is made anew"
LATE = "is there already under Microsoft's key, and takes one of your own only when it is made"
GOOD = ("OK", "under https://x", "")


def vault(location: str = "eastus2", **properties: bool) -> dict[str, Any]:
    return {"location": location, "properties": properties}


def all_is_well(arm: ArmFake) -> None:
    arm.get(VAULT, {"name": "kv-keys", **vault(**SAFE)})
    arm.get(f"{VAULT}/keys/cmk", {"properties": {"attributes": {"enabled": True}}})
    arm.get(IDENTITY, {"properties": {"principalId": "them"}})
    assigned = {"principalId": "them", "roleDefinitionId": ROLE, "scope": VAULT}
    arm.get(ASSIGNED, {"value": [{"properties": assigned}]})


def asked(spec: PreflightSpec = GIVEN) -> list[tuple[str, str, str]]:
    found = own_key.usable(spec, Arm())
    assert {each.check for each in found} == {"encryption"}
    return [(each.state.name, each.found, each.fix) for each in found]


@pytest.mark.parametrize(
    ("spec", "path", "there", "expected"),
    [
        (GIVEN, VAULT, {"name": "kv-keys", **vault("East US 2", **SAFE)}, GOOD),
        (GIVEN, VAULT, {"properties": SAFE}, GOOD),
        (MADE, IDENTITY, None, GOOD),
        (MADE, ASSIGNED, {"value": []}, GOOD),
        (
            GIVEN, VAULT, None,
            ("REFUSED", f"{VAULT}: is not there, or you may not see it", f"az resource show --ids {VAULT}"),
        ),
        (
            GIVEN, VAULT, vault(enableRbacAuthorization=True),
            (
                "REFUSED", "vault kv-keys: has no purge protection, without which Azure encrypts nothing with its keys",
                "az keyvault update --name kv-keys --enable-purge-protection true",
            ),
        ),
        (
            GIVEN, VAULT, vault("West Europe", **SAFE),
            (
                "REFUSED",
                "vault kv-keys: is in westeurope, and AI Services take a key of their own region, eastus2, alone",
                "take a vault in eastus2",
            ),
        ),
        (
            GIVEN, VAULT, vault(enablePurgeProtection=True),
            (
                "WARNING",
                "vault kv-keys: grants by access policies, and if one lets the identity use the key was not looked at",
                "az keyvault show shows them; it needs get, wrapKey and unwrapKey on keys",
            ),
        ),
        (
            MADE, VAULT, vault(enablePurgeProtection=True),
            (
                "REFUSED", "vault kv-keys: grants by access policies, and the stack's identity gets a role",
                "az keyvault update --name kv-keys --enable-rbac-authorization true",
            ),
        ),
        (
            GIVEN, f"{VAULT}/keys/cmk", None,
            (
                "REFUSED", "vault kv-keys: has no key cmk, or you may not see it",
                "az keyvault key create --vault-name kv-keys --name cmk --kty RSA --size 3072",
            ),
        ),
        (
            GIVEN, f"{VAULT}/keys/cmk", {"properties": {"attributes": {"enabled": False}}},
            (
                "REFUSED", "key cmk: is disabled",
                "az keyvault key set-attributes --vault-name kv-keys --name cmk --enabled true",
            ),
        ),
        (GIVEN, f"{VAULT}/keys/cmk", {"properties": {}}, GOOD),
        (
            GIVEN, IDENTITY, None,
            ("REFUSED", f"{IDENTITY}: is not there, or you may not see it", f"az resource show --ids {IDENTITY}"),
        ),
        (
            GIVEN, ASSIGNED, {"value": []},
            (
                "REFUSED",
                "identity id-keys: may not use the key, as it lacks Key Vault Crypto Service Encryption User",
                "az role assignment create --assignee-object-id them --assignee-principal-type ServicePrincipal "
                f'--role "Key Vault Crypto Service Encryption User" --scope {VAULT}',
            ),
        ),
        (GIVEN, WORKSPACE, {"properties": {}}, ("REFUSED", f"workspace ws: {LATE}", ANEW)),
        (GIVEN, WORKSPACE, {"properties": {"encryption": {"status": "Enabled"}}}, GOOD),
        (
            GIVEN, REGISTRY, {"properties": {"encryption": {"status": "disabled"}}},
            ("REFUSED", f"container registry cr: {LATE}", ANEW),
        ),
        (GIVEN, REGISTRY, {"properties": {"encryption": {"status": "enabled"}}}, GOOD),
        (dataclasses.replace(GIVEN, existing={"registry": "theirs"}), REGISTRY, {"properties": {}}, GOOD),
    ],
)  # fmt: skip
def test_it_is_looked_at_before_anything_lies_under_it(
    arm: ArmFake, spec: PreflightSpec, path: str, there: Any, expected: tuple[str, str, str]
) -> None:
    all_is_well(arm)
    if there is None:
        del arm.routes[f"GET {path}".lower()]
    else:
        arm.get(path, there)
    assert asked(spec) == [expected]
    assert {method for method, _ in arm.sent} == {"GET"}, "it only reads"


@pytest.mark.parametrize(
    ("path", "what"), [(VAULT, "vault kv-keys"), (IDENTITY, "identity"), (REGISTRY, "what is there already")]
)
def test_what_may_not_be_read_hides_nothing_of_the_rest(arm: ArmFake, path: str, what: str) -> None:
    all_is_well(arm)
    arm.get(f"{VAULT}/keys/cmk", {"properties": {"attributes": {"enabled": False}}})
    arm.get(WORKSPACE, {"properties": {}})
    arm.refuse("GET", path, 403, "AuthorizationFailed")
    found = asked()
    says = f"{what}: not checked: AuthorizationFailed: no"
    assert ("WARNING", says, "go on, or ask for the right to read this") in found
    assert ("REFUSED", f"workspace ws: {LATE}", ANEW) in found
    assert any(each[1] == "key cmk: is disabled" for each in found) is (path != VAULT)


def test_microsofts_key_is_not_looked_at(arm: ArmFake) -> None:
    assert asked(SPEC) == [("OK", "under Microsoft's keys", "")]
    assert arm.sent == []


def test_what_is_looked_for_is_what_the_settings_say() -> None:
    key = "https://kv-keys.vault.azure.net/keys/cmk/0123456789abcdef0123456789abcdef"
    config = {"azure-native:location": "eastus2", "finetune-phi:purgeOnDestroy": False}
    settings = parse({**config, "finetune-phi:encryption": {"key": key, "vault": VAULT, "identity": IDENTITY}}, "dev")
    place = Place.of(settings, "dev", "s")
    registry = (
        f"/subscriptions/s/resourceGroups/{place.names.resource_group}/providers/Microsoft.ContainerRegistry/"
        f"registries/{place.names.container_registry}"
    )
    assert own_key.own_key(settings, place) == OwnKey(
        key=key, name="cmk", vault=VAULT, identity=IDENTITY, registry=registry
    )
    assert own_key.own_key(parse(config, "dev"), place) is None


def test_a_finding_of_it_has_its_name(arm: ArmFake) -> None:
    all_is_well(arm)
    assert own_key.usable(GIVEN, Arm()) == [Finding(check="encryption", state=State.OK, found="under https://x")]
