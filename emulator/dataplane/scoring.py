"""Scoring URLs: a key, a deployment chosen by weight or by header, and its inference server's answer."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
import uuid
from contextlib import AsyncExitStack

import httpx
import isodate
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from emulator.access.rbac import Rbac
from emulator.arm.errors import AzureError
from emulator.cloud.parts import Cloud
from emulator.faults.book import Faults
from emulator.faults.rules import SERVER
from emulator.machine.store import Resource
from emulator.resources.endpoints import OnlineEndpoint
from emulator.runs.servers import Servers
from emulator.training.serving import key

# What the container of a chat model answers; the second one can stream (emulator/training/serving/completions.py).
PATHS = ("/score", "/v1/chat/completions")
ENDPOINT_AUDIENCE = "https://ml.azure.com"
SCORE = f"{OnlineEndpoint.type}/score/action"
DEPLOYMENT_HEADER = "azureml-model-deployment"
MODEL_STATUS_HEADER = "ms-azureml-model-error-statuscode"
NO_ROUTE = (
    "No valid deployments to route to. Please check that the endpoint has at least one deployment with positive "
    "weight values or use a deployment specific header to route."
)
NO_UPSTREAM = "upstream connect error or disconnect/reset before headers"
GUIDE = "Please check this guide to understand why this error code might have been returned \nhttps://docs.microsoft.com/en-us/azure/machine-learning/how-to-troubleshoot-online-endpoints#http-status-codes\n"


def application(cloud: Cloud, servers: Servers) -> Starlette:
    """The web application behind ``<endpoint>.<region>.inference.ml.azure.com``."""
    # No connection is used twice: a server that closes one just when it is wanted again would fail a request.
    client = httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=64, max_keepalive_connections=0))

    copying: list[asyncio.Task[None]] = []

    async def score(request: Request) -> Response:
        endpoint = _endpoint(cloud, request.url.hostname or "")
        if endpoint is None:
            return PlainTextResponse(NO_ROUTE, 404)
        shown = request.headers.get("authorization")
        if endpoint.properties.get("authMode") == "AADToken":
            refused = _check_token(cloud, endpoint, shown)
        else:
            refused = _check_key(endpoint, shown)
        if refused:
            return refused
        name = _choose(endpoint, request.headers.get(DEPLOYMENT_HEADER))
        deployment = cloud.store.get(f"{endpoint.id}/deployments/{name}") if name else None
        if deployment is None or deployment.properties.get("provisioningState") == "Deleting":
            return PlainTextResponse(NO_ROUTE, 404)
        if Faults(cloud.store).hit(SERVER, "POST", request.url.hostname or "", deployment.id):
            await run_in_threadpool(servers.kill, deployment.id)
        started = time.monotonic()
        response: Response
        # Counted before anything is waited for: a deployment is not taken away under a request on its way to it.
        if not cloud.traffic.enter(deployment.id, _most_pending(deployment)):
            response = PlainTextResponse("too many requests", 429)
        else:
            async with AsyncExitStack() as until_sent:
                until_sent.callback(cloud.traffic.leave, deployment.id)
                port = await run_in_threadpool(servers.port, deployment.id)
                if port is not None:
                    response = await _forward(client, request, deployment, (port, servers.key), until_sent)
                elif deployment.properties.get("provisioningState") != "Succeeded":
                    return PlainTextResponse(NO_ROUTE, 404)
                else:
                    servers.revive(deployment)
                    response = PlainTextResponse(NO_UPSTREAM, 503)
        took, own = time.monotonic() - started, _model_status(response)
        cloud.traffic.record(endpoint.id, deployment.name, response.status_code, took, own)
        # What names a deployment is not copied, as on Azure.
        if not request.headers.get(DEPLOYMENT_HEADER) and (mirror := _mirrored(cloud, endpoint)):
            copying.append(asyncio.create_task(copy(request, endpoint, mirror)))
            copying[:] = [task for task in copying if not task.done()]
        return response

    async def copy(request: Request, endpoint: Resource, deployment: Resource) -> None:
        """Asks the same of the deployment that copies go to; its answer is measured and thrown away."""
        if not cloud.traffic.enter(deployment.id, _most_pending(deployment)):
            cloud.traffic.record(endpoint.id, deployment.name, 429, 0.0, None)
            return
        started = time.monotonic()
        async with AsyncExitStack() as until_sent:
            until_sent.callback(cloud.traffic.leave, deployment.id)
            port = await run_in_threadpool(servers.port, deployment.id)
            if port is None:
                return
            response = await _forward(client, request, deployment, (port, servers.key), until_sent)
            if isinstance(response, _Relay):
                await response.drained()
        took = time.monotonic() - started
        cloud.traffic.record(endpoint.id, deployment.name, response.status_code, took, _model_status(response))

    return Starlette(routes=[Route(path, score, methods=["POST"]) for path in PATHS])


class _Relay(StreamingResponse):
    """A server's event stream, passed on as it comes. What ``until_sent`` holds ends with it, however it ends."""

    def __init__(self, answer: httpx.Response, until_sent: AsyncExitStack, headers: dict[str, str], kind: str) -> None:
        super().__init__(answer.aiter_raw(), 200, headers, kind)
        self._until_sent = until_sent

    async def drained(self) -> None:
        """Reads it to its end, for nobody."""
        async with self._until_sent:
            async for _ in self.body_iterator:
                pass

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._until_sent:
            await super().__call__(scope, receive, send)


