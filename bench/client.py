"""The least a client can do: one TLS connection through the emulator's proxy, and bodies as they come."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

SCOPE = "https://management.azure.com/.default"


class Connection:
    """To one of Azure's hosts, kept open."""

    def __init__(self, environ: Mapping[str, str], host: str, headers: Mapping[str, str] | None = None) -> None:
        proxy = urlsplit(environ["HTTPS_PROXY"])
        trusted = ssl.create_default_context(cafile=environ["SSL_CERT_FILE"])
        self._http = http.client.HTTPSConnection(str(proxy.hostname), proxy.port, context=trusted)
        self._http.set_tunnel(host, 443)
        self._headers = dict(headers or {})

    def call(self, method: str, path: str, body: Any = None) -> bytes:
        """The answer's body. Raises RuntimeError where it is a refusal."""
        self._http.request(method, path, None if body is None else json.dumps(body), self._headers)
        return whole(self._http)


def whole(connection: http.client.HTTPConnection) -> bytes:
    """The body of the answer that is due. Raises RuntimeError where it is a refusal."""
    answer = connection.getresponse()
    content = answer.read()
    if answer.status >= 300:
        raise RuntimeError(f"{answer.status}: {content[:300]!r}")
    return content


def arm(environ: Mapping[str, str]) -> Connection:
    """ARM, signed in as the environment says."""
    form = {
        "grant_type": "client_credentials",
        "client_id": environ["AZURE_CLIENT_ID"],
        "client_secret": environ["AZURE_CLIENT_SECRET"],
        "scope": SCOPE,
    }
    login = Connection(environ, "login.microsoftonline.com", {"Content-Type": "application/x-www-form-urlencoded"})
    login._http.request("POST", f"/{environ['AZURE_TENANT_ID']}/oauth2/v2.0/token", urlencode(form), login._headers)
    token = json.loads(whole(login._http))["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return Connection(environ, "management.azure.com", headers)


def rate(work: Callable[[int], object], number: int, start: int = 0) -> float:
    """How often a second, one after the other."""
    since = time.perf_counter()
    for at in range(start, start + number):
        work(at)
    return number / (time.perf_counter() - since)
