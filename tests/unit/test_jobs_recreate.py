"""A release in the place of the old deployment: what goes when, and what is brought back."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import scoring_fake
from endpoints_fake import MACHINE, tags_written
from jobs_fake import FakeMl, Stop, install
from scoring_fake import Scoring
from test_jobs_specs import RELEASE

from chat.phi_messages import ModelFailed, Unreachable
from cloud.errors import ModelFault, NotFinished, StageError
from jobs import paused
from jobs.paused import BY_RELEASE
from jobs.pausing import by_hours, pause, resume
from jobs.release import recreate, rollback, rollout, unfinished
from jobs.release.deployments import Endpoint
from jobs.release.judging import evidence
from jobs.release.spec import ReleaseSpec
from settings.machines import VM_SIZES
from settings.sections.tags import PAUSED
from tests.changing import changed

MODEL = RELEASE.model_name
PLAIN = changed(
    RELEASE, strategy="recreate", traffic_steps=(100,), soak_seconds=0, drain_seconds=0, questions="", vm_size=MACHINE
)


def of(version: str) -> ReleaseSpec:
    return dataclasses.replace(PLAIN, model_version=version, model_fingerprint="")


OLD, NEW = of("1").deployment_name, of("2").deployment_name


class World:
    """An endpoint that serves version 1, and what happens to it, in its order; ``nodes`` of a cluster, look by look."""

    def __init__(self, ml: FakeMl, scoring: Scoring) -> None:
        self.ml, self.scoring, self.did = ml, scoring, list[str]()
        self.nodes: list[int] = []
        self.stop = Stop()

    @property
    def pause(self) -> paused.Pause | None:
        return paused.read(self.ml.online_endpoints.tags)

    def release(self, version: str, **others: object) -> list[str]:
        said: list[str] = []
        rollout.run(changed(of(version), **others), said.append, self.stop)
        return said

    def endpoint(self, said: list[str]) -> Endpoint:
        return Endpoint(client=self.ml, spec=of(""), report=said.append, stop=self.stop)  # type: ignore[arg-type]

    def items(self, path: str, version: str) -> list[dict[str, Any]]:
        assert path.endswith("/computes")
        nodes = self.nodes.pop(0) if self.nodes else 0
        inner = {"vmSize": MACHINE.upper(), "currentNodeCount": nodes}
        small = {"vmSize": "STANDARD_D4S_V3", "currentNodeCount": 9}
        return [{"name": name, "properties": {"properties": its}} for name, its in (("gpu", inner), ("data", small))]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    ml = install(monkeypatch)
    monkeypatch.setattr(evidence, "FOLDER", tmp_path / "releases")
    scoring, _ = scoring_fake.install(monkeypatch, ml)
    world, endpoints = World(ml, scoring), ml.online_endpoints
    for version in ("1", "2", "3"):
        ml.models.there[MODEL, version] = SimpleNamespace(name=MODEL, version=version, tags={}, job_name=None)
    endpoints.deployment(OLD, tags={"model": f"{MODEL}:1", "previous": f"{MODEL}:0"})
    endpoints.traffic = {OLD: 100}

    def telling(name: str, told: Callable[..., str]) -> None:
        does = getattr(endpoints, name)

        def do(*arguments: Any, **named: Any) -> Any:
            world.did.append(told(*arguments, **named))
            return does(*arguments, **named)

        monkeypatch.setattr(endpoints, name, do)

    telling("begin_delete", lambda name, endpoint_name: f"delete {name}")
    telling(
        "begin_create_or_update",
        lambda one: f"make {one.name}" if hasattr(one, "endpoint_name") else f"traffic {_shown(one.traffic)}",
    )

    monkeypatch.setattr(unfinished, "Arm", lambda: tags_written(ml.online_endpoints))
    monkeypatch.setattr(recreate, "Arm", lambda: SimpleNamespace(items=world.items))
    return world


def _shown(traffic: dict[str, int]) -> str:
    return ",".join(name for name, share in traffic.items() if share) or "none"


def test_the_old_deployment_goes_before_the_new_one_is_made(world: World) -> None:
    said = world.release("2")
    assert world.did[:4] == ["traffic none", f"delete {OLD}", f"make {NEW}", f"traffic {NEW}"]
    assert world.ml.online_endpoints.traffic == {NEW: 100} and set(world.ml.online_endpoints.deployments) == {NEW}
    assert world.pause is None
    assert any(line.startswith("warning: nobody is answered by endpoint") for line in said)
    assert world.ml.online_endpoints.deployments[NEW].tags["previous"] == f"{MODEL}:1"


def test_what_was_in_service_is_written_down_with_the_traffic(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise Unreachable("no route to host")

    monkeypatch.setattr(Endpoint, "remove", refused)
    with pytest.raises(Unreachable):
        world.release("2")
    found = world.pause
    assert found is not None and found.machines == f"{MACHINE}*1"
    assert (found.by, found.version, found.deployment, found.previous, found.coming) == (BY_RELEASE, "1", OLD, "0", "2")
    assert len(world.ml.online_endpoints.tags[PAUSED]) <= paused.MOST_TEXT


def test_a_first_release_takes_nothing_away(world: World) -> None:
    endpoints = world.ml.online_endpoints
    endpoints.traffic = {}
    del endpoints.deployments[OLD]
    assert not any("nobody is answered" in line for line in world.release("2"))
    assert world.did == [f"make {NEW}", f"traffic {NEW}"]


def test_a_finished_release_is_left_alone(world: World) -> None:
    world.release("1")
    assert world.did == []


def test_idle_machines_of_the_cluster_are_waited_for_while_the_old_model_answers(world: World) -> None:
    world.nodes = [1, 1, 0]
    said = world.release("2")
    waiting = next(line for line in said if "waiting for the machines" in line)
    assert f"gpu has 1 of {VM_SIZES[MACHINE].family}" in waiting and "data" not in waiting
    assert said.index(waiting) < next(at for at, line in enumerate(said) if "nobody is answered" in line)
    assert world.stop.waited[:2] == [10.0, 10.0]


def test_told_to_stop_while_waiting_nothing_was_begun(world: World) -> None:
    world.nodes, world.stop.turns = [1] * 9, [world.stop.set]
    with pytest.raises(NotFinished, match="nothing was begun"):
        world.release("2")
    assert world.did == [] and world.pause is None


def test_a_model_that_fails_is_followed_by_the_one_of_before_on_its_own_machines(world: World) -> None:
    world.scoring.errors = [ModelFailed("424")] * 2
    # Of other machines, as a stack file may ask for both at once.
    world.ml.online_endpoints.deployments[OLD].instance_type = "Standard_NC40ads_H100_v5"
    made: list[str] = []
    begin = Endpoint.begin

    def noted(self: Endpoint, name: str, model: str, tags: dict[str, str]) -> Any:
        made.append(f"{model} on {self.spec.serving.vm_size}")
        return begin(self, name, model, tags)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(ModelFault, match="smoke test"):
        patch.setattr(Endpoint, "begin", noted)
        world.release("2")
    assert made == [f"azureml:{MODEL}:2 on {MACHINE}", f"azureml:{MODEL}:1 on Standard_NC40ads_H100_v5"]
    (there,) = world.ml.online_endpoints.deployments.values()
    assert there.tags["model"] == f"{MODEL}:1" and there.tags["previous"] == f"{MODEL}:0"
    assert world.ml.online_endpoints.traffic == {there.name: 100} and world.pause is None


def test_where_going_back_fails_too_both_are_said_and_resume_goes_on(world: World) -> None:
    world.scoring.errors = [ModelFailed("424")] * 2
    world.ml.online_endpoints.outcomes[OLD] = RuntimeError("out of capacity")
    with pytest.raises(StageError, match="Version 1, which was in service, is not back") as told:
        world.release("2")
    assert "`python -m jobs resume` brings version 1 back" in str(told.value)
    assert world.pause is not None and world.pause.coming == ""
    world.ml.online_endpoints.outcomes.clear()
    assert resume.resume(world.endpoint([]), of) == "1"
    assert world.ml.online_endpoints.traffic == {OLD: 100} and world.pause is None


@pytest.mark.parametrize("strategy", ["recreate", "beside"])
def test_whoever_is_interrupted_goes_on(world: World, strategy: str) -> None:
    world.ml.online_endpoints.outcomes[NEW] = Unreachable("no route")  # nobody foresaw it
    with pytest.raises(StageError):
        world.release("2")
    assert world.ml.online_endpoints.traffic == {} and world.pause is not None
    world.ml.online_endpoints.outcomes.clear()
    world.release("2", strategy=strategy)
    assert world.ml.online_endpoints.traffic == {NEW: 100} and world.pause is None
    assert set(world.ml.online_endpoints.deployments) == {NEW}


def _half_way(world: World) -> None:
    world.ml.online_endpoints.outcomes[NEW] = Unreachable("no route")
    with pytest.raises(StageError):
        world.release("2")
    world.ml.online_endpoints.outcomes.clear()


def test_half_way_a_rollback_brings_the_old_one_back(world: World) -> None:
    _half_way(world)
    live = rollback.in_service(world.ml, "phi", MODEL)  # type: ignore[arg-type]
    assert (live.version, live.share, live.before) == ("2", 0, "1")
    world.release("1")
    assert world.ml.online_endpoints.traffic == {OLD: 100} and set(world.ml.online_endpoints.deployments) == {OLD}
    assert world.pause is None


def test_half_way_nobody_pauses_or_resumes_by_the_clock(world: World) -> None:
    _half_way(world)
    said: list[str] = []
    with pytest.raises(StageError, match="the release of version 2 has not come to its end"):
        pause.pause(world.endpoint(said), paused.BY_HAND)
    by_hours.keep(world.endpoint(said), of)
    assert said[-1].endswith("the release of version 2 has not come to its end")
    assert world.pause is not None and world.pause.by == BY_RELEASE


def test_another_version_than_the_one_that_was_interrupted(world: World) -> None:
    _half_way(world)
    world.release("3")
    third = of("3").deployment_name
    assert set(world.ml.online_endpoints.deployments) == {third} and world.pause is None
    assert world.ml.online_endpoints.deployments[third].tags["previous"] == f"{MODEL}:1"


def test_a_deployment_of_another_model_is_not_taken_away(world: World) -> None:
    world.ml.online_endpoints.deployment("mother", tags={"model": "other:1"})
    world.ml.online_endpoints.traffic = {"mother": 100}
    with pytest.raises(StageError, match=r"the release was not begun.*names no version of") as told:
        world.release("2")
    assert "strategy to beside" in told.value.todo and world.did == []


def test_a_release_that_stands_beside_already_is_finished_beside(world: World) -> None:
    world.ml.online_endpoints.deployment(NEW, tags={"model": f"{MODEL}:2", **unfinished.tags({OLD: 100})})
    world.ml.online_endpoints.traffic = {OLD: 90, NEW: 10}
    world.release("2")
    assert world.did == [f"traffic {NEW}", f"delete {OLD}"]


def test_the_strategy_is_recorded_where_it_is_set_and_makes_no_new_deployment() -> None:
    assert "strategy" not in RELEASE.to_inputs() and RELEASE.unanswered == ""
    assert PLAIN.to_inputs()["strategy"] == "recreate" and "nobody is answered" in PLAIN.unanswered
    assert changed(PLAIN, strategy="beside").deployment_name == PLAIN.deployment_name
