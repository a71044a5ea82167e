"""ARM over azure-core's own pipeline: tokens, retries and long-running operations are its."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from azure.core.exceptions import AzureError, HttpResponseError
from azure.core.pipeline import PipelineResponse
from azure.core.pipeline.policies import HeadersPolicy, RequestIdPolicy, RetryPolicy, UserAgentPolicy
from azure.core.polling import LROPoller
from azure.core.rest import HttpRequest, HttpResponse
from azure.identity import EnvironmentCredential
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
from azure.mgmt.core.polling.arm_polling import ARMPolling

from .errors import ArmError

ENDPOINT = "https://management.azure.com"
SCOPE = f"{ENDPOINT}/.default"
POLL_SECONDS = 1.0
"""Between two polls when ARM sends no Retry-After."""
RETRIES = 3
"""Of a request that got no answer, 408, 429, 500, 502, 503 or 504: azcore's number, which the official provider keeps.

It waits 20, 60 and 120 s between them, or what Retry-After says; azure-core's shorter waits do here.
"""
DEFAULT_TIMEOUT = 2 * 60 * 60
"""Seconds one operation may take: the official provider's own default."""


class Retries(RetryPolicy[HttpRequest, HttpResponse]):
    """azure-core's policy, and the one conflict that the official provider takes for passing."""

    def is_retry(self, settings: dict[str, Any], response: Any) -> bool:
        """Whether to send the request again."""
        if super().is_retry(settings, response):
            return True
        answer = response.http_response
        return answer.status_code == 409 and settings["total"] > 0 and "AnotherOperationInProgress" in answer.text()


class ArmClient:
    """The five ARM verbs as blocking calls, safe to use from many threads."""

    def __init__(self, subscription: str, cancelled: threading.Event) -> None:
        self.subscription = subscription
        self._cancelled = cancelled
        self._credential = EnvironmentCredential()
        self._client: ARMPipelineClient[HttpRequest, HttpResponse] = ARMPipelineClient(
            ENDPOINT,
            policies=[
                RequestIdPolicy(),
                HeadersPolicy(),
                UserAgentPolicy("pulumi-azure-native"),
                Retries(retry_total=RETRIES),
                ARMChallengeAuthenticationPolicy(self._credential, SCOPE),
            ],
        )

    def token(self, scope: str = SCOPE) -> str:
        """An access token for ``scope``."""
        try:
            return str(self._credential.get_token(scope).token)
        except AzureError as error:
            raise ArmError(f"token for {scope}: {_no_answer(error)}") from error

    def get(self, path: str, api_version: str) -> dict[str, Any]:
        """The resource at ``path``. Raises ArmError, also where there is none."""
        return self._json(self._send("GET", path, api_version))

    def find(self, path: str, api_version: str) -> dict[str, Any] | None:
        """The resource at ``path``, or None where the answer is 404, whatever its code."""
        try:
            return self.get(path, api_version)
        except ArmError as error:
            if error.status == 404:
                return None
            raise

    def post(self, path: str, api_version: str) -> dict[str, Any]:
        """The answer of an action on a resource."""
        return self._json(self._send("POST", path, api_version, {}))

    def put(self, path: str, api_version: str, body: Mapping[str, Any], timeout: float = 0) -> dict[str, Any]:
        """Create or update the resource at ``path`` and wait until ARM is done with it.

        ``timeout`` is in seconds, 0 for the default. Raises ArmError, with ``accepted`` set where
        ARM took the request and the operation failed later: the resource exists then.
        """
        first = self._send("PUT", path, api_version, body)
        self._wait("PUT", path, first, timeout)
        return self._json(first)

    def delete(self, path: str, api_version: str, timeout: float = 0) -> None:
        """Delete the resource at ``path`` and wait until it is gone; gone already is fine."""
        try:
            first = self._send("DELETE", path, api_version)
        except ArmError as error:
            if error.status == 404:
                return
            raise
        self._wait("DELETE", path, first, timeout)

    def _send(
        self, method: str, path: str, api_version: str, body: Mapping[str, Any] | None = None
    ) -> PipelineResponse[HttpRequest, HttpResponse]:
        request = HttpRequest(method, ENDPOINT + path, params={"api-version": api_version}, json=body)
        with _explained(method, path):
            answer: PipelineResponse[HttpRequest, HttpResponse]
            answer = self._client.send_request(request, _return_pipeline_response=True)  # type: ignore[assignment]
            answer.http_response.read()
        status = answer.http_response.status_code
        if status >= 400:
            raise ArmError.from_answer(method, path, status, answer.http_response.text())
        return answer

    def _wait(self, method: str, path: str, first: PipelineResponse[HttpRequest, HttpResponse], timeout: float) -> None:
        deadline = time.monotonic() + (timeout or DEFAULT_TIMEOUT)
        with _explained(method, path, accepted=True):
            poller: LROPoller[None] = LROPoller(self._client, first, _nothing, ARMPolling(POLL_SECONDS))
            while not poller.done():
                if self._cancelled.is_set():
                    raise ArmError(f"{method} {path}: cancelled while Azure was working on it", accepted=True)
                if time.monotonic() > deadline:
                    raise ArmError(f"{method} {path}: operation timed out", accepted=True)
                poller.wait(0.2)  # returns as soon as the operation ends
            poller.result()

    def _json(self, answer: PipelineResponse[HttpRequest, HttpResponse]) -> dict[str, Any]:
        text = answer.http_response.text()
        found = json.loads(text) if text.strip() else {}
        return found if isinstance(found, dict) else {"value": found}


@contextmanager
def _explained(method: str, path: str, accepted: bool = False) -> Iterator[None]:
    """Turn what azure-core raises around a request into an ArmError that names the request."""
    try:
        yield
    except AzureError as error:
        answer = error.response if isinstance(error, HttpResponseError) else None
        if answer is not None:
            raise ArmError.from_answer(method, path, answer.status_code or 0, answer.text(), accepted) from error
        raise ArmError(f"{method} {path}: {_no_answer(error)}", accepted=accepted) from error


def _no_answer(error: BaseException) -> str:
    proxy = os.environ.get("HTTPS_PROXY", "(HTTPS_PROXY is not set)")
    return (
        f"no answer through the proxy {proxy}: {_first_line(error)}. "
        "Is the emulator running? See `.venv/bin/python -m emulator status`."
    )


def _nothing(_: object) -> None:
    """The answer is read afterwards, but the poller wants something to call."""


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
