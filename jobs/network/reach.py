"""Stage: whether this machine is where the stack answers, before it uploads data and asks the model.

A stack with `network: private` answers in its virtual network alone.
"""

from __future__ import annotations

import threading

from cloud.errors import AGAIN, NotFinished, StageError, azure_errors
from cloud.report import Report
from cloud.services.reach import advice, outside
from cloud.waiting import Stopped, TooLong, minutely, wait
from jobs.network.spec import ReachSpec

NAMES_SECONDS = 300.0
"""How long a name that was looked for before its zone had it may stay unknown: a negative answer is kept so long by
Azure's private zones."""
POLL_SECONDS = 10.0


def run(spec: ReachSpec, report: Report, stop: threading.Event) -> None:
    """The stage. Raises StageError where this machine is outside."""
    from cloud.arm import Arm

    arm, on = Arm(), f"stack {spec.stack}"
    report("looking whether this machine reaches the stack's private addresses")
    why = ""

    def reached() -> bool | None:
        nonlocal why
        why = outside(arm, spec.target)
        return None if why else True

    try:
        with azure_errors("whether this machine reaches the storage could not be found out", on):
            wait(reached, every=POLL_SECONDS, most=NAMES_SECONDS, tell=minutely(report, "not reached"), stop=stop)
    except Stopped:
        raise NotFinished("the private addresses are not reached", on=on, why="you asked to stop", todo=AGAIN) from None
    except TooLong:
        what = "this machine does not reach the stack, which answers in its virtual network alone"
        advised = advice(spec.subnet)
        todo = f"{advised[0].upper()}{advised[1:]}. What was made stays; `pulumi up` goes on from there."
        raise StageError(what, on=on, why=why, todo=todo) from None
