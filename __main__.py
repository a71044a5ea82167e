"""All of it: what Azure ML needs, the project that chats, and the stages that fine-tune and release.

The tutorial's steps, but not one after the other: what does not wait for the fine-tune comes before it.
"""

from __future__ import annotations

import pulumi
from pulumi_azure_native import authorization

from cloud.credentials import work_in
from cloud.errors import StageError
from cloud.place import Place
from data_prep import DataError
from infra.access import Access
from infra.federation import Federation, FederationArgs
from infra.foundation import Foundation, FoundationArgs
from infra.foundry import EndpointConnection, EndpointConnectionArgs, Foundry, FoundryArgs
from infra.identity import Identity, IdentityArgs
from infra.lifecycle.protection import protect_stateful
from infra.lifecycle.tags import leave_alone
from infra.monitoring import Monitoring, MonitoringArgs
from infra.outputs import export
from infra.preflight import Preflight
from infra.roles import Roles, RolesArgs
from infra.serving import Serving, ServingArgs
from infra.stages import Stages, StagesArgs
from infra.workspace import Workspace, WorkspaceArgs
from jobs.specs import dataset_version, flow, golden_questions, preflight, specs
from settings.stack import SettingsError, from_pulumi

try:
    settings = from_pulumi()
    dataset = dataset_version(settings)
    golden_questions(settings)
except (SettingsError, DataError, StageError) as error:
    raise pulumi.RunError(str(error)) from None

work_in(settings.subscription_id)
account = authorization.get_client_config()
place = Place.of(settings, pulumi.get_stack(), account.subscription_id)
names = place.names
location = settings.location
tags = {**settings.tags, "project": pulumi.get_project(), "stack": pulumi.get_stack()}
leave_alone(settings.tags_from_elsewhere)
access = Access.of(settings)
if settings.protect:
    protect_stateful()

# What Azure would refuse, before the first resource; then group, logs, storage, key vault, container registry.
asked = Preflight("preflight", preflight(settings, place))
base = Foundation(
    "foundation",
    FoundationArgs(names, tags, account.subscription_id, account.tenant_id, settings),
    opts=pulumi.ResourceOptions(depends_on=[asked.passed]),
)
group = base.group.name

# The identity of GitHub's workflows, where the stack has one.
github = None
if settings.github.repository:
    github = Federation(
        "federation",
        FederationArgs(names, location, tags, account.subscription_id, base.group, settings.github, pulumi.get_stack()),
    )
    pulumi.export("githubClientId", github.client_id)

# The identity that trains and serves; the workspace with its clusters; who may do what.
identity = Identity("identity", IdentityArgs(names, group, location, tags))
workspace = Workspace(
    "workspace",
    WorkspaceArgs(
        names, location, tags, account.subscription_id, base, identity.id, settings.compute, settings.data, access
    ),
)
roles = Roles(
    "roles",
    RolesArgs(
        names,
        account.subscription_id,
        settings,
        identity.principal_id,
        account.object_id,
        github.principal_id if github else None,
        base,
        workspace.id,
        workspace.purge,
    ),
)

# AI Foundry's hub and project, the endpoint, and the project's connection to it.
foundry = Foundry("foundry", FoundryArgs(names, location, tags, account.subscription_id, base, access))
serving = Serving(
    "serving",
    ServingArgs(
        names,
        location,
        tags,
        account.subscription_id,
        group,
        workspace.name,
        identity.id,
        workspace.purge,
        settings.tags_from_elsewhere,
    ),
)
connection = EndpointConnection(
    "connection",
    EndpointConnectionArgs(
        names, group, foundry, serving.scoring_uri, serving.key, settings.serving.request_timeout_seconds
    ),
)

# Logs, alerts and a budget, as the settings say.
Monitoring(
    "monitoring",
    MonitoringArgs(names, tags, base, workspace.id, serving.endpoint.id, settings.monitoring),
    opts=pulumi.ResourceOptions(depends_on=[*workspace.purge, *base.logs_purge]),
)

# Data to the workspace, the fine-tune, its release behind the endpoint; the prompt flow to the project.
stages = Stages(
    "stages",
    StagesArgs(
        *specs(settings, place, dataset),
        flow=flow(place) if settings.flow.publish else None,
        workspace=workspace,
        roles=roles,
        endpoint=serving.endpoint,
        endpoint_lifetime=serving.lifetime,
        connection=connection.connection,
        project_lifetime=foundry.lifetime,
    ),
)

export(settings, account.subscription_id, group, workspace, foundry, serving, connection, stages)
