"""One job followed: what is told of it at each look, and how it ends, whole."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from jobs_fake import FakeMl, Stop

from cloud.errors import NotFinished, StageError
from jobs.training import following
from jobs.training.following import Following, Silent
from jobs.training.joblog import JobLog
from jobs.training.limits import Limit

JOB = "finetune-7b963b464e21-1"
LIMIT = Limit.of_hours(2, "s.maxHours")
LOGS = "`python -m jobs logs --stack dev`"


class Clock:
    """The time of one module, which looks move on by as many seconds as a test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(following, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(following, "elapsed", lambda since: f"{self.now - since:g} s")

    def on(self, seconds: float, then: Callable[[], object] = lambda: None) -> Callable[[], None]:
        def move() -> None:
            self.now += seconds
            then()

        return move


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def of(ml: FakeMl, **how: Any) -> Following:
    return Following(client=ml, work="training", **{"stack": "dev", **how})  # type: ignore[arg-type]


def becomes(ml: FakeMl, status: str) -> Callable[[], None]:
    return lambda: setattr(ml.jobs.there[JOB], "status", status)


def told(ml: FakeMl, its: Following, *turns: Callable[[], None]) -> tuple[list[str], str]:
    """What is reported, and the error whole with its kind; the state where there is none."""
    said: list[str] = []
    try:
        job = its.to_end(JOB, said.append, Stop(*turns))
    except StageError as error:
        return said, f"{type(error).__name__}: {error}"
    return said, str(job.status)


def test_each_state_and_each_silence_is_told_once(ml: FakeMl, clock: Clock) -> None:
    ml.jobs.put(JOB, "Queued")
    reasons = iter(["", "no node"])
    its = of(ml, queued=lambda: next(reasons))
    turns = (
        clock.on(60),
        clock.on(1),
        clock.on(60),
        clock.on(2),
        clock.on(1, becomes(ml, "Running")),
        clock.on(61),
        clock.on(1, becomes(ml, "Completed")),
    )
    assert told(ml, its, *turns) == (
        [
            f"job {JOB}: Queued after 0 s",
            f"job {JOB}: still Queued after 61 s",
            f"job {JOB}: still Queued after 123 s; no node",
            f"job {JOB}: Running after 124 s",
            f"job {JOB}: still Running after 185 s",
            f"job {JOB}: Completed after 186 s",
        ],
        "Completed",
    )


def test_a_day_of_it_is_warned_of_each_day(ml: FakeMl, clock: Clock) -> None:
    ml.jobs.put(JOB, "Running")
    day = 24 * 3600
    said, ended = told(ml, of(ml), clock.on(day), clock.on(1), clock.on(day), clock.on(2, becomes(ml, "Failed")))
    assert ended == "Failed"
    assert [line for line in said if line.startswith("warning: ")] == [
        f"warning: job {JOB} bills, after 86401 s of waiting for it",
        f"warning: job {JOB} bills, after 172803 s of waiting for it",
    ]


def lines_of(monkeypatch: pytest.MonkeyPatch, *news: list[str]) -> list[str]:
    """What each reading of the log gives; the names of the jobs whose logs are read."""
    given, read = iter(news), list[str]()

    def new_lines(log: JobLog) -> list[str]:
        read.append(log.job_name)
        return next(given, [])

    monkeypatch.setattr(JobLog, "new_lines", new_lines)
    return read


def test_the_last_lines_of_its_log_are_told_without_secrets(
    ml: FakeMl, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = lines_of(monkeypatch, [f"epoch {number}" for number in range(7)], ["see https://x?sig=SECRET"])
    ml.jobs.put(JOB, "Preparing")
    said, _ = told(ml, of(ml), becomes(ml, "Running"), clock.on(1), becomes(ml, "Completed"))
    assert said == [
        f"job {JOB}: Preparing after 0 s",
        f"job {JOB}: Running after 0 s",
        *(f"epoch {number}" for number in range(2, 7)),
        "see https://x?sig=***",
        f"job {JOB}: Completed after 1 s",
    ]
    assert read == [JOB] * 3, "while it has no machine there is nothing to read"


def test_without_waiting_its_log_is_read_for_the_limit_alone(
    ml: FakeMl, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = lines_of(monkeypatch, ["epoch 1"], ["epoch 2"])
    ml.jobs.put(JOB, "Running")
    said, error = told(ml, of(ml, wait=False, limit=LIMIT))
    assert (said, read) == ([f"job {JOB}: Running after 0 s"], [JOB])
    assert error == (
        f"NotFinished: the training is under way in Azure (Running); nothing has failed (job {JOB}): finetune.wait is "
        "false, and the release needs the model, so this update ends here. Run `pulumi up` again when the job has "
        "completed: `python -m jobs logs --stack dev --follow` waits for that. To end it: `python -m jobs cancel "
        "--stack dev`."
    )
    told(ml, of(ml, wait=False))
    assert read == [JOB], "and without a limit not at all"


def runs_for(ml: FakeMl, hours: float) -> Callable[[], None]:
    def ran() -> None:
        ml.jobs.times[JOB] = (datetime.now(UTC) - timedelta(hours=hours, seconds=1), None)

    return ran


def test_its_limit_is_warned_of_once_and_kept(ml: FakeMl, clock: Clock) -> None:
    ml.jobs.put(JOB, "Running")
    cancelled: list[str] = []

    def cancel(name: str) -> str:
        cancelled.append(name)
        return "Canceled"

    its = of(ml, limit=LIMIT, cancel=cancel)
    runs_for(ml, 1.5)()
    said, error = told(ml, its, clock.on(1, runs_for(ml, 1.61)), clock.on(1, runs_for(ml, 1.7)), runs_for(ml, 2))
    shown = "2 h 00 min (s.maxHours is 2)"
    assert said == [
        f"job {JOB}: Running after 0 s",
        f"warning: job {JOB} has run for 1 h 36 min and is cancelled at {shown}",
        f"warning: job {JOB} has reached {shown}: it is cancelled",
    ]
    assert cancelled == [JOB]
    assert error.startswith(
        f"StageError: the training reached its limit and was cancelled (job {JOB}): it ran for 2 h 00 min, and it may "
        f"for {shown}; as it is, it would reach that again. {LOGS} shows whether it went on until then or hung. If it "
    )
    its = of(ml, limit=LIMIT, cancel=lambda name: becomes(ml, "Completed")() or "Completed")  # type: ignore[func-returns-value]
    assert told(ml, its)[1] == "Completed", "it has just completed"
    ml.jobs.put(JOB, "CancelRequested")
    assert told(ml, of(ml, limit=LIMIT, cancel=cancel), becomes(ml, "Canceled"))[1] == "Canceled"
    assert cancelled == [JOB], "what is being cancelled is not cancelled again"
    ml.jobs.put(JOB, "Running")
    assert told(ml, of(ml, limit=LIMIT))[1].startswith("StageError: the training reached its limit")


def refuses(_: str) -> str:
    raise HttpResponseError("not you")


@pytest.mark.parametrize(
    ("cancel", "ends"),
    [
        (
            lambda _: "Canceled",
            "Silent: the training does not respond any more (job {}): Azure has heard nothing of it for 10 minutes; "
            "its machine is probably lost, and it was cancelled. `pulumi up` makes a new attempt.",
        ),
        (
            lambda _: "",
            "Silent: the training does not respond any more (job {}): Azure has heard nothing of it for 10 minutes; "
            "its machine is probably lost, and it was cancelled. `pulumi up` makes a new attempt.",
        ),
        (
            lambda _: "Running",
            "StageError: the training could not be cancelled, it goes on (job {}): it has not responded for 10 "
            "minutes, may bill, and is Running after it was asked to end. `python -m jobs cancel --stack dev` asks it "
            "again to end; then run `pulumi up`.",
        ),
        (
            None,
            "StageError: the training could not be cancelled, it goes on (job {}): it has not responded for 10 "
            "minutes, may bill, and is NotResponding after it was asked to end. `python -m jobs cancel --stack dev` "
            "asks it again to end; then run `pulumi up`.",
        ),
    ],
)
def test_one_that_does_not_respond_for_ten_minutes_is_given_up(
    ml: FakeMl, clock: Clock, cancel: Any, ends: str
) -> None:
    ml.jobs.put(JOB, "NotResponding")
    said, error = told(ml, of(ml, cancel=cancel), clock.on(599), clock.on(1))
    assert error == ends.format(JOB)
    assert said[-1] == f"warning: job {JOB} has not responded for 10 minutes: it is cancelled"
    assert len([line for line in said if line.startswith("warning")]) == 1
    assert issubclass(Silent, StageError) and issubclass(NotFinished, StageError)


def test_one_that_comes_back_has_its_ten_minutes_anew(ml: FakeMl, clock: Clock) -> None:
    ml.jobs.put(JOB, "NotResponding")
    turns = [
        clock.on(599, becomes(ml, "Running")),
        clock.on(1, becomes(ml, "NotResponding")),
        clock.on(599),
        becomes(ml, "Completed"),
    ]
    assert told(ml, of(ml, cancel=refuses), *turns)[1] == "Completed"
    ml.jobs.put(JOB, "NotResponding")
    its = of(ml, cancel=lambda name: becomes(ml, "Completed")() or "Completed")  # type: ignore[func-returns-value]
    assert told(ml, its, clock.on(600))[1] == "Completed", "it had just completed"
    ml.jobs.put(JOB, "NotResponding")
    error = told(ml, of(ml, cancel=refuses), clock.on(600))[1]
    assert error.startswith(f"StageError: the training could not be cancelled, it goes on (job {JOB}): not you. ")


def test_a_look_that_is_refused_is_an_error(ml: FakeMl) -> None:
    with pytest.raises(ResourceNotFoundError):
        of(ml).to_end(JOB, lambda _: None, threading.Event())
