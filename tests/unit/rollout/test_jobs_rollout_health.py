"""A new model is judged by how it fares under traffic."""

from __future__ import annotations

import pytest
from jobs_fake import FakeMl, Stop
from rollout_runs import NEW, OLD, run
from scoring_fake import Metrics, Scoring
from test_jobs_specs import RELEASE

from chat.phi_messages import (
    Answer,
    Busy,
    ChatRequest,
)
from cloud.errors import ModelFault, NotFinished, StageError
from jobs.release import rollout
from jobs.release.judging import health, smoke
from settings.sections.serving import HealthSettings
from tests.changing import changed


@pytest.fixture
def metrics(asked: tuple[Scoring, Metrics]) -> Metrics:
    return asked[1]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (
            health.Health(requests=40, failed=3, p95_seconds=1.0),
            r"40 requests, 3 failed \(7\.5 %\).*failedPercent is 5",
        ),
        (
            health.Health(requests=40, failed=0, p95_seconds=61.0),
            r"95 % within 61\.0 s; serving.health.latencySeconds is 60",
        ),
    ],
)
def test_a_model_that_fares_badly_under_traffic_is_taken_back(
    in_service: FakeMl, scoring: Scoring, metrics: Metrics, found: health.Health, why: str
) -> None:
    metrics.health = found
    stop = Stop()
    with pytest.raises(StageError, match=why):
        run(stop=stop)
    endpoints = in_service.online_endpoints
    assert endpoints.history == [{OLD: 90, NEW: 10}, {OLD: 100}]
    assert endpoints.deleted == [NEW]
    assert stop.waited == [30, 60, 15]  # at the first look; then the answers under way come to their end


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            health.Health(requests=1, failed=1, p95_seconds=0.1),
            "1 request, 1 failed (100.0 %), 95 % within 0.1 s; serving.health.minimumRequests is 20",
        ),
        (
            health.Health(requests=19, failed=0, p95_seconds=61.0),
            "19 requests, 0 failed (0.0 %), 95 % within 61.0 s; serving.health.minimum",
        ),
        (
            health.Health(requests=40, failed=5, p95_seconds=0.1, refused=21),
            "21 wrongly asked (4xx), 95 % within 0.1 s; serving.health.minimum",
        ),
    ],
)
def test_too_few_requests_say_nothing_about_a_model(
    in_service: FakeMl, scoring: Scoring, metrics: Metrics, found: health.Health, said: str
) -> None:
    metrics.health = found
    lines = [line for line in run() if line.startswith(f"warning: the health of {NEW} is not judged: ")]
    assert len(lines) == 3 and said in lines[0]
    assert in_service.online_endpoints.traffic == {NEW: 100}


FAILING = health.Health(requests=100, failed=20, p95_seconds=61.0)


@pytest.mark.parametrize(
    ("in_service_fares", "released"),
    [
        (health.Health(requests=900, failed=180, p95_seconds=61.0), True),  # whatever it is, both have it
        (health.Health(requests=900, failed=120, p95_seconds=61.0), True),  # 20 of 100 and 13 % may be chance
        (health.Health(requests=900, failed=90, p95_seconds=61.0), False),
        (health.Health(requests=19, failed=19, p95_seconds=61.0), False),  # too few to compare with
        (health.Health(requests=0, failed=0, p95_seconds=None), False),
    ],
)
def test_a_new_model_that_fares_as_the_one_in_service_on_the_same_traffic_is_not_at_fault(
    in_service: FakeMl, scoring: Scoring, metrics: Metrics, in_service_fares: health.Health, released: bool
) -> None:
    metrics.health, metrics.in_service = FAILING, in_service_fares
    if released:
        assert any("and the model in service fares no better; mold, in service: 900 requests" in each for each in run())
    else:
        with pytest.raises(ModelFault, match="fares badly"):
            run()
    assert in_service.online_endpoints.traffic == ({NEW: 100} if released else {OLD: 100})


@pytest.mark.parametrize(("slow", "released"), [(62.0, True), (50.0, False)])
def test_so_is_one_that_is_late_where_both_are(
    in_service: FakeMl, scoring: Scoring, metrics: Metrics, slow: float, released: bool
) -> None:
    metrics.health = health.Health(requests=100, failed=0, p95_seconds=62.0)
    metrics.in_service = health.Health(requests=900, failed=0, p95_seconds=slow)
    if released:
        run()
    else:
        with pytest.raises(ModelFault, match="fares badly"):
            run()


def _health(**values: object) -> HealthSettings:
    return RELEASE.serving.health.model_copy(update=values)


