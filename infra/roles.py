"""Who may do what, and where."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization

from cloud.roles import Role
from infra.foundation import Foundation
from settings.naming import Names, role_assignment_name
from settings.stack import Settings

Scope = tuple[str, pulumi.Input[str]]
SERVICE_PRINCIPAL = authorization.PrincipalType.SERVICE_PRINCIPAL


@dataclass(frozen=True)
class RolesArgs:
    """Who may do what on `foundation` and `workspace`.

    `identity_id`, `caller_id` and `github_id` are the principals of the identity that trains and serves, of whoever
    runs the program, and of the identity GitHub's workflows do it as, if there is one; `settings` decides how far the
    first may go and whether storage keys work. `workspace_purge` is what everything in the workspace depends on.
    """

    names: Names
    subscription_id: str
    settings: Settings
    identity_id: pulumi.Input[str]
    caller_id: str
    github_id: pulumi.Input[str] | None
    foundation: Foundation
    workspace: pulumi.Input[str]
    workspace_purge: Sequence[pulumi.Resource]


@dataclass(frozen=True)
class _Principal:
    """Who gets a role: `name` goes into the assignment's GUID, `earlier` are prefixes it had before."""

    prefix: str
    name: str
    id: pulumi.Input[str]
    type: authorization.PrincipalType
    earlier: tuple[str, ...] = ()


class Roles(pulumi.ComponentResource):
    """Whoever needs a principal to be able to do something depends on its assignments."""

    assignments: list[authorization.RoleAssignment]
    """The identity's."""
    deployers: list[authorization.RoleAssignment]
    """Of those who run the program, which uploads the data; none while storage keys work."""

    def __init__(self, name: str, args: RolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Roles", name, {}, opts)
        names, base, settings = args.names, args.foundation, args.settings
        # A scope is a plain name, which goes into the assignment's GUID, and the id, which Azure gives.
        storage = (names.storage_account, base.storage.id)
        workspace = (names.workspace, args.workspace)
        group = (names.resource_group, base.group.id)
        roles = {
            Role.CONTRIBUTOR: group if settings.identity.contributor_scope == "group" else workspace,
            Role.STORAGE_BLOB_DATA_READER: storage,
            Role.ACR_PULL: (names.container_registry, base.registry.id),
            Role.AZUREML_METRICS_WRITER: workspace,
        }
        by_identity: dict[Role, Scope] = {}
        if not settings.storage.shared_keys:
            # Azure gives them to the system identities of workspace, hub and project by itself.
            by_identity = {
                Role.STORAGE_BLOB_DATA_CONTRIBUTOR: storage,
                Role.STORAGE_FILE_DATA_PRIVILEGED_CONTRIBUTOR: storage,
            }
        identity = f"{names.resource_group}/{names.identity}"
        deployers = _deployers(args) if by_identity else []
        self.deployers = [
            self._assign(args, deployer, role, scope) for deployer in deployers for role, scope in by_identity.items()
        ]
        self.assignments = [
            # Without the type Azure looks the principal up, and does not find one that is seconds old.
            self._assign(args, _Principal("", identity, args.identity_id, SERVICE_PRINCIPAL), role, scope)
            for role, scope in {**roles, **by_identity}.items()
        ]
        self.register_outputs({})

    def _assign(self, args: RolesArgs, principal: _Principal, role: Role, scope: Scope) -> authorization.RoleAssignment:
        return authorization.RoleAssignment(
            f"{principal.prefix}{role.label}",
            role_assignment_name=role_assignment_name(f"{args.subscription_id}/{scope[0]}", role.guid, principal.name),
            scope=scope[1],
            role_definition_id=role.definition(args.subscription_id),
            principal_id=principal.id,
            principal_type=principal.type,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=args.workspace_purge if scope[0] == args.names.workspace else None,
                aliases=[pulumi.Alias(name=f"{alias}{role.label}") for alias in principal.earlier],
            ),
        )


def _deployers(args: RolesArgs) -> list[_Principal]:
    """Those the settings name, and GitHub's identity: the same whoever runs the program.

    Where the settings name nobody it is the caller, whose roles the next one takes over.
    """
    found = [
        # Azure has one assignment of a role on a scope, so the caller's becomes that of who is now named.
        _Principal(
            f"{id_}-", id_, id_, authorization.PrincipalType(kind), ("caller-",) if id_ == args.caller_id else ()
        )
        for id_, kind in args.settings.storage.deployers.items()
    ]
    if args.github_id is not None:
        names = args.names
        found.append(_Principal("github-", f"{names.resource_group}/{names.github}", args.github_id, SERVICE_PRINCIPAL))
    return found or [_Principal("caller-", args.caller_id, args.caller_id, _caller())]


def _caller() -> authorization.PrincipalType:
    """Whether a person or an application runs the program: only tokens of people have a scope (`scp`).

    Azure refuses an assignment with the wrong type, and the SDK says `User` where none is given.
    """
    token = authorization.get_client_token(endpoint="https://management.azure.com").token
    claims = token.split(".")[1]
    person = "scp" in json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return authorization.PrincipalType.USER if person else SERVICE_PRINCIPAL
