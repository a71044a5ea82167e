"""A rehearsal: an environment's own settings, deployed here, used once and taken down again.

Everything is thrown away afterwards: the emulator's home, Pulumi's backend, the copy of the stack file. Two things are
not the environment's: the bundled sample takes the place of a source that may be out there, and the golden questions
are asked but need no score, as a recipe made for Phi teaches the stand-in little. No soak is shortened, as a first
release has nothing to share its traffic with.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator import described, given, project
from emulator.machine import environment, inventory, lifecycle
from emulator.machine.home import EmulatorError, Home, Ports
from settings.redaction import redact

QUESTION = "Who founded Microsoft?"
SOFT_DELETED = (
    "Microsoft.KeyVault/vaults",
    "Microsoft.MachineLearningServices/workspaces",
    "Microsoft.CognitiveServices/accounts",
    "Microsoft.OperationalInsights/workspaces",
)
"""What may stay where the settings say that nothing is purged."""
QUIETLY = ("--yes", "--skip-preview", "--non-interactive", "--color", "never")


class StepFailed(Exception):
    """A step did not end as it should; the text is what was seen."""


@dataclass(frozen=True)
class Step:
    """One row of the table."""

    name: str
    seconds: float
    seen: str
    good: bool = True


@dataclass
class Rehearsal:
    """One stack in a project directory and an emulator of its own."""

    stack: str
    directory: Path
    home: Home
    settings: dict[str, Any]
    steps: list[Step] = field(default_factory=list)
    log: str = ""
    """What the last command printed."""
    environment: dict[str, str] | None = None
    """Of the commands, once there is an emulator."""
    others: list[str] = field(default_factory=list)
    """What is there that the stack uses and others have made, a line each."""

    def run(self) -> bool:
        """Goes through the steps up to the first that fails; destroys in any case. Whether all went well."""
        self.step("settings", self._settings)
        good = self.step("sample data", self._data) and self.step("emulator", self._emulator)
        good = good and self.journey()
        cause = self.log
        if any(step.name == "up" for step in self.steps):
            down = self.step("destroy", self._destroy) and self.step("left over", self._left)
            good, cause = good and down, cause if not good else self.log
        self.log = cause
        return good

    def journey(self) -> bool:
        """What is done with the stack between its making and its destruction; whether all of it went well."""
        good = self.step("up", self._up) and self.step("up again", self._again)
        return good and self.step("chat", self._chat)

    def step(self, name: str, work: Callable[[], str]) -> bool:
        """Does one step, times it and tells what was seen."""
        print(f"{name} ...", file=sys.stderr, flush=True)
        since = time.monotonic()
        try:
            seen, good = work(), True
        except (StepFailed, EmulatorError) as failed:
            seen, good = str(failed), False
        self.steps.append(Step(name, time.monotonic() - since, seen, good))
        return good

    def _settings(self) -> str:
        model = self.settings["finetune-phi:model"]["name"]
        serving = self.settings["finetune-phi:serving"]
        return f"{model}, {serving['instances']} x {serving['vmSize']}, network {self.settings['finetune-phi:network']}"

    def _data(self) -> str:
        data = self.settings["finetune-phi:data"]
        out = self.directory / data["directory"]
        self._command([sys.executable, "-m", "data_prep", "--source", "sample", "--out", str(out), "--quiet"])
        counts = [len((out / f"{name}_data.jsonl").read_text().splitlines()) for name in ("train", "test")]
        return f"{counts[0]} to train on, {counts[1]} to test, in place of {data['source']}"

    def _emulator(self) -> str:
        os.environ["EMULATOR_PORT"] = "0"
        ports = lifecycle.start(self.home)
        described.tell(self.home, self.directory)
        self.environment = self._environment(ports)
        self._pulumi("stack", "init", self.stack)
        made = given.make(self.home, ports, self.settings)
        self.others = inventory.take(self.home).live
        checked = "roles, quota and request bodies are checked"
        return f"{checked}; of others there is {' and '.join(made)}" if made else checked

    def _environment(self, ports: Ports) -> dict[str, str]:
        return environment.build(self.home, ports)

    def _up(self) -> str:
        return summary(self._pulumi("up", *QUIETLY, "--stack", self.stack))

    def _again(self) -> str:
        return summary(self._pulumi("up", *QUIETLY, "--expect-no-changes", "--stack", self.stack))

    def _chat(self) -> str:
        printed = self._command([sys.executable, "-m", "chat", "--stack", self.stack, "--json", "--ask", QUESTION])
        answer = json.loads(printed).get("answer")
        if not answer:
            raise StepFailed(f"no answer to {QUESTION!r}: {printed.strip()}")
        return f"{QUESTION} {' '.join(answer.split())}"

    def _destroy(self) -> str:
        # The registry that models are shared through is protected in any case.
        shares = (self.settings.get("finetune-phi:model") or {}).get("share") or {}
        protected = bool(self.settings["finetune-phi:protect"]) or bool(shares.get("make"))
        if protected:  # else the destroy would be refused, as it should be
            self._pulumi("state", "unprotect", "--all", "--yes", "--stack", self.stack)
        done = summary(self._pulumi("destroy", *QUIETLY, "--stack", self.stack))
        return f"{done}, unprotected first" if protected else done

    def _left(self) -> str:
        found = inventory.take(self.home)
        purged = self.settings["finetune-phi:purgeOnDestroy"]
        kept = [line for line in found.soft_deleted if purged or not line.startswith(SOFT_DELETED)]
        ours = [line for line in found.live if line not in self.others]
        if unwanted := [*ours, *kept, *found.processes]:
            raise StepFailed("; ".join(" ".join(line.split()) for line in unwanted))
        if gone := [line for line in self.others if line not in found.live]:
            raise StepFailed(f"gone, and somebody else's: {'; '.join(' '.join(line.split()) for line in gone)}")
        if found.refused_hosts:
            raise StepFailed(f"calls to the outside: {', '.join(found.refused_hosts)}")
        soft = f"{len(found.soft_deleted)} soft-deleted, as purgeOnDestroy is false" if found.soft_deleted else ""
        theirs = ", and what was others' before" if self.others else ""
        return f"{soft or 'nothing, soft-deleted names included'}{theirs}"

    def _pulumi(self, *arguments: str) -> str:
        return self._command(["pulumi", *arguments])

    def _command(self, argv: list[str]) -> str:
        """What a command prints. Raises StepFailed with the line that says most about a failure."""
        done = subprocess.run(
            argv,
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        self.log = f"{done.stdout}\n{done.stderr}".strip()
        if done.returncode:
            raise StepFailed(f"{Path(argv[0]).name} ended with {done.returncode}: {_reason(self.log)}")
        return done.stdout


def summary(printed: str) -> str:
    """`38 created`, from the end of what Pulumi prints."""
    _, _, resources = printed.rpartition("Resources:")
    lines = [line.strip(" +-~") for line in resources.splitlines()]
    return ", ".join(line for line in lines if re.fullmatch(r"\d+ [a-z -]+", line)) or "nothing"


def _reason(printed: str) -> str:
    lines = [" ".join(line.split()) for line in printed.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error:") and "update failed" not in line]
    return (errors or lines or ["it printed nothing"])[-1][:300]


def table(steps: list[Step]) -> str:
    """The steps as text: name, seconds, what was seen."""
    width = max(len(step.name) for step in steps)
    return "\n".join(
        f"{step.name:<{width}}  {step.seconds:>6.1f} s  {'' if step.good else 'FAILED: '}{step.seen}" for step in steps
    )


def rehearse(
    stack: str,
    keep: bool = False,
    as_json: bool = False,
    make: Callable[..., Rehearsal] = Rehearsal,
    on_top: Path | None = None,
) -> int:
    """Rehearses a stack and prints the table, or the steps as JSON; returns the exit code.

    `make` is a rehearsal that does something else with the stack; `on_top` is a file of settings, in the form of a
    stack file, that stand in the place of the stack's own.

    Raises:
        EmulatorError: the settings are no good, or there is no such stack.
    """
    chosen = project.chosen(stack, on_top)
    settings = project.effective(stack, chosen)
    _signals()
    # This project's own Pulumi and Python, wherever the command is called from.
    os.environ["PATH"] = os.pathsep.join([f"{sys.prefix}/pulumi/bin", f"{sys.prefix}/bin", os.environ.get("PATH", "")])
    place = Path(tempfile.mkdtemp(prefix=f"rehearse-{stack}-"))
    home = Home(place / "home")
    try:
        data = Path(settings["finetune-phi:data"]["directory"])
        rehearsal = make(stack, project.copied(place / "project", stack, data, chosen), home, settings)
        since = time.monotonic()
        good = rehearsal.run()
        whole = Step("in all", time.monotonic() - since, "well" if good else "not well", good)
        steps = [*rehearsal.steps, whole]
        print(json.dumps([dataclasses.asdict(step) for step in steps]) if as_json else table(steps))
        if not good:
            print(f"What the failed command printed: {_kept(stack, rehearsal.log)}", file=sys.stderr)
        return 0 if good else 1
    finally:
        lifecycle.stop(home)
        if keep:
            print(f"kept: {place}", file=sys.stderr)
        else:
            shutil.rmtree(place, ignore_errors=True)


def _kept(stack: str, log: str) -> str:
    """A file of its owner's alone, under a name that nobody could know before, with what a failed command printed."""
    descriptor, name = tempfile.mkstemp(prefix=f"rehearse-{stack}-", suffix=".log")
    with os.fdopen(descriptor, "w") as file:
        file.write(redact(log))
    return name


def _signals() -> None:
    """A SIGTERM cleans up as a Ctrl-C does."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
