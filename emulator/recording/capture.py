"""Writes every request that reaches the emulator to a file, with its answer, in clear: for a test's own folder alone.

``EMULATOR_RECORD`` names the file. It holds keys and credentials as they were sent; only headers, and so the bearer
tokens, are left out. ``emulator/recording/normal.py`` makes of it what may be kept.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

RECORD = "EMULATOR_RECORD"
"""Variable that names the file; without it nothing is written."""
LOCAL = "127.0.0.1"
MOST = 1_000_000
"""Bytes of a body that are looked at; a longer one is content."""
HEADERS = ("azureml-model-deployment",)
"""The headers that are written: all others are the client libraries' own, or hold a token."""
CONTENT = "<content>"
"""In place of a body that is neither JSON nor a form: a file's bytes."""


def wanted() -> Path | None:
    """The file of ``EMULATOR_RECORD``, or None."""
    named = os.environ.get(RECORD)
    return Path(named) if named else None


class Recorder:
    """ASGI middleware: one JSON line for each exchange, numbered in the order in which the requests came."""

    def __init__(self, application: Application, file: Path) -> None:
        self._application = application
        self._file = file
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        file.touch(mode=0o600)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (host := _host(scope)) in (None, LOCAL):
            await self._application(scope, receive, send)
            return
        number, sent, answered, start = next(self._numbers), bytearray(), bytearray(), dict[str, Any]()

        async def listen() -> Message:
            message = await receive()
            if message["type"] == "http.request" and len(sent) <= MOST:
                sent.extend(message.get("body", b""))
            return message

        async def tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body" and len(answered) <= MOST:
                answered.extend(message.get("body", b""))
            await send(message)

        try:
            await self._application(scope, listen, tell)
        finally:
            request = Request(scope)
            self._write(
                {
                    "number": number,
                    "method": scope["method"],
                    "host": host,
                    "path": scope["path"],
                    "query": dict(parse_qsl(scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True)),
                    "headers": {name: request.headers[name] for name in HEADERS if name in request.headers},
                    "body": read(bytes(sent), request.headers.get("content-type", "")),
                    "status": start.get("status"),
                    "answer": read(bytes(answered), _type(start)),
                }
            )

    def _write(self, exchange: dict[str, Any]) -> None:
        line = json.dumps(exchange, ensure_ascii=False)
        with self._lock, self._file.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


def read(body: bytes, content_type: str) -> Any:
    """A body as far as it says something: JSON, a form, ``CONTENT`` for a file's bytes, None where there is none."""
    if not body:
        return None
    if len(body) > MOST:
        return CONTENT
    if "x-www-form-urlencoded" in content_type:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
    if "json" not in content_type:
        return CONTENT
    try:
        return json.loads(body)
    except ValueError:
        return CONTENT


def _host(scope: MutableMapping[str, Any]) -> str | None:
    """Whom the request is to. Of no interest for it is the query, which may be no text."""
    return Request({**scope, "query_string": b""}).url.hostname


def _type(start: dict[str, Any]) -> str:
    headers = {name.lower(): value for name, value in start.get("headers", ())}
    return str(headers.get(b"content-type", b"").decode("latin-1"))
