"""The hooks of the stages: what they hand on, how they fail, how they are stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pytest

from cloud.errors import StageError
from cloud.services import lease
from cloud.target import Target
from infra.lifecycle import hooks
from infra.stages import WORK
from jobs.dataset.spec import DatasetSpec

SPEC = DatasetSpec(
    target=Target("subscription", "group", "workspace"), name="chats", fingerprint="0123456789ab", directory="data"
)
Work = Callable[[Any, Any, threading.Event], None]


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test is a program of its own."""
    monkeypatch.setattr(hooks, "_asked_to_stop", threading.Event())


def run(monkeypatch: pytest.MonkeyPatch, work: Work, beside: Callable[[], None] | None = None) -> None:
    """Runs the hook around `work`, as the engine would, with `beside` on the event loop."""
    module = types.ModuleType("work_of_a_stage")
    module.run = work  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    # The engine carries every number as a double, and the fingerprint beside the spec.
    given = pulumi.ResourceHookArgs("urn", "id", "dataset", "type", {"input": SPEC.to_inputs()})

    async def whole() -> None:
        hooks.heed_interrupts()
        task = asyncio.ensure_future(hooks.working(DatasetSpec, module.__name__)(given))
        if beside:
            await asyncio.sleep(0)
            asyncio.get_running_loop().call_soon(beside)
        await task

    asyncio.run(whole())


def test_the_work_is_done_while_nobody_else_changes_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[object] = []

    @contextlib.contextmanager
    def held(target: object, scope: str, command: str, *_: object) -> Iterator[None]:
        said.append((target, scope, command))
        yield
        said.append("given back")

    monkeypatch.setattr(lease, "held", held)
    run(monkeypatch, lambda *_: said.append("at work"))
    assert said == [(SPEC.target, "data", "pulumi up, data"), "at work", "given back"]


def test_each_stage_that_changes_something_says_what() -> None:
    changed = {kind.__name__: kind.CHANGES for kind in WORK if kind.CHANGES}
    assert {kind.__name__ for kind in WORK if not kind.CHANGES} == {"PromotionSpec"}, "it looks, and changes nothing"
    assert changed == {
        "DatasetSpec": "data",
        "PreparationSpec": "data",
        "FinetuneSpec": "training",
        "ReleaseSpec": "endpoint",
        "FlowSpec": "flow",
        "ShareSpec": "endpoint",
    }
    assert set(changed.values()) == set(lease.SCOPES)


def test_the_work_gets_the_spec_in_a_thread_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def work(spec: DatasetSpec, report: Any, stop: threading.Event) -> None:
        report("half")
        seen.append((spec, threading.current_thread() is threading.main_thread(), stop.is_set()))

    run(monkeypatch, work)
    assert seen == [(SPEC, False, False)]


def test_warnings_stay_and_progress_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[str, str, bool]] = []
    for level in ("info", "warn"):
        monkeypatch.setattr(
            pulumi.log, level, lambda text, ephemeral=False, level=level: said.append((level, text, ephemeral))
        )

    def work(_spec: Any, report: Any, _stop: threading.Event) -> None:
        report("half")
        report("warning: little is left")

    run(monkeypatch, work)
    assert said == [("info", "dataset: half", True), ("warn", "dataset: little is left", False)]


def test_a_stage_error_is_passed_on_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    error = StageError("the upload failed", on="data asset chats", why="no network", todo="Run it again.")

    def work(*_: Any) -> None:
        raise error

    with pytest.raises(StageError) as raised:
        run(monkeypatch, work)
    assert raised.value is error


def test_any_other_error_says_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(*_: Any) -> None:
        raise KeyError("name")

    with pytest.raises(RuntimeError, match="stage dataset: KeyError: 'name'"):
        run(monkeypatch, work)


def test_an_interrupt_stops_the_work_and_leaves_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(_spec: Any, _report: Any, stop: threading.Event) -> None:
        assert stop.wait(10)
        raise StageError("stopped", on="job", why="you asked to stop", todo="Run it again.")

    with pytest.raises(StageError, match="stopped"):
        run(monkeypatch, work, beside=lambda: os.kill(os.getpid(), signal.SIGINT))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminal_that_is_closed_and_a_ci_that_ends_the_job_count_as_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    def work(_spec: Any, _report: Any, stop: threading.Event) -> None:
        assert stop.wait(10)
        raise StageError("stopped", on="job", why="you asked to stop", todo="Run it again.")

    with pytest.raises(StageError, match="stopped"):
        run(monkeypatch, work, beside=lambda: os.kill(os.getpid(), number))


def test_a_hook_that_begins_after_the_ctrl_c_knows_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    hooks.Interrupts()()
    seen: list[bool] = []
    run(monkeypatch, lambda _spec, _report, stop: seen.append(stop.is_set()))
    assert seen == [True]


@pytest.mark.parametrize(
    ("moments", "left"),
    [
        ([100.0], []),
        ([100.0, 100.3], []),  # the same press, passed on by the language host
        ([100.0, 128.0], []),  # the same, by an engine that is busy
        ([100.0, 131.0], [131.0]),
        ([100.0, 100.3, 103.0, 104.0], []),  # an update that failed
    ],
)
def test_only_a_second_press_ends_the_program_at_once(
    monkeypatch: pytest.MonkeyPatch, moments: list[float], left: list[float]
) -> None:
    now, seen = [0.0], []
    monkeypatch.setattr(hooks, "leave", lambda: seen.append(now[0]))
    interrupts = hooks.Interrupts(lambda: now[0])
    stop = threading.Event()
    monkeypatch.setattr(hooks, "_waiting", {stop})
    for now[0] in moments:
        interrupts()
        assert stop.is_set()
    assert seen == left


def test_the_program_can_still_be_imported_from_when_its_main_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", hooks.ROOT)])
    seen: list[bool] = []
    run(monkeypatch, lambda *_: seen.append(hooks.ROOT in sys.path))
    assert seen == [True]
