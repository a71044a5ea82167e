"""Keeps others away from a server on loopback, which any page in the user's browser and any user here could reach."""

from __future__ import annotations

import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}

NO_WORD = "Open the address that make chat-ui printed, whole: its end lets this page ask."


class Guard:
    """Only pages this server has served itself may ask, under the names it goes by, and only with the printed word.

    `open_paths` are the page's own files, which hold nothing of anybody's.
    """

    def __init__(self, app: ASGIApp, port: int, word: str, open_paths: frozenset[str]) -> None:
        self._app = app
        self._word = f"Bearer {word}".encode()
        self._open = open_paths
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        refusal = self._refusal(scope["method"], Headers(scope=scope))
        if refusal:
            return await PlainTextResponse(refusal, 403)(scope, receive, send)
        given = Headers(scope=scope).get("authorization", "").encode()
        if scope["path"] not in self._open and not secrets.compare_digest(given, self._word):
            return await PlainTextResponse(NO_WORD, 401)(scope, receive, send)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        return await self._app(scope, receive, with_headers)

    def _refusal(self, method: str, headers: Headers) -> str:
        # A name an attacker's DNS points at 127.0.0.1 is still in the Host header.
        if headers.get("host") not in self._hosts:
            return "This page is served as 127.0.0.1 and localhost only."
        if method in ("GET", "HEAD"):
            return ""
        # A browser tells where a request comes from, and cannot be made not to.
        origin = headers.get("origin", "")
        if (
            origin.removeprefix("http://") not in self._hosts
            or headers.get("sec-fetch-site", "same-origin") != "same-origin"
        ):
            return "Only the page of this server may ask."
        if headers.get("content-type", "").split(";")[0] != "application/json":
            return "Questions are JSON."
        return ""
