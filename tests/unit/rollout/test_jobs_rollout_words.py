"""A release whole: all that it tells, what it asks Azure to make, and each of its errors."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from jobs_fake import FakeMl, Stop
from rollout_runs import NEW, OLD, refused, run
from scoring_fake import Metrics, Scoring
from test_jobs_specs import RELEASE

from chat.phi_messages import Busy, ModelFailed, Unreachable
from cloud.errors import ModelFault, StageError
from jobs.release import rollout, unfinished
from tests.changing import changed

MODEL = "phi-ultrachat:1707408517"
SIZE = "Standard_NC24ads_A100_v4"
AGAIN = "Run `pulumi up` again: it goes on where it stopped."
ANSWERS = "Bill Gates and Paul Allen."


pytestmark = pytest.mark.usefixtures("no_time_passes")


def test_the_first_release(ml: FakeMl) -> None:
    assert run() == [
        f"deployment {NEW} of azureml:{MODEL}: creating, 1 x {SIZE}",
        f"deployment {NEW} is healthy after 0 s",
        f"smoke test of {NEW}: {ANSWERS}",
        f"traffic: 100 % {NEW}",
        f"the endpoint's answers come from {NEW}",
    ]
    (made,) = ml.online_endpoints.created
    tags = dict(made.tags)
    assert tags.pop("release_begun")[:2] == "20"
    assert tags == {"model": MODEL, "traffic_before": "{}"}
    found = {key: vars(its) if hasattr(its, "__dict__") else its for key, its in vars(made).items() if key != "tags"}
    assert found == {
        "name": NEW,
        "endpoint_name": "phi",
        "model": f"azureml:{MODEL}",
        "instance_type": SIZE,
        "instance_count": 1,
        "request_settings": {"request_timeout_ms": 90_000, "max_concurrent_requests_per_instance": 8},
        "liveness_probe": {"initial_delay": 600, "timeout": 20, "period": 10, "failure_threshold": 30},
        "readiness_probe": {"initial_delay": 10, "timeout": 20, "period": 10, "failure_threshold": 30},
    }
    assert run() == [f"deployment {NEW} has 100 % of the traffic already"]


def test_the_second_release(in_service: FakeMl) -> None:
    health = f"health of {NEW}: 100 requests, 0 failed (0.0 %), 95 % within 1.5 s"
    assert run(changed(RELEASE, tags={"owner": "me"})) == [
        f"deployment {NEW} of azureml:{MODEL}: creating, 1 x {SIZE}",
        f"deployment {NEW} is healthy after 0 s",
        f"smoke test of {NEW}: {ANSWERS}",
        f"traffic: 10 % {NEW}, 90 % {OLD}",
        health,
        f"traffic: 50 % {NEW}, 50 % {OLD}",
        health,
        f"traffic: 100 % {NEW}",
        f"the endpoint's answers come from {NEW}",
        health,
        "waiting 15 s for the answers under way",
        f"deployment {OLD} deleted",
    ]
    (made,) = in_service.online_endpoints.created
    assert {key: its for key, its in made.tags.items() if key != "release_begun"} == {
        "owner": "me",
        "model": MODEL,
        "traffic_before": '{"mold": 100}',
        "previous": "m",
    }


def test_a_shared_version_is_deployed_from_its_registry(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs.release import contracts

    asked: list[Any] = []
    monkeypatch.setattr(
        contracts, "of_shared", lambda model, report: (asked.append(model), contracts.Contract("mlflow"))[1]
    )
    spec = dataclasses.replace(RELEASE, registry="shared", model_version="3")
    assert run(spec)[0] == (
        f"deployment {spec.deployment_name} of azureml://registries/shared/models/phi-ultrachat/versions/3: creating, "
        f"1 x {SIZE}"
    )
    assert [str(each.model_uri) for each in asked] == ["azureml://registries/shared/models/phi-ultrachat/versions/3"]
    (made,) = ml.online_endpoints.created
    assert (made.tags["model"], made.tags["contract"]) == ("phi-ultrachat:3", "mlflow")


def test_one_that_is_there_is_taken_up(in_service: FakeMl) -> None:
    in_service.online_endpoints.deployment(NEW, tags={"model": MODEL, **unfinished.tags({OLD: 100})})
    assert run()[0] == f"deployment {NEW} is there already and healthy"
    in_service.online_endpoints.deployments.clear()
    in_service.online_endpoints.deployment(OLD)
    in_service.online_endpoints.deployment(NEW, "Failed")
    in_service.online_endpoints.traffic = {OLD: 100}
    assert run()[:3] == [
        f"deployment {NEW} of an earlier try is Failed",
        f"deployment {NEW} deleted",
        f"deployment {NEW} of azureml:{MODEL}: creating, 1 x {SIZE}",
    ]


def test_another_version_half_way_is_taken_back(in_service: FakeMl) -> None:
    endpoints = in_service.online_endpoints
    endpoints.deployment("mhalf", tags={"model": "phi-ultrachat:5", **unfinished.tags({OLD: 100})})
    endpoints.traffic = {OLD: 90, "mhalf": 10}
    assert run()[:6] == [
        "the release of mhalf was left half way and is taken back",
        f"traffic: 100 % {OLD}",
        "waiting 75 s for the answers under way",
        "still waiting for the answers under way after 1 min 00 s",
        "deployment mhalf deleted",
        f"deployment {NEW} of azureml:{MODEL}: creating, 1 x {SIZE}",
    ]


REFUSED = "Look into the model (data, recipe), or raise serving.requestTimeoutSeconds if it is just slow."


def test_a_model_that_fails(in_service: FakeMl, scoring: Scoring) -> None:
    scoring.errors = [ModelFailed("it crashed")] * 2
    said, error = refused()
    assert type(error) is ModelFault and error.evidence == {"asked": RELEASE.serving.question}
    assert str(error) == f"the new model did not pass its smoke test (deployment {NEW}): it crashed. {REFUSED}"
    assert said[-2:] == [f"deployment {NEW} deleted", f"traffic as before: 100 % {OLD}; deployment {NEW} deleted"]
    assert "going back: the new model did not pass its smoke test" in said


def test_a_model_that_fails_is_kept_where_it_shall(in_service: FakeMl, scoring: Scoring) -> None:
    scoring.errors = [ModelFailed("it crashed")] * 2
    said, _ = refused(changed(RELEASE, on_failure="keep"))
    assert said[-1] == (
        f"warning: traffic as before: 100 % {OLD}; deployment {NEW} stays without traffic (serving.onFailure: keep), "
        "and bills until the next release removes it"
    )
    assert NEW in in_service.online_endpoints.deployments


def test_going_back_fails_as_well(in_service: FakeMl, asked: tuple[Scoring, Metrics]) -> None:
    from jobs.release.judging.health import Health

    asked[1].health = Health(requests=100, failed=50, p95_seconds=1.0)
    endpoints = in_service.online_endpoints

    def breaks() -> None:
        endpoints.refused_traffic = HttpResponseError("not now")

    _, error = refused(stop=Stop(breaks))
    assert str(error).startswith(f"the new model fares badly under traffic (deployment {NEW}): 100 requests, 50 failed")
    assert ". Going back failed as well: not now. Check the traffic of endpoint phi in Azure ML studio (it was " in str(
        error
    )
    assert error.todo == (
        f"Check the traffic of endpoint phi in Azure ML studio (it was 100 % {OLD}) and delete deployment {NEW}. See "
        "its log before you try again."
    )


LEFT = (
    "Nothing was put back, as the model is not known to be at fault: deployment {} {}, and bills. {}Once that is well, "
    "`pulumi up` takes the release up where it is, and `python -m jobs rollback` takes it back."
).format


def test_something_else_than_the_model_fails(in_service: FakeMl, scoring: Scoring) -> None:
    scoring.errors = [Unreachable("no route")] * 24
    _, error = refused()
    assert type(error) is StageError
    assert (error.what, error.on, error.why, error.todo) == (
        "the new model could not be tested",
        f"deployment {NEW}",
        "no route",
        LEFT(NEW, "has no traffic yet", ""),
    )
    in_service.online_endpoints.traffic = {OLD: 90, NEW: 10}
    scoring.errors = [Unreachable("no route")] * 24
    assert refused()[1].todo == LEFT(NEW, "has 10 % of the traffic", "")


def test_something_unforeseen(in_service: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise ValueError("oh")

    monkeypatch.setattr(rollout.smoke, "check", breaks)
    _, error = refused()
    assert (error.what, error.on, error.why) == ("the release failed", f"deployment {NEW}", "ValueError('oh')")
    assert error.todo == LEFT(NEW, "has no traffic yet", "")


def test_a_deployment_that_is_refused_leaves_nothing(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        ml.online_endpoints, "_create", lambda resource: (_ for _ in ()).throw(HttpResponseError("no quota here"))
    )
    _, error = refused()
    assert str(error).startswith(f"the deployment was refused (deployment {NEW}): no quota here. ")
    assert "Nothing was put back" not in str(error)


def test_a_deployment_that_fails_shows_its_log(in_service: FakeMl) -> None:
    in_service.online_endpoints.outcomes[NEW] = HttpResponseError("(BadModel) it does not load")
    _, error = refused()
    assert type(error) is ModelFault
    assert (error.what, error.on) == ("the deployment failed", f"deployment {NEW}")
    assert error.why == (
        "(BadModel) it does not load. Last lines of its inference-server's log:\n  loading\n  out of memory"
    )


def test_busy_says_nothing_of_the_model(in_service: FakeMl, scoring: Scoring) -> None:
    scoring.errors = [Busy("429")] * 24
    _, error = refused()
    assert str(error) == (
        "the release is not finished (endpoint phi): too many ask at once (429), no fault of the model: "
        "serving.maxConcurrentRequests is 8, serving.instances 1. " + AGAIN
    )


def test_a_stop_before_anything(in_service: FakeMl) -> None:
    stop = Stop()
    stop.set()
    _, error = refused(stop=stop)
    assert error.why == "you asked to stop; nothing was begun"
    assert error.todo == (
        "`pulumi up` finds the release where it is then and takes it up again. A deployment bills as long as it is "
        "there: `python -m jobs rollback` takes a release back."
    )
