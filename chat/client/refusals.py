"""What a status of the endpoint means, and what to do about it."""

from __future__ import annotations

from urllib.parse import urlsplit

import requests

from chat.client.errors import (
    Busy,
    ChatError,
    EndpointUnavailable,
    KeyRefused,
    ModelFailed,
    NoDeployment,
    ServerFailed,
    UnknownAnswer,
)


def unreachable(url: str, why: str) -> str:
    """No answer at all."""
    host = urlsplit(url).hostname
    return f"The endpoint {host} could not be reached: {why}. Check the network, then ask again."


def refusal(response: requests.Response, body: str, deployment: str) -> ChatError:
    """The typed error for a status. Bodies are text, or JSON with text appended: they are shown, not read."""
    host, status = urlsplit(response.url).hostname, response.status_code
    said = " ".join(body.split())[:200]
    wait = _seconds(response.headers.get("Retry-After"))
    if status in (401, 403):
        todo = (
            "If the keys were rotated just now, open the chat again; else `pulumi up` writes the current key "
            "into the connection."
        )
        return KeyRefused(f"The endpoint {host} refused the key ({status}). {todo}")
    if status == 404:
        which = f"deployment {deployment}" if deployment else "a deployment with traffic"
        return NoDeployment(
            f"The endpoint {host} has no {which.removeprefix('a ')} (404). `pulumi up` releases the model; one that "
            "was released, and deleted by hand since, comes back with `pulumi up --replace '**::release'`."
        )
    if status == 429:
        error: EndpointUnavailable = Busy(
            f"The endpoint {host} has too many requests at once (429). Ask again in {wait or 5:g} s."
        )
        error.retry_after = wait or 5.0
        return error
    if status == 424:
        return ModelFailed(f"The model behind {host} raised an error (424): {said or 'it said nothing'}")
    if status == 408 or status >= 500:
        error = ServerFailed(f"The endpoint {host} failed ({status}): {said or 'it said nothing'}. Ask again.")
        error.retry_after = wait
        return error
    if 300 <= status < 400:
        return UnknownAnswer(f"The endpoint {host} redirects ({status}); the key is not sent elsewhere.")
    return UnknownAnswer(f"The endpoint {host} refused the question ({status}): {said or 'it said nothing'}")


def _seconds(value: str | None) -> float | None:
    try:
        return max(0.0, float(value)) if value else None
    except ValueError:
        return None
