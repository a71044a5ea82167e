"""What a stack tells those who use it: the chat and the commands read it with `pulumi stack output`."""

from __future__ import annotations

from typing import Any

import pulumi

from cloud.place import Place
from infra.federation import Federation
from infra.foundation import Foundation
from infra.foundry import EndpointConnection, Foundry
from infra.identity import Identity
from infra.serving import Serving
from infra.stages import Stages
from infra.workspace import Workspace
from jobs.release.spec import BASE_DEPLOYMENT
from jobs.specs import training_size
from settings.estate.outputs import OUTPUTS, VERSION
from settings.outputs import TRAINING_DATA
from settings.stack import Settings


def export(
    *,
    settings: Settings,
    place: Place,
    base: Foundation,
    identity: Identity,
    workspace: Workspace,
    foundry: Foundry,
    serving: Serving,
    connection: EndpointConnection,
    stages: Stages,
    github: Federation | None,
) -> None:
    """Names and addresses, no secret; what a stage makes is known when the stage is done."""
    values: dict[str, pulumi.Input[Any] | None] = {
        "contractVersion": VERSION,
        "githubClientId": github.client_id if github else None,
        TRAINING_DATA: training_size(settings),
        "recipe": stages.recipe if settings.own else None,
        "subscriptionId": place.subscription_id,
        "resourceGroup": base.group.name,
        "groupId": base.group.id,
        "workspace": workspace.name,
        "workspaceId": workspace.id,
        "hub": foundry.hub_name,
        "hubId": foundry.hub_id,
        "project": foundry.project.name,
        "projectId": foundry.project.id,
        "endpoint": serving.endpoint.name,
        "endpointId": serving.endpoint.id,
        "connection": connection.connection.name,
        "scoringUri": serving.scoring_uri,
        "identityId": identity.id,
        "identityPrincipalId": identity.principal_id,
        "storageId": base.storage.id,
        "vaultId": base.key_vault.id,
        "registryId": base.registry.id,
        "logsId": base.logs.id,
        "modelName": stages.model_name,
        "modelVersion": stages.model_version,
        "deployment": stages.deployment,
        "baseDeployment": BASE_DEPLOYMENT if settings.serving.compare_with_base else "",
        "frontEnd": settings.flow.front_end,
        "studioUrl": workspace.id.apply(lambda id: f"https://ml.azure.com/?wsid={id}"),
    }
    for name in OUTPUTS:
        if (value := values[name]) is not None:
            pulumi.export(name, value)
