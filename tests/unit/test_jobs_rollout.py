"""The stage release: every state it can find, and the way back from every failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import scoring_fake
from azure.core.exceptions import HttpResponseError, ServiceRequestError
from jobs_fake import MACHINE, FakeMl, Poller, Stop, install, probe
from requests.exceptions import ReadTimeout
from scoring_fake import Metrics, Scoring
from test_jobs_specs import RELEASE

from chat.phi_messages import (
    Answer,
    Busy,
    ChatError,
    ChatRequest,
    KeyRefused,
    ModelFailed,
    NoDeployment,
    ServerFailed,
    UnknownAnswer,
    Unreachable,
)
from cloud import waiting
from cloud.errors import ModelFault, NotFinished, StageError
from jobs.golden import golden
from jobs.release import operations, rollout
from jobs.release.judging import evidence, health, smoke
from jobs.release.spec import ReleaseSpec
from settings.sections.serving import HealthSettings
from tests.changing import changed

NEW, OLD, BASE = RELEASE.deployment_name, "mold", "base"
KNOWING = changed(RELEASE, questions="golden/sample.jsonl", minimum_score=0)
ALL_SIX = "Bill Gates and Paul Allen, HyperText Markup Language, Paris, eight, Linus Torvalds and the Pacific Ocean."
COMPARING = changed(RELEASE, compare_with_base=True)


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    return install(monkeypatch)


@pytest.fixture(autouse=True)
def asked(ml: FakeMl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Scoring, Metrics]:
    monkeypatch.setattr(evidence, "FOLDER", tmp_path / "releases")
    return scoring_fake.install(monkeypatch, ml)


@pytest.fixture
def scoring(asked: tuple[Scoring, Metrics]) -> Scoring:
    return asked[0]


@pytest.fixture
def metrics(asked: tuple[Scoring, Metrics]) -> Metrics:
    return asked[1]


@pytest.fixture
def in_service(ml: FakeMl) -> FakeMl:
    """An endpoint that serves an earlier release."""
    ml.online_endpoints.deployment(OLD)
    ml.online_endpoints.traffic = {OLD: 100}
    return ml


def late(text: str) -> Unreachable:
    """An answer that the model has not given in time."""
    error = Unreachable(text)
    error.__cause__ = ReadTimeout()
    return error


def _run(spec: object = RELEASE, stop: Stop | None = None) -> list[str]:
    said: list[str] = []
    rollout.run(spec, said.append, stop or Stop())  # type: ignore[arg-type]
    return said


def test_the_first_release_goes_straight_to_100(ml: FakeMl, scoring: Scoring) -> None:
    _run()
    assert ml.online_endpoints.history == [{NEW: 100}]
    assert scoring.asked == [NEW, NEW, "", "", ""]
    assert list(ml.online_endpoints.deployments) == [NEW]


def test_the_second_one_takes_the_steps_and_removes_the_first(in_service: FakeMl, scoring: Scoring) -> None:
    stop = Stop()
    _run(stop=stop)
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
    _run()
    assert in_service.online_endpoints.deployments[NEW].tags["previous"] == "phi-ultrachat:earlier"


def test_a_finished_release_is_left_alone(ml: FakeMl, scoring: Scoring) -> None:
    ml.online_endpoints.deployment(NEW)
    ml.online_endpoints.traffic = {NEW: 100}
    _run()
    assert ml.online_endpoints.history == [] and scoring.asked == []


def test_an_old_deployment_left_over_is_removed(in_service: FakeMl, scoring: Scoring) -> None:
    in_service.online_endpoints.deployment(NEW)
    in_service.online_endpoints.traffic = {NEW: 100}
    _run()
    assert in_service.online_endpoints.deleted == [OLD]
    assert in_service.online_endpoints.history == []


@pytest.mark.parametrize(
    "error",
    [UnknownAnswer("an empty answer"), ModelFailed("424")],
)
def test_a_failed_smoke_test_restores_everything(in_service: FakeMl, scoring: Scoring, error: ChatError) -> None:
    scoring.errors = [error] * 2
    with pytest.raises(ModelFault, match="smoke test"):
        _run()
    endpoints = in_service.online_endpoints
    assert endpoints.traffic == {OLD: 100} and endpoints.history == []
    assert endpoints.deleted == [NEW] and list(endpoints.deployments) == [OLD]


def test_what_could_tell_why_is_kept_before_the_deployment_goes(
    in_service: FakeMl, scoring: Scoring, tmp_path: Path
) -> None:
    scoring.answers = {NEW: "I do not know.", OLD: ALL_SIX}
    with pytest.raises(ModelFault):
        _run(changed(KNOWING, maximum_drop=0))
    (folder,) = (tmp_path / "releases").iterdir()
    assert folder.name.startswith(NEW) and folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "inference-server.log").read_text() == "loading\nout of memory\n"
    assert (folder / "storage-initializer.log").read_text() == "fetched\n"
    kept = json.loads((folder / "release.json").read_text())
    assert kept["deployment"] == NEW and "did not pass" in kept["why"]
    assert [each["deployment"] for each in kept["golden"]] == [NEW, OLD]
    assert kept["golden"][0]["questions"][0]["answer"] == "I do not know."


def test_a_deployment_that_is_taken_back_may_stay_to_be_looked_into(in_service: FakeMl, scoring: Scoring) -> None:
    scoring.errors = [ModelFailed("424")] * 2
    said: list[str] = []
    with pytest.raises(ModelFault):
        rollout.run(changed(RELEASE, on_failure="keep"), said.append, Stop())
    endpoints = in_service.online_endpoints
    assert set(endpoints.deployments) == {OLD, NEW} and endpoints.traffic == {OLD: 100}
    assert any(line.startswith("warning: traffic as before") and "bills until" in line for line in said)
    _run()
    assert set(endpoints.deployments) == {NEW} and endpoints.traffic == {NEW: 100}


def test_the_new_model_is_asked_as_those_who_chat_ask(
    ml: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    def ask(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        told.append(request.system)
        return scoring(url, key, request, timeout=timeout)

    monkeypatch.setattr(smoke, "ask", ask)
    monkeypatch.setattr(golden, "ask", ask)
    _run(changed(KNOWING, system_prompt="Answer in rhymes."))
    assert len(told) > 4 and set(told) == {"Answer in rhymes."}


def test_a_system_prompt_is_recorded_where_it_is_set_and_makes_no_new_deployment() -> None:
    other = changed(RELEASE, system_prompt="Answer in rhymes.")
    assert "system_prompt" not in RELEASE.to_inputs()
    assert other.to_inputs()["system_prompt"] == "Answer in rhymes."
    assert other.deployment_name == NEW and ReleaseSpec.from_inputs(other.to_inputs()) == other


def test_the_smoke_test_is_patient_with_a_route_that_is_not_there_yet(ml: FakeMl, scoring: Scoring) -> None:
    scoring.errors = [NoDeployment("404"), ServerFailed("503")]
    stop = Stop()
    _run(stop=stop)
    assert scoring.asked[:4] == [NEW] * 4 and stop.waited == [5.0, 5.0]


@pytest.mark.parametrize(
    ("error", "times", "deleted"),
    [
        (Unreachable("no route to host"), 24, []),
        (ServerFailed("503"), 24, []),
        (NoDeployment("404"), 24, []),
        (KeyRefused("401"), 24, []),
        (late("no answer within 90 s"), 2, [NEW]),
    ],
)
def test_but_not_for_ever_and_only_a_late_answer_is_the_models_fault(
    in_service: FakeMl, scoring: Scoring, error: ChatError, times: int, deleted: list[str]
) -> None:
    scoring.errors = [error] * times
    stop = Stop()
    with pytest.raises(StageError, match=str(error)) as caught:
        _run(stop=stop)
    assert stop.waited == [5.0] * (times - 1)
    assert in_service.online_endpoints.deleted == deleted and in_service.online_endpoints.traffic == {OLD: 100}
    assert (f"deployment {NEW} has no traffic yet, and bills" in str(caught.value)) is not bool(deleted)


@pytest.mark.parametrize("spec", [RELEASE, KNOWING])
def test_keys_that_are_rotated_meanwhile_are_read_again(
    in_service: FakeMl, scoring: Scoring, spec: ReleaseSpec
) -> None:
    scoring.errors = [KeyRefused("401")]
    _run(spec)
    assert in_service.online_endpoints.traffic == {NEW: 100}
    scoring.errors = [KeyRefused("401") for _ in range(24)]
    in_service.online_endpoints.traffic = {OLD: 100}
    in_service.online_endpoints.deployment(OLD)
    with pytest.raises(StageError, match="401"):
        _run(spec)
    assert in_service.online_endpoints.traffic == {OLD: 100}


def test_golden_questions_are_asked_with_the_new_key(in_service: FakeMl, scoring: Scoring) -> None:
    ask, refused = scoring.__call__, [True]

    def once(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        if refused:
            refused.pop()
            raise KeyRefused("401")
        return ask(url, key, request, timeout=timeout)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(golden, "ask", once)
        _run(KNOWING)
    assert in_service.online_endpoints.traffic == {NEW: 100}


def test_a_deployment_that_fails_is_removed_and_its_log_shown(in_service: FakeMl, scoring: Scoring) -> None:
    in_service.online_endpoints.outcomes[NEW] = HttpResponseError("User container has crashed")
    with pytest.raises(StageError, match="crashed") as caught:
        _run()
    assert "out of memory" in str(caught.value)
    assert list(in_service.online_endpoints.deployments) == [OLD]
    assert in_service.online_endpoints.traffic == {OLD: 100}


def _fail_at_50(ml: FakeMl, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """The step to 50 % of the traffic raises that."""
    accept = ml.online_endpoints.begin_create_or_update

    def fail(resource: object) -> object:
        if getattr(resource, "traffic", {}).get(NEW) == 50:
            raise error
        return accept(resource)

    monkeypatch.setattr(ml.online_endpoints, "begin_create_or_update", fail)


def test_traffic_that_is_refused_half_way_stays_where_it_is(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints = in_service.online_endpoints
    _fail_at_50(in_service, monkeypatch, HttpResponseError("InternalServerError"))
    with pytest.raises(StageError, match="could not be shifted"):
        _run()
    assert endpoints.traffic == {OLD: 90, NEW: 10} and endpoints.deleted == []


def test_traffic_that_is_not_what_was_set_is_noticed(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints = in_service.online_endpoints
    monkeypatch.setattr(endpoints, "refused_traffic", None)
    accept = endpoints.begin_create_or_update

    def lose_traffic(resource: object) -> object:
        poller = accept(resource)
        if getattr(resource, "traffic", {}).get(NEW):
            endpoints.traffic = {}
        return poller

    monkeypatch.setattr(endpoints, "begin_create_or_update", lose_traffic)
    with pytest.raises(StageError, match=r"did not shift.*no traffic at all"):
        _run()
    assert endpoints.deleted == []


def test_a_connection_that_is_lost_leaves_the_release_where_it_is(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints = in_service.online_endpoints
    accept = endpoints.begin_create_or_update
    _fail_at_50(in_service, monkeypatch, ServiceRequestError("Name or service not known"))
    with pytest.raises(StageError, match=rf"could not be reached.*deployment {NEW} has 10 % of the traffic, and bills"):
        _run()
    assert endpoints.traffic == {OLD: 90, NEW: 10} and endpoints.deleted == []
    monkeypatch.setattr(endpoints, "begin_create_or_update", accept)
    _run()
    assert endpoints.traffic == {NEW: 100} and endpoints.deleted == [OLD]


def test_what_nobody_foresaw_says_nothing_about_the_model(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def confused(*_: object) -> None:
        raise ValueError("what is this")

    monkeypatch.setattr(smoke, "confirm", confused)
    with pytest.raises(StageError, match="what is this"):
        _run()
    assert in_service.online_endpoints.traffic == {NEW: 100}
    assert in_service.online_endpoints.deleted == []


def test_nothing_is_begun_once_told_to_stop(in_service: FakeMl, scoring: Scoring) -> None:
    stop = Stop()
    stop.set()
    with pytest.raises(NotFinished, match="nothing was begun"):
        _run(stop=stop)
    assert list(in_service.online_endpoints.deployments) == [OLD]


def test_an_endpoint_that_stays_in_transition_does_not_keep_a_failed_release_for_ever(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    scoring.errors = [ModelFailed("424")] * 2
    endpoints, seconds = in_service.online_endpoints, iter(range(0, 100_000, 300))
    monkeypatch.setattr(waiting.time, "monotonic", lambda: next(seconds))
    monkeypatch.setattr(waiting.time, "sleep", lambda _: None)
    ask = scoring.__call__

    def stuck(*arguments: object, **more: object) -> object:
        endpoints.state = "Updating"
        return ask(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(smoke, "ask", stuck)
    with pytest.raises(StageError, match=r"Going back failed as well: it has been Updating for \d+ min"):
        _run()


def test_going_back_that_fails_too_says_both(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    scoring.errors = [ModelFailed("424")] * 2

    def refuse(name: str, endpoint_name: str) -> None:
        raise HttpResponseError("busy")

    monkeypatch.setattr(in_service.online_endpoints, "begin_delete", refuse)
    with pytest.raises(StageError, match="Going back failed as well") as caught:
        _run()
    assert f"delete deployment {NEW}" in str(caught.value) and "smoke test" in str(caught.value)


def test_a_half_shifted_release_is_resumed(in_service: FakeMl, scoring: Scoring) -> None:
    endpoints = in_service.online_endpoints
    endpoints.deployment(NEW, tags={"traffic_before": json.dumps({OLD: 100})})
    endpoints.traffic = {OLD: 90, NEW: 10}
    _run()
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
        _run()
    assert endpoints.traffic == {OLD: 70, "mother": 30}
    assert endpoints.deleted == [NEW]


def test_somebody_elses_deployment_is_left_alone_with_and_without_traffic(ml: FakeMl, scoring: Scoring) -> None:
    endpoints = ml.online_endpoints
    endpoints.deployment("blue", tags={"team": "search"})
    endpoints.deployment("shadow", tags={})
    endpoints.traffic = {"blue": 100}
    told = "warning: deployment blue carries no tag of a release: it is left alone, and bills"
    assert told in _run(changed(RELEASE, traffic_steps=(100,)))
    assert endpoints.deleted == [] and endpoints.traffic == {NEW: 100}
    assert told in _run() and endpoints.history == [{NEW: 100}], "the release is over"
    endpoints.deployment(BASE, tags={})
    with pytest.raises(StageError, match="deployment base carries no tag of a release"):
        _run(COMPARING)
    _run()
    assert BASE in endpoints.deployments


def test_a_deployment_that_failed_earlier_is_made_again(in_service: FakeMl, scoring: Scoring) -> None:
    in_service.online_endpoints.deployment(NEW, "Failed")
    _run()
    assert in_service.online_endpoints.deleted == [NEW, OLD]
    assert in_service.online_endpoints.traffic == {NEW: 100}


def test_a_deployment_that_is_being_created_is_waited_for(in_service: FakeMl, scoring: Scoring) -> None:
    endpoints = in_service.online_endpoints
    endpoints.deployment(NEW, "Creating")
    found = endpoints.deployments[NEW]
    _run(stop=Stop(lambda: None, lambda: setattr(found, "provisioning_state", "Succeeded")))
    assert endpoints.traffic == {NEW: 100} and endpoints.deployments[NEW] is found


def test_ctrl_c_leaves_things_to_be_resumed(in_service: FakeMl, scoring: Scoring) -> None:
    endpoints = in_service.online_endpoints
    stop = Stop()
    stop.turns.append(stop.set)  # during the first soak
    with pytest.raises(NotFinished, match="10 % "):
        _run(stop=stop)
    assert endpoints.traffic == {OLD: 90, NEW: 10} and endpoints.deleted == []


def test_golden_questions_are_put_to_the_new_model_and_to_the_one_in_service(
    in_service: FakeMl, scoring: Scoring
) -> None:
    scoring.answers = dict.fromkeys((NEW, OLD), "Paris, eight and Linus Torvalds.")
    said = _run(KNOWING)
    assert scoring.asked[:13] == [NEW] * 7 + [OLD] * 6
    assert f"golden questions: {NEW} scores 0.50 (3 of 6 word for word, 95 % within 0.1 s)" in said
    assert in_service.online_endpoints.traffic == {NEW: 100}


def test_a_model_that_knows_less_than_the_one_in_service_is_taken_back(in_service: FakeMl, scoring: Scoring) -> None:
    scoring.answers = {NEW: "I do not know.", OLD: ALL_SIX}
    with pytest.raises(
        StageError,
        match=r"scores 0\.00 and the model in service 1\.00, -1\.00 \(95 % interval -1\.00 to -0\.36, 6 questions\)",
    ) as caught:
        _run(KNOWING)
    assert "'I do not know.' instead of 'Bill Gates and Paul Allen or" in str(caught.value)
    assert in_service.online_endpoints.traffic == {OLD: 100}
    assert in_service.online_endpoints.deleted == [NEW]


def test_what_six_questions_cannot_tell_is_said_and_passes_or_fails_as_the_setting_says(
    in_service: FakeMl, scoring: Scoring
) -> None:
    scoring.answers = {NEW: "Paris.", OLD: "Paris, eight and Linus Torvalds."}
    unclear = "could not tell whether it is worse: it scores 0.17 and the model in service 0.50, -0.33 (95 % interval"
    with pytest.raises(ModelFault, match=r"could not tell whether it is worse.*\(evaluation.unclear: fail\)"):
        _run(changed(KNOWING, unclear="fail"))
    assert in_service.online_endpoints.traffic == {OLD: 100}
    told = [line for line in _run(KNOWING) if line.startswith(f"warning: golden questions: {unclear}")]
    assert len(told) == 1 and told[0].endswith("It goes on (evaluation.unclear: pass)")
    assert in_service.online_endpoints.traffic == {NEW: 100}


def test_a_model_that_knows_too_little_is_taken_back(ml: FakeMl, scoring: Scoring) -> None:
    scoring.answers = {NEW: "Paris."}
    spec = changed(KNOWING, minimum_score=0.2)
    with pytest.raises(StageError, match=r"scores 0\.17, and evaluation.minimumScore is 0\.2"):
        _run(spec)
    assert ml.online_endpoints.deployments == {} and ml.online_endpoints.history == []


@pytest.mark.parametrize("spec", [RELEASE, KNOWING])
def test_a_model_that_is_too_slow_is_taken_back(in_service: FakeMl, scoring: Scoring, spec: ReleaseSpec) -> None:
    scoring.seconds = 30.1
    with pytest.raises(StageError, match=r"took (up to )?30\.1 s, and evaluation.latencySeconds is 30"):
        _run(spec)
    assert in_service.online_endpoints.deleted == [NEW]


def test_a_model_in_service_that_does_not_answer_is_no_obstacle(in_service: FakeMl, scoring: Scoring) -> None:
    ask = scoring.__call__

    def broken(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        if request.deployment == OLD:
            raise ModelFailed("the model raised an error (424)")
        return ask(url, key, request, timeout=timeout)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(golden, "ask", broken)
        said = _run(KNOWING)
    assert any(line.startswith("warning: the model in service left 6 unanswered") for line in said)
    assert in_service.online_endpoints.traffic == {NEW: 100}


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
        _run(stop=stop)
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
    lines = [line for line in _run() if line.startswith(f"warning: the health of {NEW} is not judged: ")]
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
        assert any(
            "and the model in service fares no better; mold, in service: 900 requests" in each for each in _run()
        )
    else:
        with pytest.raises(ModelFault, match="fares badly"):
            _run()
    assert in_service.online_endpoints.traffic == ({NEW: 100} if released else {OLD: 100})


@pytest.mark.parametrize(("slow", "released"), [(62.0, True), (50.0, False)])
def test_so_is_one_that_is_late_where_both_are(
    in_service: FakeMl, scoring: Scoring, metrics: Metrics, slow: float, released: bool
) -> None:
    metrics.health = health.Health(requests=100, failed=0, p95_seconds=62.0)
    metrics.in_service = health.Health(requests=900, failed=0, p95_seconds=slow)
    if released:
        _run()
    else:
        with pytest.raises(ModelFault, match="fares badly"):
            _run()


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
    _run(spec, more)
    assert in_service.online_endpoints.traffic == {NEW: 100}


def test_too_little_may_send_a_release_back(in_service: FakeMl, scoring: Scoring, metrics: Metrics) -> None:
    metrics.error = StageError("no", on="endpoint phi", why="AuthorizationFailed", todo="")
    with pytest.raises(ModelFault, match=r"is not known: AuthorizationFailed \(serving.health.noData: fail\)"):
        _run(changed(RELEASE, health=_health(no_data="fail")))
    assert in_service.online_endpoints.traffic == {OLD: 100}


def test_load_is_no_fault_of_the_model_and_told_apart(in_service: FakeMl, scoring: Scoring, metrics: Metrics) -> None:
    metrics.health = health.Health(requests=400, failed=0, p95_seconds=0.1, busy=300)
    told = [line for line in _run() if "health of" in line]
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
        said = _run()
    told = "warning: it is not known who answers: too many ask at once (429), no fault of the model: serving.max"
    assert any(line.startswith(told) for line in said)
    assert in_service.online_endpoints.traffic == {NEW: 100}


def test_a_new_deployment_too_busy_to_be_tested_is_left_for_the_next_update(
    in_service: FakeMl, scoring: Scoring
) -> None:
    scoring.errors = [Busy("too many requests at once (429)") for _ in range(24)]
    with pytest.raises(NotFinished, match="too many ask at once"):
        _run()
    assert in_service.online_endpoints.deleted == [] and in_service.online_endpoints.traffic == {OLD: 100}


def test_a_deployment_in_service_gets_other_settings_in_place(ml: FakeMl, scoring: Scoring) -> None:
    """As one that was made before there were such settings: Azure's default is one request at a time."""
    ml.online_endpoints.deployment(NEW, concurrent=None, liveness=probe(600, timeout=2))
    ml.online_endpoints.traffic = {NEW: 100}
    said = _run()
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
    assert _run() == [f"deployment {NEW} has 100 % of the traffic already"]


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
    said = _run(spec)
    assert f"deployment {NEW}: updating in place, instances 1 -> 2, requestTimeout 90000 -> 60000" in said
    assert endpoints.updated == [NEW] and endpoints.traffic == {NEW: 100} and set(endpoints.deployments) == {NEW}
    assert endpoints.deployments[NEW].instance_count == 2
    assert endpoints.deployments[NEW].request_settings.request_timeout_ms == 60_000
    assert _run(spec) == [f"deployment {NEW} has 100 % of the traffic already"]


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
    _run(spec)
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
    assert _run()[-1] == f"warning: deployment {NEW} {told}"


