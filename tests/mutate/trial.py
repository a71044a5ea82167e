"""A copy of the working tree, in which one change at a time is tried; the working tree itself is never touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Copy:
    """The tracked and the new files of a working tree in a folder of its own, with the same environment."""

    def __init__(self, place: Path, of: Path = ROOT) -> None:
        self.root, self._place = place / "copy", place
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        for name in subprocess.run(listed, cwd=of, check=True, capture_output=True, text=True).stdout.split("\0"):
            if name and (of / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(of / name, self.root / name)
        (self.root / ".venv").symlink_to(of / ".venv")
        # Some tests ask git which files there are.
        for command in (["init", "--quiet"], ["add", "--all"]):
            subprocess.run(["git", *command], cwd=self.root, check=True)
        # By content: a change is made and undone within a second, which a file's time does not tell.
        by_content = ["compileall", "-q", "--invalidation-mode", "checked-hash", "-x", r"\.venv", "."]
        subprocess.run([sys.executable, "-m", *by_content], cwd=self.root, check=False)

    def pytest(self, *arguments: str, seconds: float | None = None) -> subprocess.CompletedProcess[str]:
        """Runs it in the copy. Raises subprocess.TimeoutExpired."""
        # Without their plugins its tests run as well, and pytest starts in half the time.
        unwanted = ("cacheprovider", "hypothesispytest", *(() if "-n" in arguments else ("xdist",)))
        without = [f"-pno:{plugin}" for plugin in unwanted]
        command = [sys.executable, "-m", "pytest", *without, f"--basetemp={self._place / 'tests'}"]
        environment = {**os.environ, "PYTHONPATH": ""}
        return subprocess.run(
            [*command, *arguments],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )

    def noticed(self, path: str, text: str, tests: list[str], seconds: float) -> str:
        """The test that notices another text of one file, the first of these in this order; nothing where none does."""
        if not tests:
            return ""
        file, chosen = self.root / path, self._place / "chosen"
        was = file.read_text()
        chosen.write_text("\n".join(tests))
        file.write_text(text)
        try:
            done = self.pytest("-x", "-rfE", f"@{chosen}", seconds=seconds)
        except subprocess.TimeoutExpired:
            return "(no end)"
        finally:
            file.write_text(was)
        if done.returncode == 0:
            return ""
        lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
        return lines[0].split(" - ")[0].split(" ", 1)[1] if lines else "(no start)"
