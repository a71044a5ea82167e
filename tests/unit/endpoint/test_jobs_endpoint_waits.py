"""What is waited for on an endpoint: what is told meanwhile, and where the waiting ends."""

from __future__ import annotations

from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ServiceRequestError
from endpoint_steps import AGAIN, TAKEN_UP, Clock, Waits, becomes, error_of, of
from endpoints_fake import Poller
from jobs_fake import FakeMl, Stop

from cloud import client as azure


def test_what_is_in_transition_is_waited_for_and_told_each_minute(ml: FakeMl, clock: Clock) -> None:
    becomes(ml, "Updating")()
    said: list[str] = []
    stop = Waits(clock, *[lambda: None] * 13, becomes(ml, "Succeeded"))
    assert of(ml, said, stop).find("m1") is ml.online_endpoints.deployments["m1"]
    assert said == ["deployment m1: Updating after 0 s", "deployment m1: Updating after 65 s"]
    assert clock.now == 1_070


def test_a_transition_without_end_is_left(ml: FakeMl, clock: Clock) -> None:
    becomes(ml, "Creating")()
    assert error_of(lambda: of(ml, [], Waits(clock)).find("m1")) == (
        "NotFinished: the release is not finished (endpoint phi): deployment m1 has been Creating for 7200 s, which is "
        f"longer than Azure takes. {TAKEN_UP}"
    )
    stop = Waits(clock)
    stop.set()
    assert error_of(lambda: of(ml, [], stop).find("m1")) == (
        f"NotFinished: the release is not finished (endpoint phi): you asked to stop; deployment m1 is Creating. "
        f"{TAKEN_UP}"
    )


def test_what_is_needed_is_waited_for_after_a_stop_and_half_an_hour(ml: FakeMl, clock: Clock) -> None:
    becomes(ml, "Creating")()
    stop = Stop()
    stop.set()
    assert error_of(lambda: of(ml, [], stop).find("m1", needed=True)) == (
        f"StageError: the endpoint takes no change (deployment m1): it has been Creating for 1800 s. {AGAIN}"
    )


def away(ml: FakeMl, monkeypatch: pytest.MonkeyPatch, clock: Clock, until: float, error: Exception) -> None:
    get = ml.online_endpoints.get

    def asked(name: str, endpoint_name: str | None = None) -> Any:
        if clock.now < until:
            raise error
        return get(name, endpoint_name)

    monkeypatch.setattr(ml.online_endpoints, "get", asked)


def test_who_is_patient_bears_an_azure_that_is_away_for_a_quarter_of_an_hour(
    ml: FakeMl, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = ServiceRequestError("no route.")
    away(ml, monkeypatch, clock, 1_900, gone)
    said: list[str] = []
    assert of(ml, said, Waits(clock)).find("m1", patient=True) is not None
    assert (len(said), said[0]) == (
        14,
        "deployment m1: not known, as Azure could not be reached (no route.), after 0 s",
    )
    clock.now = 1_000
    away(ml, monkeypatch, clock, 1_906, gone)
    assert error_of(lambda: of(ml, [], Waits(clock)).find("m1", patient=True)).startswith(
        "StageError: the deployment could not be read (deployment m1): Azure could not be reached (no route.). "
    )
    assert clock.now == 1_905
    clock.now = 1_000
    assert error_of(lambda: of(ml, [], Waits(clock)).find("m1")).startswith("StageError: the deployment could not")
    assert clock.now == 1_000, "who is not, does not"


def test_an_error_that_does_not_pass_is_not_waited_for(
    ml: FakeMl, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    away(ml, monkeypatch, clock, 9_999, HttpResponseError("not you"))
    assert "not you" in error_of(lambda: of(ml, [], Waits(clock)).find("m1", patient=True))
    assert clock.now == 1_000


class Slow(Poller):
    """An operation that ends at some time on the clock."""

    def __init__(self, clock: Clock, ends: float) -> None:
        super().__init__()
        self.clock, self.ends = clock, ends

    def done(self) -> bool:
        return self.clock.now >= self.ends


@pytest.fixture
def minutes(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Each look at an operation takes a minute."""

    def wait_for(poller: Any, stop: Any, seconds: float, tell: object) -> None:
        assert seconds == 60 and callable(tell)
        clock.now += seconds

    monkeypatch.setattr(azure, "wait_for", wait_for)
    return clock


def test_an_operation_is_waited_for_and_told_each_minute(ml: FakeMl, minutes: Clock) -> None:
    said: list[str] = []
    of(ml, said).wait_for(Slow(minutes, 1_150), "deployment m1", "being made")  # type: ignore[arg-type]
    assert said == ["deployment m1: still being made after 60 s", "deployment m1: still being made after 120 s"]


@pytest.mark.parametrize(
    ("how", "error"),
    [
        (
            {},
            "NotFinished: the release is not finished (endpoint phi): it is still being made after 7200 s, which is "
            f"longer than Azure takes. {TAKEN_UP}",
        ),
        (
            {"bills": True},
            "NotFinished: the release is not finished (endpoint phi): it is still being made after 7200 s, which is "
            f"longer than Azure takes, and bills whether you wait or not. {TAKEN_UP}",
        ),
        ({"needed": True}, f"StageError: the endpoint takes no change (it): still being made after 1800 s. {AGAIN}"),
    ],
)
def test_an_operation_without_end_is_left(ml: FakeMl, minutes: Clock, how: dict[str, bool], error: str) -> None:
    its = of(ml, [])
    assert error_of(lambda: its.wait_for(Slow(minutes, 1e9), "it", "being made", **how)) == error  # type: ignore[arg-type]


def test_a_stop_ends_the_waiting_but_for_what_is_needed(ml: FakeMl, minutes: Clock) -> None:
    stop = Stop()
    stop.set()
    its = of(ml, [], stop)
    assert error_of(lambda: its.wait_for(Slow(minutes, 0), "it", "being made", bills=True)) == (  # type: ignore[arg-type]
        "NotFinished: the release is not finished (endpoint phi): you asked to stop; it is being made, and bills "
        f"whether you wait or not. {TAKEN_UP}"
    )
    its.wait_for(Slow(minutes, 0), "it", "being made", needed=True)  # type: ignore[arg-type]
    assert error_of(lambda: its.go_on("x")).startswith("NotFinished: the release is not finished (endpoint phi): you ")
    of(ml, []).go_on("x")
