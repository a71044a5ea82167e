"""The Azure ML workspace and the GPU cluster that trains in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import machinelearningservices as ml

from infra.access import Access
from infra.foundation import Foundation
from infra.naming import Names
from infra.sections import Compute


@dataclass(frozen=True)
class WorkspaceArgs:
    """`identity_id` is the user-assigned identity the cluster acts as."""

    names: Names
    location: str
    tags: Mapping[str, str]
    foundation: Foundation
    identity_id: pulumi.Input[str]
    compute: Compute
    access: Access


class Workspace(pulumi.ComponentResource):
    """The workspace acts as its own system-assigned identity, which Azure gives the roles it needs."""

    workspace: ml.Workspace
    cluster: ml.Compute
    name: pulumi.Output[str]
    id: pulumi.Output[str]

    def __init__(self, name: str, args: WorkspaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Workspace", name, {}, opts)
        base, compute = args.foundation, args.compute
        self.workspace = ml.Workspace(
            "workspace",
            workspace_name=args.names.workspace,
            resource_group_name=base.group.name,
            location=args.location,
            kind="Default",
            friendly_name=args.names.workspace,
            identity=ml.ManagedServiceIdentityArgs(type="SystemAssigned"),
            sku=ml.SkuArgs(name="Basic", tier=ml.SkuTier.BASIC),
            storage_account=base.storage.id,
            key_vault=base.key_vault.id,
            application_insights=base.application_insights.id,
            container_registry=base.registry.id,
            public_network_access="Enabled",
            managed_network=args.access.managed_network,
            system_datastores_auth_mode=args.access.datastores,
            tags=args.tags,
            opts=base.outlived_by_purge(parent=self),
        )
        self.cluster = ml.Compute(
            "cluster",
            compute_name=args.names.cluster,
            workspace_name=self.workspace.name,
            resource_group_name=base.group.name,
            location=args.location,
            identity=ml.ManagedServiceIdentityArgs(type="UserAssigned", user_assigned_identities=[args.identity_id]),
            properties=ml.AmlComputeArgs(
                compute_type="AmlCompute",
                properties=ml.AmlComputePropertiesArgs(
                    vm_size=compute.vm_size,
                    # Azure ML has no low-priority machines any more.
                    vm_priority=ml.VmPriority.DEDICATED,
                    scale_settings=ml.ScaleSettingsArgs(
                        min_node_count=compute.min_nodes,
                        max_node_count=compute.max_nodes,
                        node_idle_time_before_scale_down=f"PT{compute.idle_seconds}S",
                    ),
                ),
            ),
            tags=args.tags,
            # Azure takes a new size in an update, echoes it and keeps the old machines.
            opts=pulumi.ResourceOptions(
                parent=self,
                replace_on_changes=["properties.properties.vmSize"],
                delete_before_replace=True,
            ),
        )
        self.name, self.id = self.workspace.name, self.workspace.id
        self.register_outputs({"name": self.name, "cluster": self.cluster.name})
