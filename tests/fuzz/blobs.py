"""Blobs: who may ask, before anything goes on to Azurite, which is not there: its answers are made up."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock, patch

import httpx
from starlette.requests import Request

from emulator.access.entra import ARM_AUDIENCES, Tokens
from emulator.cloud.parts import Cloud
from emulator.dataplane import blobs, storage
from emulator.front.addresses import Readable
from emulator.machine.azurite import Azurite
from emulator.machine.home import SUBSCRIPTION_ID, Home
from emulator.machine.processes import Processes
from emulator.machine.store import Resource, Store
from emulator.resources.foundation import StorageAccount
from tests.asgi import Asked, answered
from tests.fuzz.values import mangled, odd

ACCOUNT = "stfuzz"
KEY = base64.b64encode(b"k" * 64).decode()
PATHS = ("/c/b", "/c", "/", "/c/a/b", "/$logs/x", "/c/../d/b", "/c/%2e%2e/d", "//c/b", "/c/é", "", "/c/\x00")
QUERIES = (
    b"", b"comp=list", b"restype=container", b"restype=container&comp=list", b"comp=block&blockid=AA==", b"comp=lease",
    b"comp=userdelegationkey&restype=service", b"comp=tags", b"sv=2020-01-01&sig=x", b"sig=%ff", b"comp=batch", b"=&&",
)  # fmt: skip
NAMES = ("content-length", "range", "x-ms-range", "x-ms-version", "x-ms-date", "date", "if-match", "transfer-encoding")


class _Azurite:
    """Remembers what came through, and answers anything."""

    def __init__(self, chance: random.Random) -> None:
        self.came: list[httpx.Request] = []
        self._chance = chance

    def build_request(self, method: str, url: httpx.URL, **more: Any) -> httpx.Request:
        return httpx.Request(method, url, **more)

    async def send(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        assert stream
        self.came.append(request)
        if self._chance.random() < 0.05:
            raise httpx.ConnectError("nobody there")
        status = self._chance.choice((200, 201, 202, 206, 304, 400, 403, 404, 409, 412, 500))
        return httpx.Response(status, stream=httpx.ByteStream(mangled(b"<x/>", self._chance)), request=request)


def build(folder: Path) -> Callable[[random.Random], None]:
    home = Home(folder / "blobs")
    home.make()
    store = Store(home.database)
    cloud = Cloud(home, store, MagicMock(spec=Azurite), Tokens(home, store), Processes(store))
    group = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-fuzz"
    body = {"id": f"{group}/providers/Microsoft.Storage/storageAccounts/{ACCOUNT}", "name": ACCOUNT, "properties": {}}
    store.put(Resource({**body, "type": StorageAccount.type}, {"keys": [KEY, KEY]}))
    stranger = Home(folder / "stranger")
    stranger.make()
    forged = Tokens(stranger, Store(stranger.database)).sign(storage.AUDIENCES[0])
    ours, arm = (cloud.tokens.sign(audience) for audience in (storage.AUDIENCES[0], ARM_AUDIENCES[0]))

    def trial(chance: random.Random) -> None:
        azurite = _Azurite(chance)
        asked = _asked(chance, ours, forged, arm)
        with patch.object(httpx, "AsyncClient", lambda **_: azurite):
            status = answered(Readable(blobs.application(cloud, 1)), asked).status
        assert 200 <= status < 600, f"{status} for {asked}"
        assert status != 500 or azurite.came, f"a mistake of the emulator's for {asked}"
        given = dict(asked.headers).get(b"authorization", b"")
        for came in azurite.came:
            passed = next((value for name, value in came.headers.raw if name.lower() == b"authorization"), b"")
            assert not passed.lower().startswith(b"bearer"), f"a token reached Azurite: {asked}"
            assert passed == given or given == f"Bearer {ours}".encode(), f"the account's key signed for {asked}"
            assert not {"..", "."} & set(Request(asked.scope()).url.path.split("/")), f"another container by {asked}"

    return trial


def _asked(chance: random.Random, ours: str, *others: str) -> Asked:
    token = chance.choice((ours, ours, ours, *others))
    value = f"Bearer {token}".encode()
    how = chance.random()
    if how < 0.2:
        value = mangled(value, chance)[:9_000].replace(b"\r", b"").replace(b"\n", b"")
    elif how < 0.4:
        value = chance.choice((b"", b"SharedKey stfuzz:x", b"Basic a", b"bearer", b"Bearer \xff"))
    headers = [(b"host", chance.choice((b"stfuzz", b"stfuzz", b"stnone", b"")) + b".blob.core.windows.net")]
    headers += [(b"authorization", value)] if value or how < 0.3 else []
    for _ in range(chance.choice((0, 0, 1, 2))):
        headers.append((chance.choice(NAMES).encode(), str(odd(chance)).encode("utf-8", "replace")[:200]))
    return Asked(
        method=chance.choice(("GET", "PUT", "DELETE", "HEAD", "POST", "PATCH")),
        path=chance.choice(PATHS),
        headers=headers,
        query=chance.choice(QUERIES) if chance.random() < 0.9 else mangled(chance.choice(QUERIES), chance),
        body=mangled(b"content", chance),
        pieces=chance.choice((1, 1, 3)),
    )
