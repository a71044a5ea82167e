"""``<account>.blob.core.windows.net``: who asks is checked here, as Azurite takes any token; Azurite does the rest.

A request with a token is signed anew with the account's key, so Azurite's own port takes nothing but keys and SAS.
"""

from __future__ import annotations

import email.utils
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from emulator.access.rbac import BLOBS
from emulator.arm.errors import AzureError
from emulator.cloud.parts import Cloud
from emulator.dataplane import storage

SECONDS = 120.0
HOP_BY_HOP = (b"connection", b"keep-alive", b"transfer-encoding")
SERVICE = BLOBS.rsplit("/", 1)[0]
AT_ONCE = 4 * 1024 * 1024
"""Bytes of a body that are held, so that they can be sent again; longer ones are passed on as they come."""
VERBS = {"GET": "read", "HEAD": "read", "DELETE": "delete"}


def application(cloud: Cloud, port: int) -> Callable[..., Awaitable[None]]:
    """Passes on what may be asked to the Azurite at a port of this machine, and its answers back, byte for byte."""
    client: httpx.AsyncClient | None = None

    async def forward(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        nonlocal client
        if client is None:  # the certificate exists only once the emulator is up
            client = httpx.AsyncClient(verify=str(cloud.home.ca_file), trust_env=False, timeout=SECONDS)
        request = Request(scope, receive)
        try:
            headers = await run_in_threadpool(_admitted, cloud, request)
            answer = await _ask(client, request, port, headers)
        except AzureError as error:
            await storage.refusal(error)(scope, receive, send)
            return
        try:
            await _relay(answer, send)
        finally:
            await answer.aclose()

    return forward


def needed(method: str, path: str, query: Mapping[str, str]) -> tuple[str, bool]:
    """What a role has to allow for a request, and whether that is a data action, as Azure's reference lists them."""
    about, kind = query.get("comp", ""), query.get("restype", "")
    container = path.strip("/").partition("/")[0]
    if about == "userdelegationkey":
        return f"{SERVICE}/generateUserDelegationKey/action", False
    if not container or kind == "account":
        return (f"{BLOBS}/read" if about in ("list", "") else f"{SERVICE}/{VERBS.get(method, 'write')}"), False
    if kind == "container" and about != "list":
        return f"{BLOBS}/{VERBS.get(method, 'write')}", False
    if about == "tags":
        return f"{BLOBS}/blobs/tags/{VERBS.get(method, 'write')}", True
    return f"{BLOBS}/blobs/{VERBS.get(method, 'write')}", True


def _admitted(cloud: Cloud, request: Request) -> list[tuple[bytes, bytes]]:
    """The headers to pass on.

    Raises:
        AzureError: whoever asks may not.
    """
    # The signature of a request covers its headers and its path as they are.
    headers = [(name, value) for name, value in request.scope["headers"] if name not in HOP_BY_HOP]
    if any(part in (".", "..") for part in request.url.path.split("/")):
        # Azurite would take another container for meant than the one whose roles are asked.
        raise AzureError(400, "InvalidUri", "The requested URI does not represent any resource on the server.")
    if not storage.by_token(request):
        if request.headers.get("authorization"):
            storage.check_takes_keys(storage.account_of(cloud, request))  # Azurite looks at the signature
        return headers
    caller = storage.check_token(cloud, request)
    account = storage.account_of(cloud, request)
    container = request.url.path.strip("/").partition("/")[0]
    action, data = needed(request.method, request.url.path, request.query_params)
    scope = f"{account.id}/blobServices/default/containers/{container}" if container else account.id
    storage.check_role(cloud, caller, action, scope, data=data)
    if "x-ms-date" not in request.headers and "date" not in request.headers:
        # A signature covers the time; a token needs none.
        headers.append((b"x-ms-date", email.utils.formatdate(usegmt=True).encode()))
    kept = [pair for pair in headers if pair[0] != b"authorization"]
    bare = Request({**request.scope, "headers": kept})
    return [*kept, (b"authorization", storage.signed(account.name, account.internal["keys"][0], bare).encode())]


async def _ask(
    client: httpx.AsyncClient, request: Request, port: int, headers: list[tuple[bytes, bytes]]
) -> httpx.Response:
    """Azurite's answer, its body not yet read.

    Raises:
        AzureError: 503 while Azurite is started again, which clients try again.
    """
    query = request.scope["query_string"]
    raw = request.scope.get("raw_path") or request.scope["path"].encode()
    path = raw.split(b"?")[0] + (b"?" + query if query else b"")
    url = httpx.URL(scheme="https", host="127.0.0.1", port=port, raw_path=path)
    length = request.headers.get("content-length", "0" if "transfer-encoding" not in request.headers else "")
    content: bytes | AsyncIterator[bytes] = request.stream()
    held = length.isdigit() and int(length) <= AT_ONCE
    if held:
        content = await request.body()
    for last in (not held, True):
        built = client.build_request(request.method, url, headers=headers, content=content)
        try:
            return await client.send(built, stream=True)
        except httpx.TransportError as error:
            # A connection that was kept from before Azurite was started again, once; then it is not there.
            if last:
                raise AzureError(503, "ServerBusy", "The server is busy.", headers={"Retry-After": "1"}) from error
    raise AssertionError("the second attempt is the last")


async def _relay(answer: httpx.Response, send: Any) -> None:
    headers = [(name.lower(), value) for name, value in answer.headers.raw if name.lower() not in HOP_BY_HOP]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers})
    async for chunk in answer.aiter_raw():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
