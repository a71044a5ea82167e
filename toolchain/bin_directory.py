"""`.venv/pulumi/bin`: the one directory of programs that set-up adds to a clone, and the way to them."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from toolchain import environment
from toolchain.azurite import Node
from toolchain.pulumi_cli import Cli

HERE = Path(__file__).parent
HOST = "pulumi-language-python"


def directory(root: Path) -> Path:
    """Where the clone's own programs are."""
    return root / ".venv" / "pulumi" / "bin"


def link_pulumi(root: Path, cli: Cli) -> list[Path]:
    """Put the CLI and its Python programs there, unless they are the user's own.

    Returns the files needed from now on.

    A built CLI has no language host, so ours goes beside it. The engine resolves links before it looks for a
    language host beside itself, and warns about one found elsewhere; so the CLI is a hard link (a copy on
    another disk). That is also why one link in `.venv/bin`, to the CLI alone, is enough for a shell in which the
    environment is activated.
    """
    bin_directory = directory(root)
    bin_directory.mkdir(parents=True, exist_ok=True)
    wanted = {} if cli.kind == "path" else {program.name: program for program in cli.bin.iterdir()}
    for name, program in wanted.items():
        _replace(bin_directory / name, partial(_link, program, cli.kind))
    host = bin_directory / HOST
    if cli.kind == "built":
        _script(host, [environment.python_of(root), HERE / "pulumi_language_python.py"])
    for old in bin_directory.glob("pulumi*"):
        if old.name not in wanted and not (old == host and cli.kind == "built"):
            old.unlink()
    activated = environment.python_of(root).with_name("pulumi")
    if cli.kind == "path":
        activated.unlink(missing_ok=True)
        return [cli.bin / "pulumi"]
    activated.parent.mkdir(parents=True, exist_ok=True)
    _replace(activated, lambda new: new.symlink_to(bin_directory / "pulumi"))
    return [bin_directory / "pulumi", host, activated]


def write_azurite(root: Path, node: Node, main: Path) -> list[Path]:
    """Write `azurite-blob`, which runs Azurite's blob service; returns the files needed from now on."""
    program = directory(root) / "azurite-blob"
    program.parent.mkdir(parents=True, exist_ok=True)
    _script(program, [node.program, main])
    return [program, node.program, main]


def _link(program: Path, kind: str, new: Path) -> None:
    if kind == "official":
        new.symlink_to(program)
        return
    link(program, new)


def link(program: Path, new: Path) -> None:
    """Another name of a program that nobody can tell from the first: a hard link, a copy on another disk."""
    try:
        os.link(program, new)
    except OSError:
        shutil.copy2(program, new)


def _script(path: Path, command: Sequence[str | Path]) -> None:
    """Write a program that becomes `command`."""

    def write(new: Path) -> None:
        new.write_text(f'#!/bin/sh\nexec {shlex.join(str(part) for part in command)} "$@"\n')
        new.chmod(0o755)

    _replace(path, write)


def _replace(path: Path, make: Callable[[Path], None]) -> None:
    """Make a file beside `path` and rename it: somebody may be starting the old one at this moment."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    make(new)
    new.replace(path)
    new.unlink(missing_ok=True)  # two names of one file: replacing one with the other changes nothing
