"""What an Azure ML workspace stands on: group, logs, storage, key vault and container registry, made or given."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi
from pulumi_azure_native import (
    applicationinsights,
    containerregistry,
    keyvault,
    operationalinsights,
    resources,
)
from pulumi_azure_native import storage as azure_storage

from cloud.catalogue import APPLICATION_INSIGHTS
from cloud.place import Place
from infra.locked.encryption import Encryption, EncryptionArgs, of_registry_under
from infra.purge import Purge, PurgeArgs, PurgeLive, PurgeLiveArgs
from settings.estate.encryption import EncryptionSettings
from settings.sections.storage import StorageSettings
from settings.sections.vault import VaultSettings


@dataclass(frozen=True, kw_only=True)
class FoundationArgs:
    """`commit_tag`: the group says which commit made it; `purge_on_destroy`: nothing is kept that Azure would keep."""

    place: Place
    tenant_id: str
    storage: StorageSettings
    vault: VaultSettings
    encryption: EncryptionSettings
    purge_on_destroy: bool
    commit_tag: bool
    closed: bool = False
    """Whether all of it answers by private endpoints alone."""


class Foundation(pulumi.ComponentResource):
    """Grants nothing to anybody; role_assignments.py does, and locked/private.py makes the way to what is closed."""

    group: resources.ResourceGroup
    logs: operationalinsights.Workspace
    application_insights: applicationinsights.Component
    storage: azure_storage.StorageAccount
    key_vault: keyvault.Vault
    registry: containerregistry.Registry
    key: Encryption | None
    """A key of one's own, where there is one."""
    purge: Purge | None
    """What the resources with a soft-deleted afterlife depend on."""
    logs_purge: list[pulumi.Resource]
    """What everything that sends to the logs depends on."""

    def __init__(self, name: str, args: FoundationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Foundation", name, {}, opts)
        self._subscription_id = args.place.subscription_id
        child = pulumi.ResourceOptions(parent=self)
        given = args.place.existing

        # What is given is read, and no part of the stack.
        if theirs := given.get("group"):
            self.group = resources.ResourceGroup.get("existing-group", theirs, opts=child)
        else:
            self.group = self._group(args, child)

        # Everything that leaves a soft-deleted remainder depends on this, so a destroy reaches it after them.
        self.purge = None
        if args.purge_on_destroy:
            place = args.place
            self.purge = Purge(
                "purge",
                PurgeArgs(place.subscription_id, place.location, place.names.resource_group, place.soft_deleted),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[self.group]),
            )

        self.key = None
        if args.encryption.key:
            of_key = EncryptionArgs(place=args.place, resource_group=self.group.name, encryption=args.encryption)
            self.key = Encryption("encryption", of_key, opts=child)

        self.logs_purge = []
        if theirs := given.get("logs"):
            self.logs = operationalinsights.Workspace.get("existing-logs", theirs, opts=child)
        else:
            self.logs = self._logs(args, child)
        if theirs := given.get("insights"):
            self.application_insights = applicationinsights.Component.get("existing-insights", theirs, opts=child)
        else:
            self.application_insights = self._insights(args)
        if theirs := given.get("storage"):
            self.storage = azure_storage.StorageAccount.get("existing-storage", theirs, opts=child)
        else:
            self.storage = self._storage(args, child)
        if theirs := given.get("vault"):
            self.key_vault = keyvault.Vault.get("existing-vault", theirs, opts=child)
        else:
            self.key_vault = self._vault(args)
        if theirs := given.get("registry"):
            self.registry = containerregistry.Registry.get("existing-registry", theirs, opts=child)
        else:
            self.registry = self._registry(args, child)
        self.register_outputs({"resourceGroup": self.group.name})

    def _group(self, args: FoundationArgs, child: pulumi.ResourceOptions) -> resources.ResourceGroup:
        tags = args.place.tags
        return resources.ResourceGroup(
            "resource-group",
            resource_group_name=args.place.names.resource_group,
            location=args.place.location,
            tags={**tags, **_commit()} if args.commit_tag else tags,
            opts=child,
        )

    def _logs(self, args: FoundationArgs, child: pulumi.ResourceOptions) -> operationalinsights.Workspace:
        names = args.place.names
        logs = operationalinsights.Workspace(
            "log-analytics",
            workspace_name=names.log_analytics,
            resource_group_name=self.group.name,
            location=args.place.location,
            sku=operationalinsights.WorkspaceSkuArgs(name="PerGB2018"),
            retention_in_days=30,
            tags=args.place.tags,
            opts=child,
        )
        insights = names.id_of(args.place.subscription_id, APPLICATION_INSIGHTS.arm_type, names.application_insights)
        holds = {} if "insights" in args.place.existing else {insights: APPLICATION_INSIGHTS.version}
        self.logs_purge = self.purge_live("log-analytics", logs, holds)
        return logs

    def _insights(self, args: FoundationArgs) -> applicationinsights.Component:
        return applicationinsights.Component(
            "application-insights",
            resource_name_=args.place.names.application_insights,
            resource_group_name=self.group.name,
            location=args.place.location,
            kind="web",
            application_type="web",
            ingestion_mode="LogAnalytics",
            workspace_resource_id=self.logs.id,
            tags=args.place.tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=self.logs_purge),
        )

    def _storage(self, args: FoundationArgs, child: pulumi.ResourceOptions) -> azure_storage.StorageAccount:
        return azure_storage.StorageAccount(
            "storage",
            account_name=args.place.names.storage_account,
            resource_group_name=self.group.name,
            location=args.place.location,
            kind="StorageV2",
            sku=azure_storage.SkuArgs(name=args.storage.sku),
            allow_blob_public_access=False,
            allow_shared_key_access=args.storage.shared_keys,
            enable_https_traffic_only=True,
            minimum_tls_version="TLS1_2",
            identity=azure_storage.IdentityArgs(type="UserAssigned", user_assigned_identities=[self.key.identity_id])
            if self.key
            else None,
            encryption=self.key.storage() if self.key else _twice(args.encryption),
            public_network_access="Disabled" if args.closed else None,
            # Azure's own services, as the workspace's, get past it by their identity.
            network_rule_set=azure_storage.NetworkRuleSetArgs(
                default_action=azure_storage.DefaultAction.DENY, bypass="AzureServices"
            )
            if args.closed
            else None,
            tags=args.place.tags,
            opts=self._under_key(child),
        )

    def _vault(self, args: FoundationArgs) -> keyvault.Vault:
        return keyvault.Vault(
            "key-vault",
            vault_name=args.place.names.key_vault,
            resource_group_name=self.group.name,
            location=args.place.location,
            # Without purge protection the property is left out: Azure refuses false.
            properties=keyvault.VaultPropertiesArgs(
                sku=keyvault.SkuArgs(family="A", name=keyvault.SkuName.STANDARD),
                tenant_id=args.tenant_id,
                enable_rbac_authorization=True,
                enable_soft_delete=True,
                soft_delete_retention_in_days=args.vault.retention_days,
                enable_purge_protection=True if args.vault.purge_protection else None,
                public_network_access="Disabled" if args.closed else None,
                network_acls=keyvault.NetworkRuleSetArgs(default_action="Deny", bypass="AzureServices")
                if args.closed
                else None,
            ),
            tags=args.place.tags,
            opts=self.purged_after_delete(),
        )

    def _registry(self, args: FoundationArgs, child: pulumi.ResourceOptions) -> containerregistry.Registry:
        return containerregistry.Registry(
            "container-registry",
            registry_name=args.place.names.container_registry,
            resource_group_name=self.group.name,
            location=args.place.location,
            # Keys of one's own, and private endpoints, are Premium's.
            sku=containerregistry.SkuArgs(name="Premium" if self.key or args.closed else "Standard"),
            public_network_access="Disabled" if args.closed else None,
            network_rule_bypass_options="AzureServices" if args.closed else None,
            policies=_unexported() if args.closed else None,
            identity=of_registry_under(self.key),
            encryption=self.key.registry() if self.key else None,
            admin_user_enabled=False,
            tags=args.place.tags,
            opts=self._under_key(child),
        )

    def _under_key(self, options: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
        """Options of what lies under a key of one's own: its identity has to have the role."""
        granted = self.key.granted if self.key else []
        return pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=granted)) if granted else options

    @property
    def stores(self) -> dict[str, pulumi.CustomResource]:
        """What workspace and hub stand on, by the keys of the setting `existing`."""
        return {"storage": self.storage, "vault": self.key_vault, "registry": self.registry}

    def purged_after_delete(self, parent: pulumi.Resource | None = None) -> pulumi.ResourceOptions:
        """Options of a resource that Azure keeps soft-deleted after its deletion."""
        purged = pulumi.ResourceOptions(parent=parent or self, depends_on=[self.purge] if self.purge else [])
        return self._under_key(purged)

    def purge_live(
        self, name: str, target: pulumi.CustomResource, holds: Mapping[str, str], parent: pulumi.Resource | None = None
    ) -> list[pulumi.Resource]:
        """What all that is in a workspace of any kind depends on: when that is gone, a destroy deletes it for good.

        `holds` has the ids of what the program makes in it, each with an API version. Nothing where the stack keeps
        what it deletes.
        """
        if self.purge is None:
            return []
        args = PurgeLiveArgs(self._subscription_id, target.id, holds)
        return [PurgeLive(f"{name}-purge", args, opts=pulumi.ResourceOptions(parent=parent or self))]


def _unexported() -> containerregistry.PoliciesArgs:
    """Nobody carries images to a registry of their own; Azure lets a registry say so that is closed."""
    status = containerregistry.ExportPolicyStatus.DISABLED
    return containerregistry.PoliciesArgs(export_policy=containerregistry.ExportPolicyArgs(status=status))


def _twice(encryption: EncryptionSettings) -> azure_storage.EncryptionArgs | None:
    """Under Microsoft's keys, and once more under others of theirs."""
    if not encryption.infrastructure:
        return None
    source = azure_storage.KeySource.MICROSOFT_STORAGE
    return azure_storage.EncryptionArgs(key_source=source, require_infrastructure_encryption=True)


def _commit() -> dict[str, str]:
    """The tag `commit`, for the group alone: on every resource, each commit would be an update of everything."""
    for variable in ("GITHUB_SHA", "BUILD_SOURCEVERSION"):  # GitHub Actions, Azure Pipelines
        if commit := os.environ.get(variable):
            return {"commit": commit}
    git = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        found = subprocess.run(git, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return {"commit": "unknown"}
    return {"commit": found.stdout.strip()}
