"""What a review was made of: commit, time, tools, program, policy pack and its configuration."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PROGRAM = ("settings", "cloud", "chat", "data_prep", "flow", "jobs", "infra", "__main__.py", "Pulumi.yaml", "golden")
_TOOLS = ("requirements.txt", "constraints.txt")
_LENGTH = 12


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Hashes are of content: a file that is only touched, or committed, keeps its own."""

    commit: str
    time: str
    tools: dict[str, str]
    program: str
    stack_file: str
    pack: str
    config: str
    """The file's name and hash; empty without policies."""

    def lines(self) -> list[str]:
        """What of it is approved: not when it was looked at, nor under which commit the same content stands."""
        tools = [f"{name} {number}" for name, number in self.tools.items()]
        config = [f"policy configuration {self.config}"] if self.config else ["no policies"]
        return [*tools, f"program {self.program}", f"stack file {self.stack_file}", f"policy pack {self.pack}", *config]

    def header(self) -> str:
        """One line for people."""
        tools = ", ".join(f"{name} {number}" for name, number in self.tools.items())
        config = f"policies by {self.config}" if self.config else "without policies"
        return f"Commit {self.commit}, {self.time}; {tools}; {config}."


def of(root: Path, stack: str, pack: Path | None, config: Path | None, cli: str) -> Provenance:
    """Of the checkout as it is; `cli` is what the Pulumi CLI says its version is."""
    own = stack.rsplit("/", 1)[-1]
    return Provenance(
        commit=_commit(root),
        time=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        tools={
            "Pulumi": cli.strip() or "unknown",
            "azure-native": _version("pulumi_azure_native"),
            "Python": platform.python_version(),
            "requirements": _hash(root / name for name in _TOOLS),
        },
        program=_hash(root / name for name in _PROGRAM),
        stack_file=f"Pulumi.{own}.yaml {_hash([root / f'Pulumi.{own}.yaml'])}",
        pack=_hash([pack]) if pack else "none",
        config=f"{config.name} {_hash([config])}" if config else "",
    )


def _hash(places: Sequence[Path] | Iterator[Path]) -> str:
    """Of the files there and below, by name and content; without what is made from them."""
    found = hashlib.sha256()
    for place in places:
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                found.update(f"{file.relative_to(place.parent)}\0".encode())
                found.update(file.read_bytes())
    return found.hexdigest()[:_LENGTH]


def _commit(root: Path) -> str:
    head = _git(root, "rev-parse", "--short=12", "HEAD")
    if not head:
        return "unknown"
    return f"{head} with changes that are not committed" if _git(root, "status", "--porcelain", "-uno") else head


def _git(root: Path, *line: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(root), *line], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
