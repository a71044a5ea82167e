"""Faults of requests, in front of everything the emulator answers over HTTPS."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from emulator.access.entra import challenge
from emulator.arm.errors import AzureError
from emulator.cloud.parts import Cloud
from emulator.faults.book import Faults
from emulator.faults.rules import REQUEST, Rule
from emulator.machine.home import SUBSCRIPTION_ID

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
Cut = Callable[[int], None]
"""Resets the connection that reaches the server from this port of its own side."""

LOCAL = "127.0.0.1"
PIECES = 20
"""So many pieces does a slow body come in."""
POLL_SECONDS = 0.1
PAGE = "<html><head><title>Sign in to the network</title></head><body>Please accept the terms of use.</body></html>"


class FaultyWeb:
    """ASGI middleware that applies the rules about requests."""

    def __init__(self, application: Application, cloud: Cloud, faults: Faults, cut: Cut) -> None:
        self._application = application
        self._cloud = cloud
        self._faults = faults
        self._cut = cut

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        rule = self._rule(scope)
        if rule is None:
            await self._application(scope, receive, send)
            return
        effect = _EFFECTS[rule.kind]
        if rule.answered:
            await self._application(scope, receive, _nowhere)
        await effect(self, rule, scope, receive, send)

    def _rule(self, scope: MutableMapping[str, Any]) -> Rule | None:
        if scope["type"] != "http":
            return None
        url = Request(scope).url
        if url.hostname in (None, LOCAL):
            return None
        return self._faults.hit(REQUEST, scope["method"], str(url.hostname), url.path)

    async def _refuse(self, rule: Rule, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        error = self._error(rule, Request(scope))
        response = _response(error, str(Request(scope).url.hostname))
        await response(scope, receive, send)

    def _error(self, rule: Rule, request: Request) -> AzureError:
        again = {"Retry-After": str(rule.retry_after)}
        if rule.kind == "throttled":
            return AzureError(
                429,
                "TooManyRequests",
                f"The request is being throttled as the limit has been reached for operation type of subscription "
                f"'{SUBSCRIPTION_ID}'. Please try again after '{rule.retry_after}' seconds.",
                headers=again,
            )
        if rule.kind == "unavailable":
            return AzureError(503, "ServiceUnavailable", "The service is temporarily unavailable.", headers=again)
        if rule.kind == "error":
            return AzureError(500, "InternalServerError", "Encountered internal server error.")
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if rule.kind == "token-revoked":
            self._cloud.tokens.revoke(token)
        seconds = time.strftime("%m/%d/%Y %H:%M:%S", time.gmtime())
        return AzureError(
            401,
            "ExpiredAuthenticationToken",
            f"The access token expiry UTC time '{seconds}' is earlier than current UTC time '{seconds}'.",
            headers={"WWW-Authenticate": challenge(revoked=rule.kind == "token-revoked")},
        )

    async def _answer_nothing(self, rule: Rule, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Status 200 all the same."""
        answer = Response("{}", media_type="application/json") if rule.kind == "empty" else HTMLResponse(PAGE)
        await answer(scope, receive, send)

    async def _say_nothing(self, rule: Rule, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Hold the request until the client goes away, the time is over or the rule is cleared; then cut it off."""
        del send
        gone = asyncio.create_task(_until_disconnected(receive))
        deadline = time.monotonic() + rule.seconds if rule.seconds is not None else None
        while not gone.done() and self._faults.holds(rule.id) and (deadline is None or time.monotonic() < deadline):
            await asyncio.wait([gone], timeout=POLL_SECONDS)
        gone.cancel()
        self._cut(scope["client"][1])

    async def _reset(self, rule: Rule, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        del rule, receive, send
        self._cut(scope["client"][1])

    async def _drip(self, rule: Rule, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        start, body = await self._whole(scope, receive)
        await send(start)
        size = max(1, -(-len(body) // PIECES))
        for at in range(0, len(body), size):
            await asyncio.sleep((rule.seconds or 0) / PIECES)
            await send({"type": "http.response.body", "body": body[at : at + size], "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _truncate(self, rule: Rule, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        start, body = await self._whole(scope, receive)
        kept = len(body) // 2 if rule.bytes is None else min(rule.bytes, len(body))
        start["headers"] = [
            *((name, value) for name, value in start["headers"] if name.lower() != b"content-length"),
            (b"content-length", str(len(body)).encode()),
        ]
        await send(start)
        await send({"type": "http.response.body", "body": body[:kept], "more_body": True})
        await asyncio.sleep(POLL_SECONDS)  # what was sent has to get through before the reset overtakes it
        self._cut(scope["client"][1])

    async def _whole(self, scope: MutableMapping[str, Any], receive: Receive) -> tuple[Message, bytes]:
        """The application's answer: its start and all of its body."""
        start: Message = {}
        body = b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
            elif message["type"] == "http.response.body":
                body += message.get("body", b"")

        await self._application(scope, receive, collect)
        return start, body


_EFFECTS = {
    "throttled": FaultyWeb._refuse,
    "error": FaultyWeb._refuse,
    "unavailable": FaultyWeb._refuse,
    "token-expired": FaultyWeb._refuse,
    "token-revoked": FaultyWeb._refuse,
    "no-answer": FaultyWeb._say_nothing,
    "reset": FaultyWeb._reset,
    "slow": FaultyWeb._drip,
    "truncated": FaultyWeb._truncate,
    "empty": FaultyWeb._answer_nothing,
    "nonsense": FaultyWeb._answer_nothing,
}


def _response(error: AzureError, host: str) -> Response:
    """The refusal in the shape that the service of a host gives errors."""
    if host.endswith(".blob.core.windows.net"):
        code = {429: "TooManyRequests", 500: "InternalError", 503: "ServerBusy"}.get(error.status, error.code)
        inner = f"<Error><Code>{code}</Code><Message>{error.message}</Message></Error>"
        text = f'<?xml version="1.0" encoding="utf-8"?>{inner}'
        return Response(text, error.status, {**error.headers, "x-ms-error-code": code}, "application/xml")
    if host.endswith(".inference.ml.azure.com"):
        return Response(error.message, error.status, error.headers, "text/plain")
    if host.startswith("login."):
        body = {"error": "temporarily_unavailable", "error_description": error.message}
        return JSONResponse(body, error.status, error.headers)
    return Response(json.dumps(error.body()), error.status, error.headers, "application/json")


async def _until_disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue


async def _nowhere(message: Message) -> None:
    del message
