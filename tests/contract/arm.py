"""Plain ARM REST for tests: a token, a PUT that waits, and refusals as values."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import requests
from azure.identity import DefaultAzureCredential

ARM = "https://management.azure.com"
WAIT_SECONDS = 90.0  # the first deployment makes the base model


@dataclass(eq=False)
class Refusal(Exception):
    """An error answer."""

    status: int
    code: str
    message: str
    body: dict[str, Any]


class Arm:
    """Calls ARM and waits for its operations."""

    def __init__(self) -> None:
        self._credential = DefaultAzureCredential()

    def call(self, method: str, path: str, version: str | None, body: Any = None) -> requests.Response:
        """One request, whatever its outcome."""
        token = self._credential.get_token(f"{ARM}/.default").token
        return requests.request(
            method,
            ARM + path,
            params={"api-version": version} if version else None,
            json=body,
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )

    def put(self, path: str, version: str, body: dict[str, Any]) -> dict[str, Any]:
        """PUT, wait, and GET the result. Raises Refusal, at once or for a failed operation."""
        self._finish(self.call("PUT", path, version, body))
        return self.get(path, version)

    def get(self, path: str, version: str) -> dict[str, Any]:
        answer = self.call("GET", path, version)
        _check(answer)
        loaded: dict[str, Any] = answer.json()
        return loaded

    def post(self, path: str, version: str, body: dict[str, Any] | None = None) -> Any:
        answer = self.call("POST", path, version, body or {})
        _check(answer)
        return answer.json() if answer.content else None

    def run(self, method: str, path: str, version: str, body: dict[str, Any] | None = None) -> None:
        """Any request and the operation it starts, to its end."""
        self._finish(self.call(method, path, version, body))

    def delete(self, path: str, version: str) -> None:
        self._finish(self.call("DELETE", path, version))

    def _finish(self, answer: requests.Response) -> None:
        _check(answer)
        url = answer.headers.get("Azure-AsyncOperation")
        deadline = time.monotonic() + WAIT_SECONDS
        while url and time.monotonic() < deadline:
            token = self._credential.get_token(f"{ARM}/.default").token
            body = requests.get(url, headers={"Authorization": f"Bearer {token}"}, timeout=30).json()
            if body["status"] == "Succeeded":
                return
            if body["status"] == "Failed":
                raise Refusal(200, body["error"]["code"], body["error"]["message"], body)
            time.sleep(0.05)
        assert not url, f"the operation did not end within {WAIT_SECONDS} s"


def _check(answer: requests.Response) -> None:
    if answer.status_code >= 400:
        body = answer.json()
        raise Refusal(answer.status_code, body["error"]["code"], body["error"]["message"], body)
