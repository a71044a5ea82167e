"""A release without machines to spare (serving.strategy: recreate): the old deployment goes before the new one is made.

Nobody is answered meanwhile. What was in service is written on the endpoint as a pause is (jobs/paused.py), in the
request that takes its traffic away and before anything is deleted: whoever is interrupted goes on from there, on any
machine, and a model that fails is followed by the one of before, made anew on the machines that it had.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime

from cloud.arm import Arm
from cloud.catalogue import ML_VERSION
from cloud.errors import ModelFault, StageError, azure_errors
from cloud.report import WARNING
from cloud.waiting import Stopped, TooLong, in_words, minutely, wait
from jobs.paused import BY_RELEASE, Pause
from jobs.release import unfinished
from jobs.release.deployments import MODEL, PREVIOUS, Endpoint
from jobs.release.spec import BASE_DEPLOYMENT, ReleaseSpec
from jobs.training.registering import fingerprint_of
from settings.machines import VM_SIZES
from settings.sections.tags import PAUSED

IntoService = Callable[[Endpoint], None]
_POLL_SECONDS = 10.0
_CLUSTER_SECONDS = 1_800.0
"""So long machines of a cluster are waited for: its idle time (two minutes by itself), and Azure's to free them."""


def run(endpoint: Endpoint, pause: Pause | None, into_service: IntoService) -> None:
    """Leaves the spec's deployment in service; ``pause`` is what an earlier try has left on the endpoint.

    Raises ModelFault once the version of before is in service again; StageError and NotFinished as a release does, with
    nobody answered until somebody goes on.
    """
    name, live = endpoint.spec.deployment_name, endpoint.traffic()
    if live and name not in live:
        pause = _taken_away(endpoint)
    if pause is None:
        into_service(endpoint)
        return
    try:
        if name not in live:
            _cleared(endpoint, name)
        into_service(endpoint)
        remember(endpoint, pause.previous if pause.version == endpoint.spec.model_version else pause.version)
    except ModelFault as error:
        _back(endpoint, pause, error, into_service)
        raise
    except StageError:
        endpoint.report(
            f"{WARNING}until this release is gone on with (`pulumi up`), or taken back (`python -m jobs rollback`), "
            f"it may be that nobody is answered by {endpoint.on}"
        )
        raise
    _over(endpoint)


def _taken_away(endpoint: Endpoint) -> Pause:
    """Takes the traffic away, with what was in service written down in the same request."""
    spec = endpoint.spec
    record = _record(endpoint)
    _clusters_gone(endpoint)
    found = endpoint.settled()
    endpoint.report(
        f"{WARNING}nobody is answered by {endpoint.on} from now on, until {spec.deployment_name} is in service: some "
        "twenty minutes (serving.strategy: recreate)"
    )
    found.traffic, found.mirror_traffic = {}, {}
    found.tags = {**(found.tags or {}), **record.tags()}
    endpoint.write(found, "the traffic", "being taken away")
    endpoint.drain()
    return record


def _record(endpoint: Endpoint) -> Pause:
    """What is in service and can be brought back. Raises StageError where it could not."""
    spec, live, tags = endpoint.spec, endpoint.traffic(), endpoint.tags()
    name = max(live, key=lambda each: live[each])
    its = tags.get(name, {})
    version = _version(its.get(MODEL, ""), spec.model_name)
    if not version:
        why = f"deployment {name}, which has {live[name]} % of the traffic, names no version of {spec.model_name}, so "
        why += "it could not be brought back if the new one fails"
        todo = "Set serving.strategy to beside for this release, or delete that deployment yourself."
        raise StageError("the release was not begun", on=endpoint.on, why=why, todo=todo)
    found = endpoint.find(name)
    machines = f"{found.instance_type}*{found.instance_count or 1}" if found is not None else ""
    return Pause(
        at=datetime.now(UTC),
        by=BY_RELEASE,
        version=version,
        deployment=name,
        previous=_version(its.get(PREVIOUS, ""), spec.model_name),
        coming="" if version == spec.model_version else spec.model_version,
        machines=machines,
    )


def _cleared(endpoint: Endpoint, name: str) -> None:
    """Removes every deployment of a release but the new one and the base model's: their machines are the new one's."""
    for other, its in endpoint.tags().items():
        if other not in (name, BASE_DEPLOYMENT) and unfinished.ours(its):
            endpoint.go_on(f"nobody is answered, and {other} still bills")
            endpoint.remove(other)


