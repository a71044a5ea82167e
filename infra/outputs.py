"""What a stack tells those who use it: the chat and the commands read it with `pulumi stack output`."""

from __future__ import annotations

import pulumi

from cloud.place import Place
from infra.federation import Federation
from infra.foundation import Foundation
from infra.foundry import EndpointConnection, Foundry
from infra.serving import Serving
from infra.stages import Stages
from infra.workspace import Workspace
from jobs.release.spec import BASE_DEPLOYMENT
from jobs.specs import training_size
from settings.outputs import TRAINING_DATA
from settings.stack import Settings


def export(
    *,
    settings: Settings,
    place: Place,
    base: Foundation,
    workspace: Workspace,
    foundry: Foundry,
    serving: Serving,
    connection: EndpointConnection,
    stages: Stages,
    github: Federation | None,
) -> None:
    """Names and addresses, no secret; what a stage makes is known when the stage is done."""
    if github:
        pulumi.export("githubClientId", github.client_id)
    if training := training_size(settings):
        pulumi.export(TRAINING_DATA, training)
    if settings.own:
        pulumi.export("recipe", stages.recipe)
    for name, value in {
        "subscriptionId": place.subscription_id,
        "resourceGroup": base.group.name,
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
        "frontEnd": settings.flow.front_end,
        "studioUrl": workspace.id.apply(lambda id: f"https://ml.azure.com/?wsid={id}"),
    }.items():
        pulumi.export(name, value)
