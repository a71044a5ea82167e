"""The bodies that the program's provider and azure-ai-ml put to ARM, made at test time by the real code."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from azure.core.pipeline.transport import RequestsTransport
from pulumi.runtime import rpc

from emulator.arm.paths import parse
from emulator.machine.home import SUBSCRIPTION_ID
from emulator.provider import shapes
from emulator.provider.resources import RESOURCES
from tests.program.conftest import run_program


@dataclass(frozen=True)
class Put:
    """One PUT: what for, where to, and the body."""

    label: str
    path: str
    version: str
    body: dict[str, Any]

    @property
    def kind(self) -> str:
        """The resource type the path names."""
        parsed = parse(self.path)
        assert parsed is not None
        return parsed.type


class Stopped(Exception):
    """Raised in place of a PUT that was only to be seen."""


def of_the_program(stack: str) -> list[Put]:
    """What the provider would send for every Azure resource of a stack."""
    puts = []
    for each in run_program(stack).resources.values():
        row = RESOURCES.get(each.type)
        if row is None:  # a stage, or the purge at the end
            continue
        inputs = _plain(each.inputs)
        if row.default_location:
            inputs.setdefault("location", "eastus2")
        path = shapes.fill_path(row.path, inputs, SUBSCRIPTION_ID)
        puts.append(Put(f"{stack}:{each.name}", path, row.api_version, shapes.body(row, inputs)))
    return puts


def _plain(value: Any) -> Any:
    """Inputs as the engine hands them to the provider: no secrets, whole numbers whole."""
    if rpc.is_rpc_secret(value):
        return _plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@contextmanager
def recording(withheld: tuple[str, ...] = ()) -> Iterator[list[Put]]:
    """Keeps every PUT to ARM that azure-core sends; those below a ``withheld`` collection raise Stopped instead."""
    puts: list[Put] = []
    send = RequestsTransport.send

    def seen(self: RequestsTransport, request: Any, **options: Any) -> Any:
        url = urllib.parse.urlsplit(request.url)
        if request.method == "PUT" and url.hostname == "management.azure.com":
            version = urllib.parse.parse_qs(url.query)["api-version"][0]
            puts.append(Put(f"azure-ai-ml:{url.path.split('/')[-2]}", url.path, version, json.loads(request.body)))
            if url.path.split("/")[-2] in withheld:
                raise Stopped
        return send(self, request, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RequestsTransport, "send", seen)
        yield puts
