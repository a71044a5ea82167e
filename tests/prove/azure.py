"""Sends requests to Azure, waits for what they start, and keeps both for a recording."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from cloud import credentials
from tests.prove.recording import Disguise, Exchange

ARM = "https://management.azure.com"
ML = "2025-12-01"
"""API version of Azure ML that azure-native 3.29 sends."""
PATIENCE = 40 * 60.0
"""Seconds: the longest wait of Azure ML's own clients, 30 minutes for a deployment, and ten more."""
_TIMEOUT = (20.0, 120.0)
_PAUSE = 10.0


class Stopped(Exception):
    """Somebody asked to stop; what was made is removed all the same."""


class Azure:
    """One caller of Azure Resource Manager. `exchanges` holds what a recording is made of."""

    def __init__(self, disguise: Disguise, stop: threading.Event, clock: float = 1.0) -> None:
        """`stop` ends every wait. `clock` is how long a second of Azure's takes: on the emulator much less."""
        self.exchanges: list[Exchange] = []
        self._disguise, self._stop, self._clock = disguise, stop, clock
        self._pause = _PAUSE * clock
        self._session = requests.Session()
        # What passes by itself is nothing to record: throttling, and a service that is not there for a moment.
        again = Retry(total=5, backoff_factor=2, status_forcelist=(429, 502, 503, 504), allowed_methods=None)
        again.raise_on_status = False
        self._session.mount(ARM, HTTPAdapter(max_retries=again))

    def call(
        self,
        what: str,
        method: str,
        path: str,
        version: str = ML,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        patience: float = PATIENCE,
    ) -> Exchange:
        """One request, whatever its outcome, to the end of what it starts. Raises Stopped, and requests' errors."""
        self.go_on()
        url = f"{ARM}{path}?{urlencode({'api-version': version, **(query or {})})}"
        answer = self._session.request(method, url, json=body, headers=self._bearer(), timeout=_TIMEOUT)
        loaded = _json(answer)
        error = _error(loaded) if answer.status_code >= 400 else {}
        ended = self._followed(answer, patience) if method != "GET" and answer.ok else ""
        return self._keep(
            Exchange(
                what=what,
                method=method,
                url=self._disguise.text(url.removeprefix("https://")),
                body=self._disguise.value(body),
                status=answer.status_code,
                code=str(error.get("code", "")),
                message=self._disguise.text(str(error.get("message", ""))),
                ended=ended,
                answer=self._disguise.value(loaded),
            )
        )

    def get(self, path: str, version: str = ML, **query: str) -> dict[str, Any]:
        """What is there, as it is and unrecorded; empty where nothing is."""
        url = f"{ARM}{path}?{urlencode({'api-version': version, **query})}"
        answer = self._session.get(url, headers=self._bearer(), timeout=_TIMEOUT)
        loaded = _json(answer) if answer.ok else {}
        return loaded if isinstance(loaded, dict) else {}

    def post(self, path: str, version: str = ML) -> dict[str, Any]:
        """An action's answer, as it is and unrecorded: keys come this way."""
        url = f"{ARM}{path}?{urlencode({'api-version': version})}"
        answer = self._session.post(url, json={}, headers=self._bearer(), timeout=_TIMEOUT)
        answer.raise_for_status()
        return dict(answer.json())

    def ask(self, what: str, url: str, key: str, body: Any, **headers: str) -> tuple[Exchange, requests.Response]:
        """A question to a scoring URL. Its body is not recorded: another model takes another one."""
        self.go_on()
        text = {"data": body} if isinstance(body, str) else {"json": body}
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers}
        answer = requests.post(url, headers=headers, timeout=_TIMEOUT, **text)
        exchange = Exchange(
            what=what,
            method="POST",
            url=self._disguise.text(url.removeprefix("https://")),
            body="{question}",
            status=answer.status_code,
        )
        return self._keep(exchange), answer

    def wait(self, until: Callable[[], Any], seconds: float) -> Any:
        """What `until` returns once it is something; None when the time, Azure's, was over first. Raises Stopped."""
        deadline = time.monotonic() + seconds * self._clock
        while not (found := until()) and time.monotonic() < deadline:
            self.sleep(self._pause)
        return found or None

    def sleep(self, seconds: float) -> None:
        """Raises Stopped when told to stop."""
        self._stop.wait(seconds)
        self.go_on()

    def disguised(self, text: str) -> str:
        """`text` as a recording may hold it."""
        return self._disguise.text(text)

    def go_on(self) -> None:
        """Raises Stopped when told to stop."""
        if self._stop.is_set():
            raise Stopped

    def _followed(self, answer: requests.Response, patience: float) -> str:
        """How the operation ended."""
        url = answer.headers.get("Azure-AsyncOperation") or (
            answer.headers.get("Location") if answer.status_code == 202 else None
        )
        if not url:
            return ""
        deadline = time.monotonic() + patience * self._clock
        while time.monotonic() < deadline:
            if not url.startswith(ARM):
                return "an operation on another host, which gets no token of ours"
            look = self._session.get(url, headers=self._bearer(), timeout=_TIMEOUT)
            loaded = _json(look)
            state = str(loaded.get("status") or "") if isinstance(loaded, dict) else ""
            if look.status_code == 202 or state.lower() in (
                "running",
                "inprogress",
                "accepted",
                "creating",
                "deleting",
            ):
                self.sleep(min(self._pause, float(look.headers.get("Retry-After") or self._pause)))
                continue
            if look.status_code >= 400:
                return f"{look.status_code} {_error(loaded).get('code', '')}".strip()
            return f"{state} {_error(loaded).get('code', '')}".strip() if state else "Succeeded"
        return f"nothing within {patience / 60:.0f} min"

    def _keep(self, exchange: Exchange) -> Exchange:
        self.exchanges.append(exchange)
        return exchange

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {credentials.credential().get_token(credentials.ARM_SCOPE).token}"}


def _json(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return answer.text[:2000] if answer.content else None


def _error(loaded: Any) -> dict[str, Any]:
    """The innermost member that has a code, as Azure ML wraps what its services say."""
    error = loaded.get("error") if isinstance(loaded, dict) else None
    if not isinstance(error, dict):
        return {}
    details = [each for each in error.get("details") or () if isinstance(each, dict) and each.get("code")]
    return details[0] if details and error.get("code") == "BadRequest" else error
