"""The guard in front of an endpoint's update."""

from __future__ import annotations

from typing import Any

import pytest

from jobs import arm
from jobs.errors import StageError
from jobs.specs import Target
from jobs.traffic import guard

TARGET = Target("s", "g", "w")


class Azure:
    """Answers with one endpoint, or none."""

    found: Any = None

    def find(self, path: str, version: str) -> Any:
        assert path.endswith(
            "/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/onlineEndpoints/e"
        )
        assert version
        return self.found


@pytest.fixture(autouse=True)
def azure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arm, "Arm", Azure)


def live(monkeypatch: pytest.MonkeyPatch, traffic: Any) -> None:
    monkeypatch.setattr(Azure, "found", {"properties": {"traffic": traffic}})


def test_the_live_traffic_may_be_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    live(monkeypatch, {"new": 100, "base": 0})
    guard(TARGET, "e", {"new": 100.0})


@pytest.mark.parametrize("sent", [{}, {"old": 100}, {"new": 90, "old": 10}])
def test_other_traffic_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch, sent: dict[str, float]) -> None:
    live(monkeypatch, {"new": 100})
    with pytest.raises(StageError, match=r"(?s)'new': 100.*pulumi up --refresh"):
        guard(TARGET, "e", sent)


@pytest.mark.parametrize("traffic", [None, {}, {"base": 0}])
def test_an_endpoint_without_traffic_has_none_to_lose(monkeypatch: pytest.MonkeyPatch, traffic: Any) -> None:
    live(monkeypatch, traffic)
    guard(TARGET, "e", {})


def test_an_endpoint_that_is_gone_has_none_to_lose() -> None:
    guard(TARGET, "e", {})
