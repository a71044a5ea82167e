"""Blob traffic led through the emulator, so that rules can hit it; without such a rule it goes straight to Azurite."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import httpx
from starlette.requests import Request

from emulator.machine.home import Home

SECONDS = 120.0
HOP_BY_HOP = (b"connection", b"keep-alive", b"transfer-encoding")


def application(home: Home, port: int) -> Callable[..., Awaitable[None]]:
    """Passes requests on to the Azurite at a port of this machine, and its answers back, byte for byte."""
    client: httpx.AsyncClient | None = None

    async def forward(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        nonlocal client
        if client is None:  # the certificate exists only once the emulator is up
            client = httpx.AsyncClient(verify=str(home.ca_file), trust_env=False, timeout=SECONDS)
        request = Request(scope, receive)
        query = scope["query_string"]
        raw = scope.get("raw_path") or scope["path"].encode()
        url = httpx.URL(
            scheme="https", host="127.0.0.1", port=port, raw_path=raw.split(b"?")[0] + (b"?" + query if query else b"")
        )
        # The signature of a request covers its headers and its path as they are.
        headers = [(name, value) for name, value in scope["headers"] if name not in HOP_BY_HOP]
        built = client.build_request(scope["method"], url, headers=headers, content=await request.body())
        answer = await client.send(built, stream=True)
        body = b"".join([chunk async for chunk in answer.aiter_raw()])
        await answer.aclose()
        kept = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() not in HOP_BY_HOP]
        if scope["method"] != "HEAD" and answer.status_code not in (204, 304):
            kept = [pair for pair in kept if pair[0] != b"content-length"]
            kept.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": answer.status_code, "headers": kept})
        await send({"type": "http.response.body", "body": body})

    return forward
