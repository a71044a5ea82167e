"""One stack in a checkout of its own: its commands, its processes and the kills."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from emulator.faults.rules import Rule
from emulator.front import admin
from emulator.machine.home import EmulatorError
from emulator.machine.store import Store
from tests.chaos.kills import family, nothing_written, victim_of
from tests.chaos.schedule import OPERATORS, Habits, Kill, Operator, Plan, titled
from tests.journey.stack import Checkout

ROWS = 10  # the fewest that the component trains on
"""Of the sample, to train on and to test with: the stand-in learns nothing from so few, and nobody asks it to."""
MAX_ATTEMPTS = 10
"""More than the three a person gets: some rounds make more jobs fail than that."""
RECIPE = {"max_steps": 2, "per_device_train_batch_size": 4}
WATCH = "watch"
"""Name of the rule that does nothing but count requests, so that a kill can come after so many."""
POLL_SECONDS = 0.05
HANG_SECONDS = 1.5
"""After so long an operation that hangs is let go, as a person or Azure would end it some time."""
COMMAND_SECONDS = 240
PLAIN = Habits(compare=False, golden=False, publish=False, steps=(100,), resize=False)
SIZES = ("Standard_NC24ads_A100_v4", "Standard_NC40ads_H100_v5")
"""Of the training cluster by turns: one GPU each, so that a fine-tuning stays the same."""
QUIETLY = ("--stack", "local", "--non-interactive", "--color", "never")


class ChaosError(Exception):
    """A command that does not come to its end; the message has what it printed."""


@dataclass
class Figures:
    """What happened so far."""

    rounds: int = 0
    resumes: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    orphans: int = 0

    def count(self, kind: str, times: int = 1) -> None:
        if times:
            self.faults[kind] = self.faults.get(kind, 0) + times

    def add(self, other: Figures) -> None:
        self.rounds += other.rounds
        self.resumes += other.resumes
        self.orphans += other.orphans
        for kind, times in other.faults.items():
            self.count(kind, times)

    def __str__(self) -> str:
        by_kind = ", ".join(f"{kind} {times}" for kind, times in sorted(self.faults.items()))
        total = sum(self.faults.values())
        return f"{self.rounds} rounds, {total} faults ({by_kind}), {self.resumes} resumes, {self.orphans} orphans"


@dataclass
class ChaosStack:
    """The local stack with a recipe that takes a second, and what is done to it."""

    checkout: Checkout
    figures: Figures = field(default_factory=Figures)
    requests: int = 0
    """That the round has sent so far."""
    killed: str = ""
    """What the round has killed."""
    other_said: str = ""
    """What another operator read during the last command."""
    recipes: int = 0
    """Recipes tried so far, each another learning rate."""
    tags: int = 0
    """So often has everything got another tag."""
    sizes: int = 0
    """So often has the training cluster got other machines."""
    habits: Habits = PLAIN
    """What it is used for at the moment."""

    @classmethod
    def make(cls, root: Path) -> ChaosStack:
        """A checkout with data, an emulator that runs and an empty stack."""
        checkout = Checkout.make(root)
        stack = cls(checkout)
        done = checkout.python("-m", "data_prep", "--source", "sample", "--out", "data", "--quiet")
        assert done.returncode == 0, done.stderr
        for name in ("train", "test"):
            path = root / "data" / f"{name}_data.jsonl"
            path.write_text("".join(path.read_text().splitlines(keepends=True)[:ROWS]))
        stack.change("up")
        stack.start_emulator()
        made = checkout.emulated("pulumi", "stack", "init", "local")
        assert made.returncode == 0, made.stderr
        return stack

    def change(self, command: str) -> None:
        """Another learning rate, or another tag on everything and perhaps other machines."""
        self.recipes += command == "change"
        self.tags += command == "retag"
        self.sizes += command == "retag" and self.habits.resize
        path = self.checkout.root / "Pulumi.local.yaml"
        settings = yaml.safe_load(path.read_text())
        rate = round(0.001 + 0.0001 * self.recipes, 6)
        settings["config"]["finetune-phi:recipe"] = {**RECIPE, "learning_rate": rate}
        settings["config"]["finetune-phi:tags"] = {"chaos": str(self.tags)}
        settings["config"]["finetune-phi:compute"] = {"vmSize": self.size}
        settings["config"]["finetune-phi:serving"] = {
            "compareWithBase": self.habits.compare,
            "trafficSteps": list(self.habits.steps),
            "drainSeconds": 0,
            "soakSeconds": 1 if len(self.habits.steps) > 1 else 0,
        }
        settings["config"]["finetune-phi:finetune"] = {"maxAttempts": MAX_ATTEMPTS}
        golden = {"questions": "golden/sample.jsonl", "minimumScore": 0, "maximumDrop": 1}
        settings["config"]["finetune-phi:evaluation"] = golden if self.habits.golden else {"questions": ""}
        settings["config"]["finetune-phi:flow"] = {"publish": self.habits.publish}
        path.write_text(yaml.safe_dump(settings))

    @property
    def size(self) -> str:
        """Of the training cluster's machines."""
        return SIZES[self.sizes % len(SIZES)]

    # --- the emulator

    def start_emulator(self) -> None:
        """Through a command, as the processes that outlive a kill must not be this process's children."""
        done = self.checkout.python("-m", "emulator", "start")
        if done.returncode:
            raise ChaosError(f"the emulator does not start: {done.stderr}")

    def faults(self, method: str, path: str = "", rule: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = admin.call(self.checkout.home, method, f"faults{path}", rule)
        return found

    def set_out(self, plan: Plan) -> None:
        """Put the rules of a round in force."""
        self.start_emulator()
        self.faults("DELETE")
        self.requests, self.killed = 0, ""
        for at, rule in enumerate(plan.rules):
            self.faults("POST", rule={**rule, "id": f"r{at}"})
        # It drips nothing, after more requests than there will ever be; only it comes first and counts all.
        self.faults("POST", rule={"kind": "slow", "seconds": 0, "id": WATCH, "after": 10**9, "host": "*.*"})

    def calm(self) -> None:
        """End the rules of a round and count what they hit."""
        self.start_emulator()
        for rule in self.faults("DELETE"):
            if rule.get("id") == WATCH:
                self.requests += int(rule.get("seen", 0))
            else:
                self.figures.count(titled(rule), int(rule.get("hits", 0)))

    # --- commands

    def run(self, *command: str, kill: Kill | None = None, operator: Operator | None = None) -> tuple[int, str]:
        """A command on the emulator, with a kill on its way and somebody beside it; its exit code and what it printed.

        What somebody else's printed is kept in `other_said`.
        """
        with ExitStack() as ended:
            started = self._started("command.log", command)
            ended.callback(_end, started)
            other = self._watch(started, kill, operator, ended)
        self.other_said = f"{operator}: {self._log('operator.log')}" if other else ""
        return int(started.wait()), self._log("command.log")

    def _started(self, log: str, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with (self.checkout.root / log).open("w") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "emulator", "exec", "--", *command],
                cwd=self.checkout.root,
                env=self.checkout.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _log(self, name: str) -> str:
        return (self.checkout.root / name).read_text(errors="replace")

    def _watch(
        self, started: subprocess.Popen[bytes], kill: Kill | None, operator: Operator | None, ended: ExitStack
    ) -> bool:
        """Until all have come to their end; whether somebody else came."""
        deadline, came = time.monotonic() + COMMAND_SECONDS, float("inf")
        other: subprocess.Popen[bytes] | None = None
        hanging: dict[str, float] = {}
        store = Store(self.checkout.home.database)
        try:
            while started.poll() is None or (other is not None and other.poll() is None):
                if time.monotonic() > deadline:
                    raise ChaosError(f"no end within {COMMAND_SECONDS} s: {self._log('command.log')}")
                rules = {rule["id"]: Rule(**rule) for rule in store.setting("faults", [])}
                seen = rules[WATCH].seen if WATCH in rules else 0
                if kill is not None and seen >= kill.after:
                    kill = None if self._kill(started.pid, kill.target) else kill
                if operator is not None and other is None and seen >= operator.after and started.poll() is None:
                    own = ("pulumi", "up", "--yes", "--skip-preview", *QUIETLY)
                    jobs = (sys.executable, "-m", "jobs", *OPERATORS[operator.what], "--stack", "local")
                    other, came = self._started("operator.log", jobs if OPERATORS[operator.what] else own), time.time()
                    ended.callback(_end, other)
                    self.figures.count(str(operator))
                if other is not None and operator and operator.killed and time.time() - came > operator.killed:
                    _end(other)
                self._let_go(rules, hanging)
                time.sleep(POLL_SECONDS)
        finally:
            store.close()
        return other is not None

    def _let_go(self, rules: dict[str, Rule], hanging: dict[str, float]) -> None:
        for name, rule in rules.items():
            if rule.kind == "operation-hangs" and rule.hits:
                since = hanging.setdefault(name, time.monotonic())
                if time.monotonic() - since > HANG_SECONDS and hanging[name] != float("inf"):
                    with suppress(EmulatorError, OSError, httpx.HTTPError):  # it is down just now
                        self.faults("DELETE", f"/{name}")
                        self.figures.count(rule.kind, rule.hits)
                        hanging[name] = float("inf")

    def _kill(self, root: int, target: str) -> bool:
        """Whether there was one to kill."""
        victim = victim_of(self.checkout.home, root, target)
        if victim is None:
            return False
        with ExitStack() as held:
            if target == "azurite":
                held.enter_context(nothing_written(self.checkout.home, victim))
            with suppress(psutil.NoSuchProcess):
                victim.kill()
                self.figures.count(f"kill -9 {target}")
                self.killed = target
        return True

    # --- what is there

    def export(self) -> dict[str, Any]:
        """The stack's state."""
        code, text = self.run("pulumi", "stack", "export", "--stack", "local")
        if code:
            raise ChaosError(f"the state cannot be read: {text}")
        state: dict[str, Any] = json.loads(text)
        return state


def _end(started: subprocess.Popen[bytes]) -> None:
    """Kills a command, and whatever it has started and left."""
    for process in family(started.pid):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    started.wait()
