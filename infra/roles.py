"""What the identity may do, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import pulumi
from pulumi_azure_native import authorization

from infra.naming import role_assignment_name


class Role(Enum):
    """Azure's built-in roles by the GUID of their definition."""

    CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
    STORAGE_BLOB_DATA_READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
    ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
    AZUREML_METRICS_WRITER = "635dd51f-9968-44d3-b7fb-6d9a6bd613ae"

    @property
    def label(self) -> str:
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True)
class RolesArgs:
    """`principal` names the identity `principal_id` belongs to; `scopes` holds a resource per role.

    A scope is a pair of a plain name, which goes into the assignment's GUID, and the resource's id.
    """

    subscription_id: str
    principal: str
    principal_id: pulumi.Input[str]
    scopes: Mapping[Role, tuple[str, pulumi.Input[str]]]


class Roles(pulumi.ComponentResource):
    """Whoever needs the identity to be able to do something depends on `assignments`."""

    assignments: list[authorization.RoleAssignment]

    def __init__(self, name: str, args: RolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Roles", name, {}, opts)
        definitions = f"/subscriptions/{args.subscription_id}/providers/Microsoft.Authorization/roleDefinitions"
        self.assignments = [
            authorization.RoleAssignment(
                role.label,
                role_assignment_name=role_assignment_name(
                    f"{args.subscription_id}/{scope_name}", role.value, args.principal
                ),
                scope=scope,
                role_definition_id=f"{definitions}/{role.value}",
                principal_id=args.principal_id,
                # Without it Azure looks the principal up, and does not find one that is seconds old.
                principal_type=authorization.PrincipalType.SERVICE_PRINCIPAL,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for role, (scope_name, scope) in args.scopes.items()
        ]
        self.register_outputs({})
