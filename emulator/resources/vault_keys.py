"""Keys of a key vault, as Resource Manager has them; `emulator/dataplane/vault.py` is where they are used."""

from __future__ import annotations

import secrets
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from emulator.arm.errors import AzureError
from emulator.arm.paths import ArmPath
from emulator.machine.store import Resource
from emulator.resources.base import Kind

SIZES = (2048, 3072, 4096)


class VaultKey(Kind):
    """A key. A PUT makes one and never another version of it; its private part is never told."""

    type = "Microsoft.KeyVault/vaults/keys"
    created = 200

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        del path, old
        check(body["properties"].get("kty", "RSA"), body["properties"].get("keySize"))

    def fill(self, resource: Resource, old: Resource | None) -> None:
        if old is None:
            new_version(resource, "RSA", resource.properties.get("keySize"))


def check(kind: str, size: int | None) -> None:
    """Refuse what is no key of this emulator.

    Raises:
        AzureError: another type than RSA, or a size that Azure does not have.
    """
    if kind not in ("RSA", "RSA-HSM"):
        raise AzureError(400, "BadParameter", f"Keys of type {kind} are not made by the emulator; RSA ones are.")
    if size is not None and size not in SIZES:
        raise AzureError(400, "BadParameter", f"Property key_size has invalid value {size}: use {SIZES}.")


def new_version(key: Resource, kind: str, size: int | None) -> str:
    """Make an RSA key and keep it as the current version; returns the version.

    Raises:
        AzureError: see ``check``.
    """
    check(kind, size)
    private = rsa.generate_private_key(public_exponent=65537, key_size=size or SIZES[0])
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    version = secrets.token_hex(16)
    key.internal["versions"] = {**key.internal.get("versions", {}), version: pem.decode()}
    key.internal["current"] = version
    uri = f"https://{key.id.split('/')[-3]}.vault.azure.net/keys/{key.name}"
    key.properties.update(
        {"kty": kind, "keySize": size or SIZES[0], "keyUri": uri, "keyUriWithVersion": f"{uri}/{version}"}
    )
    return version
