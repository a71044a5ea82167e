"""Serving the provider, with what Pulumi's experimental server leaves out.

``pulumi.provider.experimental.server`` drops the old inputs of a diff, turns every exception into
a traceback on the user's screen, and cannot report a resource that exists although its creation
failed. Its ``main`` takes no other servicer, so this module starts the server itself.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.provider import Provider
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc, status_pb2

from .errors import PartlyCreated, ProviderError
from .values import map_from_plain

Handler = Callable[[Any, Any], Awaitable[Any]]


class Servicer(ProviderServicer):
    """Pulumi's servicer, with old inputs in diffs and errors in words."""

    async def Diff(self, request: Any, context: Any) -> Any:
        # Inputs compare with inputs: outputs hold defaults that nobody asked for.
        request.olds.CopyFrom(request.old_inputs)
        return await _worded(super().Diff, request, context)

    async def Check(self, request: Any, context: Any) -> Any:
        return await _worded(super().Check, request, context)

    async def Create(self, request: Any, context: Any) -> Any:
        return await _worded(super().Create, request, context)

    async def Update(self, request: Any, context: Any) -> Any:
        return await _worded(super().Update, request, context)

    async def Read(self, request: Any, context: Any) -> Any:
        return await _worded(super().Read, request, context)

    async def Delete(self, request: Any, context: Any) -> Any:
        return await _worded(super().Delete, request, context)

    async def Invoke(self, request: Any, context: Any) -> Any:
        return await _worded(super().Invoke, request, context)


def to_user(engine_address: str) -> Callable[[str], None]:
    """What shows a warning among the engine's own messages."""

    def warn(message: str) -> None:
        with grpc.insecure_channel(engine_address, options=_GRPC_CHANNEL_OPTIONS) as channel:
            request = engine_pb2.LogRequest(severity=engine_pb2.WARNING, message=message)
            engine_pb2_grpc.EngineStub(channel).Log(request)

    return warn


async def _worded(handler: Handler, request: Any, context: Any) -> Any:
    """Answer ``request``; a refusal of ours ends the call with its message alone."""
    try:
        return await handler(request, context)
    except PartlyCreated as error:
        details = provider_pb2.ErrorResourceInitFailed(
            id=error.resource_id,
            properties=PropertyValue.marshal_map(map_from_plain(error.outputs)),
            reasons=[str(error)],
            inputs=PropertyValue.marshal_map(map_from_plain(error.inputs)),
        )
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error))
        status.details.add().Pack(details)
        trailer = (("grpc-status-details-bin", status.SerializeToString()),)
        await context.abort(grpc.StatusCode.UNKNOWN, str(error), trailer)
    except ProviderError as error:
        await context.abort(grpc.StatusCode.UNKNOWN, str(error))


def serve(provider: Provider, version: str, engine_address: str, args: list[str]) -> None:
    """Serve on a free loopback port, print the port as the engine expects, run until the engine ends."""
    asyncio.run(_serve(provider, version, engine_address, args))


async def _serve(provider: Provider, version: str, engine_address: str, args: list[str]) -> None:
    engine = os.getppid()
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
    servicer = Servicer(args, version, provider, engine_address=engine_address)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, file=sys.stdout, flush=True)
    # An engine that is killed cannot end its plugins; an orphan gets another parent.
    while os.getppid() == engine:
        await server.wait_for_termination(timeout=1)
    await server.stop(grace=None)