def _back(endpoint: Endpoint, pause: Pause, cause: ModelFault, into_service: IntoService) -> None:
    """Brings back what was in service; where that fails, says both."""
    try:
        found = endpoint.settled()
        found.tags = {**(found.tags or {}), **dataclasses.replace(pause, coming="").tags()}
        endpoint.write(found, endpoint.on, "being told that the former version comes back")
        spec = _as_it_was(endpoint, pause)
        endpoint.report(
            f"{WARNING}version {pause.version} comes back, as deployment {spec.deployment_name}: nobody is answered "
            "for some twenty minutes more"
        )
        _cleared(endpoint, spec.deployment_name)
        its = dataclasses.replace(endpoint, spec=spec)
        into_service(its)
        remember(its, pause.previous)
        _over(endpoint)
    except StageError as error:
        raise StageError(
            cause.what,
            on=cause.on,
            why=f"{cause.why}. Version {pause.version}, which was in service, is not back yet: {error.why}",
            todo=f"Nobody is answered: `python -m jobs resume` brings version {pause.version} back. {cause.todo}",
        ) from cause
    endpoint.report(f"version {pause.version} is in service again. The next `pulumi up` tries the new one once more")


def _as_it_was(endpoint: Endpoint, pause: Pause) -> ReleaseSpec:
    """The version that was in service, on the machines it had; what it knows was judged when it was released."""
    spec = endpoint.spec
    on = f"model {spec.model_name}:{pause.version}"
    with azure_errors("the model could not be looked up", on):
        model = endpoint.client.models.get(spec.model_name, pause.version)
    size, _, count = pause.machines.partition("*")
    machines = {"vm_size": size, "instances": int(count)} if size in VM_SIZES and count.isdigit() else {}
    return dataclasses.replace(
        spec,
        model_version=pause.version,
        model_fingerprint=fingerprint_of(model.tags, getattr(model, "job_name", None)),
        serving=spec.serving.model_copy(update=machines),
        evaluation=spec.evaluation.model_copy(update={"questions": ""}),
    )


def remember(endpoint: Endpoint, previous: str) -> None:
    """Writes on the new deployment which version one would go back to: none was in service when it was made."""
    spec, name = endpoint.spec, endpoint.spec.deployment_name
    tags = {PREVIOUS: f"{spec.model_name}:{previous}"}
    there = endpoint.tags().get(name, {})
    if not previous or there.get(PREVIOUS) or there.get(MODEL) == tags[PREVIOUS]:
        return
    try:
        unfinished.write(spec.endpoint_path, name, there, tags, endpoint.report)
    except StageError as error:  # it is in service; a rollback then asks for the newest older version
        endpoint.report(f"{WARNING}which version {name} followed is not kept: {error.why}")


def _over(endpoint: Endpoint) -> None:
    found = endpoint.settled()
    if PAUSED in (found.tags or {}):
        found.tags = {name: value for name, value in (found.tags or {}).items() if name != PAUSED}
        endpoint.write(found, endpoint.on, "being told that it answers again")


def _clusters_gone(endpoint: Endpoint) -> None:
    """Waits, while the old model still answers, for idle machines of clusters that count against the same quota."""
    spec, state = endpoint.spec, ""
    family = spec.serving.size.family

    def gone() -> bool | None:
        nonlocal state
        with azure_errors("the clusters could not be read", f"workspace {spec.target.workspace}"):
            rows = Arm().items(f"{spec.target.path}/computes", ML_VERSION)
        holding = []
        for row in rows:
            inner = (row.get("properties") or {}).get("properties") or {}
            size = next((its for key, its in VM_SIZES.items() if key.lower() == str(inner.get("vmSize")).lower()), None)
            if size and size.family == family and (nodes := int(inner.get("currentNodeCount") or 0)):
                holding.append(f"{row.get('name')} has {nodes} of {family}")
        state = ", ".join(holding)
        return None if holding else True

    what = "waiting for the machines of clusters, which a release takes"
    tell = minutely(endpoint.report, lambda: f"{what}: {state},", at_once=True)
    try:
        wait(gone, every=_POLL_SECONDS, most=_CLUSTER_SECONDS, stop=endpoint.stop, tell=tell)
    except Stopped:
        raise endpoint.stopped("nothing was begun") from None
    except TooLong:
        endpoint.report(f"{WARNING}{state} after {in_words(_CLUSTER_SECONDS)}: Azure decides whether there is quota")
    except StageError as error:
        endpoint.report(f"{WARNING}{error.what}: {error.why}; Azure decides whether there is quota")


def _version(tag: str, model: str) -> str:
    """The version in ``name:version``; "" for another model's."""
    name, _, version = tag.rpartition(":")
    return version if name == model else ""
