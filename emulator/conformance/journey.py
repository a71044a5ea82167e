"""A rehearsal of the local stack in which Pulumi's own programs do the work that ours do elsewhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from emulator import rehearse
from emulator.conformance import parts
from emulator.conformance.parts import Part, Parts
from emulator.machine import environment
from emulator.machine.home import Ports
from toolchain import bin_directory
from toolchain.commands import Processes

STACK = "local"
PASSED, FAILED, NOT_RUN = 0, 1, 3
"""Exit codes: all three are Pulumi's own and it went well; it went wrong; one of them, or all, could not be had."""
NOBODY = Parts(*(Part(name, None) for name in ("CLI", "language host", "azure-native plugin")))


@dataclass
class Journey(rehearse.Rehearsal):
    """Preview, review with policies, up, a no-op up and destroy."""

    parts: Parts = field(default=NOBODY)

    def journey(self) -> bool:
        steps: tuple[tuple[str, Callable[[], str]], ...] = (
            ("preview", self._preview),
            ("review", self._review),
            ("up", self._up),
            ("up again", self._again),
        )
        return all(self.step(name, work) for name, work in steps)

    def _preview(self) -> str:
        return rehearse.summary(self._pulumi("preview", "--non-interactive", "--color", "never", "--stack", self.stack))

    def _review(self) -> str:
        """Pulumi's own CLI runs the policy pack, and its language host the pack's Python."""
        review = [sys.executable, "-m", "review", "--stack", self.stack, "--fail-on", "policy=mandatory"]
        printed = self._command(review).strip().splitlines()
        return printed[0] if printed else "it printed nothing"

    def _environment(self, ports: Ports) -> dict[str, str]:
        built = environment.build(self.home, ports)
        programs = self.directory.with_name("bin")
        lay(programs, self.parts)
        if self.parts.plugin.program:
            (link,) = (self.home.pulumi / "home" / "plugins").glob(f"*/{environment.PROVIDER}")
            link.unlink()
            link.symlink_to(self.parts.plugin.program.resolve())
        return {**built, "PATH": os.pathsep.join([str(programs), built["PATH"]])}


def lay(directory: Path, found: Parts) -> None:
    """One directory of programs: the CLI with what comes with it, Pulumi's own where there is one, and the host.

    The engine resolves links before it looks beside itself for its language host, so the CLI is no link.
    """
    source = found.cli.program.resolve().parent if found.cli.program else bin_directory.directory(parts.ROOT)
    directory.mkdir()
    for program in source.glob("pulumi*"):
        bin_directory.link(program, directory / program.name)
    if found.host.program:
        host = directory / bin_directory.HOST
        host.unlink(missing_ok=True)
        bin_directory.link(found.host.program.resolve(), host)


def conform(keep: bool = False, as_json: bool = False) -> int:
    """Looks for Pulumi's own programs and takes the journey with those there are; returns the exit code."""
    found = parts.find(Processes())
    for part in found.all:
        print(part.line(), file=sys.stderr)
    if not found.found:
        print(verdict(found, None))
        return NOT_RUN
    code = rehearse.rehearse(STACK, keep, as_json, partial(Journey, parts=found))
    print(verdict(found, code == 0), file=sys.stderr if as_json else sys.stdout)
    if code:
        return FAILED
    return NOT_RUN if found.missing else PASSED


def verdict(found: Parts, good: bool | None) -> str:
    """The last line: what was tried, with what, and what was not."""
    if good is None:
        return "conformance: not run: none of Pulumi's own programs was found or could be downloaded"
    with_ = f"with Pulumi's own {_and(found.found)}"
    if not good:
        return f"conformance: failed {with_}"
    not_run = f"; not run with Pulumi's own {_and(found.missing)}" if found.missing else ""
    return f"conformance: passed {with_}{not_run}"


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
