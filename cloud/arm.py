"""Azure Resource Manager by plain REST: no second of import for a client library, and any API there is."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cloud import client as azure
from cloud.credentials import ARM_SCOPE
from cloud.hosts import ARM_HOST, refuse_others
from cloud.waiting import Tell, tells_itself

if TYPE_CHECKING:
    from azure.core.rest import HttpRequest
    from azure.mgmt.core import ARMPipelineClient

ARM = f"https://{ARM_HOST}"
_MOST_SECONDS = 7200.0
ML_SCOPE = "https://ml.azure.com/.default"


class Arm:
    """One pipeline of azure-core, safe to use from several threads.

    `retries` is how often a throttled or failed request is sent again (Retry-After is honoured). All methods
    raise what azure-core raises: HttpResponseError for a refusal, ServiceRequestError without a connection, AzureError
    for an address that is not Azure's own.
    """

    def __init__(self, scope: str = ARM_SCOPE, retries: int = azure.RETRIES["retry_total"]) -> None:
        from azure.core.pipeline import policies
        from azure.mgmt.core import ARMPipelineClient
        from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

        self._client: ARMPipelineClient[Any, Any] = ARMPipelineClient(
            ARM,
            policies=[
                policies.RequestIdPolicy(),
                policies.HeadersPolicy(),
                policies.UserAgentPolicy("finetune-phi"),
                policies.RetryPolicy(**{**azure.RETRIES, **dict.fromkeys(azure.RETRY_COUNTS, retries)}),
                # Before a token goes there: a next page, a poll, an address that a service gave.
                policies.CustomHookPolicy(raw_request_hook=refuse_others),
                ARMChallengeAuthenticationPolicy(azure.credential(), scope),
            ],
            # The transport's, not the retry policy's: without them it waits five minutes for a silent server.
            connection_timeout=azure.RETRIES["connection_timeout"],
            read_timeout=azure.RETRIES["read_timeout"],
        )

    def get(self, path: str, version: str, **query: str) -> dict[str, Any]:
        """What is at `path`: below management.azure.com, or a whole URL."""
        return self._json(self._request("GET", path, {"api-version": version, **query}))

    def find(self, path: str, version: str, **query: str) -> dict[str, Any] | None:
        """What is at `path`, or None where nothing is."""
        from azure.core.exceptions import ResourceNotFoundError

        try:
            return self.get(path, version, **query)
        except ResourceNotFoundError:
            return None

    def items(self, path: str, version: str, most_pages: int = 1_000, **query: str) -> list[dict[str, Any]]:
        """Every member of a collection, page after page; ``most_pages`` is where to stop reading on."""
        page = self.get(path, version, **query)
        found: list[dict[str, Any]] = list(page.get("value") or ())
        while (link := page.get("nextLink")) and (most_pages := most_pages - 1) > 0:
            page = self._json(self._request("GET", link, {}))
            found += page.get("value") or ()
        return found

    def rows(self, url: str, **query: str) -> list[dict[str, Any]]:
        """The answer of a service whose collections are plain arrays."""
        response: Any = self._client.send_request(self._request("GET", url, query))
        _check(response)
        return list(_decoded(response))

    def run(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Any = None,
        stop: threading.Event | None = None,
        seconds: float = math.inf,
        tell: Tell = tells_itself,
    ) -> dict[str, Any] | None:
        """Sends a request and follows the operation it starts; None if `stop` was set or `seconds` were over first.

        `tell` hears for how many seconds it has been followed, which what Azure answers at once needs not. Returns the
        last answer's JSON object, empty where it had none. Without `seconds`, two hours without an end are an error:
        nobody waits for ever.
        """
        first = self._first(method, path, query, body)
        return self._followed(first, stop or threading.Event(), seconds, tell)

    def delete(self, path: str, version: str, tell: Tell, **query: str) -> bool:
        """Deletes what is at `path`, to the end; False where Azure answers 204, its word for nothing being there."""
        first = self._first("DELETE", path, {"api-version": version, **query})
        self._followed(first, threading.Event(), math.inf, tell)
        return bool(first.http_response.status_code != 204)

    def _first(self, method: str, path: str, query: Mapping[str, str], body: Any = None) -> Any:
        request = self._request(method, path, query, body)
        first: Any = self._client.send_request(request, _return_pipeline_response=True)
        _check(first.http_response)
        return first

    def _followed(self, first: Any, stop: threading.Event, seconds: float, tell: Tell) -> dict[str, Any] | None:
        from azure.core.exceptions import AzureError
        from azure.core.polling import LROPoller
        from azure.mgmt.core.polling.arm_polling import ARMPolling

        if first.http_response.status_code not in (201, 202):
            return _object(first.http_response)
        poller: LROPoller[dict[str, Any]] = LROPoller(
            self._client, first, lambda last: _object(last.http_response), ARMPolling(azure.POLLING_SECONDS)
        )
        found = azure.wait_for(poller, stop, min(seconds, _MOST_SECONDS), tell)
        if found is None and seconds > _MOST_SECONDS and not stop.is_set():
            what = first.http_response.request
            raise AzureError(f"Azure has not ended {what.method} after {_MOST_SECONDS / 3600:g} h; it may go on there")
        return found

    def _request(self, method: str, path: str, query: Mapping[str, str], body: Any = None) -> HttpRequest:
        from azure.core.rest import HttpRequest

        return HttpRequest(method, _url(path), params=dict(query), json=body)

    def _json(self, request: HttpRequest) -> dict[str, Any]:
        response: Any = self._client.send_request(request)
        _check(response)
        return _object(response)


def _url(path: str) -> str:
    return path if path.startswith("https://") else ARM + path


def _object(response: Any) -> dict[str, Any]:
    """Empty where there is no body, as after a DELETE. Raises DecodeError for a body that is no JSON."""
    if not response.content.strip():
        return {}
    loaded = _decoded(response)
    return loaded if isinstance(loaded, dict) else {}


def _decoded(response: Any) -> Any:
    from azure.core.exceptions import DecodeError

    try:
        return response.json()
    except ValueError as error:
        what = f"{response.status_code} {response.headers.get('Content-Type') or 'of no type'}"
        said = "the answer is not Azure's, but perhaps a proxy's on the way to it"
        raise DecodeError(message=f"{said} ({what})", response=response) from error


def _check(response: Any) -> None:
    from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
    from azure.mgmt.core.exceptions import ARMErrorFormat

    if response.status_code == 404:
        raise ResourceNotFoundError(response=response, error_format=ARMErrorFormat)
    if response.status_code not in (200, 201, 202, 204):
        raise HttpResponseError(response=response, error_format=ARMErrorFormat)
