"""ASGI middleware before the services' hosts: what answers by private endpoints alone is refused to who is outside."""

from __future__ import annotations

import re
from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response

from emulator.arm.errors import AzureError
from emulator.cloud.parts import Cloud
from emulator.dataplane import storage
from emulator.front.faulty_web import Application, Receive, Send
from emulator.machine.store import Resource, Store
from emulator.resources.endpoints import OnlineEndpoint
from emulator.resources.foundation import StorageAccount, Vault
from emulator.resources.network.closed import lets_in
from emulator.resources.workspaces import Workspace

_HOST = re.compile(
    r"(?P<account>[^.]+)\.(?P<part>blob|file)\.core\.windows\.net|(?P<vault>[^.]+)\.vault\.azure\.net"
    r"|(?P<endpoint>[^.]+)\.(?P<region>[^.]+)\.inference\.ml\.azure\.com|(?P<place>[^.]+)\.api\.azureml\.ms",
    re.IGNORECASE,
)
_WORKSPACE = re.compile(r"(/subscriptions/[^/]+/resourcegroups/[^/]+/providers/[^/]+/workspaces/[^/]+)", re.IGNORECASE)


class Private:
    """Asks for each request what it is for, and whether whoever asks gets there."""

    def __init__(self, application: Application, cloud: Cloud) -> None:
        self._application = application
        self._cloud = cloud

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        refused = None
        if scope["type"] == "http":
            host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
            refused = await run_in_threadpool(refusal, self._cloud.store, host.partition(":")[0], scope["path"])
        await (refused or self._application)(scope, receive, send)


def refusal(store: Store, host: str, path: str) -> Response | None:
    """The answer to somebody outside, in the shape of the service; None for who is let in."""
    found = _HOST.fullmatch(host)
    if found is None:
        return None
    if found["account"]:
        account = _named(store, StorageAccount.type, found["account"])
        return _refused(store, account, found["part"].lower(), _by_storage)
    if found["vault"]:
        return _refused(store, _named(store, Vault.type, found["vault"]), "vault", _by_vault)
    if found["place"]:
        named = _WORKSPACE.search(unquote(path))
        return _refused(store, store.get(named[1]) if named else None, "amlworkspace", _by_workspace)
    endpoints = [each for each in store.of_type(OnlineEndpoint.type) if each.name == found["endpoint"]]
    endpoint = next((each for each in endpoints if each.region == found["region"]), None)
    if endpoint is None or str(endpoint.properties.get("publicNetworkAccess", "")).lower() != "disabled":
        return None
    # An endpoint has none of its own: the workspace's leads to it.
    workspace = store.get(endpoint.id.rpartition("/onlineEndpoints/")[0])
    if workspace is None:
        return None
    shut = Resource({**workspace.body, "properties": {**workspace.properties, "publicNetworkAccess": "Disabled"}})
    return _refused(store, shut, "amlworkspace", _by_endpoint)


def _named(store: Store, kind: str, name: str) -> Resource | None:
    return next((each for each in store.of_type(kind) if each.name.lower() == name.lower()), None)


def _refused(
    store: Store, resource: Resource | None, group: str, answer: Callable[[Resource], Response]
) -> Response | None:
    if resource is not None and resource.type == Workspace.type and resource.body.get("kind") == "Project":
        resource = store.get(str(resource.properties.get("hubResourceId")))
    if resource is None or lets_in(store, resource, group):
        return None
    return answer(resource)


def _by_storage(_: Resource) -> Response:
    message = "This request is not authorized to perform this operation."
    return storage.refusal(AzureError(403, "AuthorizationFailure", message))


def _by_vault(vault: Resource) -> Response:
    message = (
        "Public network access is disabled and request is not from a trusted service nor via an approved private "
        f"link.\r\nVault: {vault.name};location={vault.region}"
    )
    inner = {"code": "ForbiddenByConnection"}
    return JSONResponse({"error": {"code": "Forbidden", "message": message, "innererror": inner}}, 403)


def _by_workspace(workspace: Resource) -> Response:
    message = f"Public network access is disabled for workspace {workspace.name}: use its private endpoint."
    return JSONResponse(AzureError(403, "Forbidden", message).body(), 403)


def _by_endpoint(_: Resource) -> Response:
    return PlainTextResponse("public_network_access_disabled", 403)
