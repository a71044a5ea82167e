"""A watch: what it prints, how often it looks, how much it bears, and where it ends."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from jobs_fake import Stop
from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from status_azure import printed
from status_made import WHOLE

from cloud.errors import StageError
from jobs.status import watch
from jobs.status.progress import Progress
from jobs.status.status import Stage, Status
from jobs.status.view import cost_line, lines

DONE = dataclasses.replace(WHOLE, job=None, deployments=(), stages=(Stage("release", "done"),))
STILL = dataclasses.replace(WHOLE, job=None, deployments=())
"""Nothing is under way, and not all is done."""
SILENT = StageError("the state could not be read", on="stack dev", why="no route", todo="Run it again.")
TRYING = "could not be read just now (no route); trying again\n"


def reading(*found: Status | StageError) -> Callable[[], Status]:
    """One after the other."""
    every: Iterator[Status | StageError] = iter(found)

    def read() -> Status:
        one = next(every)
        if isinstance(one, StageError):
            raise one
        return one

    return read


class Clock:
    """A monotonic clock that each look moves on."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)

    def __call__(self) -> float:
        return self.seconds.pop(0) if len(self.seconds) > 1 else self.seconds[0]


def watched(read: Callable[[], Status], stop: Stop | None = None) -> Stop:
    stop = stop or Stop()
    watch.watch(read, stop, Console(force_terminal=False))
    return stop


def of(status: Status, *told: str) -> list[str]:
    return [f"12:30:15 {line}" for line in told]


def test_a_log_has_each_line_once_and_the_sum_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    changed = dataclasses.replace(WHOLE, endpoint_state="Updating")
    stop = watched(reading(WHOLE, WHOLE, changed, DONE))
    out, err = capsys.readouterr()
    news = [line for line in lines(DONE) if line not in lines(changed)]
    assert out.splitlines() == of(WHOLE, *lines(WHOLE), "endpoint phi: Updating", *news, f"all done; {cost_line(DONE)}")
    assert stop.waited == [5.0, 5.0, 5.0] and err == ""


@pytest.mark.parametrize(
    ("progress", "told"),
    [
        (WHOLE.progress, "job finetune-1-2: 25 %, about 90 min left (a guess)"),
        (None, "as before"),
    ],
)
def test_a_quiet_minute_gets_a_line(
    progress: Progress | None, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = dataclasses.replace(WHOLE, progress=progress)
    # The beginning; each of its lines; a minute later; a moment after that; its line.
    monkeypatch.setattr(watch.time, "monotonic", Clock(0.0, *[0.0] * len(lines(found)), 60.0, 60.1, 60.1, 120.1, 121.0))
    stop = Stop(*[lambda: None] * 3)
    stop.turns.append(stop.set)
    watched(reading(*[found] * 4), stop)
    assert capsys.readouterr().out.splitlines()[len(lines(found)) :] == of(found, told)


def test_a_log_ends_where_nothing_is_under_way_for_a_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watch.time, "monotonic", Clock(0.0, *[0.0] * len(lines(STILL)), 61.0))
    stop = watched(reading(STILL, STILL))
    assert capsys.readouterr().out.splitlines()[-1:] == of(STILL, f"nothing is under way; {cost_line(STILL)}")
    assert stop.waited == [5.0]


@pytest.mark.parametrize("look", [watched, lambda read, stop=None: watch.stream(read, stop or Stop())])
def test_four_failures_in_a_row_are_borne_and_the_fifth_ends_it(look: Any, capsys: pytest.CaptureFixture[str]) -> None:
    look(reading(*[SILENT] * 4, WHOLE, *[SILENT] * 4, DONE))
    assert capsys.readouterr().err == TRYING * 8
    with pytest.raises(StageError, match="no route"):
        look(reading(*[SILENT] * 5))
    assert capsys.readouterr().err == TRYING * 4


def test_a_stream_has_a_line_of_json_for_each_look(capsys: pytest.CaptureFixture[str]) -> None:
    stop = Stop()
    watch.stream(reading(WHOLE, WHOLE, DONE), stop)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        WHOLE.to_json(),
        WHOLE.to_json(),
        DONE.to_json(),
    ]
    assert stop.waited == [5.0, 5.0]
    stopped = Stop()
    stopped.turns.append(stopped.set)
    watch.stream(reading(WHOLE), stopped)
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_stop_ends_a_log(capsys: pytest.CaptureFixture[str]) -> None:
    stop = Stop()
    stop.turns.append(stop.set)
    watched(reading(WHOLE), stop)
    assert capsys.readouterr().out.splitlines() == of(WHOLE, *lines(WHOLE))


def screen(read: Callable[[], Status], stop: Stop) -> str:
    shown = io.StringIO()
    watch.watch(read, stop, Console(file=shown, force_terminal=True, width=150, height=60))
    return shown.getvalue()


def test_a_dashboard_says_what_it_could_not_read_and_shows_the_last_look() -> None:
    stop = Stop(lambda: None, lambda: None, lambda: None)
    stop.turns.append(stop.set)
    later = dataclasses.replace(WHOLE, stack="later")
    shown = screen(reading(WHOLE, SILENT, later, later), stop)
    assert "could not be read just now (no route); trying again" in shown
    assert "Stack later" in shown[shown.index("\x1b[?1049l") :], "the last look stays on the screen"
    assert stop.waited == [5.0] * 4
    with pytest.raises(StageError, match="no route"):
        screen(reading(WHOLE, *[SILENT] * 5), Stop())
    borne = Stop(*[lambda: None] * 9)
    borne.turns.append(borne.set)
    screen(reading(WHOLE, *[SILENT] * 4, WHOLE, *[SILENT] * 4), borne)


def parts(status: Status, trouble: str = "") -> list[Any]:
    return list(watch.dashboard(status, trouble).renderables)


@pytest.mark.parametrize(("share", "completed", "pulse"), [(0.25, 25.0, False), (0.0, 0.0, False), (None, 0.0, True)])
def test_a_dashboard_has_a_bar_above_the_tables(share: float | None, completed: float, pulse: bool) -> None:
    bar, _, last = parts(dataclasses.replace(WHOLE, progress=Progress(share, 60.0, "a guess")))
    assert isinstance(bar, Table) and bar.padding == (0, 1, 0, 1)
    name, drawn, told = (next(iter(column.cells)) for column in bar.columns)
    assert isinstance(drawn, ProgressBar)
    assert (name, drawn.total, drawn.completed, drawn.width, drawn.pulse) == ("job", 100, completed, 40, pulse)
    assert str(told).endswith("about 60 s left (a guess)")
    seen = f"{WHOLE.at.astimezone():%H:%M:%S}, again every 5 s; Ctrl-C ends this view, nothing else"
    assert (last.plain, last.style) == (seen, "dim")


def test_a_dashboard_without_a_job_has_no_bar() -> None:
    tables, last = parts(dataclasses.replace(WHOLE, progress=None), "no route")
    assert "Stack dev" in printed(tables) and (last.plain, last.style) == ("no route", "red")


def test_a_look_of_a_later_minute_has_its_own_time(capsys: pytest.CaptureFixture[str]) -> None:
    watched(reading(dataclasses.replace(DONE, at=DONE.at + timedelta(minutes=1))))
    assert all(line.startswith("12:31:15 ") for line in capsys.readouterr().out.splitlines())