async def _forward(
    client: httpx.AsyncClient, request: Request, deployment: Resource, at: tuple[int, str], until_sent: AsyncExitStack
) -> Response:
    """The answer of a server, by port and key; an event stream takes over what is to be closed when it is sent."""
    port, secret = at
    timeout = _seconds(deployment.properties.get("requestSettings", {}).get("requestTimeout"))
    try:
        asked = client.stream(
            "POST",
            f"http://127.0.0.1:{port}{request.url.path}",
            content=await request.body(),
            headers={"content-type": request.headers.get("content-type", "application/json"), **key.headers(secret)},
            timeout=timeout,
        )
        answer = await until_sent.enter_async_context(asked)
        streams = answer.status_code == 200 and answer.headers.get("content-type", "").startswith("text/event-stream")
        content = b"" if streams else await answer.aread()
    except httpx.TimeoutException:
        return PlainTextResponse("upstream request timeout", 408)
    except httpx.TransportError:
        return PlainTextResponse(NO_UPSTREAM, 503)
    headers = {DEPLOYMENT_HEADER: deployment.name, "x-request-id": str(uuid.uuid4())}
    kind = answer.headers.get("content-type", "application/json")
    if answer.status_code == 200:
        headers |= {"x-ms-run-function-failed": "False"}
        if streams:
            return _Relay(answer, until_sent.pop_all(), headers, kind)
        return Response(content, 200, headers, kind)
    headers |= {
        "ms-azureml-model-error-reason": "model_error",
        MODEL_STATUS_HEADER: str(answer.status_code),
    }
    # Azure appends a text to the model's own body, so that a JSON error body no longer is JSON.
    return Response(content + GUIDE.encode(), 424, headers, kind)


def _model_status(response: Response) -> int | None:
    """What the container answered with; None where it did not."""
    own = response.headers.get(MODEL_STATUS_HEADER, "200" if response.status_code == 200 else None)
    return int(own) if own else None


def _most_pending(deployment: Resource) -> int:
    """Azure's rule: twice what the instances work on at once."""
    at_once = deployment.properties.get("requestSettings", {}).get("maxConcurrentRequestsPerInstance") or 1
    return 2 * int(at_once) * int((deployment.body.get("sku") or {}).get("capacity") or 1)


def _endpoint(cloud: Cloud, host: str) -> Resource | None:
    for endpoint in cloud.store.of_type(OnlineEndpoint.type):
        if str(endpoint.properties.get("scoringUri", "")).lower().startswith(f"https://{host.lower()}/"):
            return endpoint
    return None


def _check_key(endpoint: Resource, authorization: str | None) -> Response | None:
    if not authorization or not authorization.startswith("Bearer "):
        return PlainTextResponse("key_auth_bad_header_forbidden", 401)
    given = authorization.removeprefix("Bearer ").encode()
    if not any(secrets.compare_digest(given, own.encode()) for own in endpoint.internal["keys"]):
        return PlainTextResponse("key_auth_access_denied", 401)
    return None


def _check_token(cloud: Cloud, endpoint: Resource, authorization: str | None) -> Response | None:
    """Status and need are Azure's; the wording is unproven."""
    try:
        caller = cloud.tokens.check(authorization, (ENDPOINT_AUDIENCE,))
    except AzureError as error:
        return PlainTextResponse(f"aad_token_auth_access_denied: {error.message}", 401)
    if not Rbac(cloud.store).allowed(caller, SCORE, endpoint.id):
        return PlainTextResponse(f"aad_token_auth_forbidden: {caller} lacks {SCORE}", 403)
    return None


def _choose(endpoint: Resource, wanted: str | None) -> str | None:
    if wanted:
        return wanted
    weights = {name: share for name, share in endpoint.properties.get("traffic", {}).items() if share > 0}
    if not weights:
        return None
    chosen: str = random.choices(list(weights), list(weights.values()))[0]
    return chosen


def _mirrored(cloud: Cloud, endpoint: Resource) -> Resource | None:
    """The deployment that gets a copy of this request, by its share of them."""
    for name, share in endpoint.properties.get("mirrorTraffic", {}).items():
        if random.random() * 100 < share:
            return cloud.store.get(f"{endpoint.id}/deployments/{name}")
    return None


def _seconds(duration: str | None) -> float:
    """``PT1M30S`` → 90.0; five seconds, Azure's default, where there is none."""

    return float(isodate.parse_duration(duration).total_seconds()) if duration else 5.0
