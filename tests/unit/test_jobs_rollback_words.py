"""What is in service, which versions there are, and what is half way or kept: each whole, by an endpoint's tags."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from jobs_fake import FakeMl, install

from cloud.errors import StageError
from jobs.paused import BY_HAND, BY_RELEASE, Pause
from jobs.release import rollback, unfinished
from jobs.release.rollback import InService, Version
from jobs.release.unfinished import Kept, Unfinished

MODEL = "phi-ultrachat"
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
LATER = "2026-11-29T13:00:00+00:00"


@pytest.fixture
def ml(monkeypatch: pytest.MonkeyPatch) -> FakeMl:
    return install(monkeypatch)


def tags(model: str = "", before: Mapping[str, int] | None = None, **more: str) -> dict[str, str]:
    found = {"model": f"{MODEL}:{model}"} if model else {}
    return found | ({"traffic_before": json.dumps(before)} if before is not None else {}) | more


def in_service(
    ml: FakeMl, traffic: dict[str, int], there: dict[str, dict[str, str]], pause: Pause | None = None
) -> Any:
    endpoints = ml.online_endpoints
    endpoints.traffic, endpoints.deployments = traffic, {}
    for name, its in there.items():
        endpoints.deployment(name, tags=its)
    endpoints.tags = pause.tags() if pause else {}
    return rollback.in_service(ml, "phi", MODEL)  # type: ignore[arg-type]


HALF = tags("2", {"a": 60, "b": 40}, previous=f"{MODEL}:0")


@pytest.mark.parametrize(
    ("traffic", "there", "pause", "found"),
    [
        (
            {"a": 100},
            {"a": tags("3", previous=f"{MODEL}:2")},
            None,
            InService(deployment="a", share=100, version="3", before="2"),
        ),
        (
            {"a": 20, "b": 80},
            {"a": tags("3"), "b": tags("4")},
            None,
            InService(deployment="b", share=80, version="4", before=""),
        ),
        ({"a": 100}, {}, None, InService(deployment="a", share=100, version="", before="")),
        (
            {"a": 100},
            {"a": {"model": "another:3", "previous": "another:2"}},
            None,
            InService(deployment="a", share=100, version="", before=""),
        ),
        (
            {"a": 60, "b": 30, "n": 10},
            {"a": tags("1"), "b": tags("9"), "n": HALF},
            None,
            InService(deployment="n", share=10, version="2", before="1"),
        ),
        (
            {"a": 60, "b": 40},
            {"a": tags(), "b": tags("9"), "n": HALF},
            None,
            InService(deployment="n", share=0, version="2", before="0"),
        ),
        (
            {},
            {},
            Pause(at=NOON, by=BY_RELEASE, version="1", deployment="a", coming="2"),
            InService(deployment="a", share=0, version="2", before="1"),
        ),
        (
            {},
            {},
            Pause(at=NOON, by=BY_RELEASE, version="1", deployment="a"),
            InService(deployment="a", share=0, version="1", before="1"),
        ),
    ],
)
def test_what_is_in_service(
    ml: FakeMl, traffic: dict[str, int], there: dict[str, Any], pause: Pause | None, found: InService
) -> None:
    there = {name: its or {"owner": "us"} for name, its in there.items()}
    assert in_service(ml, traffic, there, pause) == found


def error_of(does: Callable[[], object]) -> str:
    with pytest.raises(StageError) as error:
        does()
    return str(error.value)


def test_nothing_is_in_service(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    assert error_of(lambda: in_service(ml, {}, {})) == (
        "there is nothing to go back from (endpoint phi): it has no traffic. `pulumi up` releases the stack's model; "
        "if it did before, `pulumi up --replace '**::release'` does."
    )
    pause = Pause(at=NOON, by=BY_HAND, version="1", deployment="a")
    assert error_of(lambda: in_service(ml, {}, {}, pause)) == (
        "there is nothing to go back from (endpoint phi): it is paused. End that first: `python -m jobs resume`."
    )

    def refused(*_: object) -> None:
        raise HttpResponseError("not you")

    monkeypatch.setattr(ml.online_endpoints, "get", refused)
    assert error_of(lambda: in_service(ml, {}, {})).startswith(
        "what is in service could not be read (endpoint phi): not you. "
    )
    monkeypatch.setattr(ml.models, "list", refused)


def test_versions_are_listed_whole_the_newest_first(ml: FakeMl, monkeypatch: pytest.MonkeyPatch) -> None:
    def model(version: int, at: datetime | None, job: str | None = None, **tags: str) -> Any:
        context = SimpleNamespace(created_at=at)
        return SimpleNamespace(version=version, creation_context=context, tags=tags or None, job_name=job)

    made = [
        model(1, None),
        model(2, datetime(2026, 11, 1, 10, 30, 59, tzinfo=UTC), job="finetune-0123456789ab-1", stack="dev"),
        model(3, NOON, job="x", recipe="seed=1", recipe_name="gentle", fingerprint="f", stack="dev"),
        SimpleNamespace(version="4", tags={"job": "j", "recipe": "seed=2", "stack": "dev"}),
    ]
    asked: list[str] = []
    monkeypatch.setattr(ml.models, "list", lambda name: (asked.append(name), made)[1])
    client: Any = ml
    found = rollback.versions(client, MODEL)
    two = Version(version="2", created="2026-11-01 10:30", job="", recipe="", fingerprint="0123456789ab")
    three = Version(
        version="3",
        created="2026-11-29 12:00",
        job="",
        recipe="by the recipe gentle: seed=1",
        fingerprint="f",
    )
    four = Version(version="4", created="at an unknown time", job="j", recipe="seed=2")
    assert [each for each in found if "unknown" not in each.created] == [three, two]
    assert four in found and len(found) == 4 and asked == [MODEL]
    assert rollback.versions(client, MODEL, {"stack": "dev", "recipe_name": "gentle"}) == [three]
    assert [str(each) for each in (two, three, four)] == [
        "2, registered 2026-11-01 10:30",
        "3, registered 2026-11-29 12:00 by the recipe gentle: seed=1",
        "4, registered at an unknown time from job j, seed=2",
    ]

    def refused(name: str) -> None:
        raise HttpResponseError("not you")

    monkeypatch.setattr(ml.models, "list", refused)
    assert error_of(lambda: rollback.versions(client, MODEL)).startswith(
        f"the model's versions could not be listed (model {MODEL}): not you. "
    )


KNOWN = [Version(version=str(number), created="today", job="", recipe="") for number in range(9, 0, -1)]
LIVE = InService(deployment="m", share=100, version="1", before="")


@pytest.mark.parametrize(
    ("live", "known", "to", "said"),
    [
        (
            LIVE,
            KNOWN,
            "",
            "there is no version to go back to (model phi): version 1 is in service, and no older one is registered. "
            "Fine-tune another one: change data or recipe and run `pulumi up`.",
        ),
        (
            LIVE,
            KNOWN,
            "1",
            "there is nothing to do (model phi): version 1 is in service: deployment m has 100 % of the traffic. "
            "Choose another one with --to.",
        ),
        (
            LIVE,
            KNOWN,
            "77",
            "it cannot be gone back to (model phi): there is no version 77. The newest: 9, registered today; 8, "
            "registered today; 7, registered today; 6, registered today; 5, registered today. Choose one of them: "
            "`python -m jobs rollback --to`.",
        ),
        (
            LIVE,
            [],
            "77",
            "it cannot be gone back to (model phi): there is no version 77. The newest: none. Choose one of them: "
            "`python -m jobs rollback --to`.",
        ),
    ],
)
def test_why_there_is_none_to_go_back_to(live: InService, known: list[Version], to: str, said: str) -> None:
    assert error_of(lambda: rollback.choose(live, known, "phi", to)) == said


A = tags("1")
NEW = tags("2", {"a": 70, "b": 30}, release_begun=LATER)


@pytest.mark.parametrize(
    ("there", "traffic", "found"),
    [
        ({"a": A, "b": A, "n": NEW}, {"a": 70, "b": 30}, Unfinished("n", {"a": 70, "b": 30})),
        ({"a": A, "n": NEW}, {"n": 100}, None),  # one of before is gone: its release was at its end
        ({"a": A, "b": {}, "n": NEW}, {"n": 100}, Unfinished("n", {"a": 70, "b": 30})),  # a stranger's says nothing
        ({"a": A, "b": A, "n": {**NEW, "release_done": LATER}}, {"n": 100}, None),
        ({"a": A, "n": tags("2", {})}, {"a": 100}, None),
        ({"a": A, "n": {"traffic_before": "nonsense"}}, {"a": 100}, None),
        ({"a": A, "n": {"traffic_before": "[]"}}, {"a": 100}, None),
        # Each names the other: the later one is the new one, and of two without a time the one with less traffic.
        (
            {
                "a": tags("1", {"n": 100}, release_begun="2026-11-29T12:00:00+00:00"),
                "n": tags("2", {"a": 100}, release_begun=LATER),
            },
            {"a": 10, "n": 90},
            Unfinished("n", {"a": 100}),
        ),
        ({"a": tags("1", {"n": 100}), "n": tags("2", {"a": 100})}, {"a": 10, "n": 90}, Unfinished("a", {"n": 100})),
        ({"a": tags("1", {"n": 100}), "n": tags("2", {"a": 100})}, {}, Unfinished("n", {"a": 100})),
        ({}, {}, None),
    ],
)
def test_a_release_that_is_half_way(there: dict[str, Any], traffic: dict[str, int], found: Unfinished | None) -> None:
    assert unfinished.release(there, traffic) == found


DONE = tags("2", {"a": 70, "b": 30}, release_done=LATER, previous_kept_until=LATER)


@pytest.mark.parametrize(
    ("there", "traffic", "found"),
    [
        ({"a": A, "n": DONE}, {"n": 100}, Kept("a", datetime(2026, 11, 29, 13, tzinfo=UTC))),
        ({"a": A, "n": {**DONE, "previous_kept_until": "x"}}, {"n": 100}, Kept("a", datetime(1970, 1, 1, tzinfo=UTC))),
        (
            {"a": A, "n": tags("2", {"a": 100}, release_done=LATER)},
            {"n": 100},
            Kept("a", datetime(1970, 1, 1, tzinfo=UTC)),
        ),
        ({"b": A, "n": DONE}, {"n": 100}, None),
        ({"a": A, "n": {**DONE, "release_done": ""}}, {"n": 100}, None),
        ({"a": A, "n": DONE}, {"n": 50, "a": 50}, None),
        ({"a": A, "n": DONE}, {}, None),
        ({"a": A}, {"n": 100}, None),
        ({"n": tags("2", {"n": 100}, release_done=LATER)}, {"n": 100}, None),
    ],
)
def test_what_is_kept(there: dict[str, Any], traffic: dict[str, int], found: Kept | None) -> None:
    assert unfinished.kept(there, traffic) == found


def test_tags_of_a_release_and_of_its_end() -> None:
    begun = unfinished.tags({"a": 100})
    assert begun.pop("release_begun").endswith("+00:00") and begun == {"traffic_before": '{"a": 100}'}
    again = unfinished.begun_again({"a": 100})
    assert again.pop("release_begun") and again == {**begun, "release_done": "", "previous_kept_until": ""}
    assert unfinished.done(1.5, NOON) == {
        "release_done": "2026-11-29T12:00:00+00:00",
        "previous_kept_until": "2026-11-29T13:30:00+00:00",
    }
    assert [unfinished.ours(its) for its in (A, {"traffic_before": ""}, {"owner": "x"}, {})] == [
        True,
        True,
        False,
        False,
    ]
