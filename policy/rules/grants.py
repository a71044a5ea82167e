"""Who may do what: role assignments, and whether the endpoint's identity has the roles it needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cloud.catalogue import AZURES, ENDPOINT, FEDERATED_CREDENTIAL, IDENTITY, ROLE_ASSIGNMENT, STAGE
from cloud.roles import GRANTING, POWERFUL, SERVING, Role, passes_on
from policy import samples
from policy.beyond import ROLE_DEFINITION, custom_role
from policy.example import Example, but
from policy.frameworks import benchmark
from policy.rule import CRITICAL, HIGH, Config, Option, resource_rule, stack_rule
from policy.subject import UNKNOWN, Member, Resource, Stack

_ASSIGNMENT = (ROLE_ASSIGNMENT,)
FORBIDDEN = {role.guid: role.title for role in POWERFUL}
_BOUNDABLE = [role.guid for role in GRANTING]
NEEDED = {role.guid: role.title for role in SERVING}


def _role(resource: Resource) -> str:
    return str(resource.at("roleDefinitionId", "")).rsplit("/", 1)[-1].lower()


_WHOLE = re.compile(r"|/subscriptions/[^/]+|/providers/Microsoft\.Management/managementGroups/[^/]+", re.IGNORECASE)
_SUBJECT = re.compile(r"repo:(?P<repository>[\w.-]+(@\d+)?/[\w.-]+(@\d+)?):environment:(?P<environment>[\w.-]+)")


@resource_rule(
    "trust-one-environment",
    "Workflows that act as an identity are those of one repository in the stack's own environment on GitHub.",
    types=(FEDERATED_CREDENTIAL,),
    reason="that environment's reviewers decide over this stack; a branch or a pull request has none",
    remedy="declare the trust by finetune-phi:github alone; see infra/federation.py",
    severity=CRITICAL,
    framework=benchmark("IM-3"),
    options={
        "issuers": Option("array", ["https://token.actions.githubusercontent.com"], "who may issue the tokens"),
        "repositories": Option(
            "array", [], "OWNER/NAME of the repositories to trust; empty: the one the settings name"
        ),
    },
    examples=(
        *(
            Example(
                passes=(samples.trust(f"trust-clean-{number}"),),
                fails=(samples.trust(f"trust-{number}").but(**{key: value}),),
                on=f"trust-{number}",
            )
            for number, (key, value) in enumerate(
                (
                    ("subject", "repo:someone/finetune-phi:environment:another"),
                    ("subject", "repo:someone/finetune-phi:ref:refs/heads/main"),
                    ("subject", "repo:someone@1/finetune-phi@2:pull_request"),
                    ("issuer", "https://vstoken.actions.githubusercontent.com"),
                )
            )
        ),
        Example(
            passes=(
                samples.trust("trust-ids").but(
                    subject=f"repo:someone@1/finetune-phi@2:environment:{samples.STACK}-review"
                ),
            ),
            fails=(samples.trust("trust-any").but(subject=f"repo:someone@1/*:environment:{samples.STACK}"),),
            on="trust-any",
        ),
    ),
)
def trust_one_environment(resource: Resource, config: Config) -> Iterator[str]:
    issuer, subject = str(resource.at("issuer", "")), str(resource.at("subject", ""))
    if issuer not in config["issuers"]:
        yield f"{resource.name} trusts tokens of {issuer or 'nobody named'}"
    found = _SUBJECT.fullmatch(subject)
    if found is None:
        yield f"{resource.name} trusts {subject or 'nobody named'}, which is no environment of a repository"
    elif config["repositories"] and _without_ids(found["repository"]) not in config["repositories"]:
        yield f"{resource.name} trusts the repository {_without_ids(found['repository'])}, which is not on the list"
    elif found["environment"] not in (resource.stack, f"{resource.stack}-review"):
        yield f"{resource.name} trusts the environment {found['environment']}, which is not the stack's"


def _without_ids(repository: str) -> str:
    """`owner/name` of `owner@1/name@2`."""
    return re.sub(r"@\d+", "", repository)


@resource_rule(
    "role-no-owner",
    "Nobody is made an owner, nor may grant roles without a condition on which ones.",
    types=_ASSIGNMENT,
    reason="whoever can grant roles can grant themselves every other",
    remedy="grant the narrowest role that does the work; see infra/role_assignments.py",
    severity=CRITICAL,
    framework=benchmark("PA-7"),
    options={"forbidden": Option("object", FORBIDDEN, "name of the role, by the GUID of its definition")},
    examples=(
        Example(
            passes=(samples.identity("puller"), samples.assignment("role-no-owner-clean", "puller")),
            fails=(samples.identity("owner"), samples.assignment("role-no-owner", "owner", Role.OWNER)),
            on="role-no-owner",
        ),
    ),
)
def role_no_owner(resource: Resource, config: Config) -> Iterator[str]:
    name = config["forbidden"].get(_role(resource))
    if name and not (_role(resource) in _BOUNDABLE and _passes_on_only_others(resource, config["forbidden"])):
        yield f"{resource.name} grants {name}"


def _passes_on_only_others(resource: Resource, forbidden: Mapping[str, str]) -> bool:
    """Whether a condition keeps a role to granting and taking away roles that are not forbidden themselves."""
    passed_on = passes_on(str(resource.at("condition", "")))
    return passed_on is not None and not passed_on & {role.lower() for role in forbidden}


@resource_rule(
    "role-no-subscription-scope",
    "No role is granted on a whole subscription.",
    types=_ASSIGNMENT,
    reason="it reaches every other project in the subscription",
    remedy="grant it on the resource, or on the resource group",
    severity=HIGH,
    framework=benchmark("PA-7"),
    examples=(
        Example(
            passes=(samples.identity("narrow"), samples.assignment("role-no-subscription-scope-clean", "narrow")),
            fails=(
                samples.identity("wide"),
                samples.assignment("role-no-subscription-scope", "wide").but(
                    scope=f"/subscriptions/{samples.SUBSCRIPTION}"
                ),
            ),
            on="role-no-subscription-scope",
        ),
    ),
)
def role_no_subscription_scope(resource: Resource, _config: Config) -> Iterator[str]:
    scope = str(resource.at("scope", "")).rstrip("/")
    if _WHOLE.fullmatch(scope):
        yield f"{resource.name} is granted on {scope or '/'}"


@resource_rule(
    "role-no-wildcard",
    "A custom role names what it allows.",
    types=(ROLE_DEFINITION,),
    reason="what a wildcard allows grows with every action that Azure adds, and nobody reviews that",
    remedy="name the actions, or take a built-in role",
    severity=HIGH,
    framework=benchmark("PA-7"),
    covers=("in part: CKV_AZURE_39", "in part: Azure Policy a451c1ef-c6ca-483d-87ed-f49761e3ffb5"),
    examples=(
        but(custom_role, permissions=[{"actions": ["*"]}]),
        but(custom_role, permissions=[{"actions": ["Microsoft.Authorization/*"]}]),
        but(custom_role, permissions=[{"actions": [], "dataActions": ["Microsoft.Storage/*/read"]}]),
        but(custom_role, assignableScopes=[f"/subscriptions/{samples.SUBSCRIPTION}"]),
    ),
)
def role_no_wildcard(resource: Resource, _config: Config) -> Iterator[str]:
    for permission in resource.at("permissions", ()):
        for kind in ("actions", "dataActions"):
            for action in permission.get(kind) or () if isinstance(permission, Mapping) else ():
                if "*" in str(action):
                    yield f"{resource.name} allows {action}"
    for scope in resource.at("assignableScopes", ()):
        if _WHOLE.fullmatch(str(scope).rstrip("/")):
            yield f"{resource.name} can be granted on {scope}"


_PRINCIPALS = [row for row in AZURES if row.acts]


def _is_given(urn: str) -> bool:
    """Whether it is an identity that the stack's file names: read, and no member of the stack."""
    return urn.endswith(f"{IDENTITY.type}::existing-identity")


