"""The managed network of a workspace or hub whose storage, vault and registry are closed, or that says what it reaches.

In it Azure makes private endpoints to them, and approves those as the workspace: its identity has to have the role for
that first, and is known only when the workspace is made. So the network is provisioned by a stage after the role.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization
from pulumi_azure_native import machinelearningservices as ml

from cloud.catalogue import AI_SERVICES, REGISTRY, STORAGE, VAULT
from cloud.place import Place
from cloud.roles import Role
from cloud.target import Target
from infra.lifecycle.hooks import working
from jobs.network.spec import ProvisionSpec
from jobs.preflight.spec import Grant
from settings.naming import role_assignment_name

APPROVER = Role.AZURE_AI_ENTERPRISE_NETWORK_CONNECTION_APPROVER


@dataclass(frozen=True, kw_only=True)
class ProvisioningArgs:
    """`of` is the workspace's name in the program, `target` its place on Azure.

    `needs` is what the endpoints lead to and the workspace does not wait for by itself; `lifetime` another text when
    the workspace is made anew.
    """

    of: str
    place: Place
    target: Target
    workspace: ml.Workspace
    needs: list[pulumi.Resource]
    lifetime: pulumi.Output[str]
    assign_roles: bool


def provisioned(args: ProvisioningArgs, parent: pulumi.Resource) -> list[pulumi.Resource]:
    """What everything that runs in the network depends on."""
    names = args.place.names
    scopes = list(_scopes(args))
    roles: list[pulumi.Resource] = []
    if args.assign_roles:
        principal = args.workspace.identity.apply(lambda identity: identity.principal_id if identity else "")
        roles = [
            authorization.RoleAssignment(
                f"{args.of}-{APPROVER.label}{f'-{on}' if on else ''}",
                role_assignment_name=role_assignment_name(
                    scope, APPROVER.guid, f"{names.resource_group}/{args.target.workspace}"
                ),
                scope=scope,
                role_definition_id=APPROVER.definition(args.place.subscription_id),
                principal_id=principal,
                principal_type=authorization.PrincipalType.SERVICE_PRINCIPAL,
                opts=pulumi.ResourceOptions(parent=parent, depends_on=[args.workspace, *args.needs]),
            )
            for on, scope in scopes
        ]
    stage = f"{args.of}-network"
    spec = ProvisionSpec(
        stack=args.place.stack,
        target=args.target,
        grants=tuple(Grant(role=APPROVER.name, scope=scope) for _, scope in scopes),
    )
    hook = pulumi.ResourceHook(stage, working(ProvisionSpec, "jobs.network.provision"))
    made = pulumi.Stash(
        stage,
        input={**spec.to_inputs(), "workspace_id": args.lifetime},
        opts=pulumi.ResourceOptions(
            parent=parent,
            depends_on=[args.workspace, *args.needs, *roles],
            hooks=pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook]),
        ),
    )
    return [made]


def _scopes(args: ProvisioningArgs) -> Iterator[tuple[str, str]]:
    """What of, in the program's words, and the id: the stack's group, and what is in others'."""
    place, names = args.place, args.place.names
    if "group" not in place.existing:
        yield "", place.group_id
    parts = {
        "storage": (STORAGE, names.storage_account),
        "vault": (VAULT, names.key_vault),
        "registry": (REGISTRY, names.container_registry),
    }
    for key, (row, name) in parts.items():
        if given := place.existing.get(key):
            yield key, given
        elif "group" in place.existing:
            yield key, names.id_of(place.subscription_id, row.arm_type, name)
    if "group" in place.existing:
        yield "own", args.target.path
        if args.of == "hub":
            yield "ai-services", names.id_of(place.subscription_id, AI_SERVICES.arm_type, names.ai_services)
