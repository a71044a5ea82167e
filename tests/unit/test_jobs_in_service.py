"""The endpoint that commands work on."""

from __future__ import annotations

from typing import Any

import pytest
from test_jobs_stage_inputs import SUBSCRIPTION, stack

import settings.stack
from cloud import client, place
from cloud.errors import StageError
from cloud.target import Target
from jobs.in_service import StackEndpoint
from jobs.release import rollback
from jobs.release.rollback import Version
from settings.stack import Settings

TARGET = Target("sub", "group", "ws")
SETTINGS, PLACE = stack()
VERSION = Version(version="7", created="2026-11-25 10:00", job="j", recipe="", fingerprint="a309844a659a")


@pytest.fixture
def here() -> StackEndpoint:
    return StackEndpoint(stack="team", settings=SETTINGS, target=TARGET, endpoint="phi")


def test_it_is_by_the_outputs_of_the_last_update(monkeypatch: pytest.MonkeyPatch) -> None:
    def recorded(stack: str, *needed: str) -> dict[str, str]:
        assert (stack, needed) == ("org/p/team", ("subscriptionId", "resourceGroup", "workspace", "endpoint"))
        return {"subscriptionId": "sub", "resourceGroup": "group", "workspace": "ws", "endpoint": "phi"}

    monkeypatch.setattr(place, "recorded", recorded)
    monkeypatch.setattr(settings.stack, "load", lambda stack: SETTINGS if stack == "org/p/team" else None)
    assert StackEndpoint.of("org/p/team") == StackEndpoint(
        stack="team", settings=SETTINGS, target=TARGET, endpoint="phi"
    )


def test_it_is_by_the_stacks_file_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "described", lambda stack: (SETTINGS, PLACE) if stack == "team" else None)
    assert StackEndpoint.described("team") == StackEndpoint(
        stack="team",
        settings=SETTINGS,
        target=Target(SUBSCRIPTION, "rg-chat-team-abc123", "mlw-chat-team-abc123"),
        endpoint="chat-team-abc123",
    )


def test_a_version_goes_into_service_where_the_state_says(here: StackEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ml_client", lambda target: ("client of", target))
    monkeypatch.setattr(rollback, "versions", lambda *given: [VERSION] if given == (here.client, "tuned") else [])
    spec = here.release_of(VERSION)
    assert (spec.target, spec.endpoint, spec.model_name, spec.model_version, spec.model_fingerprint) == (
        TARGET,
        "phi",
        "tuned",
        "7",
        "a309844a659a",
    )
    assert spec.serving == SETTINGS.serving and spec.evaluation == SETTINGS.evaluation
    assert spec.tags == dict(PLACE.tags) != {}
    assert here.release_of_number("7") == spec and here.client == ("client of", TARGET)
    with pytest.raises(StageError, match="there is no version 8"):
        here.release_of_number("8")
    stop: Any = object()
    opened = here.opened(print, stop)
    assert (opened.client, opened.report, opened.stop) == (here.client, print, stop)
    assert (opened.spec.target, opened.spec.endpoint, opened.spec.model_version, opened.spec.model_fingerprint) == (
        TARGET,
        "phi",
        "",
        "",
    )


def test_another_stacks_versions_are_looked_for_in_its_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = {"promote": {"stack": "dev", "registry": "mlr-phi"}}
    chosen = Settings.model_validate({"purgeOnDestroy": True, "finetune": {"modelName": "tuned"}, "model": taken})
    here = StackEndpoint(stack="prod", settings=chosen, target=TARGET, endpoint="phi")
    given: list[Any] = []
    monkeypatch.setattr(client, "registry_client", lambda registry: f"client of {registry}")
    monkeypatch.setattr(rollback, "versions", lambda *what: given.append(what) or [VERSION])  # type: ignore[func-returns-value]
    assert here.versions == [VERSION] and here.versions == [VERSION]
    assert given == [("client of mlr-phi", "tuned", {"proved_by": "dev"})], "once"
