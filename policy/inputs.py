"""What several rules read from a resource's inputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cloud.catalogue import AZURES, CLUSTER, DEPLOYMENT, STAGE
from policy.subject import Member, Resource, Stack
from settings.models import WAITS

ROOT = Path(__file__).resolve().parent.parent
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


def trained_on(stack: Stack, finetune: Member, size: str) -> float | None:
    """Hours that a pass over the data takes on a machine of that size, as the card beside the data reckons.

    From their tokens; None where there is no such card on this machine, or it is of another model or size.
    """
    named = finetune.peek("input.dataset_fingerprint")
    data = (
        each for each in stack.of(STAGE) if each.peek("input.fingerprint") == named and not each.peek("input.source")
    )
    directory = next((each.peek("input.directory") for each in data if each.peek("input.directory")), None)
    if not isinstance(directory, str):
        return None
    try:
        recipe = json.loads((ROOT / directory / "card.json").read_bytes())["recipe"]
        hours, epochs = float(recipe["hours"]), float(recipe["epochs"])
        of = (str(recipe["model"]).lower(), str(recipe["vm_size"]).lower())
    except (OSError, ValueError, TypeError, KeyError):
        return None
    if of != (str(finetune.peek("input.base_model.name")).lower(), size.lower()) or epochs <= 0:
        return None
    return max(0.0, hours - WAITS / 3600) / epochs
