"""The base model beside a release whole, and how the traffic is shared at each step."""

from __future__ import annotations

import pytest
from jobs_fake import FakeMl
from rollout_runs import COMPARING, NEW, OLD, refused, run
from scoring_fake import Scoring
from test_jobs_specs import RELEASE

from chat.phi_messages import ModelFailed
from jobs.release import rollout
from tests.changing import changed

SIZE = "Standard_NC24ads_A100_v4"
pytestmark = pytest.mark.usefixtures("no_time_passes")


def test_the_base_model_beside(ml: FakeMl) -> None:
    said = run(COMPARING)
    base = "azureml://registries/azureml/models/Phi-4-mini-instruct/versions/1"
    assert f"deployment base of {base}: creating, 1 x {SIZE}" in said
    assert ml.online_endpoints.deployments["base"].tags == {"model": base, "instance_type": SIZE}
    assert run(COMPARING) == [f"deployment {NEW} has 100 % of the traffic already"]
    ml.online_endpoints.deployments["base"].tags = {"model": "another", "instance_type": SIZE}
    assert run(COMPARING) == [
        f"deployment {NEW} has 100 % of the traffic already",
        "deployment base deleted",
        f"deployment base of {base}: creating, 1 x {SIZE}",
        "deployment base is healthy after 0 s",
    ]
    assert run() == [f"deployment {NEW} has 100 % of the traffic already", "deployment base deleted"]


def test_a_base_model_of_somebody_elses(ml: FakeMl) -> None:
    run()
    ml.online_endpoints.deployment("base", tags={})
    _, error = refused(COMPARING)
    assert str(error) == (
        "the base model was not deployed (deployment base): deployment base carries no tag of a release. Delete it, or "
        "set serving.compareWithBase to false."
    )
    assert "warning: deployment base carries no tag of a release: it is left alone, and bills" in run()


def test_a_base_model_for_nothing_goes_and_beside_one_that_answers_it_stays(ml: FakeMl, scoring: Scoring) -> None:
    scoring.errors = [ModelFailed("it crashed")] * 2
    said, _ = refused(COMPARING)
    assert "deployment base deleted" in said and not ml.online_endpoints.deployments
    ml.online_endpoints.deployment(OLD)
    ml.online_endpoints.traffic = {OLD: 100}
    scoring.errors = [ModelFailed("it crashed")] * 2
    said, _ = refused(COMPARING)
    assert said[-1] == "warning: deployment base stays beside the model in service, and bills"


@pytest.mark.parametrize(
    ("before", "percent", "shared"),
    [
        ({"a": 100}, 10, {"a": 90, "n": 10}),
        ({"a": 33, "b": 67}, 10, {"a": 29, "b": 61, "n": 10}),
        ({"a": 50, "b": 50}, 33, {"a": 34, "b": 33, "n": 33}),
        ({"a": 99, "b": 1}, 50, {"a": 50, "n": 50}),
        ({"a": 60, "n": 40}, 100, {"n": 100}),
        ({"n": 100}, 10, {"n": 100}),
        ({}, 10, {"n": 100}),
    ],
)
def test_traffic_is_shared_in_whole_numbers(before: dict[str, int], percent: int, shared: dict[str, int]) -> None:
    assert rollout._shared(before, "n", percent) == shared


@pytest.mark.parametrize(
    ("steps", "taken"), [((50, 10, 10), [10, 50, 100]), ((0, 1, 99, 100, 120), [1, 99, 100]), ((), [100])]
)
def test_steps_rise_to_100(steps: tuple[int, ...], taken: list[int]) -> None:
    assert rollout._steps(changed(RELEASE, traffic_steps=steps)) == taken


def test_traffic_without_one_whose_tags_say_nothing() -> None:
    assert rollout._without({"a": 60, "n": 40}, "n") == {"a": 100}
    assert rollout._without({"a": 100}, "n") == {"a": 100}
    assert rollout._without({"n": 100}, "n") == {}
