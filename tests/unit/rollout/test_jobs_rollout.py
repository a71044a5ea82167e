"""The stage release: its steps, what it finds half done, and how it is resumed."""

from __future__ import annotations

import json

import pytest
from jobs_fake import FakeMl, Stop
from rollout_runs import BASE, COMPARING, NEW, OLD, run
from scoring_fake import Scoring
from test_jobs_specs import RELEASE

from chat.phi_messages import (
    ModelFailed,
)
from cloud.errors import NotFinished, StageError
from tests.changing import changed


def test_the_first_release_goes_straight_to_100(ml: FakeMl, scoring: Scoring) -> None:
    run()
    assert ml.online_endpoints.history == [{NEW: 100}]
    assert scoring.asked == [NEW, NEW, "", "", ""]
    assert list(ml.online_endpoints.deployments) == [NEW]


def test_the_second_one_takes_the_steps_and_removes_the_first(in_service: FakeMl, scoring: Scoring) -> None:
    stop = Stop()
    run(stop=stop)
    endpoints = in_service.online_endpoints
    assert endpoints.history == [{OLD: 90, NEW: 10}, {OLD: 50, NEW: 50}, {NEW: 100}]
    assert endpoints.deleted == [OLD]
    assert stop.waited == [30] * 6 + [RELEASE.serving.drain_seconds - RELEASE.serving.soak_seconds]
    assert endpoints.deployments[NEW].tags["previous"] == "m"
    assert json.loads(endpoints.deployments[NEW].tags["traffic_before"]) == {OLD: 100}


def test_the_same_model_on_other_machines_remembers_what_was_before_it(in_service: FakeMl, scoring: Scoring) -> None:
    model = f"{RELEASE.model_name}:{RELEASE.model_version}"
    in_service.online_endpoints.deployment(OLD, tags={"model": model, "previous": "phi-ultrachat:earlier"})
    in_service.online_endpoints.deployments[OLD].instance_type = "Standard_NC40ads_H100_v5"
    run()
    assert in_service.online_endpoints.deployments[NEW].tags["previous"] == "phi-ultrachat:earlier"


def test_a_finished_release_is_left_alone(ml: FakeMl, scoring: Scoring) -> None:
    ml.online_endpoints.deployment(NEW)
    ml.online_endpoints.traffic = {NEW: 100}
    run()
    assert ml.online_endpoints.history == [] and scoring.asked == []


def test_an_old_deployment_left_over_is_removed(in_service: FakeMl, scoring: Scoring) -> None:
    in_service.online_endpoints.deployment(NEW)
    in_service.online_endpoints.traffic = {NEW: 100}
    run()
    assert in_service.online_endpoints.deleted == [OLD]
    assert in_service.online_endpoints.history == []


def test_a_half_shifted_release_is_resumed(in_service: FakeMl, scoring: Scoring) -> None:
    endpoints = in_service.online_endpoints
    endpoints.deployment(NEW, tags={"traffic_before": json.dumps({OLD: 100})})
    endpoints.traffic = {OLD: 90, NEW: 10}
    run()
    assert endpoints.history == [{OLD: 50, NEW: 50}, {NEW: 100}]
    assert endpoints.deleted == [OLD]


@pytest.mark.parametrize("tags", [{"traffic_before": '{"mold": 70, "mother": 30}'}, {}])
def test_a_resumed_release_that_fails_goes_back_to_before_it_began(
    in_service: FakeMl, scoring: Scoring, tags: dict[str, str]
) -> None:
    endpoints = in_service.online_endpoints
    endpoints.deployment("mother")
    endpoints.deployment(NEW, tags=tags)
    endpoints.traffic = {OLD: 35, "mother": 15, NEW: 50}
    scoring.errors = [ModelFailed("424")] * 2
    with pytest.raises(StageError):
        run()
    assert endpoints.traffic == {OLD: 70, "mother": 30}
    assert endpoints.deleted == [NEW]


def test_somebody_elses_deployment_is_left_alone_with_and_without_traffic(ml: FakeMl, scoring: Scoring) -> None:
    endpoints = ml.online_endpoints
    endpoints.deployment("blue", tags={"team": "search"})
    endpoints.deployment("shadow", tags={})
    endpoints.traffic = {"blue": 100}
    told = "warning: deployment blue carries no tag of a release: it is left alone, and bills"
    assert told in run(changed(RELEASE, traffic_steps=(100,)))
    assert endpoints.deleted == [] and endpoints.traffic == {NEW: 100}
    assert told in run() and endpoints.history == [{NEW: 100}], "the release is over"
    endpoints.deployment(BASE, tags={})
    with pytest.raises(StageError, match="deployment base carries no tag of a release"):
        run(COMPARING)
    run()
    assert BASE in endpoints.deployments


def test_a_deployment_that_failed_earlier_is_made_again(in_service: FakeMl, scoring: Scoring) -> None:
    in_service.online_endpoints.deployment(NEW, "Failed")
    run()
    assert in_service.online_endpoints.deleted == [NEW, OLD]
    assert in_service.online_endpoints.traffic == {NEW: 100}


def test_a_deployment_that_is_being_created_is_waited_for(in_service: FakeMl, scoring: Scoring) -> None:
    endpoints = in_service.online_endpoints
    endpoints.deployment(NEW, "Creating")
    found = endpoints.deployments[NEW]
    run(stop=Stop(lambda: None, lambda: setattr(found, "provisioning_state", "Succeeded")))
    assert endpoints.traffic == {NEW: 100} and endpoints.deployments[NEW] is found


def test_ctrl_c_leaves_things_to_be_resumed(in_service: FakeMl, scoring: Scoring) -> None:
    endpoints = in_service.online_endpoints
    stop = Stop()
    stop.turns.append(stop.set)  # during the first soak
    with pytest.raises(NotFinished, match="10 % "):
        run(stop=stop)
    assert endpoints.traffic == {OLD: 90, NEW: 10} and endpoints.deleted == []
