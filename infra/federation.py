"""The identity GitHub's workflows deploy as: no stored secret, and only what this program needs.

GitHub signs who a job runs for; Entra ID exchanges that for a token of this identity if it is a job of one
repository in one of its environments, whose protection rules are GitHub's to keep.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization, managedidentity, resources

from cloud.place import Place
from cloud.roles import GRANTED, Role
from infra.lifecycle.recorded import identity as ask_for
from infra.lifecycle.recorded import recorded
from settings.naming import role_assignment_name
from settings.sections.github import GithubSettings

ISSUER = "https://token.actions.githubusercontent.com"
AUDIENCE = "api://AzureADTokenExchange"


@dataclass(frozen=True, kw_only=True)
class FederationArgs:
    """What the identity may act in is `group`; jobs of the GitHub environment called as the stack are it.

    Without `assign_roles` others grant it what it needs.
    """

    place: Place
    group: resources.ResourceGroup
    github: GithubSettings
    assign_roles: bool
    passes_on: tuple[Role, ...] = GRANTED
    """What the program grants, and so has to be granted by whom it runs as."""


class Federation(pulumi.ComponentResource):
    """May change everything in the group, and grant in it only the roles this program grants."""

    principal_id: pulumi.Output[str]
    client_id: pulumi.Output[str]
    """Goes into the GitHub environment's variable AZURE_CLIENT_ID; it is no secret."""

    def __init__(self, name: str, args: FederationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("finetune-phi:infra:Federation", name, {}, opts)
        # A workflow that destroys the stack runs as this identity: it keeps what it is and may do until the group goes,
        # and all of this with it. Where only the setting goes, it is deleted like everything else.
        # A group that is somebody else's does not go.
        theirs = "group" in args.place.existing
        child = pulumi.ResourceOptions(parent=self, deleted_with=None if theirs else args.group)
        group = args.group.name
        own_name = args.place.names.github
        deployer = managedidentity.UserAssignedIdentity(
            "deployer",
            resource_name_=own_name,
            resource_group_name=group,
            location=args.place.location,
            tags=args.place.tags,
            opts=child,
        )
        ask, on = ask_for(args.place, own_name), f"identity {own_name}"
        self.principal_id = recorded(deployer.principal_id, ask, "principal_id", on)
        self.client_id = recorded(deployer.client_id, ask, "client_id", on)
        managedidentity.FederatedIdentityCredential(
            "github",
            resource_name_=deployer.name,
            federated_identity_credential_resource_name=f"github-{args.place.origin.stack}",
            resource_group_name=group,
            issuer=ISSUER,
            audiences=[AUDIENCE],
            subject=args.github.subject_of(args.place.stack),
            opts=child,
        )
        granting = granting_only([role.guid for role in args.passes_on])
        roles = (
            ("deployer-contributor", Role.CONTRIBUTOR, None),
            ("deployer-access", Role.ROLE_BASED_ACCESS_CONTROL_ADMINISTRATOR, granting),
        )
        for label, role, condition in roles if args.assign_roles else ():
            authorization.RoleAssignment(
                label,
                role_assignment_name=role_assignment_name(
                    f"{args.place.subscription_id}/{args.place.names.resource_group}", role.guid, own_name
                ),
                scope=args.group.id,
                role_definition_id=role.definition(args.place.subscription_id),
                principal_id=self.principal_id,
                principal_type=authorization.PrincipalType.SERVICE_PRINCIPAL,
                condition=condition,
                condition_version="2.0" if condition else None,
                opts=child,
            )
        self.register_outputs({"clientId": self.client_id})


def granting_only(roles: list[str]) -> str:
    """The condition, in Azure's language, that only these roles are granted or taken away."""
    allowed = "{" + ", ".join(roles) + "}"
    action = "Microsoft.Authorization/roleAssignments"
    clauses = (
        f"((!(ActionMatches{{'{action}/{verb}'}})) OR "
        f"(@{source}[{action}:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {allowed}))"
        for verb, source in (("write", "Request"), ("delete", "Resource"))
    )
    return " AND ".join(clauses)
