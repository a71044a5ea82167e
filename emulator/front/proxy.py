"""The CONNECT proxy: Azure's host names lead to loopback, every other host is refused and recorded."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct

from emulator.machine.home import Ports
from emulator.machine.store import Store

log = logging.getLogger(__name__)

HTTPS_HOSTS = ("management.azure.com", "login.microsoftonline.com", "login.microsoft.com", "prices.azure.com")
HTTPS_SUFFIXES = (
    ".api.azureml.ms",
    ".inference.ml.azure.com",
    ".blob.core.windows.net",
    ".file.core.windows.net",
    ".vault.azure.net",
)
HEAD_LIMIT = 16_384
CHUNK = 65_536


class Proxy:
    """Serves CONNECT on one loopback port."""

    def __init__(self, ports: Ports, store: Store) -> None:
        self._ports = ports
        self._store = store
        self._clients: dict[int, asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._ports.proxy)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    def route(self, host: str) -> int | None:
        """The loopback port that answers for a host, or None for a host that is not Azure's."""
        host = host.lower()
        if host in HTTPS_HOSTS or host.endswith(HTTPS_SUFFIXES):
            return self._ports.https
        return None

    def cut(self, port: int) -> None:
        """Reset the client's connection whose tunnel reaches a server from this port."""
        writer = self._clients.get(port)
        if writer is None:
            return
        # Closing a socket that does not linger sends a reset instead of an orderly end.
        # uvloop lends no socket that takes options, so a second handle of the same one is asked.
        with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, *_ = head[:HEAD_LIMIT].decode("latin-1").split(" ")
            host = target.rpartition(":")[0] if method == "CONNECT" else target
            port = self.route(host) if method == "CONNECT" else None
            if port is None:
                log.warning("refused host: %s", host)
                await asyncio.to_thread(self._store.refuse, host)
                await _answer(writer, "403 Forbidden", f"The emulator answers for Azure only, not for {host}.")
                return
            await self._tunnel(reader, writer, port)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            return  # the client went away or does not speak HTTP; there is nobody to tell
        finally:
            writer.close()

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await _answer(writer, "502 Bad Gateway", "This part of the emulator is not running.")
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await writer.drain()
        own = far_writer.get_extra_info("sockname")[1]
        self._clients[own] = writer
        try:
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        finally:
            del self._clients[own]
            far_writer.close()


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while chunk := await source.read(CHUNK):
            target.write(chunk)
            await target.drain()
    finally:
        target.close()


async def _answer(writer: asyncio.StreamWriter, status: str, text: str) -> None:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