def _by_others(stack: Stack) -> set[str]:
    """GUIDs of the roles that the stage `roles` sees to, where others grant them."""
    looks = [each for each in stack.of(STAGE) if each.name == "roles"]
    return {Role[str(grant["role"])].guid for each in looks for grant in each.at("input.grants", ())}


@stack_rule(
    "role-known-principals",
    "Roles go to identities of the stack or to principals on a list.",
    reason="an id in the program says nobody who it is",
    remedy="grant it to an identity the program makes, or say in this policy's configuration who it is",
    severity=HIGH,
    framework=benchmark("PA-7"),
    options={
        "principals": Option("object", {}, "who it is, by principal id"),
        "assignments": Option("object", {}, "who it is, by the assignment's name in the program"),
    },
    examples=(
        Example(
            passes=(samples.identity("known"), samples.assignment("role-known-principals-clean", "known")),
            fails=(
                samples.assignment("role-known-principals", "").but(principalId="11111111-0000-4000-8000-000000000000"),
            ),
            on="role-known-principals",
        ),
    ),
)
def role_known_principals(stack: Stack, config: Config) -> Iterator[tuple[str, Member | None]]:
    for assignment in stack.of(ROLE_ASSIGNMENT):
        principal = assignment.peek("principalId")
        needs = assignment.needs("principalId")
        own = stack.named(needs, *_PRINCIPALS) or any(map(_is_given, needs))
        listed = principal is not UNKNOWN and principal in config["principals"]
        if not own and not listed and assignment.name not in config["assignments"]:
            yield f"{assignment.name} is granted to {principal}, who is not known", assignment


