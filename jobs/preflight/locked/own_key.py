"""The check of the preflight of a key of one's own: it is there and usable, and nothing is there already without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from cloud.catalogue import IDENTITY, REGISTRY, VAULT, WORKSPACE
from cloud.roles import Role
from jobs.preflight.findings import Finding, State, as_far_as_read
from jobs.preflight.grants import az_lines, missing
from jobs.preflight.spec import Grant, OwnKey, PreflightSpec

if TYPE_CHECKING:
    from cloud.arm import Arm
    from cloud.place import Place
    from settings.stack import Settings

NAME = "encryption"


def own_key(settings: Settings, place: Place) -> OwnKey | None:
    """What the stack is to lie under; None where that is Microsoft's key."""
    own, names = settings.encryption, place.names
    if not own.key:
        return None
    registry = names.id_of(place.subscription_id, REGISTRY.arm_type, names.container_registry)
    return OwnKey(key=own.key, name=own.name, vault=own.vault, identity=own.identity, registry=registry)


def usable(spec: PreflightSpec, arm: Arm) -> list[Finding]:
    """Azure would refuse storage, registry and workspace one after the other; all of it is told at once, and what may
    not be read hides nothing of the rest.
    """
    if (own := spec.own_key) is None:
        return [Finding(check=NAME, state=State.OK, found="under Microsoft's keys")]
    findings = [
        *as_far_as_read(NAME, lambda: _vault(spec, own, arm), f"vault {own.vault.rsplit('/', 1)[-1]}"),
        *as_far_as_read(NAME, lambda: _identity(own, arm), "identity"),
        *as_far_as_read(NAME, lambda: _late(spec, own, arm), "what is there already"),
    ]
    return findings or [Finding(check=NAME, state=State.OK, found=f"under {own.key}")]


def _refused(found: str, fix: str) -> Finding:
    return Finding(check=NAME, state=State.REFUSED, found=found, fix=fix)


def _vault(spec: PreflightSpec, own: OwnKey, arm: Arm) -> Iterator[Finding]:
    vault = arm.find(own.vault, VAULT.version)
    if vault is None:
        yield _refused(f"{own.vault}: is not there, or you may not see it", f"az resource show --ids {own.vault}")
        return
    name = str(vault.get("name") or own.vault.rsplit("/", 1)[-1])
    if not (vault.get("properties") or {}).get("enablePurgeProtection"):
        fix = f"az keyvault update --name {name} --enable-purge-protection true"
        yield _refused(
            f"vault {name}: has no purge protection, without which Azure encrypts nothing with its keys", fix
        )
    if not by_roles(vault) and not own.identity:
        fix = f"az keyvault update --name {name} --enable-rbac-authorization true"
        yield _refused(f"vault {name}: grants by access policies, and the stack's identity gets a role", fix)
    region = str(vault.get("location", "")).replace(" ", "").lower()
    if region and region != spec.location:
        says = f"vault {name}: is in {region}, and AI Services take a key of their own region, {spec.location}, alone"
        yield _refused(says, f"take a vault in {spec.location}")
    key = arm.find(f"{own.vault}/keys/{own.name}", VAULT.version)
    if key is None:
        fix = f"az keyvault key create --vault-name {name} --name {own.name} --kty RSA --size 3072"
        yield _refused(f"vault {name}: has no key {own.name}, or you may not see it", fix)
    elif (key.get("properties") or {}).get("attributes", {}).get("enabled") is False:
        fix = f"az keyvault key set-attributes --vault-name {name} --name {own.name} --enabled true"
        yield _refused(f"key {own.name}: is disabled", fix)


def _identity(own: OwnKey, arm: Arm) -> Iterator[Finding]:
    """Of one that is given: the program grants its own what it needs."""
    if not own.identity:
        return
    if arm.find(own.identity, IDENTITY.version) is None:
        says = f"{own.identity}: is not there, or you may not see it"
        yield _refused(says, f"az resource show --ids {own.identity}")
        return
    if (vault := arm.find(own.vault, VAULT.version)) is not None and not by_roles(vault):
        name = str(vault.get("name") or own.vault.rsplit("/", 1)[-1])
        says = f"vault {name}: grants by access policies, and if one lets the identity use the key was not looked at"
        fix = "az keyvault show shows them; it needs get, wrapKey and unwrapKey on keys"
        yield Finding(check=NAME, state=State.WARNING, found=says, fix=fix)
        return
    role = Role.KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER
    if absent := missing(arm, [Grant(role=role.name, scope=own.vault, identity=own.identity)]):
        name = own.identity.rsplit("/", 1)[-1]
        yield _refused(f"identity {name}: may not use the key, as it lacks {role.title}", "; ".join(az_lines(absent)))


def by_roles(vault: Mapping[str, Any]) -> bool:
    """Whether a key vault grants by roles, and not by policies of its own."""
    return bool((vault.get("properties") or {}).get("enableRbacAuthorization"))


def _late(spec: PreflightSpec, own: OwnKey, arm: Arm) -> Iterator[Finding]:
    """What is there already under Microsoft's key, and takes another no more."""
    there = {"workspace": (spec.workspace_scope, WORKSPACE.version)}
    if "registry" not in spec.existing:
        there["container registry"] = (own.registry, REGISTRY.version)
    for what, (id_, version) in there.items():
        found = arm.find(id_, version)
        if found is not None and not _own(found.get("properties") or {}):
            name = id_.rsplit("/", 1)[-1]
            says = (
                f"{what} {name}: is there already under Microsoft's key, and takes one of your own only when it is made"
            )
            yield _refused(
                says, "take encryption.key out, or give the stack another suffix: then all of it is made anew"
            )


def _own(properties: Mapping[str, Any]) -> bool:
    return str((properties.get("encryption") or {}).get("status", "")).lower() == "enabled"
