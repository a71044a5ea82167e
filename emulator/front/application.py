"""The web application: one host name, one part of Azure."""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Callable
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Host, Route

from emulator.access import entra, rbac
from emulator.access.entra import ARM_AUDIENCES, ML_AUDIENCES
from emulator.arm import content
from emulator.arm.errors import AzureError
from emulator.cloud.parts import Cloud
from emulator.dataplane import blobs, files, flows, prices, scoring, vault
from emulator.dataplane.history import History
from emulator.faults.book import Faults
from emulator.front import admin
from emulator.front.addresses import Readable
from emulator.front.faulty_web import Application, Cut, FaultyWeb
from emulator.front.private import Private
from emulator.front.throttle import Throttle
from emulator.manager.activity import ActivityLog
from emulator.manager.calls import Answer, Call
from emulator.manager.service import ResourceManager
from emulator.recording import capture
from emulator.runs.servers import Servers

log = logging.getLogger(__name__)

METHODS = ["GET", "PUT", "POST", "PATCH", "DELETE"]
REGISTRY_PREFIX = "/mferp/managementfrontend"


def build(cloud: Cloud, manager: ResourceManager, servers: Servers, blobs_port: int, cut: Cut) -> Application:
    """Everything the emulator answers over HTTPS; ``blobs_port`` is Azurite's, ``cut`` ends a client's connection."""
    login = entra.application(cloud.tokens)
    web = Starlette(
        routes=[
            Host("management.azure.com", _arm(cloud, manager)),
            Host("login.microsoftonline.com", login),
            Host("login.microsoft.com", login),
            Host("prices.azure.com", prices.application()),
            Host("{region}.api.azureml.ms", _machine_learning(cloud)),
            Host("{endpoint}.{region}.inference.ml.azure.com", scoring.application(cloud, servers)),
            Host("{account}.file.core.windows.net", files.application(cloud)),
            Host("{account}.blob.core.windows.net", blobs.application(cloud, blobs_port)),
            Host("{vault}.vault.azure.net", vault.application(cloud)),
            Host("127.0.0.1", Starlette(routes=[Route("/health", _health), *admin.routes(cloud.home, cloud.store)])),
        ]
    )
    faulty = Readable(FaultyWeb(Private(web, cloud), cloud, Faults(cloud.store), cut))
    file = capture.wanted()
    return faulty if file is None else capture.Recorder(faulty, file)


async def _health(request: Request) -> JSONResponse:
    del request
    return JSONResponse({"pid": os.getpid()})


def _arm(cloud: Cloud, manager: ResourceManager) -> Starlette:
    throttle, activity = Throttle(cloud.store), ActivityLog(cloud.store)

    def answer(call: Call, authorization: str | None) -> Answer:
        begun, caller = time.time(), cloud.tokens.check(authorization, ARM_AUDIENCES)
        throttle.check(call.method)
        if activity.asked(call):
            return activity.answer(call, caller)
        try:
            rbac.authorize(cloud.store, caller, call.method, call.path)
            answered = manager.handle(call)
        except AzureError as error:
            activity.note(call, caller, begun, error)
            raise
        activity.note(call, caller, begun, None)
        return answered

    async def handle(request: Request) -> Response:
        return await _guarded(request, answer)

    return Starlette(routes=[Route("/{path:path}", handle, methods=METHODS)])


def _machine_learning(cloud: Cloud) -> Starlette:
    history, prompt_flows = History(cloud), flows.Flows(cloud)

    async def handle(request: Request) -> Response:
        host = request.url.hostname or ""
        if request.url.path == "/discovery":
            return JSONResponse(history.services(host))

        def answer(call: Call, authorization: str | None) -> Answer:
            caller = cloud.tokens.check(authorization, ML_AUDIENCES)
            if call.path.startswith(flows.PREFIX):
                return Answer(200, prompt_flows.handle(call.method, call.path, call.query, call.body or {}, caller))
            path = call.path.removeprefix(REGISTRY_PREFIX)
            return Answer(200, history.handle(call.method, path, host, call.query, call.body or {}, caller))

        return await _guarded(request, answer)

    return Starlette(routes=[Route("/{path:path}", handle, methods=METHODS)])


async def _guarded(request: Request, answer: Callable[[Call, str | None], Answer]) -> Response:
    """Run a handler in a thread and turn refusals into responses."""
    headers = {
        "x-ms-request-id": str(uuid.uuid4()),
        "x-ms-correlation-request-id": str(uuid.uuid4()),
        "x-ms-ratelimit-remaining-subscription-reads": "11999",
        "x-ms-ratelimit-remaining-subscription-writes": "1199",
        "x-ms-ratelimit-remaining-subscription-deletes": "14999",
    }
    try:
        call = Call(request.method, request.url.path, _query(request), content.read(await request.body()))
        result = await run_in_threadpool(answer, call, request.headers.get("authorization"))
    except AzureError as error:
        return JSONResponse(error.body(), error.status, {**headers, **_in_ascii(dict(error.headers))})
    except Exception as error:  # a caller gets an answer in ARM's shape even from a bug of ours
        log.exception("%s %s", request.method, request.url.path)
        failed = AzureError(500, "InternalServerError", f"The emulator failed: {type(error).__name__}: {error}")
        return JSONResponse(failed.body(), failed.status, headers)
    if result.body is None:
        return Response(None, result.status, {**headers, **_in_ascii(result.headers)})
    return JSONResponse(result.body, result.status, {**headers, **_in_ascii(result.headers)})


def _in_ascii(headers: dict[str, str]) -> dict[str, str]:
    """The address of an operation may hold a name in any script; a header may not."""
    return {name: value if value.isascii() else quote(value, safe=":/?&=%") for name, value in headers.items()}


def _query(request: Request) -> dict[str, str]:
    return dict(request.query_params.items())
