"""Ctrl-C, a terminal that is closed and a CI that ends the job: the first lets the work end, a second ends it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from typing import Any

import pytest
from test_jobs_specs import RELEASE

from infra.lifecycle import hooks
from jobs.console import interruptible
from jobs.release.deployments import Endpoint

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Endless:
    """An operation of Azure's in which somebody presses, each time that it is looked at."""

    def __init__(self, *presses: signal.Signals) -> None:
        self.presses = list(presses)

    def done(self) -> bool:
        return False

    def wait(self, timeout: float) -> None:
        assert self.presses, "nobody ends this"
        os.kill(os.getpid(), self.presses.pop(0))


@pytest.mark.parametrize("first", SIGNALS)
@pytest.mark.parametrize("second", SIGNALS)
def test_restoring_goes_on_at_the_first_and_ends_at_the_second(first: signal.Signals, second: signal.Signals) -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    poller: Any = Endless(first, second)
    with pytest.raises(KeyboardInterrupt), interruptible() as stop:
        client: Any = None
        endpoint = Endpoint(client=client, spec=RELEASE, report=print, stop=stop)
        endpoint.wait_for(poller, "the traffic", "being put back", needed=True)
    assert stop.is_set() and poller.presses == []
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_an_update_hears_all_of_them_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[str] = []
    monkeypatch.setattr(hooks, "leave", lambda: left.append("left"))
    monkeypatch.setattr(hooks, "_waiting", {stop := threading.Event()})
    monkeypatch.setattr(hooks, "_asked_to_stop", threading.Event())
    heard: dict[int, Any] = {}

    async def main() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", heard.__setitem__)
        hooks.heed_interrupts()

    asyncio.run(main())
    assert set(heard) == set(SIGNALS)
    now = [0.0]
    monkeypatch.setattr(heard[signal.SIGTERM], "_clock", lambda: now[0])
    heard[signal.SIGTERM]()
    assert stop.is_set() and left == []
    now[0] = 31.0
    heard[signal.SIGHUP]()
    assert left == ["left"]
