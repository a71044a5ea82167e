"""A key of one's own: who may use it, and how each kind of resource is told to lie under it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization, cognitiveservices, containerregistry, managedidentity
from pulumi_azure_native import machinelearningservices as ml
from pulumi_azure_native import storage as azure_storage

from cloud.place import Place
from cloud.roles import Role
from infra.lifecycle.recorded import identity as ask_for
from infra.lifecycle.recorded import recorded
from settings.estate.encryption import EncryptionSettings
from settings.naming import role_assignment_name


@dataclass(frozen=True, kw_only=True)
class EncryptionArgs:
    """The key and its vault are somebody else's; so is the identity, where `encryption.identity` gives one."""

    place: Place
    resource_group: pulumi.Input[str]
    encryption: EncryptionSettings


class Encryption(pulumi.ComponentResource):
    """Storage and registry follow a key to its newest version; AI Services, workspace and hub stay with the one given.

    What lies under the key depends on `granted`, as none of it can be made before its identity may use the key.
    """

    identity_id: pulumi.Output[str]
    client_id: pulumi.Output[str]
    granted: list[pulumi.Resource]

    def __init__(self, name: str, args: EncryptionArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Encryption", name, {}, opts)
        self._own = args.encryption
        child = pulumi.ResourceOptions(parent=self)
        if given := args.encryption.identity:
            theirs = managedidentity.UserAssignedIdentity.get("existing-key-identity", given, opts=child)
            self.identity_id, self.client_id, self.granted = theirs.id, theirs.client_id, []
            self.register_outputs({"identityId": self.identity_id})
            return
        own_name = args.place.names.key_identity
        identity = managedidentity.UserAssignedIdentity(
            "key-identity",
            resource_name_=own_name,
            resource_group_name=args.resource_group,
            location=args.place.location,
            tags=args.place.tags,
            opts=child,
        )
        ask, on = ask_for(args.place, own_name), f"identity {own_name}"
        self.identity_id = identity.id
        self.client_id = recorded(identity.client_id, ask, "client_id", on)
        role = Role.KEY_VAULT_CRYPTO_SERVICE_ENCRYPTION_USER
        self.granted = [
            authorization.RoleAssignment(
                f"key-identity-{role.label}",
                role_assignment_name=role_assignment_name(args.encryption.vault, role.guid, own_name),
                scope=args.encryption.vault,
                role_definition_id=role.definition(args.place.subscription_id),
                principal_id=recorded(identity.principal_id, ask, "principal_id", on),
                principal_type=authorization.PrincipalType.SERVICE_PRINCIPAL,
                opts=child,
            )
        ]
        self.register_outputs({"identityId": self.identity_id})

    def storage(self) -> azure_storage.EncryptionArgs:
        """Of a storage account."""
        return azure_storage.EncryptionArgs(
            key_source=azure_storage.KeySource.MICROSOFT_KEYVAULT,
            key_vault_properties=azure_storage.KeyVaultPropertiesArgs(
                key_name=self._own.name, key_vault_uri=self._own.vault_uri
            ),
            encryption_identity=azure_storage.EncryptionIdentityArgs(
                encryption_user_assigned_identity=self.identity_id
            ),
            require_infrastructure_encryption=True if self._own.infrastructure else None,
        )

    def registry(self) -> containerregistry.EncryptionPropertyArgs:
        """Of a container registry, which is Premium then."""
        return containerregistry.EncryptionPropertyArgs(
            status=containerregistry.EncryptionStatus.ENABLED,
            key_vault_properties=containerregistry.KeyVaultPropertiesArgs(
                identity=self.client_id, key_identifier=self._own.without_version
            ),
        )

    def account(self) -> cognitiveservices.EncryptionArgs:
        """Of AI Services."""
        return cognitiveservices.EncryptionArgs(
            key_source=cognitiveservices.KeySource.MICROSOFT_KEY_VAULT,
            key_vault_properties=cognitiveservices.KeyVaultPropertiesArgs(
                key_name=self._own.name,
                key_version=self._own.version,
                key_vault_uri=self._own.vault_uri,
                identity_client_id=self.client_id,
            ),
        )

    def workspace(self) -> ml.EncryptionPropertyArgs:
        """Of a workspace or hub, whose metadata Azure keeps on its own side (`enableServiceSideCMKEncryption`)."""
        return ml.EncryptionPropertyArgs(
            status=ml.EncryptionStatus.ENABLED,
            identity=ml.IdentityForCmkArgs(user_assigned_identity=self.identity_id),
            key_vault_properties=ml.KeyVaultPropertiesArgs(
                key_identifier=self._own.key, key_vault_arm_id=self._own.vault
            ),
        )


def of_workspace_under(key: Encryption | None) -> ml.ManagedServiceIdentityArgs:
    """The identity of a workspace or hub: its own, and the key's beside it."""
    if key is None:
        return ml.ManagedServiceIdentityArgs(type="SystemAssigned")
    return ml.ManagedServiceIdentityArgs(type="SystemAssigned,UserAssigned", user_assigned_identities=[key.identity_id])


def of_account_under(key: Encryption | None) -> cognitiveservices.IdentityArgs:
    """The same of AI Services."""
    kinds = cognitiveservices.ResourceIdentityType
    if key is None:
        return cognitiveservices.IdentityArgs(type=kinds.SYSTEM_ASSIGNED)
    return cognitiveservices.IdentityArgs(
        type=kinds.SYSTEM_ASSIGNED_USER_ASSIGNED, user_assigned_identities=[key.identity_id]
    )


def of_registry_under(key: Encryption | None) -> containerregistry.IdentityPropertiesArgs | None:
    """The same of a registry, whose ids are keys of a mapping; nothing where it has no need of one."""
    if key is None:
        return None
    return containerregistry.IdentityPropertiesArgs(
        type=containerregistry.ResourceIdentityType.USER_ASSIGNED,
        user_assigned_identities=key.identity_id.apply(
            lambda id_: {id_: containerregistry.UserIdentityPropertiesArgs()}
        ),
    )
