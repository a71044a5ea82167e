"""What of a release stands already: its deployment, under whichever name, with which settings and whose tags.

Deployments bill, so they carry the stack's tags beside a release's own. Those decide nothing and stand in no state: a
new deployment is made with them, and where they change, those that stand are given them in place, before the endpoint
is updated for the same reason (infra/serving.py).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from azure.core.exceptions import ResourceNotFoundError

from chat.phi_client import CONTRACT
from cloud.arm import Arm
from cloud.catalogue import ML_VERSION
from cloud.errors import azure_errors
from cloud.report import WARNING, Report
from cloud.states import HEALTHY
from cloud.target import Target
from cloud.waiting import minutely
from jobs.release import scaling, unfinished
from jobs.release.contracts import IMAGE
from jobs.release.deployments import MODEL, PREVIOUS, Endpoint
from jobs.release.spec import BASE_DEPLOYMENT
from jobs.training import registering
from settings.sections.tags import OWN_TAGS

OWN = frozenset(
    {
        *(MODEL, PREVIOUS, "instance_type"),
        *(unfinished.BEFORE, unfinished.BEGUN, unfinished.DONE, unfinished.KEPT_UNTIL),
        *(scaling.SCALED, CONTRACT, IMAGE),
    }
)
"""What a release says on its deployments: such a tag is never the stack's."""
_MOST = 50 - len(OWN)
"""Azure takes fifty tags in all."""


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


def fitting(tags: Mapping[str, str], report: Report) -> dict[str, str]:
    """Those of the stack's tags that a deployment can have beside its own; the program's come first."""
    named = sorted(tags, key=lambda name: name not in OWN_TAGS)
    room = [name for name in named if name.lower() not in OWN]
    if left := [*(name for name in named if name.lower() in OWN), *room[_MOST:]]:
        report(f"{WARNING}deployments do not get the tags {', '.join(left)}: Azure takes 50, and some are a release's")
    return {name: tags[name] for name in room[:_MOST]}


def retag(target: Target, endpoint: str, before: Mapping[str, str], now: Mapping[str, str], report: Report) -> None:
    """Gives each deployment of a release the stack's tags ``now``, and takes away those of ``before`` that are gone.

    What a release or somebody else has written there stays. Raises StageError.
    """
    arm, path, on = Arm(), f"{target.path}/onlineEndpoints/{endpoint}", f"endpoint {endpoint}"
    wanted = fitting(now, report)
    gone = {name.lower() for name in before} - {name.lower() for name in now} - OWN
    gone |= {name.lower() for name in wanted}  # Azure knows one tag whatever its case
    with azure_errors("the deployments' tags could not be changed", on):
        try:
            deployments = arm.items(f"{path}/deployments", ML_VERSION)
        except ResourceNotFoundError:
            return  # the endpoint is made anew, and each new deployment begins with them
        for found in deployments:
            its, name = dict(found.get("tags") or {}), str(found.get("name"))
            if not unfinished.ours(its):
                continue
            others = {tag: value for tag, value in its.items() if tag.lower() not in gone}
            if (tags := {**others, **wanted}) != its:
                tell = minutely(report, f"deployment {name}: its tags are still being written")
                arm.run("PATCH", f"{path}/deployments/{name}", {"api-version": ML_VERSION}, {"tags": tags}, tell=tell)
                report(f"deployment {name} has the stack's tags")
