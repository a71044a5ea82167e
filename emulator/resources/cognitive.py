"""AI Services accounts."""

from __future__ import annotations

import secrets
from typing import Any

from emulator.arm.errors import AzureError
from emulator.arm.paths import ArmPath
from emulator.machine.store import Resource
from emulator.resources.base import Kind


class CognitiveAccount(Kind):
    """An AI Services account. A delete keeps its name taken until a purge."""

    type = "Microsoft.CognitiveServices/accounts"
    patchable = (*Kind.patchable, "properties")
    asynchronous = True
    soft_deleted = True

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        if old is not None:
            return
        if self.cloud.store.find_deleted(path.id) is not None and not body.get("properties", {}).get("restore"):
            raise AzureError(
                409,
                "FlagMustBeSetForRestore",
                f"An existing resource with ID '{path.id}' has been soft-deleted. To restore the resource, you must "
                "specify 'restore' to be 'true' in the property. If you don't want to restore existing resource, "
                "please purge it first.",
            )
        subdomain = body.get("properties", {}).get("customSubDomainName")
        for other in self.cloud.store.of_type(self.type):
            if subdomain and other.properties.get("customSubDomainName") == subdomain:
                raise AzureError(
                    400,
                    "CustomDomainInUse",
                    f"Please pick a different name. The subdomain name '{subdomain}' is not available as it's "
                    "already used by a resource.",
                )

    def fill(self, resource: Resource, old: Resource | None) -> None:
        resource.properties.pop("restore", None)
        resource.internal.setdefault("keys", [secrets.token_hex(16), secrets.token_hex(16)])
        host = resource.properties.get("customSubDomainName") or resource.name
        resource.properties["endpoint"] = f"https://{host}.cognitiveservices.azure.com/"
        resource.properties["endpoints"] = {"Azure AI Model Inference API": f"https://{host}.services.ai.azure.com/"}

    def act(self, resource: Resource, action: str, body: dict[str, Any]) -> Any:
        if action == "listkeys":
            return dict(zip(("key1", "key2"), resource.internal["keys"], strict=True))
        return super().act(resource, action, body)


class DeletedAccount(Kind):
    """A soft-deleted AI Services account, there to be purged by DELETE."""

    type = "Microsoft.CognitiveServices/locations/resourceGroups/deletedAccounts"
    virtual = True

    def find(self, path: ArmPath) -> Resource | None:
        for account in self.cloud.store.deleted(CognitiveAccount.type):
            if account.name.lower() == path.name.lower():
                return account
        return None

    def remove(self, resource: Resource) -> None:
        self.cloud.store.purge(resource.id)
