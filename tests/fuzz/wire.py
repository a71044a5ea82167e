"""What reaches the emulator's port before any application does: TLS by chance, and HTTP by chance inside of it."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from emulator.front import certificates
from emulator.machine.home import Home
from tests.fuzz.values import mangled, odd

REQUEST = (
    b"PUT /subscriptions/x?api-version=1 HTTP/1.1\r\nhost: management.azure.com\r\ncontent-type: application/json\r\n"
    b"content-length: 11\r\nauthorization: Bearer x\r\n\r\n{\"a\": true}"
)  # fmt: skip
CHUNKED = b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
PIPELINED = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n" * 3
UPGRADE = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: a\r\n\r\n"
MOST = 1_000_000
"""Bytes in an answer to one of these."""


class _Transport(asyncio.Transport):
    """The far end: what it would get."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2), "sslcontext": True})
        self.sent = b""
        self.closed = False

    def write(self, data: Any) -> None:
        self.sent += bytes(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def set_protocol(self, protocol: Any) -> None:
        del protocol


async def _reads_all(scope: Any, receive: Any, send: Any) -> None:
    """An application that takes the whole body, and says what it was asked."""
    if scope["type"] != "http":
        return
    while (message := await receive()).get("more_body"):
        if message["type"] == "http.disconnect":
            return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"asked"})


def http(folder: Path) -> Callable[[random.Random], None]:
    """The server's own reading of requests, set as the emulator sets it."""
    del folder
    config = uvicorn.Config(_reads_all, log_level="critical", lifespan="off", proxy_headers=False, access_log=False)
    config.load()

    def trial(chance: random.Random) -> None:
        wire = mangled(chance.choice((REQUEST, REQUEST, CHUNKED, PIPELINED, UPGRADE)), chance)
        if chance.random() < 0.1:
            name, value = (str(odd(chance)).encode("utf-8", "replace") for _ in range(2))
            wire = wire.replace(b"host:", name + b": " + value + b"\r\nhost:", 1)
        said = asyncio.run(asyncio.wait_for(_spoken(config, wire, chance.choice((1, 2, 40))), 60))
        assert not said or said.startswith(b"HTTP/1.1 "), f"{said[:80]!r} for {wire[:300]!r}"
        assert b"HTTP/1.1 500" not in said and b"Traceback" not in said, f"{said[:200]!r} for {wire[:300]!r}"
        assert len(said) < MOST

    return trial


async def _spoken(config: uvicorn.Config, wire: bytes, pieces: int) -> bytes:
    failed: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failed.append(context))
    state = ServerState()
    protocol: Any = config.http_protocol_class(config=config, server_state=state, app_state={})  # type: ignore[operator]
    transport = _Transport()
    protocol.connection_made(transport)
    size = max(1, len(wire) // pieces)
    for at in range(0, len(wire), size):
        if transport.closed:
            break
        protocol.data_received(wire[at : at + size])
        await asyncio.sleep(0)
    protocol.connection_lost(None)
    for _ in range(20):
        if not state.tasks:
            break
        await asyncio.sleep(0)
    assert not state.tasks, "a request goes on for nobody"
    assert not failed, failed[0]
    return transport.sent


def tls(folder: Path) -> Callable[[random.Random], None]:
    """A handshake that goes wrong anywhere, and records that nobody sealed."""
    home = Home(folder / "tls")
    home.make()
    certificates.ensure(home)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(home.certificates / "server.pem", home.certificates / "server.key")
    client = ssl.create_default_context(cafile=str(home.ca_file))

    def trial(chance: random.Random) -> None:
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        there = server.wrap_bio(to_server, to_client, server_side=True)
        hidden_in, hidden_out = ssl.MemoryBIO(), ssl.MemoryBIO()
        here = client.wrap_bio(hidden_in, hidden_out, server_hostname=chance.choice(("management.azure.com", "evil")))
        breaks_at = chance.randint(0, 4)
        for turn in range(6):
            with contextlib.suppress(ssl.SSLError):
                here.do_handshake()
            flight = hidden_out.read()
            to_server.write(mangled(flight, chance) if turn == breaks_at else flight)
            with contextlib.suppress(ssl.SSLError):  # refused, or it waits for more
                there.do_handshake()
                there.read(65_536)
            hidden_in.write(to_client.read())
        assert to_client.pending < MOST

    return trial
