"""The registry that a stack's models go to, for others to take, where the stack is to make it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import machinelearningservices as ml

from cloud.place import Place


@dataclass(frozen=True, kw_only=True)
class ModelRegistryArgs:
    """`name` is unique in the tenant and part of every id of a model in it."""

    place: Place
    resource_group: pulumi.Input[str]
    name: str


class ModelRegistry(pulumi.ComponentResource):
    """Protected whatever the stack's settings say: other stacks serve models that are in it.

    Azure keeps its files and images in accounts of its own making, in a group of its own.
    """

    registry: ml.Registry

    def __init__(self, name: str, args: ModelRegistryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:ModelRegistry", name, {}, opts)
        storage = ml.SystemCreatedStorageAccountArgs(
            storage_account_type="Standard_LRS", storage_account_hns_enabled=False, allow_blob_public_access=False
        )
        images = ml.SystemCreatedAcrAccountArgs(acr_account_sku="Premium")  # Azure takes no other
        self.registry = ml.Registry(
            "model-registry",
            registry_name=args.name,
            resource_group_name=args.resource_group,
            location=args.place.location,
            identity=ml.ManagedServiceIdentityArgs(type=ml.ManagedServiceIdentityType.SYSTEM_ASSIGNED),
            public_network_access="Enabled",
            region_details=[
                ml.RegistryRegionArmDetailsArgs(
                    location=args.place.location,
                    acr_details=[ml.AcrDetailsArgs(system_created_acr_account=images)],
                    storage_account_details=[ml.StorageAccountDetailsArgs(system_created_storage_account=storage)],
                )
            ],
            tags=args.place.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=True),
        )
        self.register_outputs({"name": self.registry.name})