def test_too_little_is_waited_for_and_then_left_where_it_is(
    in_service: FakeMl, scoring: Scoring, metrics: Metrics
) -> None:
    metrics.health = health.Health(requests=3, failed=0, p95_seconds=0.1)
    spec = changed(RELEASE, health=_health(no_data="wait", wait_seconds=120), soak_seconds=30)
    stop, said = Stop(), list[str]()
    with pytest.raises(
        NotFinished, match=r"is not judged: 3 requests.*after 120 s more \(serving.health.waitSeconds\)"
    ):
        rollout.run(spec, said.append, stop)
    assert stop.waited == [30] * 5 and in_service.online_endpoints.traffic == {OLD: 90, NEW: 10}
    assert sum(line.startswith("waiting for requests to judge by: the health of") for line in said) == 2
    more = Stop(
        *[lambda: None] * 3, lambda: setattr(metrics, "health", health.Health(requests=99, failed=0, p95_seconds=1))
    )
    run(spec, more)
    assert in_service.online_endpoints.traffic == {NEW: 100}


def test_too_little_may_send_a_release_back(in_service: FakeMl, scoring: Scoring, metrics: Metrics) -> None:
    metrics.error = StageError("no", on="endpoint phi", why="AuthorizationFailed", todo="")
    with pytest.raises(ModelFault, match=r"is not known: AuthorizationFailed \(serving.health.noData: fail\)"):
        run(changed(RELEASE, health=_health(no_data="fail")))
    assert in_service.online_endpoints.traffic == {OLD: 100}


def test_load_is_no_fault_of_the_model_and_told_apart(in_service: FakeMl, scoring: Scoring, metrics: Metrics) -> None:
    metrics.health = health.Health(requests=400, failed=0, p95_seconds=0.1, busy=300)
    told = [line for line in run() if "health of" in line]
    assert told[0] == (
        f"warning: health of {NEW}: 400 requests, 0 failed (0.0 %), 300 too many at once (429), 95 % within 0.1 s; 300 "
        "were turned away for load, no fault of the model: serving.maxConcurrentRequests is 8, serving.instances 1"
    )
    assert in_service.online_endpoints.traffic == {NEW: 100}


def test_an_endpoint_too_busy_to_say_who_answers_is_left_at_100(in_service: FakeMl, scoring: Scoring) -> None:
    ask = scoring.__call__

    def busy(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        if not request.deployment:
            raise Busy("too many requests at once (429)")
        return ask(url, key, request, timeout=timeout)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smoke, "ask", busy)
        said = run()
    told = "warning: it is not known who answers: too many ask at once (429), no fault of the model: serving.max"
    assert any(line.startswith(told) for line in said)
    assert in_service.online_endpoints.traffic == {NEW: 100}


def test_a_new_deployment_too_busy_to_be_tested_is_left_for_the_next_update(
    in_service: FakeMl, scoring: Scoring
) -> None:
    scoring.errors = [Busy("too many requests at once (429)") for _ in range(24)]
    with pytest.raises(NotFinished, match="too many ask at once"):
        run()
    assert in_service.online_endpoints.deleted == [] and in_service.online_endpoints.traffic == {OLD: 100}


def test_it_is_watched_at_100_as_well(in_service: FakeMl, scoring: Scoring, metrics: Metrics) -> None:
    spec = changed(RELEASE, traffic_steps=(100,))
    stop = Stop(
        lambda: None, lambda: setattr(metrics, "health", health.Health(requests=400, failed=400, p95_seconds=0.1))
    )
    with pytest.raises(StageError, match="fares badly"):
        run(spec, stop)
    assert in_service.online_endpoints.history == [{NEW: 100}, {OLD: 100}]


@pytest.mark.parametrize("unknown", [health.Health(requests=0, failed=0, p95_seconds=None), None])
def test_unknown_health_is_said_and_is_no_failure(
    in_service: FakeMl, scoring: Scoring, metrics: Metrics, unknown: health.Health | None
) -> None:
    if unknown is None:
        metrics.error = StageError("no", on="endpoint phi", why="AuthorizationFailed", todo="")
    else:
        metrics.health = unknown
    said = run()
    assert sum(line.startswith(f"warning: the health of {NEW} is not known") for line in said) == 3
    assert in_service.online_endpoints.traffic == {NEW: 100}


def test_traffic_that_reaches_another_deployment_is_noticed(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stale(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        return Answer("Bill Gates.", request.deployment or OLD, 0.1)

    monkeypatch.setattr(smoke, "ask", stale)
    with pytest.raises(StageError, match=f"100 % of the traffic, but {OLD} goes on answering"):
        run()
    assert in_service.online_endpoints.deleted == []


def test_an_endpoint_that_does_not_say_who_answers_is_told_of(in_service: FakeMl, scoring: Scoring) -> None:
    scoring.says_who = False
    assert any("do not say which deployment" in line for line in run())
    assert in_service.online_endpoints.traffic == {NEW: 100}
