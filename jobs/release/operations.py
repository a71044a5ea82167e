"""Waiting for Azure: for what is in transition and for operations, told of each minute and never for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from cloud import client as azure
from cloud.errors import AGAIN, NotFinished, StageError
from cloud.faults import passing
from cloud.report import Report
from cloud.states import IN_TRANSITION
from cloud.waiting import Stopped, TooLong, elapsed, tells_itself, wait
from jobs.release.spec import ReleaseSpec

if TYPE_CHECKING:
    from azure.ai.ml import MLClient
    from azure.core.polling import LROPoller

T = TypeVar("T")

_POLL_SECONDS = 5.0
_SILENCE_SECONDS = 60.0
_NEEDED_SECONDS = 1800.0  # a transition of an endpoint takes minutes
_MOST_SECONDS = 7200.0  # with an image to be built and a machine to be found, a deployment takes an hour
_AWAY_SECONDS = 900.0  # so long Azure may have no answer while a deployment is waited for
_TAKEN_UP = (
    "`pulumi up` finds the release where it is then and takes it up again. A deployment bills as long as it is there: "
    "`python -m jobs rollback` takes a release back."
)


@dataclass(kw_only=True)
class Operations:
    """What is done on one endpoint, for as long as nobody asks to stop."""

    client: MLClient
    spec: ReleaseSpec
    report: Report
    stop: threading.Event

    @property
    def on(self) -> str:
        return f"endpoint {self.spec.endpoint}"

    def at_rest(self, what: str, read: Callable[[], T], *, needed: bool, patient: bool = False) -> T:
        """What ``read`` gives once it is in no transition, telling each minute what is waited for.

        Raises NotFinished when told to stop or after two hours. What is ``needed`` is waited for after ``stop``, too,
        but not as long, as nobody could end it then: StageError after half an hour.
        """
        since, said_at, state = time.monotonic(), float("-inf"), ""
        away: float | None = None

        def at_rest() -> tuple[T] | None:
            nonlocal state, away
            try:
                found = read()
            except StageError as error:
                away = time.monotonic() if away is None else away
                if not patient or not passing(error) or time.monotonic() - away > _AWAY_SECONDS:
                    raise
                state = f"not known, as {error.why.rstrip('.')},"
                return None
            away = None
            state = azure.state(getattr(found, "provisioning_state", None))
            return None if state in IN_TRANSITION else (found,)

        def tell(took: float) -> None:
            nonlocal said_at
            if took - said_at > _SILENCE_SECONDS:
                said_at = took
                self.report(f"{what}: {state} after {elapsed(since)}")

        most, stop = (_NEEDED_SECONDS, None) if needed else (_MOST_SECONDS, self.stop)
        try:
            (found,) = wait(at_rest, every=_POLL_SECONDS, most=most, stop=stop, tell=tell)
        except Stopped:
            raise self.stopped(f"{what} is {state}") from None
        except TooLong:
            if needed:
                why = f"it has been {state} for {elapsed(since)}"
                raise StageError("the endpoint takes no change", on=what, why=why, todo=AGAIN) from None
            why = f"{what} has been {state} for {elapsed(since)}, which is longer than Azure takes"
            raise NotFinished("the release is not finished", on=self.on, why=why, todo=_TAKEN_UP) from None
        return found

    def wait_for(
        self, poller: LROPoller[Any], what: str, doing: str, *, needed: bool = False, bills: bool = False
    ) -> None:
        """Waits for an operation, telling each minute what is waited for; NotFinished when told to stop.

        Nothing waits for ever: StageError where one that is ``needed`` takes too long, else NotFinished too.
        """
        since, stop = time.monotonic(), threading.Event() if needed else self.stop
        most = _NEEDED_SECONDS if needed else _MOST_SECONDS
        paid = ", and bills whether you wait or not" if bills else ""
        while True:
            azure.wait_for(poller, stop, _SILENCE_SECONDS, tells_itself)
            if stop.is_set():
                raise self.stopped(f"{what} is {doing}{paid}")
            if poller.done():
                return
            took = elapsed(since)
            self.report(f"{what}: still {doing} after {took}")
            if time.monotonic() - since < most:
                continue
            if needed:
                raise StageError("the endpoint takes no change", on=what, why=f"still {doing} after {took}", todo=AGAIN)
            why = f"{what} is still {doing} after {took}, which is longer than Azure takes{paid}"
            raise NotFinished("the release is not finished", on=self.on, why=why, todo=_TAKEN_UP)

    def stopped(self, doing: str) -> NotFinished:
        return NotFinished("the release is not finished", on=self.on, why=f"you asked to stop; {doing}", todo=_TAKEN_UP)

    def go_on(self, doing: str) -> None:
        """Raises NotFinished when told to stop."""
        if self.stop.is_set():
            raise self.stopped(doing)
