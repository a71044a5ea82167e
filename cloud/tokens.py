"""Tokens of one principal, kept for as long as they last.

azure-identity leaves both to its user: its ChainedTokenCredential walks the whole chain at every question, so that a
slow answer of the first would make the next token somebody else's; and AzureCliCredential keeps no token, so that each
look at a job would start an `az`.
"""

from __future__ import annotations

import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Protocol

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.identity import CredentialUnavailableError

from cloud.errors import StageError

EARLY = 600
"""Seconds before its end at which a token is asked for anew. azure-core asks 300 before; as long as a renewal that
fails is made up for by the token that is still good, nobody hears of it."""
AGAIN = 30
"""Seconds between two questions for the same token: `az` hands out the old one until 300 before its end."""
PATIENCE = 600
"""Seconds after a token's end for which a renewal that fails counts as passing."""


class Way(Protocol):
    """A credential of azure-identity."""

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo: ...


class NotRenewed(ClientAuthenticationError):
    """Who was signed in a moment ago gets no new token; the same question may be answered later."""


class FirstSignedIn:
    """The first way to sign in that gives a token is the one for good.

    A way that is not configured is passed over, one that fails ends it: Azure must not be asked as somebody else
    because the one who is meant was slow.
    """

    def __init__(self, *ways: Way) -> None:
        self._ways = ways
        self._chosen: Way | None = None

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Raises ClientAuthenticationError where no way is open, or the chosen one fails."""
        if self._chosen is not None:
            return self._chosen.get_token_info(*scopes, options=options)
        reasons = []
        for way in self._ways:
            try:
                token = way.get_token_info(*scopes, options=options)
            except CredentialUnavailableError as error:
                if isinstance(error.__cause__, subprocess.TimeoutExpired):
                    raise
                reasons.append(f"{type(way).__name__}: {error.message}")
            else:
                self._chosen = way
                return token
        raise ClientAuthenticationError(message=f"nobody is signed in ({'; '.join(reasons)})")


@dataclass
class _CachedToken:
    token: AccessTokenInfo
    asked_at: float

    def will_do(self, now: float) -> bool:
        ends = self.token.expires_on
        if now >= ends:
            return False
        renew = self.token.refresh_on or ends - EARLY
        return now < renew or now < self.asked_at + AGAIN


class CachedCredential:
    """A credential as azure-core and azure-ai-ml want one, for threads too: one question to Entra at a time."""

    def __init__(self, way: Way) -> None:
        self._way = way
        self._tokens: dict[tuple[object, ...], _CachedToken] = {}
        self._lock = threading.Lock()

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **_: object,
    ) -> AccessToken:
        """Raises what get_token_info raises."""
        options: TokenRequestOptions = {"enable_cae": enable_cae}
        if claims:
            options["claims"] = claims
        if tenant_id:
            options["tenant_id"] = tenant_id
        found = self.get_token_info(*scopes, options=options)
        return AccessToken(found.token, found.expires_on)

    def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """Raises ClientAuthenticationError; NotRenewed where the last answer was a token, not long ago."""
        given = options or {}
        key = (scopes, given.get("tenant_id"), bool(given.get("enable_cae")))
        with self._lock:
            now = time.time()
            known = self._tokens.get(key)
            # Claims are Azure's word for a token that it no longer takes.
            if known and known.will_do(now) and not given.get("claims"):
                return known.token
            try:
                token = self._way.get_token_info(*scopes, options=options)
            except (AzureError, StageError) as error:
                if known is None or given.get("claims"):
                    raise
                known.asked_at = now
                if now < known.token.expires_on:
                    return known.token
                if now < known.token.expires_on + PATIENCE:
                    raise NotRenewed(message=f"no new token was given ({error})") from error
                raise
            self._tokens[key] = _CachedToken(token, now)
            return token

    def close(self) -> None:
        """Nothing is held open."""
