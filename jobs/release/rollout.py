"""Stage release: the model version goes into service so that nobody notices until it is proven.

New deployment at 0 % of the traffic, questions put to it directly (smoke.py), traffic in steps, read back at
each one and watched (judging/), then the old deployments go. A model that fails or answers badly is taken back:
its logs and answers are kept (evidence.py), the traffic is put back exactly as it was, and the new deployment, which
would cost money, goes. Any other failure (Azure's control plane, the connection, the login, this program) says nothing
about the model, so nothing is put back: like an interrupted release it is taken up by the next one, or taken back if
that is of another version (jobs/release/unfinished.py).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime

from cloud import client as azure
from cloud.errors import AGAIN, ModelFault, NotFinished, StageError
from cloud.report import WARNING, Report
from cloud.states import HEALTHY
from jobs import paused
from jobs.release import contracts, keeping, recreate, scaling, standing, unfinished
from jobs.release.base_model import BaseModelBeside
from jobs.release.deployments import MODEL, PREVIOUS, Endpoint
from jobs.release.judging import evidence, mirroring, smoke, watching
from jobs.release.spec import BASE_DEPLOYMENT, ReleaseSpec
from jobs.release.unfinished import Unfinished
from jobs.traffic import shown


def run(spec: ReleaseSpec, report: Report, stop: threading.Event) -> None:
    """Leaves the model version at 100 % of the traffic and no other deployment but the base model's.

    An endpoint that is paused stays so, and is told which version comes after the pause. With serving.strategy:
    recreate the old deployment goes first (recreate.py).

    Raises ModelFault with the earlier traffic restored, StageError with all left as it is where something else than
    the model failed, NotFinished when ``stop`` was set.
    """
    endpoint = Endpoint(client=azure.ml_client(spec.target), spec=spec, report=report, stop=stop)
    found = endpoint.settled()
    pause = paused.read(found.tags)
    if pause is not None and pause.by != paused.BY_RELEASE:
        later = pause.then(spec.model_version, spec.deployment_name)
        report(f"{WARNING}{later.waits(spec.endpoint)}")
        if later != pause:
            found.tags = {**(found.tags or {}), **later.tags()}
            endpoint.write(found, spec.endpoint, "being told what comes after the pause")
        return
    endpoint = standing.under_its_name(endpoint)
    live, name = endpoint.traffic(), endpoint.spec.deployment_name
    half = unfinished.release(endpoint.tags(), live)
    if half and half.deployment != name:
        _taken_back(endpoint, half, live)
    if pause is not None or (spec.serving.strategy == "recreate" and not (half and half.deployment == name)):
        recreate.run(endpoint, pause, into_service)
    else:
        into_service(endpoint)


def into_service(endpoint: Endpoint) -> None:
    """What `run` does, whether the endpoint is paused or not: a pause ends with it."""
    endpoint = standing.under_its_name(endpoint)
    spec, report = endpoint.spec, endpoint.report
    live, name = endpoint.traffic(), spec.deployment_name
    half = unfinished.release(endpoint.tags(), live)
    if half and half.deployment != name:
        live = _taken_back(endpoint, half, live)
        half = None
    base = BaseModelBeside(endpoint)
    if half or live != {name: 100}:
        before = half.before if half and (name in live or not live) else _without(live, name)
        _release(endpoint, base, before, live.get(name, 0))
    else:
        report(f"deployment {name} has 100 % of the traffic already")
        standing.adjusted(endpoint)
        base.begin()
    stays = {name, BASE_DEPLOYMENT, keeping.after_release(endpoint)}
    for other, its in endpoint.tags().items():
        if other in stays:
            continue
        if unfinished.ours(its):
            endpoint.remove(other)
        else:
            report(f"{WARNING}deployment {other} carries no tag of a release: it is left alone, and bills")
    base.finish()


def _taken_back(endpoint: Endpoint, half: Unfinished, live: dict[str, int]) -> dict[str, int]:
    """The traffic once another version's unfinished release is undone: nobody asks for that version any more.

    One that has all of the traffic already is in service and stays so.
    """
    if live == {half.deployment: 100}:
        return live
    endpoint.report(f"the release of {half.deployment} was left half way and is taken back")
    if half.deployment in live:
        live = dict(half.before)
        endpoint.set_traffic(live)
        endpoint.report(f"traffic: {shown(live)}")
        endpoint.drain()
    if endpoint.find(half.deployment) is not None:  # once it is in no transition
        endpoint.remove(half.deployment)
    return live


def _without(live: dict[str, int], name: str) -> dict[str, int]:
    """The traffic without a deployment whose tags do not say what was before it."""
    if name not in live:
        return live
    rest = {other: share for other, share in live.items() if other != name}
    return _shared(rest, "", 0) if rest else {}


def _release(endpoint: Endpoint, base: BaseModelBeside, before: Mapping[str, int], share: int) -> None:
    """From ``share`` per cent of the traffic, which it has from an earlier try, to 100."""
    spec, name = endpoint.spec, endpoint.spec.deployment_name
    try:
        endpoint.go_on("nothing was begun")
        keeping.make_room(endpoint, before)
        _provide(endpoint, base, before)
        smoke.check(endpoint, before)
        if before and not share:
            mirroring.watch(endpoint, before)
        for step in _steps(spec) if before else [100]:
            if step < share:
                continue
            traffic = _shared(before, name, step)
            since = datetime.now(UTC)
            endpoint.set_traffic(traffic)
            endpoint.report(f"traffic: {shown(traffic)}")
            if step == 100:
                smoke.confirm(endpoint)
            if before:
                watching.soak(endpoint, since, before)
        if before:
            endpoint.drain(already=spec.serving.soak_seconds)
    except NotFinished:
        raise
    except ModelFault as error:
        _restore(endpoint, base, before, error)
        raise
    except StageError as error:
        raise _left(endpoint, error) from error.__cause__
    except Exception as error:
        unforeseen = StageError("the release failed", on=f"deployment {name}", why=repr(error), todo="")
        raise _left(endpoint, unforeseen) from error


def _left(endpoint: Endpoint, error: StageError) -> StageError:
    """The error with what was left behind: nothing is known to be wrong with the new deployment."""
    name, known = endpoint.spec.deployment_name, True
    share = 0
    try:
        there, share = name in endpoint.names(), endpoint.traffic().get(name, 0)
    except StageError:
        there = known = False
    if known and not there:
        return error
    has = f"has {share} % of the traffic" if share else "has no traffic yet"
    state = has if known else "may have part of the traffic"
    return StageError(
        error.what,
        on=error.on,
        why=error.why,
        todo=f"Nothing was put back, as the model is not known to be at fault: deployment {name} {state}, and bills. "
        f"{error.todo.replace(AGAIN, '').strip()} Once that is well, `pulumi up` takes the release up where it is, and "
        "`python -m jobs rollback` takes it back.".replace(".  Once", ". Once"),
    )


def _provide(endpoint: Endpoint, base: BaseModelBeside, before: Mapping[str, int]) -> None:
    """Leaves the new deployment healthy; one that failed earlier can't be repaired and is made again."""
    spec, name = endpoint.spec, endpoint.spec.deployment_name
    found = endpoint.find(name)
    if found is not None and found.provisioning_state != HEALTHY:
        endpoint.report(f"deployment {name} of an earlier try is {azure.state(found.provisioning_state)}")
        endpoint.set_traffic(before)
        endpoint.remove(name)
        found = None
    if found is not None:
        endpoint.report(f"deployment {name} is there already and healthy")
        if before:
            keeping.begin_again(endpoint, before)
        standing.adjusted(endpoint)
        base.begin()
        return
    version = standing.version(endpoint)
    shared = spec.shared(version)
    asset = shared.model_uri if shared else f"azureml:{spec.model_name}:{version}"
    tags = {MODEL: f"{spec.model_name}:{version}", **unfinished.tags(before)}
    if previous := _previous(endpoint, before, tags[MODEL]):
        tags[PREVIOUS] = previous
    served = (
        contracts.of_shared(shared, endpoint.report)
        if shared
        else contracts.of_version(spec.target, spec.model_name, version, endpoint.report)
    )
    tags |= served.tags | scaling.tags(spec.serving.scale)
    poller = endpoint.begin(name, asset, standing.fitting(spec.tags, endpoint.report) | tags)
    base.begin()
    endpoint.finish(name, poller)
    scaling.apply(spec, name, endpoint.report)


