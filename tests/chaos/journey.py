"""Rounds on one stack: a command driven to success, then everything looked at."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.chaos import checks
from tests.chaos.schedule import COMMANDS, Plan, habits, plan
from tests.chaos.stack import QUIETLY, ChaosError, ChaosStack

ATTEMPTS = 8
"""Of a command; after half of them its round's rules are ended, so that what stays wrong is the program's."""

UNRECORDED = ("is currently locked", "pending operations", "cannot create already existing")
"""Says that `make recover` has to come first: docs/operations.md."""
NOTHING_PAUSED = "there is nothing to resume"
REFRESH = "Run `pulumi up --refresh`"
"""Says that an update of the endpoint does not know the live traffic: docs/decisions/endpoint-updates.md."""
TRACEBACK = re.compile(r"Traceback.*\n(?:.*\n){0,3}?.*File \"[^\"]*/(?:infra|jobs|flow|data_prep|toolchain)/")
"""Of our own code; a failed job's log has others."""
Say = Callable[[str], None]


@dataclass
class Round:
    """What a round came to."""

    plan: Plan
    seconds: float = 0.0
    attempts: int = 0
    wrong: list[str] = field(default_factory=list)
    log: str = ""


@dataclass
class Journey:
    """All rounds of one stack."""

    stack: ChaosStack
    seed: int
    number: int
    say: Say
    stop: threading.Event = field(default_factory=threading.Event)
    """Set, no further round begins."""

    def run(self, first: int, end: int) -> list[str]:
        """Runs the plan's rounds from ``first`` to before ``end``, and the rest of the last cycle in peace.

        Returns what was wrong, if anything. It stops at the first round that is not as it should be.
        """
        at = first
        while at < end and not self.stop.is_set():
            if at % len(COMMANDS) == 0:
                self.stack.habits = habits(self.seed, self.number, at // len(COMMANDS))
                self.say(f"stack {self.number} from here on: {self.stack.habits}")
            done = self.round(plan(self.seed, self.number, at))
            self.stack.figures.rounds += 1
            at += 1
            mark = "ok" if not done.wrong else "NOT WELL"
            spent = f"{done.attempts} runs, {self.stack.requests} requests, {done.seconds:.0f} s"
            self.say(f"stack {self.number} round {at}: {mark}, {spent}  {done.plan}")
            if done.wrong:
                self.say("; ".join(done.wrong))
                return [f"stack {self.number} round {at} ({done.plan}): {each}" for each in [*done.wrong, done.log]]
        if at % len(COMMANDS):
            done = self.round(Plan("destroy", (), None))
            return [f"the last destroy: {each}" for each in [*done.wrong, done.log]] if done.wrong else []
        return []

    def round(self, plan: Plan) -> Round:
        done, since = Round(plan), time.monotonic()
        self.stack.change(plan.command)
        try:
            self.stack.set_out(plan)
            self._drive(done)
            if done.plan.operator and not done.wrong:
                self._put_right(done)
            self.stack.calm()
            if not done.wrong:
                found = checks.after_destroy(self.stack) if plan.command == "destroy" else checks.after_up(self.stack)
                done.wrong += [*found.wrong, *found.orphans]
                if plan.command == COMMANDS[-2]:
                    done.wrong += self._still_changing()
                self.stack.figures.orphans += len(found.orphans)
        except ChaosError as error:
            done.wrong.append(str(error))
        done.seconds = time.monotonic() - since
        return done

    def _still_changing(self) -> list[str]:
        """What another `up` would change, asked once a cycle."""
        code, text = self.stack.run("pulumi", "preview", "--expect-no-changes", *QUIETLY)
        return [f"another up would change something: {text}"] if code else []

    def _drive(self, done: Round, *, disturbed: bool = True) -> None:
        """Run the command until it succeeds, doing before each resume what the documentation says to do.

        Where ``disturbed``, the first run with the plan's kill and its other operator.
        """
        command = "destroy" if done.plan.command == "destroy" else "up"
        more: tuple[str, ...] = ()
        for attempt in range(ATTEMPTS):
            if attempt == ATTEMPTS // 2:
                self.stack.calm()
            kill, operator = (done.plan.kill, done.plan.operator) if disturbed and attempt == 0 else (None, None)
            whole = ("pulumi", command, "--yes", "--skip-preview", *QUIETLY, *more)
            code, done.log = self.stack.run(*whole, kill=kill, operator=operator)
            done.attempts += 1
            if TRACEBACK.search(done.log + self.stack.other_said):
                done.wrong.append(f"a traceback was printed {self.stack.other_said}")
            if code == 0:
                return
            self.stack.figures.resumes += 1
            more = ("--refresh",) if REFRESH in done.log else ()
            if self.stack.killed == "engine" or any(sign in done.log for sign in UNRECORDED):
                self._recover(done)
                self.stack.killed = ""
        done.wrong.append(f"no success after {ATTEMPTS} runs")

    def _put_right(self, done: Round) -> None:
        """What another operator has paused comes back, and an `up` takes in what they have changed."""
        for attempt in range(ATTEMPTS):
            if attempt == ATTEMPTS // 2:
                self.stack.calm()
            code, done.log = self.stack.run(sys.executable, "-m", "jobs", "resume", "--stack", "local")
            if TRACEBACK.search(done.log):
                done.wrong.append("a traceback was printed")
            if code == 0 or NOTHING_PAUSED in done.log:
                break
            self.stack.figures.resumes += 1
        else:
            done.wrong.append(f"not resumed after {ATTEMPTS} runs")
            return
        self._drive(done, disturbed=False)

    def _recover(self, done: Round) -> None:
        for _ in range(3):
            code, text = self.stack.run(sys.executable, "-m", "jobs", "recover", "--stack", "local")
            if code == 0:
                return
        done.wrong.append("it could not be recovered")
        done.log += text


def to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
