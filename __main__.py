"""The tutorial, in its order: what Azure ML needs, the fine-tune, its release, and the project that chats with it."""

from __future__ import annotations

from pathlib import Path

import pulumi
from pulumi_azure_native import authorization

from data_prep import DataError, fingerprint
from infra.foundation import Foundation, FoundationArgs
from infra.foundry import EndpointConnection, EndpointConnectionArgs, Foundry, FoundryArgs
from infra.identity import Identity, IdentityArgs
from infra.naming import Names
from infra.roles import Role, Roles, RolesArgs
from infra.serving import Serving, ServingArgs
from infra.settings import Settings, SettingsError
from infra.specs import specs
from infra.stages import Stages, StagesArgs
from infra.workspace import Workspace, WorkspaceArgs
from jobs.specs import BASE_DEPLOYMENT

try:
    settings = Settings.from_pulumi()
    dataset = fingerprint(Path(settings.data.directory))
except (SettingsError, DataError) as error:
    raise pulumi.RunError(str(error)) from None

account = authorization.get_client_config()
names = Names.of(settings.name, pulumi.get_stack(), account.subscription_id)
location = settings.location
tags = {**settings.tags, "project": pulumi.get_project(), "stack": pulumi.get_stack()}

# Resource group, logs, storage, key vault, container registry.
base = Foundation(
    "foundation",
    FoundationArgs(names, location, tags, account.subscription_id, account.tenant_id, settings.purge_on_destroy),
)
group = base.group.name

# The identity that trains and serves; the workspace with its GPU cluster; what the identity may do.
identity = Identity("identity", IdentityArgs(names, group, location, tags))
workspace = Workspace("workspace", WorkspaceArgs(names, location, tags, base, identity.id, settings.compute))
roles = Roles(
    "roles",
    RolesArgs(
        account.subscription_id,
        principal=f"{names.resource_group}/{names.identity}",
        principal_id=identity.principal_id,
        scopes={
            Role.CONTRIBUTOR: (names.resource_group, base.group.id),
            Role.STORAGE_BLOB_DATA_READER: (names.storage_account, base.storage.id),
            Role.ACR_PULL: (names.container_registry, base.registry.id),
            Role.AZUREML_METRICS_WRITER: (names.workspace, workspace.id),
        },
    ),
)

# AI Foundry's hub and project, the endpoint, and the project's connection to it.
foundry = Foundry("foundry", FoundryArgs(names, location, tags, base))
serving = Serving("serving", ServingArgs(names, location, tags, group, workspace.name, identity.id))
connection = EndpointConnection(
    "connection", EndpointConnectionArgs(names, group, foundry, serving.scoring_uri, serving.key)
)

# Data to the workspace, the fine-tune, its release behind the endpoint.
stages = Stages(
    "stages",
    StagesArgs(
        *specs(settings, names, account.subscription_id, dataset),
        dataset_needs=[workspace.workspace],
        finetune_needs=[workspace.cluster, *roles.assignments],
        release_needs=[serving.endpoint, *roles.assignments],
    ),
)

for name, value in {
    "subscriptionId": account.subscription_id,
    "resourceGroup": group,
    "workspace": workspace.name,
    "hub": foundry.hub.name,
    "project": foundry.project.name,
    "endpoint": serving.endpoint.name,
    "connection": connection.connection.name,
    "scoringUri": serving.scoring_uri,
    "modelName": stages.model_name,
    "modelVersion": stages.model_version,
    "deployment": stages.deployment,
    "baseDeployment": BASE_DEPLOYMENT if settings.serving.compare_with_base else "",
    "studioUrl": workspace.id.apply(lambda id: f"https://ml.azure.com/?wsid={id}"),
}.items():
    pulumi.export(name, value)
