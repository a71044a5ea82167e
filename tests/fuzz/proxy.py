"""The CONNECT proxy, with no socket: heads by chance, and tunnels to nobody."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from emulator.front.proxy import Proxy
from emulator.machine.home import Ports
from emulator.machine.store import Store
from tests.fuzz.values import mangled, odd

HOSTS = ("management.azure.com:443", "example.org:443", "stx.blob.core.windows.net:443", "api.pulumi.com:443")


class _Writer:
    """What a client would get."""

    def __init__(self) -> None:
        self.sent = b""
        self.closed = False

    def write(self, data: bytes) -> None:
        self.sent += data

    async def drain(self) -> None:
        await asyncio.sleep(0)

    def close(self) -> None:
        self.closed = True

    def get_extra_info(self, name: str) -> tuple[str, int]:
        del name
        return ("127.0.0.1", 1)


async def _nobody(*_: object) -> tuple[asyncio.StreamReader, _Writer]:
    reader = asyncio.StreamReader()
    reader.feed_data(b"hello")
    reader.feed_eof()
    return reader, _Writer()


def build(folder: Path) -> Callable[[random.Random], None]:
    store = Store(folder / "proxy.sqlite")
    proxy = Proxy(Ports(1, 2, 3), store)

    async def served(head: bytes, pieces: int) -> bytes:
        reader, writer = asyncio.StreamReader(), _Writer()
        size = max(1, len(head) // pieces)
        for at in range(0, len(head), size):
            reader.feed_data(head[at : at + size])
        reader.feed_eof()
        await proxy._serve(reader, writer)  # type: ignore[arg-type]
        assert writer.closed
        return writer.sent

    def trial(chance: random.Random) -> None:
        host = chance.choice(HOSTS) if chance.random() < 0.7 else str(odd(chance))
        head = f"{chance.choice(('CONNECT', 'GET', ''))} {host} HTTP/1.1\r\nHost: {host}\r\n\r\n"
        with patch("asyncio.open_connection", _nobody):
            said = asyncio.run(
                asyncio.wait_for(served(mangled(head.encode("utf-8", "replace"), chance), chance.choice((1, 9))), 60)
            )
        assert not said or said.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 403 ")), said
        first = said.partition(b"\r\n\r\n")[0]
        assert first.count(b"\r\n") <= 4, f"a host wrote a header: {first!r}"
        assert len(said) < 20_000
        assert len(store.refused()) <= 1_000, "what is remembered of refused hosts has no end"

    return trial
