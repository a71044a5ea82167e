"""What an Azure ML workspace stands on: group, logs, storage, key vault and container registry."""

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
    storage,
)

from cloud.catalogue import APPLICATION_INSIGHTS
from cloud.place import Place
from infra.purge import Purge, PurgeArgs, PurgeLive, PurgeLiveArgs
from settings.sections.storage import StorageSettings
from settings.sections.vault import VaultSettings


@dataclass(frozen=True, kw_only=True)
class FoundationArgs:
    """`commit_tag`: the group says which commit made it; `purge_on_destroy`: nothing is kept that Azure would keep."""

    place: Place
    tenant_id: str
    storage: StorageSettings
    vault: VaultSettings
    purge_on_destroy: bool
    commit_tag: bool


class Foundation(pulumi.ComponentResource):
    """Grants nothing to anybody and restricts no network; role_assignments.py does the former."""

    group: resources.ResourceGroup
    logs: operationalinsights.Workspace
    application_insights: applicationinsights.Component
    storage: storage.StorageAccount
    key_vault: keyvault.Vault
    registry: containerregistry.Registry
    purge: Purge | None
    """What the resources with a soft-deleted afterlife depend on."""
    logs_purge: list[pulumi.Resource]
    """What everything that sends to the logs depends on."""

    def __init__(self, name: str, args: FoundationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Foundation", name, {}, opts)
        names, tags, location = args.place.names, args.place.tags, args.place.location
        self._subscription_id = args.place.subscription_id
        child = pulumi.ResourceOptions(parent=self)

        self.group = resources.ResourceGroup(
            "resource-group",
            resource_group_name=names.resource_group,
            location=location,
            tags={**tags, **_commit()} if args.commit_tag else tags,
            opts=child,
        )
        group = self.group.name

        # Everything that leaves a soft-deleted remainder depends on this, so a destroy reaches it after them.
        self.purge = None
        if args.purge_on_destroy:
            self.purge = Purge(
                "purge",
                PurgeArgs(args.place.subscription_id, location, names),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[self.group]),
            )

        self.logs = operationalinsights.Workspace(
            "log-analytics",
            workspace_name=names.log_analytics,
            resource_group_name=group,
            location=location,
            sku=operationalinsights.WorkspaceSkuArgs(name="PerGB2018"),
            retention_in_days=30,
            tags=tags,
            opts=child,
        )
        insights = names.id_of(args.place.subscription_id, APPLICATION_INSIGHTS.arm_type, names.application_insights)
        self.logs_purge = self.purge_live("log-analytics", self.logs, {insights: APPLICATION_INSIGHTS.version})
        self.application_insights = applicationinsights.Component(
            "application-insights",
            resource_name_=names.application_insights,
            resource_group_name=group,
            location=location,
            kind="web",
            application_type="web",
            ingestion_mode="LogAnalytics",
            workspace_resource_id=self.logs.id,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self, depends_on=self.logs_purge),
        )
        self.storage = storage.StorageAccount(
            "storage",
            account_name=names.storage_account,
            resource_group_name=group,
            location=location,
            kind="StorageV2",
            sku=storage.SkuArgs(name=args.storage.sku),
            allow_blob_public_access=False,
            allow_shared_key_access=args.storage.shared_keys,
            enable_https_traffic_only=True,
            minimum_tls_version="TLS1_2",
            tags=tags,
            opts=child,
        )
        self.key_vault = keyvault.Vault(
            "key-vault",
            vault_name=names.key_vault,
            resource_group_name=group,
            location=location,
            # Without purge protection the property is left out: Azure refuses false.
            properties=keyvault.VaultPropertiesArgs(
                sku=keyvault.SkuArgs(family="A", name=keyvault.SkuName.STANDARD),
                tenant_id=args.tenant_id,
                enable_rbac_authorization=True,
                enable_soft_delete=True,
                soft_delete_retention_in_days=args.vault.retention_days,
                enable_purge_protection=True if args.vault.purge_protection else None,
            ),
            tags=tags,
            opts=self.purged_after_delete(),
        )
        self.registry = containerregistry.Registry(
            "container-registry",
            registry_name=names.container_registry,
            resource_group_name=group,
            location=location,
            sku=containerregistry.SkuArgs(name="Standard"),
            admin_user_enabled=False,
            tags=tags,
            opts=child,
        )
        self.register_outputs({"resourceGroup": group})

    def purged_after_delete(self, parent: pulumi.Resource | None = None) -> pulumi.ResourceOptions:
        """Options of a resource that Azure keeps soft-deleted after its deletion."""
        return pulumi.ResourceOptions(parent=parent or self, depends_on=[self.purge] if self.purge else [])

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
