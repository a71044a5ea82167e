"""Which of Pulumi's own programs there are, or can be had."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from toolchain import bin_directory, cache, pulumi_cli
from toolchain.commands import Runner
from toolchain.errors import SetupError

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = "pulumi-resource-azure-native"
DOWNLOAD_SECONDS = 300.0


@dataclass(frozen=True)
class Part:
    """One program: where Pulumi's own is, or, if `program` is None, why it is not used."""

    name: str
    program: Path | None
    why: str = ""

    def line(self) -> str:
        """What a person is told."""
        told = f"Pulumi's own, {self.program}" if self.program else f"not found, ours takes its place: {self.why}"
        return f"{self.name:<19}  {told}"


@dataclass(frozen=True)
class Parts:
    """The three that can be exchanged."""

    cli: Part
    host: Part
    plugin: Part

    @property
    def all(self) -> tuple[Part, ...]:
        return (self.cli, self.host, self.plugin)

    @property
    def found(self) -> list[str]:
        return [part.name for part in self.all if part.program]

    @property
    def missing(self) -> list[str]:
        return [part.name for part in self.all if not part.program]


def find(run: Runner, environ: Mapping[str, str] = os.environ, root: Path = ROOT) -> Parts:
    """Looks on PATH, in the cache and in Pulumi's plugins; asks Pulumi's site for the rest."""
    cli = _cli(run, environ, root)
    return Parts(cli, _host(cli, environ, root), _plugin(cli, run, environ, root))


def _cli(run: Runner, environ: Mapping[str, str], root: Path) -> Part:
    why: list[str] = []
    directory = pulumi_cli.on_path(root, run, environ, why)
    if directory is None:
        try:
            directory = pulumi_cli.official(run, lambda _: None) / "bin"
        except SetupError as error:
            return Part("CLI", None, "; ".join([*why, error.what, *error.why]))
    return Part("CLI", directory / "pulumi")


def _host(cli: Part, environ: Mapping[str, str], root: Path) -> Part:
    """The one that comes with the CLI, else one on PATH: it is a program of its own and goes with any CLI."""
    beside = [str(cli.program.resolve().parent)] if cli.program else []
    found = shutil.which(bin_directory.HOST, path=os.pathsep.join([*beside, _path(environ, root)]))
    return Part("language host", Path(found) if found else None, f"no {bin_directory.HOST} on PATH or beside a CLI")


def _plugin(cli: Part, run: Runner, environ: Mapping[str, str], root: Path) -> Part:
    name, version = "azure-native plugin", importlib.metadata.version("pulumi-azure-native")
    folder = f"resource-azure-native-v{version}"
    if found := shutil.which(PLUGIN, path=_path(environ, root)):
        return Part(name, Path(found))
    own = Path(environ.get("PULUMI_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".pulumi")
    ours = cache.cache_root() / "pulumi-home"
    for plugins in (own / "plugins", ours / "plugins"):
        if (plugins / folder / PLUGIN).is_file():
            return Part(name, plugins / folder / PLUGIN)
    program = cli.program or bin_directory.directory(root) / "pulumi"
    done = run(
        [program, "plugin", "install", "resource", "azure-native", f"v{version}"],
        env={"PULUMI_HOME": str(ours), "PULUMI_SKIP_UPDATE_CHECK": "true"},
        timeout=DOWNLOAD_SECONDS,
    )
    if (ours / "plugins" / folder / PLUGIN).is_file():
        return Part(name, ours / "plugins" / folder / PLUGIN)
    said = done.last_lines[-1] if done.last_lines else f"pulumi plugin install ended with {done.code}"
    nowhere = f"no {PLUGIN} {version} on PATH or in {own / 'plugins'}"
    return Part(name, None, f"{nowhere}, and it cannot be downloaded: {said}")


def _path(environ: Mapping[str, str], root: Path) -> str:
    """PATH without this clone's own directories: what they hold was made here."""
    ours = (root / ".venv", root / "emulator")
    kept = [part for part in environ.get("PATH", "").split(os.pathsep) if part]
    return os.pathsep.join(part for part in kept if not any(Path(part).is_relative_to(own) for own in ours))
