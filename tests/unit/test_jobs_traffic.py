"""The guard in front of an endpoint's update."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from cloud import arm
from cloud.errors import StageError
from cloud.target import Target
from infra import serving
from jobs.release.endpoint_guard import clear_the_way, guard
from settings.sections.tags import PAUSED, SERVED

TARGET = Target("s", "g", "w")


class Azure:
    """Answers with one endpoint, or none."""

    found: Any = None
    deployments: Any = ()
    answer: Any = True
    deleted: ClassVar[list[str]] = []

    def items(self, path: str, version: str) -> Any:
        assert path.endswith("/onlineEndpoints/e/deployments")
        return list(self.deployments)

    def run(self, method: str, path: str, query: dict[str, str], *, seconds: float, tell: object) -> Any:
        assert method == "DELETE" and query["api-version"] and seconds == 1_800
        self.deleted.append(path.rsplit("/", 1)[1])
        return self.answer

    def find(self, path: str, version: str) -> Any:
        assert path.endswith(
            "/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/onlineEndpoints/e"
        )
        assert version
        return self.found


@pytest.fixture(autouse=True)
def azure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arm, "Arm", Azure)
    monkeypatch.setattr(Azure, "deleted", [])


def live(monkeypatch: pytest.MonkeyPatch, traffic: Any, **tags: str) -> None:
    monkeypatch.setattr(Azure, "found", {"properties": {"traffic": traffic}, "tags": tags})


def test_the_live_traffic_may_be_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    live(monkeypatch, {"new": 100, "base": 0})
    guard(TARGET, "e", {"new": 100.0}, {})


@pytest.mark.parametrize("sent", [{}, {"old": 100}, {"new": 90, "old": 10}])
def test_other_traffic_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch, sent: dict[str, float]) -> None:
    live(monkeypatch, {"new": 100})
    with pytest.raises(StageError, match=r"(?s)'new': 100.*pulumi up --refresh"):
        guard(TARGET, "e", sent, {})


@pytest.mark.parametrize("traffic", [None, {}, {"base": 0}])
def test_an_endpoint_without_traffic_has_none_to_lose(monkeypatch: pytest.MonkeyPatch, traffic: Any) -> None:
    live(monkeypatch, traffic)
    guard(TARGET, "e", {}, {})


def test_traffic_that_was_taken_away_meanwhile_is_not_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    live(monkeypatch, {})
    with pytest.raises(StageError, match=r"(?s)its traffic is none, and.*'new': 100.*pulumi up --refresh"):
        guard(TARGET, "e", {"new": 100}, {})


@pytest.mark.parametrize(
    ("there", "sent", "refused"),
    [
        ({}, {}, ""),
        ({PAUSED: "a", SERVED: "b"}, {PAUSED: "a", SERVED: "b", "stack": "prod"}, ""),
        ({"owner": "me"}, {"stack": "prod"}, ""),
        ({PAUSED: "a"}, {}, "its tag finetune-phi-paused is a, and the update would set it to None"),
        ({}, {PAUSED: "a"}, "its tag finetune-phi-paused is None, and the update would set it to a"),
        ({SERVED: "b"}, {SERVED: "a"}, "its tag finetune-phi-served is b, and the update would set it to a"),
    ],
)
def test_what_a_pause_has_written_meanwhile_is_not_written_over(
    there: dict[str, str], sent: dict[str, str], refused: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(monkeypatch, {}, **there)
    with pytest.raises(StageError, match=refused) if refused else nullcontext():
        guard(TARGET, "e", {}, sent)


@pytest.mark.parametrize(("inputs", "refused"), [({"traffic": {"new": 100.0}}, False), ({}, True)])
def test_the_hook_before_an_update_compares_what_is_sent(
    monkeypatch: pytest.MonkeyPatch, inputs: dict[str, Any], refused: bool
) -> None:
    live(monkeypatch, {"new": 100}, **{SERVED: "a"})
    took: list[object] = []
    monkeypatch.setattr(serving.together, "held", lambda *what: nullcontext(took.append(what[:3])))
    labelled: list[object] = []
    monkeypatch.setattr(serving.standing, "retag", lambda *what: labelled.append(what[:4]))
    before: Any = serving._guard(TARGET, "e")
    sent = {"properties": inputs, "tags": {SERVED: "a", "owner": "you"}}
    args = SimpleNamespace(name="endpoint", new_inputs=sent, old_inputs={"tags": {"owner": "me", PAUSED: "x"}})
    with pytest.raises(StageError, match="pulumi up --refresh") if refused else nullcontext():
        asyncio.run(before(args))
    assert took == [(TARGET, "endpoint", "pulumi up, endpoint")]
    assert labelled == ([] if refused else [(TARGET, "e", {"owner": "me"}, {"owner": "you"})])


def test_an_endpoint_that_is_gone_has_none_to_lose() -> None:
    guard(TARGET, "e", {}, {})


def in_state(monkeypatch: pytest.MonkeyPatch, state: str, *deployments: str) -> None:
    monkeypatch.setattr(Azure, "found", {"properties": {"provisioningState": state}})
    monkeypatch.setattr(Azure, "deployments", [{"name": name} for name in deployments])


def test_an_endpoint_that_never_came_to_life_is_deleted_for_the_put_to_make_it_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    in_state(monkeypatch, "Failed")
    said: list[str] = []
    clear_the_way(TARGET, "e", said.append)
    assert Azure.deleted == ["e"]
    assert said == ["warning: endpoint e has failed and holds no deployment: it is deleted and made anew"]


@pytest.mark.parametrize(
    ("state", "deployments"), [("Succeeded", ()), ("Updating", ()), ("Creating", ()), ("Failed", ("m1",))]
)
def test_one_that_lives_or_may_serve_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, state: str, deployments: tuple[str, ...]
) -> None:
    in_state(monkeypatch, state, *deployments)
    clear_the_way(TARGET, "e", lambda line: pytest.fail(line))
    assert Azure.deleted == []


def test_one_that_is_gone_is_left_to_the_put() -> None:
    clear_the_way(TARGET, "e", lambda line: pytest.fail(line))
    assert Azure.deleted == []


def test_a_deletion_without_end_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    in_state(monkeypatch, "Failed")
    monkeypatch.setattr(Azure, "answer", None)
    with pytest.raises(StageError, match=r"could not be deleted.*at it for 30 minutes.*pulumi up"):
        clear_the_way(TARGET, "e", lambda line: None)
