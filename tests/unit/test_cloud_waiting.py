"""The one wait: asked at once, bounded, told of and stopped; and whose fault a failure is."""

from __future__ import annotations

import math
from itertools import islice
from typing import Any

import pytest
from azure.core.exceptions import (
    DecodeError,
    HttpResponseError,
    IncompleteReadError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from jobs_fake import Stop

from cloud import waiting
from cloud.errors import NotFinished, StageError
from cloud.faults import Fault, fault, job_taken, passing, taken
from cloud.tokens import NotRenewed
from cloud.waiting import Stopped, TooLong, elapsed, minutely, pause, rising, tells_itself, wait


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time passes only in pauses."""
    pauses: list[float] = []

    class Clock:
        sleep = staticmethod(pauses.append)
        monotonic = staticmethod(lambda: math.fsum(pauses))

    monkeypatch.setattr(waiting, "time", Clock)
    return pauses


def answers(*values: int | None) -> Any:
    left = list(values)
    return lambda: left.pop(0)


@pytest.mark.parametrize(("values", "pauses"), [((7,), []), ((None, 7), [5]), ((None, None, 7), [5, 5])])
def test_it_asks_at_once_and_after_each_pause(values: Any, pauses: list[float], slept: list[float]) -> None:
    assert wait(answers(*values), every=5, most=99, tell=tells_itself) == 7
    assert slept == pauses


def test_nothing_is_an_answer_and_false_is_one() -> None:
    assert wait(answers(None, 0), every=1, most=99, tell=tells_itself) == 0


def test_pauses_may_grow_to_the_last(slept: list[float]) -> None:
    assert list(islice(rising(1, 2, 1.5), 4)) == [1, 1.5, 2, 2]
    wait(answers(None, None, None, 1), every=rising(1, 2, 1.5), most=99, tell=tells_itself)
    assert slept == [1, 1.5, 2]


@pytest.mark.parametrize(("most", "asked"), [(0, 1), (10, 3), (11, 4)])
def test_it_ends_after_the_question_at_which_the_time_is_over(most: float, asked: int, slept: list[float]) -> None:
    with pytest.raises(TooLong):
        wait(lambda: None, every=5, most=most, tell=tells_itself)
    assert len(slept) == asked - 1


def test_it_ends_in_the_pause_in_which_it_is_stopped(slept: list[float]) -> None:
    stop = Stop(lambda: None, lambda: stop.set())
    with pytest.raises(Stopped):
        wait(lambda: None, every=3, most=99, tell=tells_itself, stop=stop)
    assert stop.waited == [3, 3] and slept == []


def test_each_pause_is_told_of_with_the_time_so_far() -> None:
    told: list[float] = []
    wait(answers(None, None, None, 1), every=2, most=99, tell=told.append)
    assert told == [0, 2, 4]


def test_a_pause_is_told_of_each_minute_and_ends_where_it_is_stopped() -> None:
    told: list[float] = []
    stop = Stop()
    pause(150, tell=told.append, stop=stop)
    assert stop.waited == [60, 60, 30] and told == [60, 120]
    pause(0, tell=told.append, stop=stop)
    stop.turns.append(stop.set)
    with pytest.raises(Stopped):
        pause(7, tell=told.append, stop=stop)
    assert stop.waited == [60, 60, 30, 7] and told == [60, 120]


def test_what_is_waited_for_is_said_once_a_minute() -> None:
    said: list[str] = []
    tell = minutely(said.append, lambda: f"still {len(said)}")
    for took in (0, 30, 59.9, 60, 119, 121, 700):
        tell(took)
    assert said == ["still 0 after 1 min 00 s", "still 1 after 2 min 01 s", "still 2 after 11 min 40 s"]
    for took in (0, 30, 61):  # another wait, told of by the same
        tell(took)
    assert said.pop() == "still 3 after 1 min 01 s"
    tell = minutely(said.append, "here", at_once=True)
    for took in (0, 30, 60):
        tell(took)
    assert said[3:] == ["here after 0 s", "here after 1 min 00 s"]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min 00 s"), (200, "3 min 20 s"), (3600, "1 h 00 min"), (7500, "2 h 05 min")],
)
def test_time_is_told_in_words(seconds: float, words: str, slept: list[float]) -> None:
    slept.append(seconds)
    assert elapsed(0) == words


def answered(status: int) -> HttpResponseError:
    error = HttpResponseError("no")
    error.status_code = status
    return error


def stage(cause: Exception | None, kind: type[StageError] = StageError) -> StageError:
    error = kind("it failed", on="endpoint phi", why="no", todo="wait")
    error.__cause__ = cause
    return error


FAULTS = [
    (ServiceRequestError("no route"), Fault.CONNECTION),
    (ServiceResponseError("reset"), Fault.CONNECTION),
    (IncompleteReadError("cut"), Fault.CONNECTION),
    (DecodeError("a proxy's page"), Fault.CONTROL_PLANE),
    (NotRenewed("az is slow"), Fault.CONTROL_PLANE),
    *((answered(status), Fault.CONTROL_PLANE) for status in (408, 429, 500, 502, 503, 504)),
    *((answered(status), Fault.WORK) for status in (400, 403, 409, 501)),
    (ResourceNotFoundError("gone"), Fault.WORK),
    (KeyError("what"), Fault.OURS),
]


@pytest.mark.parametrize(("error", "expected"), FAULTS)
def test_whose_fault_an_error_of_azures_is(error: Exception, expected: Fault) -> None:
    assert fault(error) is expected
    assert passing(error) is (expected in (Fault.CONNECTION, Fault.CONTROL_PLANE))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (stage(ServiceRequestError("no route")), Fault.CONNECTION),
        (stage(answered(503)), Fault.CONTROL_PLANE),
        (stage(answered(400)), Fault.WORK),
        (stage(None), Fault.WORK),
        (stage(KeyError("what")), Fault.WORK),
        (stage(ServiceRequestError("no route"), NotFinished), Fault.STOPPED),
    ],
)
def test_a_stages_error_is_the_fault_of_its_cause(error: StageError, expected: Fault) -> None:
    assert fault(error) is expected


@pytest.mark.parametrize(
    ("error", "any_name", "of_job"),
    [
        (answered(409), True, False),
        (HttpResponseError("finetune-1 already exists"), True, True),
        (HttpResponseError("A job with this name already exists"), True, True),
        (HttpResponseError("environment x already exists"), True, False),
        (HttpResponseError("busy"), False, False),
        (None, False, False),
    ],
)
def test_a_name_that_is_taken(error: Exception | None, any_name: bool, of_job: bool) -> None:
    assert (taken(error), job_taken(error, "finetune-1")) == (any_name, of_job)
