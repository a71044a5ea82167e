"""The Azure ML workspace, the GPU cluster that trains in it, and the CPU cluster that may prepare the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import machinelearningservices as ml

from infra.access import Access
from infra.foundation import Foundation
from infra.lifetime import of_workspace
from infra.naming import Names
from infra.sections import Compute, Data
from jobs.deletion import ML_VERSION

DATA_IDLE_SECONDS = 120


@dataclass(frozen=True)
class WorkspaceArgs:
    """`identity_id` is the user-assigned identity the clusters act as."""

    names: Names
    location: str
    tags: Mapping[str, str]
    subscription_id: str
    foundation: Foundation
    identity_id: pulumi.Input[str]
    compute: Compute
    data: Data
    access: Access


class Workspace(pulumi.ComponentResource):
    """The workspace acts as its own system-assigned identity, which Azure gives the roles it needs."""

    workspace: ml.Workspace
    cluster: ml.Compute
    data_cluster: ml.Compute | None
    name: pulumi.Output[str]
    id: pulumi.Output[str]
    purge: list[pulumi.Resource]
    """What everything in the workspace depends on."""
    lifetime: pulumi.Output[str]
    """Another one when the workspace is made anew."""

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
        own = args.names.workspace_id(args.subscription_id, args.names.workspace)
        holds = (f"{own}/computes/{args.names.cluster}", f"{own}/onlineEndpoints/{args.names.endpoint}")
        self.purge = base.purge_live("workspace", self.workspace, dict.fromkeys(holds, ML_VERSION), self)
        scale = (compute.min_nodes, compute.max_nodes, compute.idle_seconds)
        self.cluster = self._cluster("cluster", args, args.names.cluster, compute.vm_size, scale)
        self.data_cluster = None
        if args.data.run_on == "cluster":
            cpu, scale = args.data.cluster, (0, args.data.cluster.max_nodes, DATA_IDLE_SECONDS)
            self.data_cluster = self._cluster("data-cluster", args, args.names.data_cluster, cpu.vm_size, scale)
        self.name, self.id = self.workspace.name, self.workspace.id
        self.lifetime = of_workspace(self.workspace, args.names, args.names.workspace)
        self.register_outputs({"name": self.name, "cluster": self.cluster.name})

    def _cluster(
        self, name: str, args: WorkspaceArgs, azure_name: str, vm_size: str, scale: tuple[int, int, int]
    ) -> ml.Compute:
        """`scale` is the least and most nodes, and the seconds that an idle one waits."""
        least, most, idle = scale
        return ml.Compute(
            name,
            compute_name=azure_name,
            workspace_name=self.workspace.name,
            resource_group_name=args.foundation.group.name,
            location=args.location,
            identity=ml.ManagedServiceIdentityArgs(type="UserAssigned", user_assigned_identities=[args.identity_id]),
            properties=ml.AmlComputeArgs(
                compute_type="AmlCompute",
                properties=ml.AmlComputePropertiesArgs(
                    vm_size=vm_size,
                    # Azure ML has no low-priority machines any more.
                    vm_priority=ml.VmPriority.DEDICATED,
                    scale_settings=ml.ScaleSettingsArgs(
                        min_node_count=least,
                        max_node_count=most,
                        node_idle_time_before_scale_down=f"PT{idle}S",
                    ),
                ),
            ),
            tags=args.tags,
            # Azure takes a new size in an update, echoes it and keeps the old machines.
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=self.purge,
                replace_on_changes=["properties.properties.vmSize"],
                delete_before_replace=True,
            ),
        )
