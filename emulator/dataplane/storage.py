"""What blobs and file shares have in common: whose account it is, who may ask, and how a refusal reads."""

from __future__ import annotations

import secrets
from typing import Any
from xml.sax.saxutils import escape

from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.pipeline.transport import HttpRequest
from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy
from starlette.requests import Request
from starlette.responses import Response

from emulator.access.rbac import Rbac
from emulator.arm.errors import AzureError
from emulator.cloud.parts import Cloud
from emulator.machine.store import Resource
from emulator.resources.foundation import StorageAccount

AUDIENCES = ("https://storage.azure.com",)


def account_of(cloud: Cloud, request: Request) -> Resource:
    """The account that a request's host names.

    Raises:
        AzureError: there is none.
    """
    name = (request.url.hostname or "").split(".")[0]
    account = next((each for each in cloud.store.of_type(StorageAccount.type) if each.name == name), None)
    if account is None:
        raise AzureError(404, "ResourceNotFound", f"The storage account {name} does not exist.")
    return account


def by_token(request: Request) -> bool:
    """Whether whoever asks shows a token, and neither a signature of the account's key nor one of a SAS."""
    return request.headers.get("authorization", "").lower().startswith("bearer")


def check_token(cloud: Cloud, request: Request) -> str:
    """The principal whose token a request carries.

    Raises:
        AzureError: the token is missing, forged, expired or for another service.
    """
    return cloud.tokens.check(request.headers.get("authorization"), AUDIENCES)


def check_role(cloud: Cloud, caller: str, action: str, scope: str, *, data: bool = True) -> None:
    """Refuse a caller that no assignment allows this.

    Raises:
        AzureError: 403, as storage words it.
    """
    if not Rbac(cloud.store).allowed(caller, action, scope, data=data):
        raise AzureError(
            403,
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        )


def check_takes_keys(account: Resource) -> None:
    """Refuse whoever shows a key's signature to an account that takes none.

    Raises:
        AzureError: 403, as storage words it.
    """
    if account.properties.get("allowSharedKeyAccess") is False:
        raise AzureError(
            403,
            "KeyBasedAuthenticationNotPermitted",
            "Key based authentication is not permitted on this storage account.",
        )


def check_key(account: Resource, request: Request) -> None:
    """Refuse a request that none of the account's keys has signed.

    Raises:
        AzureError: 403, as storage words it.
    """
    check_takes_keys(account)
    given = request.headers.get("authorization", "").encode()
    if not any(
        secrets.compare_digest(given, signed(account.name, key, request).encode()) for key in account.internal["keys"]
    ):
        raise AzureError(
            403,
            "AuthenticationFailed",
            "Server failed to authenticate the request. Make sure the value of Authorization header is formed "
            "correctly including the signature.",
        )


def signed(account: str, key: str, request: Request) -> str:
    """What the authorization header of this request has to be by a key: Azure's own client computes it."""
    path = request.scope["raw_path"].decode("latin-1").split("?")[0]
    query = request.scope["query_string"].decode("latin-1")
    sent = HttpRequest(request.method, f"https://{request.url.hostname}{path}?{query}", dict(request.headers))
    sent.headers.pop("authorization", None)
    policy: Any = SharedKeyCredentialPolicy(account, key)  # type: ignore[no-untyped-call]
    policy.on_request(PipelineRequest(sent, PipelineContext(None)))
    return str(sent.headers["Authorization"])


def refusal(error: AzureError, headers: dict[str, str] | None = None) -> Response:
    """A refusal in storage's shape: XML, with the code in a header as well."""
    inner = f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message></Error>"
    named = {**(headers or {}), **error.headers, "x-ms-error-code": error.code}
    return Response(f'<?xml version="1.0" encoding="utf-8"?>{inner}', error.status, named, "application/xml")
