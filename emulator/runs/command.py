"""A command job's body, read as what has to be fetched, run and stored."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from emulator.arm.errors import user_error
from emulator.machine.store import Resource

BINDING = re.compile(r"\$\{\{(inputs|outputs)\.([^}]+)\}\}")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
VERSION = re.compile(r"/(?P<kind>codes|environments)/(?P<name>[^/]+)/versions/(?P<version>[^/]+)$", re.IGNORECASE)
FILES = ("uri_file", "uri_folder")
REGISTRY_ENVIRONMENT = "azureml://registries/"


@dataclass(frozen=True)
class Command:
    """What a command job asks for.

    Attributes:
        text: the command, with its ``${{inputs.x}}`` and ``${{outputs.y}}``.
        code: id of the code asset, or empty.
        environment: id of the environment.
        compute: name of the cluster; empty for serverless compute.
        variables: environment variables of the process.
        literals: inputs that are values, as text.
        files: inputs that are files or folders: their URIs.
        outputs: names of the output folders.
        seconds: how long it may run; None for as long as it likes.
    """

    text: str
    code: str
    environment: str
    compute: str
    variables: dict[str, str]
    literals: dict[str, str]
    files: dict[str, str]
    outputs: tuple[str, ...]
    seconds: float | None = None

    def line(self, places: Mapping[tuple[str, str], str]) -> str:
        """The command for a shell; ``places`` are the paths of (\"inputs\" or \"outputs\", name)."""

        def value(match: re.Match[str]) -> str:
            place = places.get((match[1], match[2]))
            return shlex.quote(place) if place is not None else self.literals[match[2]]

        return BINDING.sub(value, self.text)


def read(job: Resource) -> Command:
    """Take the job apart.

    Raises:
        AzureError: something it needs is missing, or of a kind the emulator does not run.
    """
    properties = job.properties
    text, environment = str(properties.get("command") or ""), str(properties.get("environmentId") or "")
    if not text or not environment:
        raise user_error(f"Job {job.name} needs command and environmentId.")
    nodes = int((properties.get("resources") or {}).get("instanceCount") or 1)
    if nodes != 1 or properties.get("distribution"):
        raise user_error(f"The emulator runs command jobs on one node, and {job.name} asks for more.")
    literals: dict[str, str] = {}
    files: dict[str, str] = {}
    for name, given in (properties.get("inputs") or {}).items():
        kind = str(given.get("jobInputType"))
        if kind == "literal":
            literals[name] = str(given.get("value"))
        elif kind in FILES:
            files[name] = str(given.get("uri"))
        else:
            raise user_error(f"The emulator gives command jobs {' and '.join(FILES)}, not input {name} of type {kind}.")
    outputs = tuple(properties.get("outputs") or {})
    for name in (*literals, *files, *outputs):
        if NAME.fullmatch(name) is None:
            raise user_error(f"{name!r} is no name of an input or output: letters, digits and _, no digit first.")
    _check_bindings(text, {"inputs": {*literals, *files}, "outputs": set(outputs)})
    return Command(
        text,
        str(properties.get("codeId") or ""),
        environment,
        str(properties.get("computeId") or "").rpartition("/")[2],
        {key: str(value) for key, value in (properties.get("environmentVariables") or {}).items()},
        literals,
        files,
        outputs,
        _timeout(job),
    )


def _timeout(job: Resource) -> float | None:
    """The limit of a job in seconds.

    Raises:
        AzureError: it is no duration.
    """
    given = (job.properties.get("limits") or {}).get("timeout")
    if given is None:
        return None
    try:
        seconds = TypeAdapter(timedelta).validate_python(given).total_seconds()
    except ValidationError:
        seconds = 0.0
    if seconds <= 0:
        raise user_error(f"Job {job.name} has the limit {given!r}, which is no duration of ISO 8601 above zero.")
    return seconds


def _check_bindings(text: str, known: dict[str, set[str]]) -> None:
    for match in BINDING.finditer(text):
        if match[2] not in known[match[1]]:
            raise user_error(f"The command names {match[0]}, and the job has no such {match[1].removesuffix('s')}.")


def asset(workspace: str, given: str) -> str:
    """The id under which the store has a code or environment of the workspace.

    Raises:
        AzureError: the id names neither.
    """
    found = VERSION.search(given)
    if found is None:
        raise user_error(f"{given!r} is no id of a code or environment version.")
    return f"{workspace}/{found['kind'].lower()}/{found['name']}/versions/{found['version']}"


def properties_of(resource: Resource | None, given: str) -> dict[str, Any]:
    """What an asset consists of.

    Raises:
        AzureError: it does not exist.
    """
    if resource is None:
        raise user_error(f"The asset {given} does not exist in the workspace.", 404, "NotFoundError")
    return resource.properties
