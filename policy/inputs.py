"""What several rules read from a resource's inputs."""

from __future__ import annotations

from typing import Any

from cloud.catalogue import AZURES, CLUSTER, DEPLOYMENT, STAGE
from policy.subject import Resource

LOCATED = [row for row in AZURES if row.region]
"""Types with a region; they also take tags."""


def is_finetune(resource: Resource) -> bool:
    """Whether a stage trains: its input is a jobs.training.spec.FinetuneSpec."""
    return resource.type == STAGE.type and isinstance(resource.peek("input.recipe"), dict)


def is_release(resource: Resource) -> bool:
    """Whether a stage puts a model in service: its input is a jobs.release.spec.ReleaseSpec."""
    return resource.type == STAGE.type and resource.peek("input.traffic_steps") is not None


def vm_size(resource: Resource) -> Any:
    """The machines a cluster, a deployment or a release runs on; None for anything else. Raises UndecidedError."""
    path = {CLUSTER.type: "properties.properties.vmSize", DEPLOYMENT.type: "properties.instanceType"}.get(
        resource.type, "input.instance_type"
    )
    return resource.at(path)


def workspace_kind(resource: Resource) -> str:
    """Default, Hub or Project, for a workspace."""
    return str(resource.at("kind", "Default"))
