"""Azure ML workspaces, Foundry hubs and their projects, and the connections in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pulumi_policy.deserialize import SPECIAL_SECRET_SIG, SPECIAL_SIG_KEY
from pulumi_policy.proxy import (
    UNKNOWN_ARRAY_VALUE,
    UNKNOWN_BOOLEAN_VALUE,
    UNKNOWN_NUMBER_VALUE,
    UNKNOWN_OBJECT_VALUE,
    UNKNOWN_STRING_VALUE,
)

from cloud.catalogue import CONNECTION, WORKSPACE
from policy import samples
from policy.example import Example, but
from policy.frameworks import benchmark, well_architected
from policy.inputs import workspace_kind
from policy.rule import (
    ADVISORY,
    CRITICAL,
    HIGH,
    LOW,
    MEDIUM,
    REMEDIATE,
    Config,
    Inputs,
    Option,
    resource_rule,
    stack_rule,
)
from policy.subject import UNKNOWN, Member, Resource, Stack


@resource_rule(
    "workspace-managed-network",
    "Workspaces and hubs have a managed network.",
    types=(WORKSPACE,),
    reason="without one, a job or a deployment may send data anywhere",
    remedy="set managed_network with an isolation mode; it has to be there before the first cluster",
    severity=HIGH,
    level=ADVISORY,
    framework=benchmark("NS-2"),
    options={
        "modes": Option("array", ["AllowInternetOutbound", "AllowOnlyApprovedOutbound"], "allowed isolation modes")
    },
    covers=(
        "in part: Azure.ML.ComputeVnet (AZR-000405)",
        "in part: Azure Policy 7804b5c7-01dc-4723-969b-ae300cc07ff1",
    ),
    examples=(but(samples.workspace, managedNetwork=None),),
)
def workspace_managed_network(resource: Resource, config: Config) -> Iterator[str]:
    kind = workspace_kind(resource)
    mode = resource.at("managedNetwork.isolationMode", "Disabled")
    # A project lives in its hub's network.
    if kind.lower() != "project" and mode not in config["modes"]:
        yield f"the {kind.lower()} workspace {resource.name} has the isolation mode {mode}"


@resource_rule(
    "workspace-high-business-impact",
    "Workspaces with sensitive data are marked as of high business impact.",
    types=(WORKSPACE,),
    reason="it limits what Microsoft collects for diagnosis, and can only be set when the workspace is made",
    remedy="set hbi_workspace=True before the first deployment, or take its classification off the list",
    severity=LOW,
    level=ADVISORY,
    framework=well_architected("SE:03"),
    options={
        "always": Option("boolean", False, "whether every workspace must be marked"),
        "classifications": Option(
            "array", ["confidential", "restricted"], "values of the tag data-classification that ask for the mark"
        ),
    },
    examples=(but(samples.workspace, tags={**samples.TAGS, "data-classification": "confidential"}),),
)
def workspace_high_business_impact(resource: Resource, config: Config) -> Iterator[str]:
    kind = workspace_kind(resource).lower()
    if kind == "project" or resource.at("hbiWorkspace"):
        return
    data = resource.peek("tags.data-classification")
    if config["always"] or data in config["classifications"]:
        yield f"the {kind} workspace {resource.name} is not marked as of high business impact"


@stack_rule(
    "one-hub-per-project",
    "Every project has exactly one hub, and every hub a project.",
    reason="a project without its hub has no connections and no compute; a hub without a project is only cost",
    remedy="give the project the hub's id as hub_resource_id, as infra/foundry.py does",
    severity=HIGH,
    options={"hubs": Option("array", [], "resource ids of hubs outside the stack that projects may have")},
    examples=(
        Example(
            passes=(samples.workspace("hub", "Hub"), samples.project("project", "hub")),
            fails=(samples.workspace("one-hub-per-project", "Hub"),),
            on="one-hub-per-project",
        ),
    ),
)
def one_hub_per_project(stack: Stack, config: Config) -> Iterator[tuple[str, Member | None]]:
    workspaces = stack.of(WORKSPACE)
    hubs = [one for one in workspaces if workspace_kind(one).lower() == "hub"]
    used: set[str] = set()
    for project in (one for one in workspaces if workspace_kind(one).lower() == "project"):
        own = [hub for hub in hubs if hub.urn in project.needs("hubResourceId")]
        used.update(hub.urn for hub in own)
        if len(own) != 1 and project.peek("hubResourceId") not in config["hubs"]:
            yield f"the project {project.name} has {len(own)} hubs in this stack", project
    for hub in hubs:
        if hub.urn not in used:
            yield f"the hub {hub.name} has no project", hub


_UNKNOWNS = {
    UNKNOWN_STRING_VALUE,
    UNKNOWN_NUMBER_VALUE,
    UNKNOWN_BOOLEAN_VALUE,
    UNKNOWN_ARRAY_VALUE,
    UNKNOWN_OBJECT_VALUE,
}
_OPEN_FIELDS = {"clientId", "resourceId", "username"}  # of credentials, and no secrets


def _secret(value: object) -> object:
    return {SPECIAL_SIG_KEY: SPECIAL_SECRET_SIG, "value": value}


def _hide(inputs: Inputs) -> bool:
    """Marks every plain credential below `inputs`; tells whether there was one."""
    found = False
    for key, value in inputs.items():
        if isinstance(value, dict) and SPECIAL_SIG_KEY not in value:
            found |= _hide(value)
        elif isinstance(value, str) and value and value not in _UNKNOWNS and key not in _OPEN_FIELDS:
            inputs[key] = _secret(value)
            found = True
    return found


def _hide_credentials(_resource: Resource, _config: Config, inputs: Inputs) -> bool:
    properties = inputs.get("properties")
    credentials = properties.get("credentials") if isinstance(properties, dict) else None
    return _hide(credentials) if isinstance(credentials, dict) and SPECIAL_SIG_KEY not in credentials else False


@resource_rule(
    "connection-secrets",
    "Credentials of a connection are secrets; plain ones are marked.",
    types=(CONNECTION,),
    reason="a value that is not marked is written in clear to the state, the diff and the log",
    remedy='give keys as pulumi.Output.secret, and set additional_secret_outputs=["properties"]',
    severity=CRITICAL,
    level=REMEDIATE,
    framework=benchmark("IM-8"),
    mending=_hide_credentials,
    examples=(
        Example(
            passes=(samples.connection("connection-clean"),),
            fails=(samples.connection("connection-secrets").having(secret_outputs=()),),
            on="connection-secrets",
        ),
        Example(
            passes=(samples.connection("connection-clean-too"),),
            fails=(
                samples.connection("connection-plain").but(properties__credentials={"keys": {"key": "a plain key"}}),
            ),
            on="connection-plain",
            mended=True,
        ),
    ),
)
def connection_secrets(resource: Resource, _config: Config) -> Iterator[str]:
    # The engine shows a validation no marks. What it does show is whether the outputs, which repeat them, are marked.
    credentials = resource.peek("properties.credentials")
    holds = credentials is UNKNOWN or (isinstance(credentials, Mapping) and credentials)
    if holds and "properties" not in resource.options.additional_secret_outputs:
        yield f"{resource.name} holds credentials, and its outputs are not marked as secret"


@stack_rule(
    "connections-one-by-one",
    "Connections of one workspace are made one after the other.",
    reason="Azure answers 409 to two connections that are written at once",
    remedy="let the second depend on the first, as infra/foundry.py does",
    severity=MEDIUM,
    examples=(
        Example(
            passes=(
                samples.connection("first", "proj"),
                samples.connection("second", "proj").having(depends_on=("first",)),
            ),
            fails=(samples.connection("at-once", "proj-x"), samples.connection("connections-one-by-one", "proj-x")),
            on="connections-one-by-one",
        ),
    ),
)
def connections_one_by_one(stack: Stack, _config: Config) -> Iterator[tuple[str, Member | None]]:
    by_urn = {member.urn: member for member in stack.members}

    def waits(later: Member, earlier: Member, seen: set[str]) -> bool:
        for urn in later.dependencies - seen:
            seen.add(urn)
            if urn == earlier.urn or (urn in by_urn and waits(by_urn[urn], earlier, seen)):
                return True
        return False

    connections = sorted(stack.of(CONNECTION), key=lambda one: one.urn)
    for index, one in enumerate(connections):
        for other in connections[index + 1 :]:
            shared = one.needs("workspaceName") & other.needs("workspaceName")
            named = one.peek("workspaceName")
            same = shared or (isinstance(named, str) and named == other.peek("workspaceName"))
            if same and not waits(one, other, set()) and not waits(other, one, set()):
                yield f"{one.name} and {other.name} are written at the same time", other