def _previous(endpoint: Endpoint, before: Mapping[str, int], model: str) -> str:
    """The model to go back to: the one in service, or if that is the same on other machines, the one before it."""
    found = endpoint.find(max(before, key=lambda name: before[name])) if before else None
    if found is None:
        return ""
    tags = found.tags or {}
    served = str(tags.get(MODEL, found.model))
    return str(tags.get(PREVIOUS, "")) if served == model else served


def _steps(spec: ReleaseSpec) -> list[int]:
    """Rising shares in percent; whatever the setting says, the last one is 100."""
    return [*sorted({step for step in spec.serving.traffic_steps if 0 < step < 100}), 100]


def _shared(before: Mapping[str, int], name: str, percent: int) -> dict[str, int]:
    """``percent`` for ``name``, the rest among the others as before: whole numbers, in all exactly 100."""
    others = {other: share for other, share in before.items() if other != name}
    rest, total = 100 - percent, sum(others.values())
    if not others:
        return {name: 100}
    shares = {other: share * rest // total for other, share in others.items()}
    largest = max(others, key=lambda other: others[other])
    shares[largest] += rest - sum(shares.values())
    return {other: share for other, share in {**shares, name: percent}.items() if share}


def _restore(endpoint: Endpoint, base: BaseModelBeside, before: Mapping[str, int], cause: ModelFault) -> None:
    """Puts everything back as it was, with what could tell why kept; if even that fails, says both things."""
    name = endpoint.spec.deployment_name
    endpoint.report(f"going back: {cause.what}")
    evidence.keep(endpoint, cause)
    try:
        if endpoint.spec.serving.mirror_percent:
            endpoint.mirror(0, needed=True)
        if endpoint.traffic() != before:
            endpoint.set_traffic(before, needed=True)
            endpoint.drain(needed=True)
        if endpoint.spec.serving.on_failure == "keep":
            endpoint.report(
                f"{WARNING}traffic as before: {shown(before)}; deployment {name} stays without traffic "
                "(serving.onFailure: keep), and bills until the next release removes it"
            )
        else:
            if name in endpoint.names():
                endpoint.remove(name, needed=True)
            endpoint.report(f"traffic as before: {shown(before)}; deployment {name} deleted")
        base.after_failure(in_service=bool(before))
    except StageError as error:
        raise StageError(
            cause.what,
            on=cause.on,
            why=f"{cause.why}. Going back failed as well: {error.why}",
            todo=f"Check the traffic of endpoint {endpoint.spec.endpoint} in Azure ML studio "
            f"(it was {shown(before)}) and delete deployment {name}. {cause.todo}",
        ) from cause
