"""The stage release from every state an endpoint can be left in: who is asked to answer, who goes, and the way back."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import scoring_fake
from jobs_fake import FakeMl, Stop, install
from scoring_fake import Metrics, Scoring
from test_jobs_specs import RELEASE

from chat.phi_messages import ModelFailed
from cloud.errors import StageError
from jobs.release import rollback, rollout, unfinished
from jobs.release.judging import evidence, health
from jobs.release.unfinished import Unfinished

NEW, OLD, OTHER = RELEASE.deployment_name, "mold", "mother"
"""The deployment that is wanted, the one in service, and one of another version."""
Traffic = dict[str, int]


@dataclass(frozen=True)
class Its:
    """A deployment: the traffic before it, if its release recorded that, when it began, and how it is."""

    before: Traffic = field(default_factory=dict)
    begun: str = ""
    state: str = "Succeeded"


@dataclass(frozen=True)
class State:
    """An endpoint, what happens to its traffic and deployments, and what is left when the new model fails its test."""

    deployments: dict[str, Its]
    traffic: Traffic
    history: list[Traffic]
    deleted: list[str]
    back: tuple[Traffic, set[str]]


ALL_STEPS = [{OLD: 90, NEW: 10}, {OLD: 50, NEW: 50}, {NEW: 100}]
STATES = {
    "nothing there": State({}, {}, [{NEW: 100}], [], ({}, set())),
    "another model in service": State({OLD: Its()}, {OLD: 100}, ALL_STEPS, [OLD], ({OLD: 100}, {OLD})),
    "the new one failed": State(
        {OLD: Its(), NEW: Its(state="Failed")}, {OLD: 100}, ALL_STEPS, [NEW, OLD], ({OLD: 100}, {OLD})
    ),
    "the new one healthy, no traffic yet": State(
        {OLD: Its(), NEW: Its({OLD: 100})}, {OLD: 100}, ALL_STEPS, [OLD], ({OLD: 100}, {OLD})
    ),
    "at 10 %": State({OLD: Its(), NEW: Its({OLD: 100})}, {OLD: 90, NEW: 10}, ALL_STEPS[1:], [OLD], ({OLD: 100}, {OLD})),
    "at 50 %, which is watched again": State(
        {OLD: Its(), NEW: Its({OLD: 100})}, {OLD: 50, NEW: 50}, ALL_STEPS[2:], [OLD], ({OLD: 100}, {OLD})
    ),
    "at 100 %, not yet confirmed": State(
        {OLD: Its(), NEW: Its({OLD: 100})}, {NEW: 100}, [], [OLD], ({OLD: 100}, {OLD})
    ),
    "at 100 %, some of the old ones deleted": State(
        {OLD: Its(), NEW: Its({OLD: 50, "gone": 50})}, {NEW: 100}, [], [OLD], ({NEW: 100}, {NEW})
    ),
    "at 100 %, a failed try of another version left over": State(
        {NEW: Its(), OTHER: Its({NEW: 100}, state="Failed")}, {NEW: 100}, [], [OTHER], ({NEW: 100}, {NEW})
    ),
    "done": State({NEW: Its({"gone": 100})}, {NEW: 100}, [], [], ({NEW: 100}, {NEW})),
    "the traffic got lost": State({OLD: Its(), NEW: Its({OLD: 100})}, {}, ALL_STEPS, [OLD], ({OLD: 100}, {OLD})),
    "another version made, no traffic yet": State(
        {OLD: Its(), OTHER: Its({OLD: 100})}, {OLD: 100}, ALL_STEPS, [OTHER, OLD], ({OLD: 100}, {OLD})
    ),
    "another version at 10 %": State(
        {OLD: Its(), OTHER: Its({OLD: 100})},
        {OLD: 90, OTHER: 10},
        [{OLD: 100}, *ALL_STEPS],
        [OTHER, OLD],
        ({OLD: 100}, {OLD}),
    ),
    "another version at 10 %, and this one was in service": State(
        {NEW: Its({"gone": 100}), OTHER: Its({NEW: 100})},
        {NEW: 90, OTHER: 10},
        [{NEW: 100}],
        [OTHER],
        ({NEW: 100}, {NEW}),
    ),
    "another version at 50 %, and this one was in service": State(
        {NEW: Its({"gone": 100}), OTHER: Its({NEW: 100})},
        {NEW: 50, OTHER: 50},
        [{NEW: 100}],
        [OTHER],
        ({NEW: 100}, {NEW}),
    ),
    "another version at 100 %, and this one was in service": State(
        {NEW: Its({"gone": 100}), OTHER: Its({NEW: 100})},
        {OTHER: 100},
        [{OTHER: 90, NEW: 10}, {OTHER: 50, NEW: 50}, {NEW: 100}],
        [OTHER],
        ({OTHER: 100}, {OTHER}),
    ),
    "each was released after the other, this one last": State(
        {OLD: Its({NEW: 100}, "2026-11-01T10:00:00+00:00"), NEW: Its({OLD: 100}, "2026-11-02T10:00:00+00:00")},
        {OLD: 90, NEW: 10},
        ALL_STEPS[1:],
        [OLD],
        ({OLD: 100}, {OLD}),
    ),
    "each was released after the other, this one first": State(
        {OTHER: Its({NEW: 100}, "2026-11-02T10:00:00+00:00"), NEW: Its({OTHER: 100}, "2026-11-01T10:00:00+00:00")},
        {NEW: 90, OTHER: 10},
        [{NEW: 100}],
        [OTHER],
        ({NEW: 100}, {NEW}),
    ),
    "each names the other and none says when it began, this one has more": State(
        {OTHER: Its({NEW: 100}), NEW: Its({OTHER: 100})},
        {NEW: 90, OTHER: 10},
        [{NEW: 100}],
        [OTHER],
        ({NEW: 100}, {NEW}),
    ),
    "each names the other and none says when it began, this one has less": State(
        {OTHER: Its({NEW: 100}), NEW: Its({OTHER: 100})},
        {OTHER: 90, NEW: 10},
        [{OTHER: 50, NEW: 50}, {NEW: 100}],
        [OTHER],
        ({OTHER: 100}, {OTHER}),
    ),
}


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    return install(monkeypatch)


@pytest.fixture
def asked(ml: FakeMl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Scoring, Metrics]:
    monkeypatch.setattr(evidence, "FOLDER", tmp_path / "releases")
    return scoring_fake.install(monkeypatch, ml)


def put(ml: FakeMl, state: State) -> None:
    for name, its in state.deployments.items():
        tags = {
            unfinished.BEFORE: json.dumps(its.before),
            unfinished.BEGUN: its.begun,
            "model": f"phi-ultrachat:{name}",
        }
        ml.online_endpoints.deployment(name, its.state, tags=tags)
    ml.online_endpoints.traffic = dict(state.traffic)


def release() -> None:
    rollout.run(RELEASE, lambda line: None, Stop())


def test_answers_of_a_version_that_is_taken_back_may_end(ml: FakeMl, asked: tuple[Scoring, Metrics]) -> None:
    put(ml, STATES["another version at 10 %"])
    stop = Stop()
    rollout.run(RELEASE, lambda line: None, stop)
    # That version's answers come first, then three steps of 60 s, looked at each 30 s, and the rest of the last 75 s.
    assert stop.waited == [60, 15, *[30] * 6, 15]


@pytest.mark.parametrize("name", STATES)
def test_it_comes_to_its_end(name: str, ml: FakeMl, asked: tuple[Scoring, Metrics]) -> None:
    state = STATES[name]
    put(ml, state)
    release()
    endpoints = ml.online_endpoints
    assert endpoints.history == state.history
    assert endpoints.deleted == state.deleted
    assert endpoints.traffic == {NEW: 100} and list(endpoints.deployments) == [NEW]
    scoring, _ = asked
    # Whoever gets all of the traffic by this release has been asked, by name and without.
    released = any(NEW in traffic and len(traffic) > 1 for traffic in state.history) or name.endswith(
        "not yet confirmed"
    )
    assert not released or (scoring.asked[0] == NEW and scoring.asked[-3:] == ["", "", ""])


@pytest.mark.parametrize("name", STATES)
def test_a_model_that_fails_its_test_leaves_what_was_before(
    name: str, ml: FakeMl, asked: tuple[Scoring, Metrics]
) -> None:
    state = STATES[name]
    put(ml, state)
    asked[0].errors = [ModelFailed("424")] * 2
    traffic, there = state.back
    if traffic == {NEW: 100}:
        release()  # it is in service: nobody has to ask it
    else:
        with pytest.raises(StageError, match="smoke test"):
            release()
    assert ml.online_endpoints.traffic == traffic
    assert set(ml.online_endpoints.deployments) == there


def test_bad_health_that_shows_after_an_interruption_at_100_takes_it_back(
    ml: FakeMl, asked: tuple[Scoring, Metrics]
) -> None:
    put(ml, STATES["at 100 %, not yet confirmed"])
    asked[1].health = health.Health(requests=100, failed=50, p95_seconds=1.0)
    with pytest.raises(StageError, match="fares badly"):
        release()
    assert ml.online_endpoints.traffic == {OLD: 100}
    assert list(ml.online_endpoints.deployments) == [OLD]


@pytest.mark.parametrize(
    ("name", "version", "share", "to"),
    [
        ("done", NEW, 100, ""),
        ("at 10 %", NEW, 10, OLD),
        ("the new one healthy, no traffic yet", NEW, 0, OLD),
        ("another version at 50 %, and this one was in service", OTHER, 50, NEW),
        ("another version at 100 %, and this one was in service", OTHER, 100, NEW),
        ("each was released after the other, this one last", NEW, 10, OLD),
    ],
)
def test_a_rollback_leads_back_to_what_was_before(name: str, version: str, share: int, to: str, ml: FakeMl) -> None:
    put(ml, STATES[name])
    live = rollback.in_service(ml, "phi", "phi-ultrachat")  # type: ignore[arg-type]
    assert (live.version, live.share, live.before) == (version, share, to)


def test_a_half_released_version_can_be_gone_on_with() -> None:
    known = [rollback.Version(version=each, created="", job="", recipe="") for each in (NEW, OLD)]
    half = rollback.InService(deployment=NEW, share=10, version=NEW, before=OLD)
    assert rollback.choose(half, known, "phi-ultrachat").version == OLD
    assert rollback.choose(half, known, "phi-ultrachat", OLD).version == OLD
    assert rollback.choose(half, known, "phi-ultrachat", NEW).version == NEW


@pytest.mark.parametrize("tag", ["", "nonsense", "[]", '"text"', '{"mold": "much"}', '{"gone": 100}', '{"mnew": 100}'])
def test_tags_of_others_are_no_unfinished_release(tag: str) -> None:
    old = {"model": "phi-ultrachat:1"}
    assert unfinished.release({"mnew": {unfinished.BEFORE: tag}, "mold": old}, {"mold": 100}) is None
    before = unfinished.tags({"mold": 100})
    assert unfinished.release({"mnew": before, "mold": old}, {}) == Unfinished("mnew", {"mold": 100})
    assert unfinished.release({"mnew": before, "mold": {"team": "search"}}, {}) is None, "it stays for ever"
