"""An endpoint in this process, standing where requests would open a connection."""

from __future__ import annotations

import io
from typing import Any

import pytest
import requests
import urllib3

from chat import phi_client
from chat.phi_client import Routes

URL = "https://phi.eastus2.inference.ml.azure.com/score"
KEY = "canary-key"


class Route:
    """Stands where requests would open a connection."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.status, self.body, self.headers = 200, b'{"output": "Bill Gates and Paul Allen."}', {}
        self.error: Exception | None = None
        self.sent: dict[str, Any] = {}
        self.urls: list[str] = []
        self.completions: tuple[int, bytes, dict[str, str]] = (404, b"{}", {})
        self.now = 1_000.0
        monkeypatch.setattr(phi_client.requests, "post", self)
        monkeypatch.setattr(phi_client, "ROUTES", Routes(lambda: self.now))

    def __call__(self, url: str, **sent: Any) -> requests.Response:
        prepared = requests.Request(
            "POST", url, json=sent["json"], headers=sent["headers"], auth=sent["auth"]
        ).prepare()
        self.sent = {**sent, "prepared": prepared}
        self.urls.append(url)
        if self.error:
            raise self.error
        response = requests.Response()
        status, body, headers = self.status, self.body, self.headers
        if url.endswith("/chat/completions"):
            status, body, headers = self.completions
        response.status_code, response.url = status, url
        response.raw = urllib3.HTTPResponse(io.BytesIO(body), preload_content=False)
        response.headers.update(headers)
        return response
