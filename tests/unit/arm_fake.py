"""ARM at the place where azure-core's real pipeline would open a connection; answers by method and path."""

from __future__ import annotations

import io
import json
import re
import threading
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from azure.core.exceptions import ServiceRequestError
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest._requests_basic import RestRequestsTransportResponse

from cloud import client as azure

Answer = tuple[int, dict[str, str], Any]

_GROUP = r"/subscriptions/[^/]+/resourcegroups/[^/]+"
_VERSIONS = {
    r"/subscriptions/[^/]+(/locations)?": "2022-12-01",
    r"/subscriptions/[^/]+/providers": "2021-04-01",
    _GROUP: "2024-03-01",
    r".*/providers/microsoft\.authorization/(permissions|roleassignments)": "2022-04-01",
    r".*/providers/microsoft\.keyvault/.*": "2024-11-01",
    r".*/providers/microsoft\.storage/.*": "2024-01-01",
    r".*/providers/microsoft\.containerregistry/.*": "2023-01-01-preview",
    r".*/providers/microsoft\.managedidentity/.*": "2023-01-31",
    r".*/providers/microsoft\.insights/components/.*": "2020-02-02",
    r".*/providers/microsoft\.cognitiveservices/.*": "2025-06-01",
    r".*/providers/microsoft\.quota/.*": "2025-09-01",
    r".*/providers/microsoft\.insights/metrics": "2024-02-01",
    r"/subscriptions/[^/]+/providers/microsoft\.machinelearningservices/locations/[^/]+/(usages|vmsizes)": "2025-12-01",
    rf"{_GROUP}/providers/microsoft\.machinelearningservices/workspaces/.*": "2025-12-01",
    r"/registrymanagement/v1\.0/registries/[^/]+/discovery": "v1.0",
    r"/mferp/managementfrontend/.*": "2021-10-01-dataplanepreview",
}
"""API versions that Azure has published, of what the stages ask for by plain REST; written out, so that a slip of the
program's is refused here as it would be there. What is not listed is not checked."""


class ArmFake:
    """Paths are matched without case and query. What has no answer is 404, as on Azure.

    `routes` answers always the same; `queues` gives its answers out one by one, the last for good.
    """

    def __init__(self) -> None:
        self.routes: dict[str, Answer] = {}
        self.queues: dict[str, list[Answer]] = {}
        self.sent: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.unreachable: set[str] = set()
        self.blobs: dict[str, bytes] = {}
        """Content by the address of `blob`, which may change."""
        self._lock = threading.Lock()

    def get(self, path: str, body: Any, status: int = 200) -> None:
        self.routes[_key("GET", path)] = (status, {}, body)

    def refuse(self, method: str, path: str, status: int, code: str, message: str = "no") -> None:
        self.routes[_key(method, path)] = (status, {}, {"error": {"code": code, "message": message}})

    def then(self, method: str, path: str, *answers: Answer) -> None:
        self.queues[_key(method, path)] = list(answers)

    def __call__(self, request: Any, *, stream: bool = False) -> RestRequestsTransportResponse:
        assert request.method.isupper(), request.method
        key = _key(request.method, request.url)
        wrong = _wrong_version(request.url)
        with self._lock:
            self.sent.append((request.method, request.url))
            if request.content:
                self.bodies.append(json.loads(request.content))
            if key in self.unreachable:
                raise ServiceRequestError("no route to host")
            queue = self.queues.get(key)
            status, headers, body = (
                (queue.pop(0) if len(queue) > 1 else queue[0]) if queue else self.routes.get(key, _NOTHING)
            )
            if wrong:
                status, headers = 400, {}
                body = {"error": {"code": "InvalidApiVersionParameter", "message": wrong}}
            if request.url in self.blobs:
                status, headers, body = _part(self.blobs[request.url], request.headers)
        response = requests.Response()
        response.status_code, response.url = status, request.url
        response.raw = io.BytesIO(
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        response.headers.update({"Content-Type": "application/json", **headers})
        answer = RestRequestsTransportResponse(internal_response=response, request=request)
        if not stream:  # whoever streams reads it himself
            answer.read()
        return answer


_NOTHING: Answer = (404, {}, {"error": {"code": "ResourceNotFound", "message": "not there"}})


def blob(name: str) -> str:
    """The address of a blob, with a signature; it is there once `ArmFake.blobs` has it."""
    return f"https://logs.blob.core.windows.net/azureml/{name}?sig=SECRET"


def _part(content: bytes, headers: Any) -> Answer:
    """What Azure Storage answers to a request for the bytes from some place on."""
    start = int(re.findall(r"\d+", headers.get("x-ms-range", "bytes=0-"))[0])
    if start >= len(content):
        return 416, {"x-ms-error-code": "InvalidRange"}, b""
    where = f"bytes {start}-{len(content) - 1}/{len(content)}"
    return 206, {"Content-Range": where, "Content-Length": str(len(content) - start), "ETag": "0"}, content[start:]


def _wrong_version(url: str) -> str:
    """Why Azure would not take the URL's API version, or nothing. The first pattern that fits decides."""
    parts = urlsplit(url)
    given = parse_qs(parts.query).get("api-version", [""])[0]
    known = next((version for path, version in _VERSIONS.items() if re.fullmatch(path, parts.path.lower())), given)
    return "" if given == known else f"The api-version '{given}' is invalid. The supported versions are '{known}'."


def _key(method: str, url: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc if parts.netloc != "management.azure.com" else ""
    return f"{method} {host}{parts.path}".lower()


def install(monkeypatch: pytest.MonkeyPatch) -> ArmFake:
    """Puts the fake under the pipeline, signed in, and takes the waiting out of it."""
    fake = ArmFake()
    monkeypatch.setattr(
        RequestsTransport, "send", lambda self, request, **how: fake(request, stream=how.get("stream", False))
    )
    monkeypatch.setattr(RequestsTransport, "sleep", lambda self, seconds: None)
    token = SimpleNamespace(token="t", expires_on=2**40, refresh_on=None)
    credential = SimpleNamespace(get_token=lambda *_, **__: token, get_token_info=lambda *_, **__: token)
    monkeypatch.setattr(azure, "credential", lambda: credential)
    return fake
