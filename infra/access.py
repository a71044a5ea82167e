"""How workspace and hub reach the world and their storage, who reaches the stack, and whether it has keys."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import machinelearningservices as ml

from settings.estate.private import OutboundSettings
from settings.stack import Settings


@dataclass(frozen=True)
class Access:
    """`network`, `outbound`, `storage.sharedKeys` and `localAuth` as resources take them. A project has its hub's."""

    managed_network: ml.ManagedNetworkSettingsArgs | None
    datastores: ml.SystemDatastoresAuthMode | None
    local_auth: bool
    """Whether an endpoint, AI Services and clusters know other callers than those of Entra ID."""

    sensitive: bool
    """The setting `highBusinessImpact`."""

    closed: bool = False
    """Whether the stack answers by private endpoints alone (`network: private`)."""

    by_stage: bool = False
    """Whether a stage provisions the managed network (infra/locked/provisioning.py), in which private endpoints lead
    to storage, vault and registry, which the workspace's identity has to be allowed to approve."""

    @property
    def public(self) -> str:
        """`publicNetworkAccess`."""
        return "Disabled" if self.closed else "Enabled"

    @property
    def high_business_impact(self) -> bool | None:
        """`hbiWorkspace`; left out where it is not asked for."""
        return True if self.sensitive else None

    @property
    def no_local_auth(self) -> bool | None:
        """`disableLocalAuth`; left out where it is not asked for, so that an old stack sees no change."""
        return None if self.local_auth else True

    @property
    def provision_now(self) -> bool | None:
        """A managed network is made with the workspace, which takes about half an hour, and not with its first cluster.

        With that it would be a race of all clusters, which Azure may not wait for (pulumi/pulumi-azure-native#3212).
        """
        return True if self.managed_network and not self.by_stage else None

    def only_at_first(self, options: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
        """Options for which what counts only when a workspace is made is no change of one that is there."""
        return pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(ignore_changes=["provisionNetworkNow"]))

    @classmethod
    def of(cls, settings: Settings) -> Access:
        """Azure's defaults are left to Azure, so that an old stack sees no change.

        A managed network allows all outbound traffic unless `outbound` says otherwise: the registry's fine-tuning
        component gets its images and packages from the internet, prompt flow and the hub's connections call public
        endpoints, and approving each of them by name needs an Azure Firewall (Azure ML docs, "Workspace managed
        virtual network isolation"). It can be tightened later, never loosened.
        """
        closed = settings.network == "private"
        return cls(
            None if settings.network == "public" else _managed(settings.outbound),
            None if settings.storage.shared_keys else ml.SystemDatastoresAuthMode.IDENTITY,
            settings.local_auth,
            settings.high_business_impact,
            closed,
            by_stage=closed or settings.outbound.to == "approved",
        )


def _managed(outbound: OutboundSettings) -> ml.ManagedNetworkSettingsArgs:
    if outbound.to == "internet":
        return ml.ManagedNetworkSettingsArgs(isolation_mode=ml.IsolationMode.ALLOW_INTERNET_OUTBOUND)
    rules = {
        name: ml.FqdnOutboundRuleArgs(type="FQDN", category=ml.RuleCategory.USER_DEFINED, destination=host)
        for name, host in outbound.rules.items()
    }
    return ml.ManagedNetworkSettingsArgs(
        isolation_mode=ml.IsolationMode.ALLOW_ONLY_APPROVED_OUTBOUND, outbound_rules=rules or None
    )
