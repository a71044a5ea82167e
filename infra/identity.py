"""The user-assigned identity that cluster and endpoint act as."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import managedidentity

from cloud.place import Place
from infra.lifecycle.recorded import identity as ask_for
from infra.lifecycle.recorded import recorded


@dataclass(frozen=True, kw_only=True)
class IdentityArgs:
    """Where the identity is made and what it is called."""

    place: Place
    resource_group: pulumi.Input[str]


class Identity(pulumi.ComponentResource):
    """May do nothing until role_assignments.py grants it something."""

    id: pulumi.Output[str]
    principal_id: pulumi.Output[str]

    def __init__(self, name: str, args: IdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Identity", name, {}, opts)
        if given := args.place.existing.get("identity"):
            theirs = managedidentity.UserAssignedIdentity.get(
                "existing-identity", given, opts=pulumi.ResourceOptions(parent=self)
            )
            self.id, self.principal_id = theirs.id, theirs.principal_id
            self.register_outputs({"id": self.id, "principalId": self.principal_id})
            return
        identity = managedidentity.UserAssignedIdentity(
            "identity",
            resource_name_=args.place.names.identity,
            resource_group_name=args.resource_group,
            location=args.place.location,
            tags=args.place.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.id = identity.id
        own_name = args.place.names.identity
        self.principal_id = recorded(
            identity.principal_id, ask_for(args.place, own_name), "principal_id", f"identity {own_name}"
        )
        self.register_outputs({"id": self.id, "principalId": self.principal_id})
