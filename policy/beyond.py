"""Types that this program makes none of: rules about them are for what a team adds to it."""

from __future__ import annotations

from cloud.catalogue import ResourceType
from policy.example import Declared
from policy.samples import GROUP, SCOPE

ROLE_DEFINITION = ResourceType(type="azure-native:authorization:RoleDefinition", label="custom role")
BLOB_SERVICE = ResourceType(type="azure-native:storage:BlobServiceProperties", label="blob service")


def blobs(name: str) -> Declared:
    """How an account keeps its blobs."""
    kept = {"enabled": True, "days": 14}
    return Declared(
        type=BLOB_SERVICE.type,
        name=name,
        inputs={
            "resourceGroupName": GROUP,
            "accountName": "stphidevabcdef",
            "blobServicesName": "default",
            "isVersioningEnabled": True,
            "deleteRetentionPolicy": kept,
            "containerDeleteRetentionPolicy": kept,
        },
    )


def custom_role(name: str) -> Declared:
    return Declared(
        type=ROLE_DEFINITION.type,
        name=name,
        inputs={
            "roleName": name,
            "scope": SCOPE,
            "assignableScopes": [SCOPE],
            "permissions": [{"actions": ["Microsoft.Storage/storageAccounts/listKeys/action"]}],
        },
    )
