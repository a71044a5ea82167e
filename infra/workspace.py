"""The Azure ML workspace, the GPU cluster that trains in it, and the CPU cluster that may prepare the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import machinelearningservices as ml

from cloud.catalogue import CLUSTER, ENDPOINT
from cloud.place import Place
from infra.access import Access
from infra.foundation import Foundation
from infra.identity import Identity
from infra.lifecycle.lifetime import of_workspace
from infra.lifecycle.machines import ClusterSize, ClusterSizeArgs
from infra.locked.encryption import of_workspace_under
from infra.locked.provisioning import ProvisioningArgs, provisioned
from settings.sections.compute import ComputeSettings
from settings.sections.data import DATA_IDLE_SECONDS, DataSettings


@dataclass(frozen=True, kw_only=True)
class WorkspaceArgs:
    """`identity` is what the clusters act as."""

    place: Place
    foundation: Foundation
    identity: Identity
    compute: ComputeSettings
    data: DataSettings
    access: Access
    assign_roles: bool = True


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
    network: list[pulumi.Resource]
    """What runs in the workspace depends on it, where a stage provisions the managed network."""

    def __init__(self, name: str, args: WorkspaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Workspace", name, {}, opts)
        base, compute, given = args.foundation, args.compute, args.place.existing
        child = pulumi.ResourceOptions(parent=self)
        self._own = own = args.place.workspace.path
        # What is given is read, and no part of the stack; what is made in it is.
        if theirs := given.get("workspace"):
            self.workspace, self.purge = ml.Workspace.get("existing-workspace", theirs, opts=child), []
        else:
            self.workspace = self._workspace(args)
            holds = {
                f"{own}/computes/{args.place.names.cluster}": CLUSTER.version,
                f"{own}/onlineEndpoints/{args.place.names.endpoint}": ENDPOINT.version,
            }
            self.purge = base.purge_live("workspace", self.workspace, holds, self)
        self.lifetime = of_workspace(self.workspace, args.place.names, args.place.names.workspace)
        self.network = [] if "workspace" in given else self._network(args)
        if theirs := given.get("cluster"):
            self.cluster = ml.Compute.get("existing-cluster", theirs, opts=child)
        else:
            scale = (compute.min_nodes, compute.max_nodes, compute.idle_seconds)
            self.cluster = self._cluster("cluster", args, args.place.names.cluster, compute.vm_size, scale)
        self.data_cluster = None
        if args.data.run_on == "cluster":
            cpu, scale = args.data.cluster, (0, args.data.cluster.max_nodes, DATA_IDLE_SECONDS)
            # Azure provisions a managed network with the first cluster; a second one meanwhile is a race.
            after = [self.cluster] if args.access.managed_network else []
            name = args.place.names.data_cluster
            self.data_cluster = self._cluster("data-cluster", args, name, cpu.vm_size, scale, after)
        self.name, self.id = self.workspace.name, self.workspace.id
        self.register_outputs({"name": self.name, "cluster": self.cluster.name})

    def _tags(self, args: WorkspaceArgs) -> dict[str, str]:
        """By which a cluster in a workspace of somebody else's is the stack's."""
        own = ("project", "stack") if "workspace" in args.place.existing else ()
        return {key: args.place.tags[key] for key in own}

    def _workspace(self, args: WorkspaceArgs) -> ml.Workspace:
        base = args.foundation
        return ml.Workspace(
            "workspace",
            workspace_name=args.place.names.workspace,
            resource_group_name=base.group.name,
            location=args.place.location,
            kind="Default",
            friendly_name=args.place.names.workspace,
            identity=of_workspace_under(base.key),
            sku=ml.SkuArgs(name="Basic", tier=ml.SkuTier.BASIC),
            encryption=base.key.workspace() if base.key else None,
            enable_service_side_cmk_encryption=True if base.key else None,
            hbi_workspace=args.access.high_business_impact,
            storage_account=base.storage.id,
            key_vault=base.key_vault.id,
            application_insights=base.application_insights.id,
            container_registry=base.registry.id,
            public_network_access=args.access.public,
            # A registry that is closed builds no images: a cluster, which is in the network, does.
            image_build_compute=_builder(args) if args.access.closed else None,
            managed_network=args.access.managed_network,
            provision_network_now=args.access.provision_now,
            system_datastores_auth_mode=args.access.datastores,
            tags=args.place.tags,
            opts=args.access.only_at_first(base.purged_after_delete(parent=self)),
        )

    def _network(self, args: WorkspaceArgs) -> list[pulumi.Resource]:
        """Its managed network, where that is not provisioned with it."""
        if not args.access.by_stage:
            return []
        base = args.foundation
        return provisioned(
            ProvisioningArgs(
                of="workspace",
                place=args.place,
                target=args.place.workspace,
                workspace=self.workspace,
                needs=[base.storage, base.key_vault, base.registry, *self.purge],
                lifetime=self.lifetime,
                assign_roles=args.assign_roles,
            ),
            self,
        )

    def _cluster(
        self,
        name: str,
        args: WorkspaceArgs,
        azure_name: str,
        vm_size: str,
        scale: tuple[int, int, int],
        after: Sequence[pulumi.Resource] = (),
    ) -> ml.Compute:
        """`scale` is the least and most nodes, and the seconds that an idle one waits."""
        least, most, idle = scale
        vm_size = vm_size.upper()  # as Azure answers: what a refresh takes over is no difference then
        size = ClusterSize(
            f"{name}-size",
            ClusterSizeArgs(
                args.place.subscription_id, f"{self._own}/computes/{azure_name}", vm_size, self._tags(args)
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.workspace, *self.purge]),
        )
        return ml.Compute(
            name,
            compute_name=azure_name,
            workspace_name=self.workspace.name,
            resource_group_name=args.foundation.group.name,
            location=args.place.location,
            identity=ml.ManagedServiceIdentityArgs(type="UserAssigned", user_assigned_identities=[args.identity.id]),
            properties=ml.AmlComputeArgs(
                compute_type="AmlCompute",
                disable_local_auth=args.access.no_local_auth,
                properties=ml.AmlComputePropertiesArgs(
                    vm_size=vm_size,
                    # Azure ML has no low-priority machines any more.
                    vm_priority=ml.VmPriority.DEDICATED,
                    # Azure's default is an open port on every node that is not in a network of its own.
                    remote_login_port_public_access=ml.RemoteLoginPortPublicAccess.DISABLED,
                    enable_node_public_ip=args.access.managed_network is None,
                    scale_settings=ml.ScaleSettingsArgs(
                        min_node_count=least,
                        max_node_count=most,
                        node_idle_time_before_scale_down=f"PT{idle}S",
                    ),
                ),
            ),
            tags=args.place.tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[size, *self.purge, *self.network, *after],
                # Azure takes a new size in an update, echoes it and keeps the old machines. Not by the difference in
                # the property, which may be one of case alone; a cluster that is older than this has no trigger yet.
                replacement_trigger=vm_size,
                delete_before_replace=True,
                # Fixed when a cluster is made.
                ignore_changes=["properties.properties.enableNodePublicIp"],
            ),
        )


def _builder(args: WorkspaceArgs) -> str:
    """The cluster that builds images: the one without a GPU, where there is one."""
    names = args.place.names
    return names.data_cluster if args.data.run_on == "cluster" else names.cluster
