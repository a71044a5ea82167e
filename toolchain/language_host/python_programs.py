"""How the engine's requests become Python command lines and environments. No processes, no gRPC server."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pulumi.runtime.proto import language_pb2

BAILED = 32
"""Exit code of pulumi-language-python-exec: the program failed and has told the user itself."""


class InterpreterError(Exception):
    """The environment a project names cannot run anything."""


@dataclass(frozen=True)
class Interpreter:
    """The Python that runs a program, and its virtual environment (None: the one this host runs in)."""

    python: Path
    virtualenv: Path | None

    @classmethod
    def of(cls, root_directory: str, options: Mapping[str, object]) -> Interpreter:
        """From the runtime options of Pulumi.yaml or PulumiPolicy.yaml.

        `virtualenv` is relative to that file.

        Raises InterpreterError when there is no environment at that place.
        """
        named = options.get("virtualenv")
        if not named:
            return cls(Path(sys.executable), None)
        virtualenv = Path(os.path.normpath(Path(root_directory) / str(named)))
        python = virtualenv / "bin" / "python"
        if not python.exists():
            raise InterpreterError(
                f"the virtualenv option {str(named)!r} in {root_directory} names {virtualenv}, "
                "which is no Python environment. What to do: make setup, or correct the option"
            )
        return cls(python, virtualenv)

    @property
    def site_packages(self) -> list[Path]:
        """Where its packages are."""
        if self.virtualenv is None:
            return [Path(sysconfig.get_path("purelib"))]
        return sorted(self.virtualenv.glob("lib/python3.*/site-packages"))

    def activated(self, environ: Mapping[str, str]) -> dict[str, str]:
        """The environment with this interpreter's programs first on PATH."""
        activated = {name: value for name, value in environ.items() if name != "PYTHONHOME"}
        if self.virtualenv:
            activated["VIRTUAL_ENV"] = str(self.virtualenv)
        first = str(self.python.parent)
        path = environ.get("PATH", "")
        # A caller who has activated it already may have put other programs in front on purpose.
        activated["PATH"] = path if first in path.split(os.pathsep) else os.pathsep.join(filter(None, (first, path)))
        return activated


def program_command(
    interpreter: Interpreter, executor: Path, engine: str, request: language_pb2.RunRequest
) -> list[str]:
    """The command line that runs a Pulumi program: `executor` is pulumi-language-python-exec."""
    options = {
        "monitor": request.monitor_address,
        "engine": engine,
        "project": request.project,
        "root_directory": request.info.root_directory,
        "stack": request.stack,
        "pwd": request.pwd,
        "dry_run": "true" if request.dryRun else "false",
        "parallel": str(request.parallel),
        "organization": request.organization,
    }
    given = [part for name, value in options.items() if value for part in (f"--{name}", value)]
    program = request.info.entry_point or "."
    return [str(interpreter.python), "-u", str(executor), *given, program, *request.args]


def program_environment(
    interpreter: Interpreter, request: language_pb2.RunRequest, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The program's environment.

    The stack's settings travel in it, with the list of those that are secret.
    """
    return {
        **interpreter.activated(environ),
        "PULUMI_CONFIG": json.dumps(dict(request.config)),
        "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
    }


def plugin_command(interpreter: Interpreter, request: language_pb2.RunPluginRequest) -> list[str]:
    """The command line of a policy pack (kind "analyzer"), which pulumi.policy serves, or of a provider."""
    directory = request.info.program_directory
    if request.kind == "analyzer":
        return [str(interpreter.python), "-u", "-m", "pulumi.policy", *request.args, directory]
    return [str(interpreter.python), "-u", directory, *request.args]


def plugin_environment(
    interpreter: Interpreter, request: language_pb2.RunPluginRequest, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The plugin's environment: ours, and what the engine adds as NAME=value."""
    added = dict(entry.split("=", 1) for entry in request.env if "=" in entry)
    return interpreter.activated({**environ, **added})


@dataclass(frozen=True)
class RequiredPackage:
    """A provider plugin that an installed SDK needs; `server` is a download site, empty for the usual one."""

    name: str
    version: str
    server: str


def required_packages(interpreter: Interpreter) -> list[RequiredPackage]:
    """What the pulumi-plugin.json files of the installed SDKs ask for; an unreadable file counts as none."""
    found = []
    for site_packages in interpreter.site_packages:
        for path in sorted(site_packages.glob("*/pulumi-plugin.json")):
            try:
                plugin = json.loads(path.read_text())
            except (OSError, ValueError):
                continue
            if plugin.get("resource") and plugin.get("name"):
                found.append(RequiredPackage(plugin["name"], plugin.get("version", ""), plugin.get("server", "")))
    return found


def dependencies(interpreter: Interpreter, transitive: bool) -> list[tuple[str, str]]:
    """Name and version of the installed packages.

    Without `transitive` only those that no other one requires.
    """
    found = list(importlib.metadata.distributions(path=[str(path) for path in interpreter.site_packages]))
    versions = {_canonical(distribution.name): distribution.version for distribution in found}
    if not transitive:
        for distribution in found:
            for requirement in distribution.requires or ():
                if match := re.match(r"[\w.-]+", requirement):
                    versions.pop(_canonical(match.group()), None)
    return sorted(versions.items())


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
