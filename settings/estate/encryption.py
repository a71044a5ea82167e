"""Whose key the data lie under."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, StringConstraints

from settings.estate.existing import AzureId, an_id
from settings.fields import Flag, Pattern, Section

_ADDRESS = r"(https://[a-zA-Z0-9-]{3,24}\.vault\.azure\.net)/keys/([a-zA-Z0-9-]{1,127})/([0-9a-f]{32})"
_VAULT, _IDENTITY = "Microsoft.KeyVault/vaults", "Microsoft.ManagedIdentity/userAssignedIdentities"


class EncryptionSettings(Section):
    """A key of your own for storage, registry, AI Services, workspace and hub, in place of Microsoft's
    (docs/network.md). Workspace, hub and registry take one only when they are made.
    """

    key: Annotated[
        str,
        StringConstraints(strip_whitespace=True, strict=True),
        Pattern(
            f"|{_ADDRESS}",
            "must be the address of a key with its version",
            "az keyvault key show --vault-name <vault> --name <key> --query key.kid prints it",
        ),
    ] = ""
    """the key, by its address with a version; empty for Microsoft's keys"""
    vault: Annotated[str, AfterValidator(an_id(_VAULT, "key vault"))] = ""
    """the id of the key vault that it is in, which is purge-protected"""
    identity: Annotated[str, AfterValidator(an_id(_IDENTITY, "identity"))] = ""
    """the id of the identity that may use it (Key Vault Crypto Service Encryption User); empty for one that the
    program makes and grants that
    """
    infrastructure: Flag = False
    """encrypt the storage account a second time, under Azure's keys; counts only when it is made"""

    @property
    def vault_uri(self) -> str:
        """The address of the vault, with a slash at the end."""
        return f"{self._part(1)}/"

    @property
    def name(self) -> str:
        return self._part(2)

    @property
    def version(self) -> str:
        return self._part(3)

    @property
    def without_version(self) -> str:
        """What follows the newest version."""
        return self.key.rsplit("/", 1)[0]

    @property
    def vault_name(self) -> str:
        found = AzureId.of(self.vault)
        return found.name if found else ""

    def _part(self, number: int) -> str:
        found = re.fullmatch(_ADDRESS, self.key)
        return found[number] if found else ""
