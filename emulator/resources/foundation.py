"""Resource group, monitoring, storage, key vault, container registry, and registries of models."""

from __future__ import annotations

import base64
import re
import secrets
import uuid
from collections.abc import Mapping
from typing import Any

from emulator.arm.errors import AzureError, now, user_error
from emulator.arm.paths import GROUP_TYPE, ArmPath
from emulator.machine import files
from emulator.machine.home import TENANT_ID
from emulator.machine.store import Resource
from emulator.resources.base import Kind


class ResourceGroup(Kind):
    """Deleting it deletes all it holds."""

    type = GROUP_TYPE

    def admit_delete(self, resource: Resource, query: Mapping[str, str]) -> None:
        workspaces = self.cloud.store.below(resource.id, "Microsoft.MachineLearningServices/workspaces")
        ids = {each.id.lower() for each in workspaces}
        nested = [each.id for each in workspaces if str(each.properties.get("hubResourceId", "")).lower() in ids]
        if nested:  # Azure deletes a hub no sooner than its projects, and gives up on the group instead
            raise AzureError(
                409,
                "CannotDeleteResource",
                "Cannot delete resource while nested resources exist. Some existing nested resource IDs include: "
                f"'{', '.join(nested)}'. Please delete all nested resources before deleting this resource.",
            )


class LogAnalytics(Kind):
    """Log Analytics workspace. Deleted without ``force`` it is kept for 14 days, and made again it is the old one."""

    type = "Microsoft.OperationalInsights/workspaces"
    soft_deleted = True
    patchable = ("tags", "properties")
    leaves_nothing = "force"

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        kept = self.cloud.store.find_deleted(path.id)
        if kept is not None and kept.region != Resource(body).region:
            raise AzureError(409, "Conflict", f"The workspace name '{path.name}' is not unique", target="name")

    def fill(self, resource: Resource, old: Resource | None) -> None:
        properties = resource.properties
        properties["customerId"] = old.properties["customerId"] if old else str(uuid.uuid4())
        properties.setdefault("retentionInDays", 30)
        properties.setdefault("sku", {"name": "PerGB2018"})


class ApplicationInsights(Kind):
    """Application Insights component."""

    type = "Microsoft.Insights/components"
    created = 200

    def fill(self, resource: Resource, old: Resource | None) -> None:
        properties = resource.properties
        key = old.properties["InstrumentationKey"] if old else str(uuid.uuid4())
        host = f"https://{resource.region}.in.applicationinsights.azure.com/"
        properties |= {
            "InstrumentationKey": key,
            "ConnectionString": f"InstrumentationKey={key};IngestionEndpoint={host}",
            "AppId": old.properties["AppId"] if old else str(uuid.uuid4()),
            "ApplicationId": resource.name,
            "CreationDate": old.properties["CreationDate"] if old else now(),
            "TenantId": TENANT_ID,
        }


class StorageAccount(Kind):
    """A storage account: the key vaulted here, the blobs in Azurite."""

    type = "Microsoft.Storage/storageAccounts"
    created = 200
    patchable = (*Kind.patchable, "properties", "kind")

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        if not re.fullmatch(r"[a-z0-9]{3,24}", path.name):
            raise AzureError(
                400,
                "AccountNameInvalid",
                f"{path.name} is not a valid storage account name. Storage account name must be between 3 and 24 "
                "characters in length and use numbers and lower-case letters only.",
            )
        if old is None and any(each.name == path.name for each in self.cloud.store.of_type(self.type)):
            raise AzureError(
                409, "StorageAccountAlreadyTaken", f"The storage account named {path.name} is already taken."
            )

    def fill(self, resource: Resource, old: Resource | None) -> None:
        resource.internal.setdefault("keys", [_storage_key(), _storage_key()])
        properties = resource.properties
        services = ("blob", "queue", "table", "file", "dfs", "web")
        properties["primaryEndpoints"] = {
            service: f"https://{resource.name}.{service}.core.windows.net/" for service in services
        }
        properties["primaryLocation"] = resource.region
        properties["statusOfPrimary"] = "available"
        properties.setdefault("minimumTlsVersion", "TLS1_0")
        properties.setdefault("supportsHttpsTrafficOnly", True)
        properties.setdefault("allowBlobPublicAccess", False)
        acls = {"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": []}
        # A PUT that does not name them leaves them alone.
        properties.setdefault("networkAcls", old.properties.get("networkAcls", acls) if old else acls)

    def apply(self, resource: Resource) -> None:
        self.cloud.azurite.ensure_account(resource.name, resource.internal["keys"][0])

    def remove(self, resource: Resource) -> None:
        self.cloud.azurite.remove_account(resource.name)
        files.remove_account(self.cloud.home, resource.name)

    def act(self, resource: Resource, action: str, body: dict[str, Any]) -> Any:
        if action == "listkeys":
            return {
                "keys": [
                    {"keyName": f"key{number}", "value": value, "permissions": "FULL"}
                    for number, value in enumerate(resource.internal["keys"], 1)
                ]
            }
        return super().act(resource, action, body)


