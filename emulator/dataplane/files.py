"""``<account>.file.core.windows.net``: directories and files of the storage accounts' file shares."""

from __future__ import annotations

import base64
import email.utils
import re
import uuid
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from emulator.access.rbac import FILES
from emulator.arm.errors import AzureError
from emulator.cloud.parts import Cloud
from emulator.dataplane import storage
from emulator.machine import files
from emulator.machine.store import Resource

RANGE = re.compile(r"bytes=(\d+)-(\d*)$")
MOST = 4 * 1024 * 1024
"""Bytes of one range, Azure's limit for a Put Range."""


def application(cloud: Cloud) -> Starlette:
    """Directories and files of shares that exist: create, write, read, list, delete."""

    async def handle(request: Request) -> Response:
        headers = {"x-ms-request-id": str(uuid.uuid4()), "x-ms-version": request.headers.get("x-ms-version", "")}
        try:
            answer = await run_in_threadpool(_answer, cloud, request, await request.body())
        except AzureError as error:
            return storage.refusal(error, headers)
        answer.headers.update(headers)
        return answer

    return Starlette(routes=[Route("/{share}/{path:path}", handle, methods=["GET", "HEAD", "PUT", "DELETE"])])


def _answer(cloud: Cloud, request: Request, body: bytes) -> Response:
    account = storage.account_of(cloud, request)
    _authorize(cloud, account, request)
    share = files.share(cloud.home, account.name, request.path_params["share"])
    if not share.is_dir():
        raise AzureError(404, "ShareNotFound", "The specified share does not exist.")
    place = _inside(share, request.path_params["path"])
    query = request.query_params
    if query.get("restype") == "directory":
        if query.get("comp") == "list":
            return _list(place)
        return _directory(request.method, place)
    return _file(request, place, body)


def _inside(share: Path, path: str) -> Path:
    place = (share / unquote(path)).resolve()
    if not place.is_relative_to(share.resolve()):
        raise AzureError(400, "InvalidUri", "The requested URI does not represent any resource on the server.")
    return place


def _authorize(cloud: Cloud, account: Resource, request: Request) -> None:
    """The account's key, or a token of somebody with a role for files.

    Raises:
        AzureError: neither.
    """
    if not storage.by_token(request):
        storage.check_key(account, request)
        return
    caller = storage.check_token(cloud, request)
    if request.headers.get("x-ms-file-request-intent") != "backup":
        raise AzureError(400, "MissingRequiredHeader", "x-ms-file-request-intent has to be backup.")
    verb = "read" if request.method in ("GET", "HEAD") else "write"
    storage.check_role(cloud, caller, f"{FILES}/fileshares/files/{verb}", account.id)


def _directory(method: str, place: Path) -> Response:
    if method == "PUT":
        if place.exists():
            raise AzureError(409, "ResourceAlreadyExists", "The specified resource already exists.")
        _needs_parent(place)
        place.mkdir()
        return Response(None, 201, _properties(place))
    if not place.is_dir():
        raise _missing()
    if method == "DELETE":
        if any(place.iterdir()):
            raise AzureError(409, "DirectoryNotEmpty", "The specified directory is not empty.")
        place.rmdir()
        return Response(None, 202)
    return Response(None, 200, _properties(place))


def _list(place: Path) -> Response:
    if not place.is_dir():
        raise _missing()
    answer = ElementTree.Element("EnumerationResults")
    entries = ElementTree.SubElement(answer, "Entries")
    for each in sorted(place.iterdir()):
        entry = ElementTree.SubElement(entries, "Directory" if each.is_dir() else "File")
        ElementTree.SubElement(entry, "Name").text = each.name
        properties = ElementTree.SubElement(entry, "Properties")
        if each.is_file():
            ElementTree.SubElement(properties, "Content-Length").text = str(each.stat().st_size)
    ElementTree.SubElement(answer, "NextMarker")
    return Response(ElementTree.tostring(answer, xml_declaration=True, encoding="utf-8"), 200, None, "application/xml")


def _file(request: Request, place: Path, body: bytes) -> Response:
    if request.method == "PUT" and request.query_params.get("comp") == "range":
        return _write(request, place, body)
    if request.method == "PUT":
        if place.is_dir():
            raise AzureError(
                409,
                "ResourceTypeMismatch",
                "The specified resource type does not match the type of the existing resource.",
            )
        _needs_parent(place)
        place.write_bytes(bytes(int(request.headers.get("x-ms-content-length", "0"))))
        return Response(None, 201, _properties(place))
    if not place.is_file():
        raise _missing()
    if request.method == "DELETE":
        place.unlink()
        return Response(None, 202)
    properties = {**_properties(place), "x-ms-type": "File", "content-type": "application/octet-stream"}
    if request.method == "HEAD":
        return Response(None, 200, {**properties, "content-length": str(place.stat().st_size)})
    content, size = place.read_bytes(), place.stat().st_size
    asked = RANGE.match(request.headers.get("x-ms-range", ""))
    if asked is None:
        return Response(content, 200, properties)
    first, last = int(asked[1]), min(int(asked[2] or size), size - 1)
    if first >= size:
        raise AzureError(416, "InvalidRange", "The range specified is invalid for the current size of the resource.")
    return Response(content[first : last + 1], 206, {**properties, "content-range": f"bytes {first}-{last}/{size}"})


def _write(request: Request, place: Path, body: bytes) -> Response:
    if not place.is_file():
        raise _missing()
    asked = RANGE.match(request.headers.get("x-ms-range", ""))
    if asked is None or not asked[2] or int(asked[2]) - int(asked[1]) + 1 != len(body) or len(body) > MOST:
        raise AzureError(
            400, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format."
        )
    if int(asked[2]) >= place.stat().st_size:
        raise AzureError(416, "InvalidRange", "The range specified is invalid for the current size of the resource.")
    with place.open("r+b") as file:
        file.seek(int(asked[1]))
        file.write(body)
    return Response(None, 201, _properties(place))


def _needs_parent(place: Path) -> None:
    if not place.parent.is_dir():
        raise AzureError(404, "ParentNotFound", "The specified parent path does not exist.")


def _missing() -> AzureError:
    return AzureError(404, "ResourceNotFound", "The specified resource does not exist.")


def _properties(place: Path) -> dict[str, str]:
    state = place.stat()
    mark = base64.b16encode(state.st_mtime_ns.to_bytes(8, "big")).decode()
    return {"etag": f'"0x{mark}"', "last-modified": email.utils.formatdate(state.st_mtime, usegmt=True)}
