"""Quota: what is told of the families, and what is asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from preflight_asked import SPEC
from test_jobs_quota import arm

from cloud.errors import StageError
from jobs import __main__ as cli
from jobs import specs
from jobs.commands import quota as command
from jobs.preflight import quota
from jobs.preflight.quota import Need, Usage

__all__ = ["arm"]


def need(family: str, usage: Usage | None, needed: int = 48, peak: int = 24) -> Need:
    return Need(family=family, needed=needed, parts=("cluster 24", "endpoint 24"), peak=peak, own=0, usage=usage)


NEEDS = [
    need("A100", Usage(name="a", used=10, limit=24, counted=True)),
    need("H100", Usage(name="h", used=0, limit=-1, counted=False)),
    need("T4", None, needed=8, peak=0),
]


@pytest.fixture
def needs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the stack needs; and what is asked for, and with which limit."""
    filed: list[Any] = []

    def request(spec: Any, wanted: dict[str, int], report: Any, stop: Any) -> list[str]:
        assert spec is SPEC and report is print and not stop.is_set()
        filed.append(wanted)
        return ["granted"]

    monkeypatch.setattr(specs, "preflight_of", lambda stack: SPEC if stack == "dev" else None)
    monkeypatch.setattr(quota, "needs", lambda arm, spec: NEEDS if spec is SPEC else None)
    monkeypatch.setattr(quota, "request", request)
    return filed


def test_the_table_of_what_is_needed(needs: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["quota", "--stack", "dev"])
    text = capsys.readouterr().out
    rows = [
        [cell.strip() for cell in line.replace("┃", "│").strip("│").split("│")]
        for line in text.splitlines()
        if line[:1] in "│┃"
    ]
    assert text.splitlines()[0].strip() == "Quota of stack dev"
    assert rows == [
        ["family", "limit", "in use", "needed", "for", "next release"],
        ["A100", "24", "10", "48", "cluster 24, endpoint 24", "+24"],
        ["H100", "unlimited", "not counted yet", "48", "cluster 24, endpoint 24", "+24"],
        ["T4", "none", "none", "8", "cluster 24, endpoint 24", "+0"],
    ]
    cli.main(["quota", "--stack", "dev", "--json"])
    assert json.loads(capsys.readouterr().out) == [json.loads(json.dumps(each.to_json())) for each in NEEDS]


def test_what_is_asked_for_is_said_first(needs: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["quota", "request", "--stack", "dev", "--yes"])
    assert needs == [{"a": 82, "T4": 8}]
    assert capsys.readouterr().out.splitlines() == [
        "A100 in eastus2: limit 24, to be 82 (cluster 24, endpoint 24)",
        "H100: nothing to ask for, 72 cores fit into the limit",
        "T4 in eastus2: limit none, to be 8 (cluster 24, endpoint 24)",
        quota.TUTORIAL_RETIRED,
        "granted",
    ]
    cli.main(["quota", "request", "--stack", "dev", "--yes", "--cores", "24"])
    assert needs[1:] == [{"T4": 24}]
    assert capsys.readouterr().out.splitlines()[0] == "A100: nothing to ask for, 24 cores fit into the limit"


def test_a_decision_is_waited_for_for_five_minutes(needs: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    timers: list[Any] = []

    class Timer:
        daemon = False

        def __init__(self, seconds: float, then: Any) -> None:
            self.seconds, self.then, self.state = seconds, then, "made"
            timers.append(self)

        def start(self) -> None:
            assert self.daemon
            self.state = "begun"

        def cancel(self) -> None:
            self.state = "cancelled"

    def fails(spec: Any, wanted: Any, report: Any, stop: Any) -> list[str]:
        timers[-1].then()
        assert stop.is_set() and timers[-1].state == "begun"
        raise StageError("a", on="b", why="c", todo="d")

    monkeypatch.setattr(command.threading, "Timer", Timer)
    monkeypatch.setattr(quota, "request", fails)
    with pytest.raises(SystemExit, match="error: a"):
        cli.main(["quota", "request", "--stack", "dev", "--yes"])
    assert [(each.seconds, each.state) for each in timers] == [(300, "cancelled")]