@stack_rule(
    "endpoint-identity-roles",
    "An endpoint's user-assigned identity has every role its deployments need.",
    reason="Azure grants a user-assigned identity nothing, and deployments without these roles fail late",
    remedy="grant the missing role in infra/role_assignments.py",
    severity=HIGH,
    framework=benchmark("IM-3"),
    options={"roles": Option("object", NEEDED, "name of the role, by the GUID of its definition")},
    examples=(
        Example(
            passes=(
                samples.identity("able"),
                samples.endpoint("able-endpoint").but(
                    identity={"type": "UserAssigned", "userAssignedIdentities": [samples.ref("able")]}
                ),
                *(
                    samples.assignment(f"able-{role.label}", "able", role)
                    for role in (Role.STORAGE_BLOB_DATA_READER, Role.AZUREML_METRICS_WRITER)
                ),
                samples.assignment("able-pull", "able"),
            ),
            fails=(
                samples.identity("unable"),
                samples.endpoint("endpoint-identity-roles").but(
                    identity={"type": "UserAssigned", "userAssignedIdentities": [samples.ref("unable")]}
                ),
                *(
                    samples.assignment(f"unable-{role.label}", "unable", role)
                    for role in (Role.STORAGE_BLOB_DATA_READER, Role.AZUREML_METRICS_WRITER)
                ),
            ),
            on="endpoint-identity-roles",
        ),
    ),
)
def endpoint_identity_roles(stack: Stack, config: Config) -> Iterator[tuple[str, Member | None]]:
    for endpoint in stack.of(ENDPOINT):
        for identity in stack.named(endpoint.needs("identity"), IDENTITY):
            granted = {
                _role(assignment)
                for assignment in stack.of(ROLE_ASSIGNMENT)
                if identity.urn in assignment.needs("principalId")
            } | _by_others(stack)
            for role, name in config["roles"].items():
                if role not in granted:
                    yield f"{identity.name}, the identity of {endpoint.name}, has no {name}", endpoint
