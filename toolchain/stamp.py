"""What a finished set-up left behind: how the next one knows in milliseconds that nothing is to be done."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from toolchain import cache, environment

HERE = Path(__file__).parent
FOR = "SETUP_FOR"
"""Variable: `deploy` leaves out what no deployment needs, as in a job that holds the identity which deploys."""
DEPLOY = "deploy"


def to_deploy() -> bool:
    """Whether only what a deployment needs is wanted."""
    return os.environ.get(FOR) == DEPLOY


def inputs(root: Path) -> str:
    """12 hex characters over everything set-up depends on.

    Requirements, constraints, the toolchain itself, and what the set-up is for.
    """
    return cache.digest(_input_files(root), str(root), cache.machine(), os.environ.get(FOR, ""))


def _input_files(root: Path) -> Iterator[Path]:
    yield from (root / name for name in (*environment.REQUIREMENTS, environment.CONSTRAINTS))
    yield from (root / name for name in (environment.AGENT_REQUIREMENTS, environment.AGENT_CONSTRAINTS))
    yield from (root / name for name in (environment.UV_PINNED, environment.GO_PINNED))
    yield from HERE.glob("*.py")
    yield HERE / "pulumi.sha256"
    yield from (HERE / "npm").iterdir()
    yield from (HERE / "engine").iterdir()


@dataclass(frozen=True)
class Stamp:
    """The inputs a set-up was made from, the clone it was made for, and the files it cannot work without."""

    inputs: str
    root: str
    files: tuple[str, ...]

    @staticmethod
    def path(root: Path) -> Path:
        """Where a clone keeps its stamp: inside `.venv`, so that it goes when that goes."""
        return root / ".venv" / "toolchain.json"

    @classmethod
    def read(cls, root: Path) -> Stamp | None:
        """The stamp of a clone; None when there is none or it cannot be understood."""
        try:
            found = json.loads(cls.path(root).read_text())
            return cls(found["inputs"], found["root"], tuple(found["files"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, root: Path) -> None:
        """Write the stamp in one step: a killed set-up leaves the old one or none, never half of one."""
        path = self.path(root)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(self), indent=1))
        temporary.replace(path)

    def holds(self, root: Path) -> bool:
        """Whether nothing has changed since: same inputs, same place, and every file is still there."""
        return (
            self.root == str(root)
            and self.inputs == inputs(root)
            and all(os.access(name, os.R_OK) for name in self.files)
        )
