"""A release in the place of the old deployment: all that is told and written, whole."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from endpoints_fake import MACHINE
from test_jobs_recreate import MODEL, NEW, OLD, World, of, world  # noqa: F401

from chat.phi_messages import ModelFailed
from cloud.errors import StageError
from jobs.release import deployments, operations, recreate
from jobs.release.deployments import Endpoint
from settings.machines import VM_SIZES
from settings.sections.tags import PAUSED

FAMILY = VM_SIZES[MACHINE].family
NOBODY = (
    f"warning: nobody is answered by endpoint phi from now on, until {NEW} is in service: some twenty minutes "
    "(serving.strategy: recreate)"
)


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (deployments, operations):
        monkeypatch.setattr(module, "elapsed", lambda since: "0 s")


def failed(world: World, **others: object) -> tuple[list[str], StageError]:  # noqa: F811
    said: list[str] = []
    with pytest.raises(StageError) as error:
        recreate_run(world, said, "2")
    return said, error.value


def recreate_run(world: World, said: list[str], version: str) -> None:  # noqa: F811
    from jobs.release import rollout

    rollout.run(of(version), said.append, world.stop)


def test_all_that_is_told(world: World) -> None:  # noqa: F811
    assert world.release("2") == [
        NOBODY,
        f"deployment {OLD} deleted",
        f"deployment {NEW} of azureml:{MODEL}:2: creating, 1 x {MACHINE}",
        f"deployment {NEW} is healthy after 0 s",
        f"smoke test of {NEW}: Bill Gates and Paul Allen.",
        f"traffic: 100 % {NEW}",
        f"the endpoint's answers come from {NEW}",
    ]
    assert world.ml.online_endpoints.deployments[NEW].tags["previous"] == f"{MODEL}:1"


def test_what_is_written_before_anything_goes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    endpoints = world.ml.online_endpoints
    endpoints.tags = {"owner": "us"}
    endpoints.deployment("mless", tags={"model": f"{MODEL}:0"})
    endpoints.traffic = {"mless": 40, OLD: 60}
    endpoints.deployments[OLD].instance_count = 2

    def refused(*_: object, **__: object) -> None:
        raise StageError("no", on="", why="x", todo="")

    monkeypatch.setattr(Endpoint, "remove", refused)
    said, _ = failed(world)
    assert said == [
        NOBODY,
        "warning: until this release is gone on with (`pulumi up`), or taken back (`python -m jobs rollback`), it may "
        "be that nobody is answered by endpoint phi",
    ]
    written = json.loads(endpoints.tags.pop(PAUSED))
    assert written.pop("at").endswith("+00:00")
    assert written == {
        "by": "release",
        "version": "1",
        "deployment": OLD,
        "previous": "0",
        "coming": "2",
        "machines": f"{MACHINE}*2",
    }
    assert endpoints.tags == {"owner": "us"} and endpoints.traffic == {}


def test_a_model_that_fails_is_followed_by_the_one_of_before(world: World) -> None:  # noqa: F811
    world.scoring.errors = [ModelFailed("424")] * 2
    world.ml.models.there[MODEL, "1"].job_name = "finetune-0123456789ab-1"
    world.ml.online_endpoints.tags = {"owner": "us"}
    said, error = failed(world)
    (name,) = world.ml.online_endpoints.deployments
    at = said.index(
        f"warning: version 1 comes back, as deployment {name}: nobody is answered for some twenty minutes more"
    )
    assert said[at + 1 :] == [
        f"deployment {name} of azureml:{MODEL}:1: creating, 1 x {MACHINE}",
        f"deployment {name} is healthy after 0 s",
        f"smoke test of {name}: Bill Gates and Paul Allen.",
        f"traffic: 100 % {name}",
        f"the endpoint's answers come from {name}",
        "version 1 is in service again. The next `pulumi up` tries the new one once more",
    ]
    assert str(error).startswith(f"the new model did not pass its smoke test (deployment {NEW}): 424. ")
    assert world.ml.online_endpoints.tags == {"owner": "us"}


def test_as_it_was_on_its_own_machines(world: World) -> None:  # noqa: F811
    here = world.endpoint([])
    pause = recreate._record(here)
    world.ml.models.there[MODEL, "1"] = SimpleNamespace(tags=None, job_name="finetune-0123456789ab-1")
    asking = dataclasses.replace(
        here, spec=dataclasses.replace(of("2"), evaluation=of("2").evaluation.model_copy(update={"questions": "q"}))
    )

    def machines(text: str) -> tuple[str, int]:
        spec = recreate._as_it_was(asking, dataclasses.replace(pause, machines=text))
        assert (spec.model_version, spec.model_fingerprint, spec.evaluation.questions) == ("1", "0123456789ab", "")
        return spec.serving.vm_size, spec.serving.instances

    assert machines("Standard_NC40ads_H100_v5*3") == ("Standard_NC40ads_H100_v5", 3)
    assert [machines(text) for text in ("", "Standard_Nowhere*3", f"{MACHINE}*x", f"{MACHINE}*")] == [(MACHINE, 1)] * 4
    del world.ml.models.there[MODEL, "1"]
    with pytest.raises(StageError, match=rf"the model could not be looked up \(model {MODEL}:1\)"):
        recreate._as_it_was(asking, pause)


def test_both_are_said_where_going_back_fails_too(world: World) -> None:  # noqa: F811
    world.scoring.errors = [ModelFailed("424")] * 2
    world.ml.online_endpoints.outcomes[OLD] = HttpResponseError("(OutOfCapacity) none")
    _, error = failed(world)
    assert (error.what, error.on) == ("the new model did not pass its smoke test", f"deployment {NEW}")
    assert error.why.startswith("424. Version 1, which was in service, is not back yet: (OutOfCapacity) none")
    assert error.todo == (
        "Nobody is answered: `python -m jobs resume` brings version 1 back. Look into the model (data, recipe), or "
        "raise serving.requestTimeoutSeconds if it is just slow."
    )


def test_what_could_not_be_brought_back_is_not_taken_away(world: World) -> None:  # noqa: F811
    world.ml.online_endpoints.deployments[OLD].tags = {"model": "other:1"}
    _, error = failed(world)
    assert str(error) == (
        f"the release was not begun (endpoint phi): deployment {OLD}, which has 100 % of the traffic, names no version "
        f"of {MODEL}, so it could not be brought back if the new one fails. Set serving.strategy to beside for this "
        "release, or delete that deployment yourself."
    )


def waiting(world: World) -> list[str]:  # noqa: F811
    said: list[str] = []
    recreate._clusters_gone(world.endpoint(said))
    return said


def test_machines_of_clusters_are_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    asked: list[tuple[str, str]] = []
    items = world.items

    def noted(path: str, version: str) -> list[dict[str, Any]]:
        asked.append((path, version))
        return [*items(path, version), {"name": "vm"}, {"name": "x", "properties": {"properties": {}}}]

    monkeypatch.setattr(recreate, "Arm", lambda: SimpleNamespace(items=noted))
    assert waiting(world) == []
    assert asked == [
        (
            "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws/computes",
            "2025-12-01",
        )
    ]
    world.nodes = [2, 2]
    told = f"waiting for the machines of clusters, which a release takes: gpu has 2 of {FAMILY}, after 0 s"
    assert waiting(world) == [told]
    monkeypatch.setattr(recreate, "_CLUSTER_SECONDS", 0.0)
    world.nodes = [2] * 9
    assert waiting(world)[-1] == f"warning: gpu has 2 of {FAMILY} after 0 s: Azure decides whether there is quota"

    def refused(path: str, version: str) -> None:
        raise HttpResponseError("not you")

    monkeypatch.setattr(recreate, "Arm", lambda: SimpleNamespace(items=refused))
    assert waiting(world) == ["warning: the clusters could not be read: not you; Azure decides whether there is quota"]


def test_what_came_before_is_remembered_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    there = world.ml.online_endpoints.deployments
    here = dataclasses.replace(world.endpoint([]), spec=dataclasses.replace(of("1"), deployed_as=OLD))
    for previous in ("", "7"):
        recreate.remember(here, previous)
        assert there[OLD].tags == {"model": f"{MODEL}:1", "previous": f"{MODEL}:0"}
    there[OLD].tags = {"model": f"{MODEL}:1"}
    recreate.remember(here, "1")
    assert there[OLD].tags == {"model": f"{MODEL}:1"}, "itself is not before it"
    recreate.remember(here, "7")
    assert there[OLD].tags == {"model": f"{MODEL}:1", "previous": f"{MODEL}:7"}
    there[OLD].tags = {"model": f"{MODEL}:1"}
    said: list[str] = []

    def refused(*_: object, **__: object) -> None:
        raise HttpResponseError("not you")

    monkeypatch.setattr("jobs.release.unfinished.Arm", lambda: SimpleNamespace(run=refused))
    recreate.remember(dataclasses.replace(here, report=said.append), "7")
    assert said == [f"warning: which version {OLD} followed is not kept: not you"]
