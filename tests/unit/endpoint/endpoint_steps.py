"""An endpoint on a fake, a clock that waiting alone moves on, and errors as they are told."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from jobs_fake import FakeMl, Stop
from test_jobs_specs import RELEASE

from cloud.errors import StageError
from jobs.release import deployments, operations
from jobs.release.deployments import Endpoint
from tests.changing import changed

AGAIN = "Run `pulumi up` again: it goes on where it stopped."
TAKEN_UP = (
    "`pulumi up` finds the release where it is then and takes it up again. A deployment bills as long as it is there: "
    "`python -m jobs rollback` takes a release back."
)


class Clock:
    """Waiting moves it on; nothing else does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        fake = SimpleNamespace(monotonic=lambda: self.now, sleep=self.on)
        for module in (deployments, operations):
            monkeypatch.setattr(module, "time", fake)
            monkeypatch.setattr(module, "elapsed", lambda since: f"{self.now - since:g} s")
        monkeypatch.setattr("cloud.waiting.time", fake)

    def on(self, seconds: float) -> None:
        self.now += seconds


class Waits(Stop):
    """Waiting takes its time on the clock; ``turns`` come with each wait."""

    def __init__(self, clock: Clock, *turns: Callable[[], object]) -> None:
        super().__init__(*turns)  # type: ignore[arg-type]
        self.clock = clock

    def wait(self, timeout: float | None = None) -> bool:
        self.clock.now += timeout or 0
        if self.turns:
            self.turns.pop(0)()
        return self.is_set()


def of(ml: FakeMl, said: list[str], stop: Any = None, **changes: Any) -> Endpoint:
    spec = changed(RELEASE, **changes)
    return Endpoint(client=ml, spec=spec, report=said.append, stop=stop or Stop())  # type: ignore[arg-type]


def error_of(does: Callable[[], object]) -> str:
    """The error's kind and all that it says."""
    with pytest.raises(StageError) as error:
        does()
    return f"{type(error.value).__name__}: {error.value}"


def becomes(ml: FakeMl, state: str, name: str = "m1") -> Callable[[], None]:
    return lambda: setattr(ml.online_endpoints.deployments[name], "provisioning_state", state)
