"""What opens an endpoint: its key or, where it has none, a token of Entra ID.

Published with the flow, so it needs `requests` and nothing else: whoever can sign in says how.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

import requests

from chat.phi_messages import InvalidInput

ENTRA = "entra"
"""`auth` in the connection of an endpoint that takes tokens of Entra ID and has no key."""
Key = str | Callable[[], str]
"""An endpoint's key, or what gets a token, for each question anew. Raises ChatError."""
_TOKEN_HOSTS = ".inference.ml.azure.com"  # noqa: S105


class Caller:
    """Whose tokens open an endpoint without a key: `token` is set by whoever can sign in, else the flow does."""

    token: Callable[[], str] | None = None


CALLER = Caller()


class Opener:
    """Carries a key or token to one address, and keeps it out of what is told afterwards."""

    def __init__(self, key: Key, address: SplitResult) -> None:
        self._secret = key if isinstance(key, str) else ""
        self._token = None if isinstance(key, str) else key
        self._address = address

    @property
    def by_token(self) -> bool:
        return self._token is not None

    def open(self) -> None:
        """Gets what is to be shown. Raises InvalidInput where there is nothing, or the address is not to have it."""
        if self._token is None:
            if not self._secret:
                raise InvalidInput("The connection holds no key. Run `pulumi up` to write it again.")
            return
        # Such a token opens far more than one endpoint.
        if not str(self._address.hostname).endswith(_TOKEN_HOSTS) or self._address.scheme != "https":
            raise InvalidInput(
                f"No token of Entra ID is sent to {self._address.hostname}, which is no endpoint of Azure ML "
                f"(*{_TOKEN_HOSTS}). Correct `endpoint` in the project's connection."
            )
        self._secret = self._token()

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Given as auth and not as a header, which requests would replace by what a .netrc holds.

        Raises InvalidInput where the address that requests asks is not the one that was looked at: readers of
        addresses differ, about a backslash for one.
        """
        if urlsplit(str(request.url)).hostname != self._address.hostname:
            raise InvalidInput(
                "The endpoint's address can be read in two ways, so nothing was sent to it. "
                "Correct `endpoint` in the project's connection."
            )
        request.headers["Authorization"] = f"Bearer {self._secret}"
        return request

    def without_key(self, said: bytes) -> bytes:
        """What an endpoint says, if it repeats what it was shown: nobody who reads an answer or an error needs it."""
        return said.replace(self._secret.encode(), b"***")
