"""Who may do what, and where."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization

from cloud.place import Place
from cloud.roles import Role
from infra.federation import Federation
from infra.foundation import Foundation
from infra.identity import Identity
from infra.lifecycle.hooks import working
from infra.workspace import Workspace
from jobs.preflight.spec import GrantsSpec
from jobs.team import TeamRole, Thing
from settings.naming import role_assignment_name
from settings.sections.storage import StorageSettings

Scope = tuple[str, pulumi.Input[str]]
SERVICE_PRINCIPAL = authorization.PrincipalType.SERVICE_PRINCIPAL


@dataclass(frozen=True, kw_only=True)
class RolesArgs:
    """`identity` trains and serves, `caller_id` runs the program, `github` is whom GitHub's workflows run it as.

    `contributor_scope` says how far the first may go, `storage` whether keys work and who else uploads data. Where
    others grant all of it (`by_others`), the program only looks.
    """

    place: Place
    foundation: Foundation
    workspace: Workspace
    identity: Identity
    contributor_scope: str
    storage: StorageSettings
    caller_id: str
    github: Federation | None
    by_others: GrantsSpec | None


@dataclass(frozen=True, kw_only=True)
class _Principal:
    """Who gets a role: `name` goes into the assignment's GUID, `earlier` are prefixes it had before."""

    prefix: str
    name: str
    id: pulumi.Input[str]
    type: authorization.PrincipalType
    earlier: tuple[str, ...] = ()


class Roles(pulumi.ComponentResource):
    """Whoever needs a principal to be able to do something depends on its assignments."""

    assignments: Sequence[pulumi.Resource]
    """The identity's."""
    deployers: Sequence[pulumi.Resource]
    """Of those who run the program, which uploads the data; none while storage keys work."""

    def __init__(self, name: str, args: RolesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Roles", name, {}, opts)
        if args.by_others:
            self.assignments = self.deployers = [self._look(args, args.by_others)]
            self.register_outputs({})
            return
        names, base = args.place.names, args.foundation
        # A scope is a plain name, which goes into the assignment's GUID, and the id, which Azure gives.
        storage = (names.storage_account, base.storage.id)
        workspace = (names.workspace, args.workspace.id)
        group = (names.resource_group, base.group.id)
        # In a group that is somebody else's, no further than the workspace.
        whole_group = args.contributor_scope == "group" and "group" not in args.place.existing
        roles = {
            Role.CONTRIBUTOR: group if whole_group else workspace,
            Role.STORAGE_BLOB_DATA_READER: storage,
            Role.ACR_PULL: (names.container_registry, base.registry.id),
            Role.AZUREML_METRICS_WRITER: workspace,
        }
        by_identity: dict[Role, Scope] = {}
        if not args.storage.shared_keys:
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
        # Without the type Azure looks the principal up, and does not find one that is seconds old.
        worker = _Principal(prefix="", name=identity, id=args.identity.principal_id, type=SERVICE_PRINCIPAL)
        self.assignments = [self._assign(args, worker, role, scope) for role, scope in {**roles, **by_identity}.items()]
        self.register_outputs({})

    def _look(self, args: RolesArgs, spec: GrantsSpec) -> pulumi.Stash:
        """A stage as in stages.py, which waits for all that roles are granted on and to."""
        hook = pulumi.ResourceHook("roles", working(GrantsSpec, "jobs.preflight.grants"))
        base = args.foundation
        needs = [
            base.group,
            base.storage,
            base.registry,
            args.identity,
            args.workspace.workspace,
            *args.workspace.purge,
        ]
        return pulumi.Stash(
            "roles",
            input=spec.to_inputs(),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[*needs, *([args.github] if args.github else [])],
                hooks=pulumi.ResourceHookBinding(before_create=[hook], before_update=[hook]),
            ),
        )

    def _assign(self, args: RolesArgs, principal: _Principal, role: Role, scope: Scope) -> authorization.RoleAssignment:
        subscription = args.place.subscription_id
        return authorization.RoleAssignment(
            f"{principal.prefix}{role.label}",
            role_assignment_name=role_assignment_name(
                f"{args.place.subscription_id}/{scope[0]}", role.guid, principal.name
            ),
            scope=scope[1],
            role_definition_id=role.definition(subscription),
            principal_id=principal.id,
            principal_type=principal.type,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=args.workspace.purge if scope[0] == args.place.names.workspace else None,
                aliases=[pulumi.Alias(name=f"{alias}{role.label}") for alias in principal.earlier],
            ),
        )


@dataclass(frozen=True, kw_only=True)
class TeamArgs:
    """`on` has the id of each thing that a role of the team is granted on."""

    place: Place
    roles: Sequence[TeamRole]
    on: Mapping[Thing, pulumi.Input[str]]


class Team(pulumi.ComponentResource):
    """What groups of people may do; nothing depends on it."""

    def __init__(self, name: str, args: TeamArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Team", name, {}, opts)
        subscription, names = args.place.subscription_id, args.place.names
        # An assignment's name is unique in the whole tenant, and a connection's is not even so in two stacks.
        within = f"{subscription}/{args.place.origin.stack}/{names.resource_group}/{names.project}"
        called: dict[Thing, str] = {
            "group": names.resource_group,
            "workspace": names.workspace,
            "project": names.project,
            "endpoint": names.endpoint,
            "connection": names.connection,
        }
        for each in args.roles:
            authorization.RoleAssignment(
                f"{each.group}-{each.on}-{each.role.label}",
                role_assignment_name=role_assignment_name(
                    f"{within}/{each.on}/{called[each.on]}", each.role.guid, each.group
                ),
                scope=args.on[each.on],
                role_definition_id=each.role.definition(subscription),
                principal_id=each.group,
                principal_type=authorization.PrincipalType.GROUP,
                # One that is there keeps its name, and Azure has no two of one role for one group on a scope.
                opts=pulumi.ResourceOptions(
                    parent=self, ignore_changes=["roleAssignmentName"], delete_before_replace=True
                ),
            )
        self.register_outputs({})


def _deployers(args: RolesArgs) -> list[_Principal]:
    """Those the settings name, and GitHub's identity: the same whoever runs the program.

    Where the settings name nobody it is the caller, whose roles the next one takes over.
    """
    found = [
        # Azure has one assignment of a role on a scope, so the caller's becomes that of who is now named.
        _Principal(
            prefix=f"{id_}-",
            name=id_,
            id=id_,
            type=authorization.PrincipalType(kind),
            earlier=("caller-",) if id_ == args.caller_id else (),
        )
        for id_, kind in args.storage.deployers.items()
    ]
    if args.github is not None:
        names = args.place.names
        name = f"{names.resource_group}/{names.github}"
        found.append(_Principal(prefix="github-", name=name, id=args.github.principal_id, type=SERVICE_PRINCIPAL))
    return found or [_Principal(prefix="caller-", name=args.caller_id, id=args.caller_id, type=_caller())]


def _caller() -> authorization.PrincipalType:
    """Whether a person or an application runs the program: only tokens of people have a scope (`scp`).

    Azure refuses an assignment with the wrong type, and the SDK says `User` where none is given.
    """
    token = authorization.get_client_token(endpoint="https://management.azure.com").token
    claims = token.split(".")[1]
    person = "scp" in json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    return authorization.PrincipalType.USER if person else SERVICE_PRINCIPAL
