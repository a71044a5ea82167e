"""Addresses that no service is ever asked: what is no text, and what is longer than Azure's front takes."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from starlette.responses import PlainTextResponse

from emulator.front.faulty_web import Application, Receive, Send

LONGEST = 16_384
"""Bytes of path and query, as `http.sys`, which stands before Azure's services, takes them by default."""


class Readable:
    """ASGI middleware that refuses them in one line."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        refusal = _refusal(scope) if scope["type"] == "http" else None
        await (refusal or self._application)(scope, receive, send)


def _refusal(scope: MutableMapping[str, Any]) -> PlainTextResponse | None:
    query = scope["query_string"]
    if len(scope["path"]) + len(query) > LONGEST:
        return PlainTextResponse("URI Too Long", 414)
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    text = query.decode("latin-1")
    if not (text.isascii() and text.isprintable() and all(host.isascii() for host in hosts)):
        return PlainTextResponse("Bad Request - Invalid URL", 400)
    return None
