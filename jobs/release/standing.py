"""What of a release stands already: its deployment, under whichever name, and with which settings."""

from __future__ import annotations

import dataclasses

from cloud.errors import azure_errors
from cloud.states import HEALTHY
from jobs.release import scaling
from jobs.release.deployments import MODEL, Endpoint
from jobs.release.spec import BASE_DEPLOYMENT
from jobs.training import registering


def under_its_name(endpoint: Endpoint) -> Endpoint:
    """With the name under which the model stands on its machines already, where it was made with other settings.

    Those are changed in place (settings_in_place.py). Raises StageError.
    """
    spec = endpoint.spec
    with azure_errors("the deployments could not be listed", endpoint.on):
        there = {str(each.name): each for each in endpoint.client.online_deployments.list(spec.endpoint)}
    named = {
        name: (each.tags or {}).get(MODEL, "")
        for name, each in there.items()
        if name != BASE_DEPLOYMENT and each.instance_type == spec.serving.vm_size
    }
    if spec.deployment_name in there or not any(of.startswith(f"{spec.model_name}:") for of in named.values()):
        return endpoint
    wanted, live = f"{spec.model_name}:{version(endpoint)}", endpoint.traffic()
    same = [
        name
        for name, of in named.items()
        if of == wanted and (name in live or there[name].provisioning_state == HEALTHY)
    ]
    if not same:
        return endpoint
    name = max(same, key=lambda each: live.get(each, 0))
    return dataclasses.replace(endpoint, spec=dataclasses.replace(spec, deployed_as=name))


def adjusted(endpoint: Endpoint) -> None:
    """Gives the deployment that stands the spec's settings in place, and Azure's autoscale, where it has others.

    Raises StageError.
    """
    spec, name = endpoint.spec, endpoint.spec.deployment_name
    if not spec.serving.scale.wanted and endpoint.tags().get(name, {}).get(scaling.SCALED):
        scaling.remove(spec, name)  # first, or both would set how many instances there are
    endpoint.adjust(name)
    scaling.apply(spec, name, endpoint.report)


def version(endpoint: Endpoint) -> str:
    """The version to deploy: the one that the fine-tuning made, whatever its number."""
    spec = endpoint.spec
    if not spec.model_fingerprint or spec.registry:
        return spec.model_version
    with azure_errors("the model could not be looked up", f"model {spec.model_name}:{spec.model_version}"):
        found = registering.find(endpoint.client, spec.model_name, spec.model_version, spec.model_fingerprint)
    return found or spec.model_version  # of which Azure ML says that there is none
