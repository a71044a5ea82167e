"""A checkout of its own with an emulator of its own, and the commands a user would type there."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.machine import shared
from emulator.machine.home import Home

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".emulator", "data", "tests", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".site"
)
WAIT_SECONDS = 300


class _Kept(subprocess.Popen[str]):
    """A command whose output is kept beside the checkout."""

    transcript: Path

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:
        output = super().communicate(input, timeout)
        self.transcript.write_text(output[0])
        return output


@dataclass(frozen=True)
class Checkout:
    """A copy of the program. Commands run on its own emulator, with its own Pulumi state and home directory.

    What they print is kept in `transcripts`: with that, `written` is all that they leave anywhere.
    """

    root: Path

    @classmethod
    def make(cls, root: Path) -> Checkout:
        """Copy the checkout, without what a run makes, to a folder that does not exist yet."""
        shutil.copytree(ROOT, root, ignore=LEFT_OUT)
        (root / ".venv").symlink_to(Path(sys.prefix))
        checkout = cls(root)
        for folder in checkout.written[1:]:
            folder.mkdir(exist_ok=True)
        return checkout

    @property
    def written(self) -> tuple[Path, ...]:
        """Every place that commands write to: the checkout, the user's home, temporary files, and what they print."""
        beside = ("home", "temporary", "transcripts")
        return (self.root, *(self.root.with_name(f"{self.root.name}-{name}") for name in beside))

    @property
    def home(self) -> Home:
        return Home(self.root / ".emulator")

    @property
    def environment(self) -> dict[str, str]:
        tools = Path(sys.prefix) / "pulumi" / "bin"
        path = os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]])
        _, user, temporary, _ = self.written
        own = {"HOME": str(user), "TMPDIR": str(temporary), "EMULATOR_HOME": str(self.home.root)}
        own[shared.VARIABLE] = str(shared.base_models())  # which are the same for all
        # As in the Makefile: importing without bytecode caches doubles the time of every command.
        outside = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        return {**outside, **own, "PATH": path, "EMULATOR_PORT": "0"}

    def _transcript(self) -> Path:
        folder = self.written[-1]
        return folder / f"{len(list(folder.iterdir())):03}.txt"

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the checkout; its output is text, and the emulator is not involved."""
        done = subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, text=True, timeout=WAIT_SECONDS
        )
        self._transcript().write_text(f"{shlex.join(command)}\n{done.stdout}\n{done.stderr}")
        return done

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, *arguments)

    def emulated(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command whose Azure is the emulator."""
        return self.python("-m", "emulator", "exec", "--", *command)

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command on the emulator and let it run; like one of a terminal, it leads a process group."""
        started = _Kept(
            [sys.executable, "-m", "emulator", "exec", "--", *command],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.transcript = self._transcript()
        started.transcript.touch()
        return started

    def up(self, stack: str = "local") -> subprocess.CompletedProcess[str]:
        return self.emulated("pulumi", "up", "--stack", stack, "--yes", "--skip-preview")

    def changes(self, stack: str = "local") -> dict[str, str]:
        """What a preview would do: resource name → operation, unchanged resources left out."""
        done = self.emulated("pulumi", "preview", "--stack", stack, "--json")
        assert done.returncode == 0, done.stderr + done.stdout
        steps = json.loads(done.stdout)["steps"]
        return {step["urn"].rsplit("::", 1)[1]: step["op"] for step in steps if step["op"] != "same"}

    def status(self, stack: str = "local") -> Any:
        done = self.emulated(sys.executable, "-m", "jobs", "status", "--stack", stack, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def review(self, *options: str, stack: str = "local") -> tuple[int, Any, str]:
        """Exit code, report and printed text of a review of what the stack files say now."""
        done = self.emulated(sys.executable, "-m", "review", "--stack", stack, *options)
        report = json.loads((self.root / ".review" / stack / "report.json").read_text())
        return done.returncode, report, done.stdout

    def jobs(self) -> list[str]:
        """Names of the jobs the emulator has seen."""
        lines = json.loads(self.python("-m", "emulator", "inventory", "--json").stdout)["live"]
        return [line.rsplit("/", 1)[1] for line in lines if "/workspaces/jobs " in line]