class Vault(Kind):
    """A key vault. A delete keeps its name taken until a purge."""

    type = "Microsoft.KeyVault/vaults"
    soft_deleted = True
    patchable = ("tags", "properties")

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]", path.name):
            raise AzureError(
                400,
                "VaultNameNotValid",
                f"The vault name '{path.name}' is invalid. A vault's name must be between 3-24 alphanumeric "
                "characters. The name must begin with a letter, end with a letter or digit, and not contain "
                "consecutive hyphens.",
            )
        if body.get("properties", {}).get("enablePurgeProtection") is False:
            raise AzureError(
                400,
                "BadRequest",
                'The property "enablePurgeProtection" cannot be set to false. Enabling the purge protection for a '
                "vault is an irreversible action.",
            )
        if old is not None:
            return
        if body["properties"].get("createMode") == "recover" and self.cloud.store.find_deleted(path.id) is not None:
            return
        if any(each.name.lower() == path.name.lower() for each in self.cloud.store.deleted(self.type)):
            raise AzureError(
                409,
                "ConflictError",
                "A vault with the same name already exists in deleted state. You need to either recover or purge "
                "existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more "
                "information on soft delete.",
            )
        if any(each.name.lower() == path.name.lower() for each in self.cloud.store.of_type(self.type)):
            raise AzureError(
                409,
                "VaultAlreadyExists",
                f"The vault name '{path.name}' is already in use. Vault names are globally unique so it is possible "
                "that the name is already taken.",
            )

    def fill(self, resource: Resource, old: Resource | None) -> None:
        properties = resource.properties
        properties["vaultUri"] = f"https://{resource.name}.vault.azure.net/"
        properties["enableSoftDelete"] = True
        properties.pop("createMode", None)
        if old and old.properties.get("enablePurgeProtection"):  # which nobody can undo
            properties["enablePurgeProtection"] = True
        properties.setdefault("softDeleteRetentionInDays", 90)


class DeletedVault(Kind):
    """A soft-deleted vault, there to be purged."""

    type = "Microsoft.KeyVault/locations/deletedVaults"
    virtual = True

    def find(self, path: ArmPath) -> Resource | None:
        for vault in self.cloud.store.deleted(Vault.type):
            if vault.name.lower() == path.name.lower():
                return vault
        return None

    def view(self, resource: Resource) -> dict[str, Any]:
        return {
            "id": resource.id,
            "name": resource.name,
            "type": "Microsoft.KeyVault/deletedVaults",
            "properties": {
                "vaultId": resource.id,
                "location": resource.region,
                "purgeProtectionEnabled": bool(resource.properties.get("enablePurgeProtection")),
            },
        }

    def act(self, resource: Resource, action: str, body: dict[str, Any]) -> Any:
        if action != "purge":
            return super().act(resource, action, body)
        if resource.properties.get("enablePurgeProtection"):
            raise AzureError(405, "MethodNotAllowed", "Operation 'DeletedVaultPurge' is not allowed.")
        self.cloud.store.purge(resource.id)
        return None


class ContainerRegistry(Kind):
    """A container registry; nothing is pushed to it, but names and settings are checked."""

    type = "Microsoft.ContainerRegistry/registries"
    patchable = (*Kind.patchable, "properties")

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        if not re.fullmatch(r"[A-Za-z0-9]{5,50}", path.name):
            raise AzureError(
                400,
                "InvalidResourceName",
                f"The registry name '{path.name}' is invalid: 5 to 50 alphanumeric characters.",
            )
        if old is None and any(each.name.lower() == path.name.lower() for each in self.cloud.store.of_type(self.type)):
            raise AzureError(
                409,
                "AlreadyInUse",
                f"The registry DNS name {path.name.lower()}.azurecr.io is already in use. You can check if the name "
                "is already claimed using following API: https://docs.microsoft.com/en-us/rest/api/"
                "containerregistry/registries/checknameavailability",
            )

    def fill(self, resource: Resource, old: Resource | None) -> None:
        properties = resource.properties
        properties["loginServer"] = f"{resource.name.lower()}.azurecr.io"
        properties["creationDate"] = old.properties["creationDate"] if old else now()
        properties.setdefault("adminUserEnabled", False)


class ModelRegistry(Kind):
    """An Azure ML registry of one's own. Its files lie in an account that Azure manages, which has no group here."""

    type = "Microsoft.MachineLearningServices/registries"
    asynchronous = True

    def admit(self, path: ArmPath, body: dict[str, Any], old: Resource | None) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][\w-]{2,32}", path.name):
            raise user_error(f"Registry Name {path.name} is invalid. Names must be between 3 and 33 in length.")
        taken = any(each.name.lower() == path.name.lower() for each in self.cloud.store.of_type(self.type))
        if old is None and (taken or path.name.lower().startswith("azureml")):
            raise user_error(f"The registry name {path.name} is already taken in this tenant.", 409)

    def fill(self, resource: Resource, old: Resource | None) -> None:
        resource.internal.setdefault("account", f"mlreg{uuid.uuid4().hex[:16]}")
        resource.internal.setdefault("keys", [_storage_key()])
        properties = resource.properties
        host = f"{resource.region}.api.azureml.ms"
        properties["discoveryUrl"] = f"https://{host}/registrymanagement/v1.0/registries/{resource.name}/discovery"
        properties["mlFlowRegistryUri"] = f"azureml://{host}/mlflow/v1.0{resource.id}"
        properties.setdefault("publicNetworkAccess", "Enabled")

    def apply(self, resource: Resource) -> None:
        self.cloud.azurite.ensure_account(resource.internal["account"], resource.internal["keys"][0])

    def remove(self, resource: Resource) -> None:
        self.cloud.azurite.remove_account(resource.internal["account"])
        for kind in ("models", "models/versions"):
            for each in self.cloud.store.below(resource.id, f"{self.type}/{kind}"):
                self.cloud.store.remove(each.id)


def _storage_key() -> str:
    return base64.b64encode(secrets.token_bytes(64)).decode()
