"""What changes a deployment in place and what makes another, and how long either is waited for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from endpoints_fake import MACHINE, Poller, probe
from jobs_fake import FakeMl, Stop
from rollout_runs import NEW, OLD, run
from scoring_fake import Scoring
from test_jobs_specs import RELEASE

from cloud.errors import NotFinished, StageError
from jobs.release import operations
from tests.changing import changed


def test_a_deployment_in_service_gets_other_settings_in_place(ml: FakeMl, scoring: Scoring) -> None:
    """As one that was made before there were such settings: Azure's default is one request at a time."""
    ml.online_endpoints.deployment(NEW, concurrent=None, liveness=probe(600, timeout=2))
    ml.online_endpoints.traffic = {NEW: 100}
    said = run()
    assert said == [
        f"deployment {NEW} has 100 % of the traffic already",
        f"deployment {NEW}: updating in place, maxConcurrentRequests Azure's default -> 8, liveness timeout 2 -> 20",
        f"deployment {NEW} updated after 0 s",
    ]
    endpoints = ml.online_endpoints
    assert (endpoints.updated, endpoints.deleted, endpoints.history) == ([NEW], [], [])
    changed = endpoints.deployments[NEW]
    assert changed.request_settings.max_concurrent_requests_per_instance == 8
    assert changed.request_settings.request_timeout_ms == 90_000
    assert vars(changed.liveness_probe) == {
        "initial_delay": 600,
        "timeout": 20,
        "period": 10,
        "failure_threshold": 30,
    }
    assert run() == [f"deployment {NEW} has 100 % of the traffic already"]


@pytest.mark.parametrize("share", [100, 90])
def test_more_instances_and_another_time_out_are_changed_in_place_under_the_name_that_stands(
    ml: FakeMl, scoring: Scoring, share: int
) -> None:
    spec = changed(RELEASE, instances=2, request_timeout_seconds=60)
    assert spec.deployment_name != NEW
    endpoints = ml.online_endpoints
    tags = {"model": f"{RELEASE.model_name}:{RELEASE.model_version}"}
    endpoints.deployment(NEW, tags=tags if share == 100 else {**tags, "traffic_before": '{"mold": 100}'})
    endpoints.deployment(OLD)
    endpoints.traffic = {NEW: share, OLD: 100 - share} if share < 100 else {NEW: 100}
    said = run(spec)
    assert f"deployment {NEW}: updating in place, instances 1 -> 2, requestTimeout 90000 -> 60000" in said
    assert endpoints.updated == [NEW] and endpoints.traffic == {NEW: 100} and set(endpoints.deployments) == {NEW}
    assert endpoints.deployments[NEW].instance_count == 2
    assert endpoints.deployments[NEW].request_settings.request_timeout_ms == 60_000
    assert run(spec) == [f"deployment {NEW} has 100 % of the traffic already"]


@pytest.mark.parametrize(
    ("model", "machine"),
    [
        (f"{RELEASE.model_name}:other", MACHINE),
        (f"another:{RELEASE.model_version}", MACHINE),
        (f"{RELEASE.model_name}:{RELEASE.model_version}", "Standard_NC40ads_H100_v5"),
    ],
)
def test_another_model_or_other_machines_are_a_release(
    in_service: FakeMl, scoring: Scoring, model: str, machine: str
) -> None:
    endpoints = in_service.online_endpoints
    endpoints.deployment(OLD, tags={"model": model})
    endpoints.deployments[OLD].instance_type = machine
    spec = changed(RELEASE, instances=2)
    run(spec)
    assert set(endpoints.deployments) == {spec.deployment_name} and endpoints.updated == []


def test_a_change_in_place_that_azure_does_not_make_is_told(
    ml: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    ml.online_endpoints.deployment(NEW, concurrent=1)
    ml.online_endpoints.traffic = {NEW: 100}
    accept = ml.online_endpoints._create

    def forget(resource: Any) -> Poller:
        resource.request_settings.max_concurrent_requests_per_instance = 1
        return accept(resource)

    monkeypatch.setattr(ml.online_endpoints, "_create", forget)
    told = "says that it still has other settings: maxConcurrentRequests 1 -> 8"
    assert run()[-1] == f"warning: deployment {NEW} {told}"


def test_a_change_in_place_that_fails_is_told_and_made_again(ml: FakeMl, scoring: Scoring) -> None:
    ml.online_endpoints.deployment(NEW, concurrent=1)
    ml.online_endpoints.traffic = {NEW: 100}
    ml.online_endpoints.outcomes[NEW] = HttpResponseError("the container did not get ready")
    with pytest.raises(StageError, match=r"settings could not be changed \(deployment m.*did not get ready"):
        run()
    assert ml.online_endpoints.deleted == [] and ml.online_endpoints.traffic == {NEW: 100}
    ml.online_endpoints.outcomes.clear()
    assert any("updating in place, it is Failed" in line for line in run())
    assert ml.online_endpoints.deployments[NEW].provisioning_state == "Succeeded"


class SlowPoller(Poller):
    """An operation that ends after so many looks; a turn at each."""

    def __init__(self, looks: int, turn: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.looks, self.turn = looks, turn

    def done(self) -> bool:
        return self.looks <= 0

    def wait(self, timeout: float | None = None) -> None:
        self.looks -= 1
        self.turn()


def slowly(ml: FakeMl, monkeypatch: pytest.MonkeyPatch, poller: SlowPoller) -> None:
    """Lets the creation of a deployment take its time."""
    create = ml.online_endpoints._create

    def begin(resource: Any) -> Poller:
        create(resource)
        return poller

    monkeypatch.setattr(ml.online_endpoints, "_create", begin)
    monkeypatch.setattr(operations, "_SILENCE_SECONDS", 0.0)


def test_a_deployment_that_is_being_created_says_so_each_minute(
    ml: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowly(ml, monkeypatch, SlowPoller(4))
    said = run()
    assert said.count(f"deployment {NEW}: still being created after 0 s") == 3
    assert ml.online_endpoints.traffic == {NEW: 100}


def test_ctrl_c_while_a_deployment_is_being_created_says_that_it_bills(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = Stop()
    slowly(in_service, monkeypatch, SlowPoller(4, stop.set))
    with pytest.raises(
        NotFinished,
        match=rf"deployment {NEW} is being created, and bills whether you wait or not.*python -m jobs rollback",
    ):
        run(stop=stop)
    assert in_service.online_endpoints.deleted == [] and NEW in in_service.online_endpoints.deployments


def test_a_deployment_that_never_gets_ready_is_not_waited_for_for_ever(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowly(in_service, monkeypatch, SlowPoller(10**9))
    monkeypatch.setattr(operations, "_MOST_SECONDS", 0.0)
    with pytest.raises(
        NotFinished, match=r"still being created after 0 s, which is longer than Azure takes, and bills"
    ):
        run()
    assert in_service.online_endpoints.deleted == []
