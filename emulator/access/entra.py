"""Entra ID: client-credential tokens that are signed, expire, and name their audience."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
import urllib.parse
from collections.abc import Mapping
from typing import Any

import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from emulator.arm.errors import AzureError
from emulator.faults.book import Faults
from emulator.faults.rules import TOKEN
from emulator.machine.home import CLIENT_ID, CLIENT_OBJECT_ID, TENANT_ID, Home
from emulator.machine.store import Store

LOGIN = "https://login.microsoftonline.com"
TOKEN_SECONDS = 3600
REVOKED = "revoked-tokens"
ARM_AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")
ML_AUDIENCES = (*ARM_AUDIENCES, "https://ml.azure.com")


class Tokens:
    """Issues and checks the tokens of one emulator."""

    def __init__(self, home: Home, store: Store) -> None:
        self._store = store
        self._faults = Faults(store)
        self._key = home.secret("token-key")
        self._client_secret = home.secret("client-secret")

    def issue(self, form: Mapping[str, str]) -> dict[str, Any]:
        """The answer of the token end point to a client-credentials form.

        Raises:
            AzureError: unknown client or wrong secret, as Entra words it.
        """
        if form.get("client_id") != CLIENT_ID:
            raise AzureError(
                400,
                "unauthorized_client",
                f"AADSTS700016: Application with identifier '{form.get('client_id')}' was not found in the "
                f"directory '{TENANT_ID}'.",
            )
        if not secrets.compare_digest(form.get("client_secret", "").encode(), self._client_secret.encode()):
            raise AzureError(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
        scope = form.get("scope", "").split(" ")[0]
        fault = self._faults.hit(TOKEN, "POST", LOGIN.removeprefix("https://"), f"/{TENANT_ID}/oauth2/v2.0/token")
        seconds = int(fault.seconds or 0) if fault else TOKEN_SECONDS
        return {
            "token_type": "Bearer",
            "expires_in": max(seconds - 1, 0),
            "ext_expires_in": max(seconds - 1, 0),
            "access_token": self.sign(scope.removesuffix("/.default"), lifetime=seconds),
        }

    def revoke(self, token: str) -> None:
        """Let a token count no longer, though it has not expired."""
        with self._store.lock:
            revoked = self._store.setting(REVOKED, [])
            self._store.set_setting(REVOKED, [*revoked, _digest(token)])

    def sign(self, audience: str, *, lifetime: int = TOKEN_SECONDS) -> str:
        """A token of the emulator's one principal for an audience; ``lifetime`` in seconds."""
        seconds = int(time.time())
        claims = {
            "aud": audience,
            # Tokens for ARM, Azure ML and storage are of version 1.0 on Azure; Azurite takes no other issuer.
            "iss": f"https://sts.windows.net/{TENANT_ID}/",
            "sub": CLIENT_OBJECT_ID,
            "oid": CLIENT_OBJECT_ID,
            "tid": TENANT_ID,
            "appid": CLIENT_ID,
            "idtyp": "app",
            "iat": seconds,
            "nbf": seconds - 5,
            "exp": seconds + lifetime,
            "ver": "1.0",
            "uti": secrets.token_urlsafe(16),
        }
        return jwt.encode(claims, self._key, algorithm="HS256")

    def check(self, authorization: str | None, audiences: tuple[str, ...]) -> str:
        """The caller's object id.

        Raises:
            AzureError: 401 for a missing, expired, forged or misaddressed token.
        """
        if not authorization or not authorization.lower().startswith("bearer "):
            raise _unauthorized("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        try:
            claims = jwt.decode(
                authorization[7:],
                self._key,
                algorithms=["HS256"],
                audience=[form for audience in audiences for form in (audience, f"{audience}/", f"{audience}//")],
            )
        except jwt.ExpiredSignatureError as error:
            raise _unauthorized(
                "ExpiredAuthenticationToken",
                f"The access token expiry UTC time '{_expiry(authorization[7:])}' is earlier than current UTC time "
                f"'{_utc(time.time())}'.",
            ) from error
        except jwt.InvalidAudienceError as error:
            raise _unauthorized(
                "InvalidAuthenticationTokenAudience",
                f"The access token has been obtained for wrong audience or resource. It should exactly match with "
                f"one of the allowed audiences '{','.join(audiences)}'.",
            ) from error
        except jwt.PyJWTError as error:
            raise _unauthorized("InvalidAuthenticationToken", "The access token is invalid.") from error
        if _digest(authorization[7:]) in self._store.setting(REVOKED, ()):
            raise _unauthorized("InvalidAuthenticationToken", "The access token has been revoked.", revoked=True)
        return str(claims["oid"])


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _expiry(token: str) -> str:
    return _utc(float(jwt.decode(token, options={"verify_signature": False})["exp"]))


def _utc(seconds: float) -> str:
    return time.strftime("%m/%d/%Y %H:%M:%S", time.gmtime(seconds))


def _unauthorized(code: str, message: str, *, revoked: bool = False) -> AzureError:
    return AzureError(401, code, message, headers={"WWW-Authenticate": challenge(revoked=revoked)})


def challenge(*, revoked: bool) -> str:
    """The header of a 401; for a revoked token it asks for one issued from now on, as continuous access evaluation."""
    start = f'Bearer authorization_uri="{LOGIN}/{TENANT_ID}"'
    if not revoked:
        return f'{start}, error="invalid_token"'
    claims = {"access_token": {"nbf": {"essential": True, "value": str(int(time.time()))}}}
    encoded = base64.b64encode(json.dumps(claims).encode()).decode()
    return f'{start}, error="insufficient_claims", claims="{encoded}"'


def application(tokens: Tokens) -> Starlette:
    """The web application behind ``login.microsoftonline.com``."""

    def configuration(request: Request) -> JSONResponse:
        base = f"{LOGIN}/{request.path_params['tenant']}"
        return JSONResponse(
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "issuer": f"{base}/v2.0",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "tenant_region_scope": "NA",
                "cloud_instance_name": "microsoftonline.com",
            }
        )

    def instance(request: Request) -> JSONResponse:
        authorize = urllib.parse.urlparse(request.query_params.get("authorization_endpoint", ""))
        tenant = authorize.path.strip("/").split("/")[0] or TENANT_ID
        return JSONResponse(
            {
                "tenant_discovery_endpoint": f"{LOGIN}/{tenant}/v2.0/.well-known/openid-configuration",
                "api-version": "1.1",
                "metadata": [
                    {
                        "preferred_network": "login.microsoftonline.com",
                        "preferred_cache": "login.microsoftonline.com",
                        "aliases": ["login.microsoftonline.com", "login.microsoft.com"],
                    }
                ],
            }
        )

    async def token(request: Request) -> JSONResponse:
        form = dict(urllib.parse.parse_qsl((await request.body()).decode(errors="replace")))
        try:
            return JSONResponse(tokens.issue(form))
        except AzureError as error:
            return JSONResponse({"error": error.code, "error_description": error.message}, error.status)

    return Starlette(
        routes=[
            Route("/common/discovery/instance", instance),
            Route("/{tenant}/v2.0/.well-known/openid-configuration", configuration),
            Route("/{tenant}/oauth2/v2.0/token", token, methods=["POST"]),
        ]
    )