def test_a_change_in_place_that_fails_is_told_and_made_again(ml: FakeMl, scoring: Scoring) -> None:
    ml.online_endpoints.deployment(NEW, concurrent=1)
    ml.online_endpoints.traffic = {NEW: 100}
    ml.online_endpoints.outcomes[NEW] = HttpResponseError("the container did not get ready")
    with pytest.raises(StageError, match=r"settings could not be changed \(deployment m.*did not get ready"):
        _run()
    assert ml.online_endpoints.deleted == [] and ml.online_endpoints.traffic == {NEW: 100}
    ml.online_endpoints.outcomes.clear()
    assert any("updating in place, it is Failed" in line for line in _run())
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
    said = _run()
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
        _run(stop=stop)
    assert in_service.online_endpoints.deleted == [] and NEW in in_service.online_endpoints.deployments


def test_a_deployment_that_never_gets_ready_is_not_waited_for_for_ever(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    slowly(in_service, monkeypatch, SlowPoller(10**9))
    monkeypatch.setattr(operations, "_MOST_SECONDS", 0.0)
    with pytest.raises(
        NotFinished, match=r"still being created after 0 s, which is longer than Azure takes, and bills"
    ):
        _run()
    assert in_service.online_endpoints.deleted == []


def test_it_is_watched_at_100_as_well(in_service: FakeMl, scoring: Scoring, metrics: Metrics) -> None:
    spec = changed(RELEASE, traffic_steps=(100,))
    stop = Stop(
        lambda: None, lambda: setattr(metrics, "health", health.Health(requests=400, failed=400, p95_seconds=0.1))
    )
    with pytest.raises(StageError, match="fares badly"):
        _run(spec, stop)
    assert in_service.online_endpoints.history == [{NEW: 100}, {OLD: 100}]


@pytest.mark.parametrize("unknown", [health.Health(requests=0, failed=0, p95_seconds=None), None])
def test_unknown_health_is_said_and_is_no_failure(
    in_service: FakeMl, scoring: Scoring, metrics: Metrics, unknown: health.Health | None
) -> None:
    if unknown is None:
        metrics.error = StageError("no", on="endpoint phi", why="AuthorizationFailed", todo="")
    else:
        metrics.health = unknown
    said = _run()
    assert sum(line.startswith(f"warning: the health of {NEW} is not known") for line in said) == 3
    assert in_service.online_endpoints.traffic == {NEW: 100}


def test_traffic_that_reaches_another_deployment_is_noticed(
    in_service: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stale(url: str, key: str, request: ChatRequest, *, timeout: float) -> Answer:
        return Answer("Bill Gates.", request.deployment or OLD, 0.1)

    monkeypatch.setattr(smoke, "ask", stale)
    with pytest.raises(StageError, match=f"100 % of the traffic, but {OLD} goes on answering"):
        _run()
    assert in_service.online_endpoints.deleted == []


def test_an_endpoint_that_does_not_say_who_answers_is_told_of(in_service: FakeMl, scoring: Scoring) -> None:
    scoring.says_who = False
    assert any("do not say which deployment" in line for line in _run())
    assert in_service.online_endpoints.traffic == {NEW: 100}


def test_a_base_model_begun_for_nothing_goes(ml: FakeMl, scoring: Scoring) -> None:
    scoring.errors = [ModelFailed("424")] * 2
    with pytest.raises(StageError, match="smoke test"):
        _run(COMPARING)
    assert ml.online_endpoints.deployments == {} and ml.online_endpoints.deleted == [NEW, BASE]


def test_a_base_model_beside_one_in_service_stays_and_is_told_of(in_service: FakeMl, scoring: Scoring) -> None:
    scoring.errors = [ModelFailed("424")] * 2
    said: list[str] = []
    with pytest.raises(StageError, match="smoke test"):
        rollout.run(COMPARING, said.append, Stop())
    assert set(in_service.online_endpoints.deployments) == {OLD, BASE}
    assert f"warning: deployment {BASE} stays beside the model in service, and bills" in said


def test_the_base_model_is_kept_beside(in_service: FakeMl, scoring: Scoring) -> None:
    _run(COMPARING)
    endpoints = in_service.online_endpoints
    assert set(endpoints.deployments) == {NEW, BASE}
    assert endpoints.traffic == {NEW: 100}
    assert endpoints.deployments[BASE].tags["model"] == RELEASE.base_model.model_uri
    there = endpoints.deployments[BASE]
    _run(COMPARING)
    assert endpoints.deployments[BASE] is there


def test_another_base_model_replaces_it(in_service: FakeMl, scoring: Scoring) -> None:
    in_service.online_endpoints.deployment(BASE, tags={"model": "azureml://another"})
    _run(COMPARING)
    assert BASE in in_service.online_endpoints.deleted
    assert in_service.online_endpoints.deployments[BASE].tags["model"] == RELEASE.base_model.model_uri


def test_it_goes_when_it_is_not_wanted(in_service: FakeMl, scoring: Scoring) -> None:
    in_service.online_endpoints.deployment(BASE)
    _run()
    assert sorted(in_service.online_endpoints.deleted) == [BASE, OLD]


def test_its_failure_does_not_harm_the_release(in_service: FakeMl, scoring: Scoring) -> None:
    in_service.online_endpoints.outcomes[BASE] = HttpResponseError("Not enough quota available")
    with pytest.raises(StageError, match="Ask for quota"):
        _run(COMPARING)
    assert in_service.online_endpoints.traffic == {NEW: 100}
    assert OLD not in in_service.online_endpoints.deployments


def test_shares_are_whole_and_sum_to_100() -> None:
    before = {"a": 33, "b": 33, "c": 34}
    for percent in range(1, 101):
        assert sum(rollout._shared(before, NEW, percent).values()) == 100


def test_what_is_deployed_is_the_version_that_the_fine_tuning_made(
    ml: FakeMl, scoring: Scoring, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    create = ml.online_endpoints._create
    monkeypatch.setattr(ml.online_endpoints, "_create", lambda made: asked.append(made.model) or create(made))
    job = {"job": "finetune-931b65c3d64e-2"}  # a version that is a fingerprint, of the time before numbers
    ml.models.there["phi-ultrachat", "931b65c3d64e"] = SimpleNamespace(version="931b65c3d64e", tags=job)
    _run()
    assert asked == ["azureml:phi-ultrachat:931b65c3d64e"]
    assert ml.online_endpoints.deployments["mdaf3f651c37a"].tags["model"] == "phi-ultrachat:931b65c3d64e"


def test_a_version_that_is_another_models_is_not_deployed(in_service: FakeMl, scoring: Scoring) -> None:
    tags = {"fingerprint": "ffffffffffff"}
    in_service.models.there["phi-ultrachat", "1707408517"] = SimpleNamespace(version="1707408517", tags=tags)
    with pytest.raises(StageError, match="taken by another model"):
        _run()
    assert in_service.online_endpoints.traffic == {OLD: 100} and list(in_service.online_endpoints.deployments) == [OLD]


def test_a_version_of_other_origin_is_deployed_under_its_number(ml: FakeMl, scoring: Scoring) -> None:
    spec = changed(RELEASE, model_version="3", model_fingerprint="")
    ml.models.there["phi-ultrachat", "3"] = SimpleNamespace(version="3", tags=None)
    _run(spec)
    assert ml.online_endpoints.deployments[spec.deployment_name].tags["model"] == "phi-ultrachat:3"
