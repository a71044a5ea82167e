"""Keys of a key vault: RSA keys that are made, looked at, and that encrypt and decrypt; no secrets or certificates.

What Pulumi's `azurekeyvault://` secrets provider and `az keyvault key create` ask for. A private key never leaves.
"""

from __future__ import annotations

import base64
import binascii
import re
import time
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from emulator.access.entra import LOGIN
from emulator.access.rbac import Rbac
from emulator.arm import content
from emulator.arm.errors import AzureError
from emulator.cloud.parts import Cloud
from emulator.machine.home import CLIENT_ID, TENANT_ID
from emulator.machine.store import Resource
from emulator.resources.vault_keys import VaultKey, new_version

AUDIENCE = "https://vault.azure.net"
KEY = re.compile(r"/keys/(?P<name>[^/]+)(?:/(?P<version>[0-9a-f]{32})?)?(?:/(?P<verb>create|encrypt|decrypt))?/?")
ALGORITHMS = {"RSA-OAEP": hashes.SHA1, "RSA-OAEP-256": hashes.SHA256}
VAULT = "Microsoft.KeyVault/vaults"


class VaultError(AzureError):
    """A refusal of a vault: the ARM envelope plus ``innererror``."""

    def __init__(self, status: int, code: str, message: str, inner: str = "", **more: Any) -> None:
        super().__init__(status, code, message, **more)
        self.inner = inner

    def body(self) -> dict[str, Any]:
        body = super().body()
        if self.inner:
            body["error"]["innererror"] = {"code": self.inner}
        return body


def application(cloud: Cloud) -> Starlette:
    """The web application behind ``<vault>.vault.azure.net``."""
    keys = _Keys(cloud)

    async def answer(request: Request) -> JSONResponse:
        host, authorization = request.url.hostname or "", request.headers.get("authorization")
        try:
            body = content.read(await request.body()) or {}
            found = await run_in_threadpool(keys.answer, request.method, host, request.url.path, authorization, body)
        except AzureError as error:
            return JSONResponse(error.body(), error.status, error.headers)
        return JSONResponse(found)

    return Starlette(routes=[Route("/keys/{rest:path}", answer, methods=["GET", "POST"])])


class _Keys:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def answer(self, method: str, host: str, path: str, authorization: str | None, body: dict[str, Any]) -> Any:
        caller = self._caller(authorization)
        asked = KEY.fullmatch(path)
        verb = (asked["verb"] if asked else None) or "read"
        if asked is None or (method == "GET") != (verb == "read"):
            raise VaultError(405, "MethodNotAllowed", f"The emulator has no {method} {path} of a key vault.")
        vault = self._vault(host)
        self._authorize(caller, vault, f"{VAULT}/keys/{verb}{'' if verb == 'read' else '/action'}", asked["name"])
        if verb == "create":
            return self._create(vault, asked["name"], body)
        key, version = self._key(vault, asked["name"], asked["version"])
        if verb == "read":
            return _bundle(key, version)
        return {"kid": _kid(key, version), "value": _encode(_operate(verb, _private(key, version), body))}

    def _caller(self, authorization: str | None) -> str:
        challenge = f'Bearer authorization="{LOGIN}/{TENANT_ID}", resource="{AUDIENCE}"'
        try:
            return self._cloud.tokens.check(authorization, (AUDIENCE,))
        except AzureError as error:
            message = {
                "AuthenticationFailed": "AKV10000: Request is missing a Bearer or PoP token.",
                "InvalidAuthenticationTokenAudience": f"AKV10022: Invalid audience. Expected {AUDIENCE}.",
            }.get(error.code, error.message)
            headers = {"WWW-Authenticate": challenge}
            raise VaultError(401, "Unauthorized", message, headers=headers) from error

    def _vault(self, host: str) -> Resource:
        name = host.partition(".")[0].lower()
        for vault in self._cloud.store.of_type(VAULT):
            if vault.name.lower() == name:
                return vault
        raise VaultError(404, "VaultNotFound", f"There is no key vault {name}; on Azure its name does not resolve.")

    def _authorize(self, caller: str, vault: Resource, action: str, key: str) -> None:
        scope = f"{vault.id}/keys/{key}"
        if not Rbac(self._cloud.store).allowed(caller, action, scope, data=True):
            raise VaultError(
                403,
                "Forbidden",
                "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or "
                "role definitions were changed recently, please observe propagation time.\r\nCaller: "
                f"appid={CLIENT_ID};oid={caller};iss=https://sts.windows.net/{TENANT_ID}/\r\nAction: '{action}'\r\n"
                f"Resource: '{scope.lower()}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: "
                f"'DeniedWithNoValidRBAC' \r\nVault: {vault.name};location={vault.body['location']}\r\n",
                "ForbiddenByRbac",
            )

    def _create(self, vault: Resource, name: str, body: dict[str, Any]) -> dict[str, Any]:
        with self._cloud.store.lock:
            identity = {"id": f"{vault.id}/keys/{name}", "name": name, "type": VaultKey.type}
            key = self._cloud.store.get(identity["id"]) or Resource({**identity, "properties": {}})
            version = new_version(key, body.get("kty", "RSA"), body.get("key_size"))
            self._cloud.store.put(key)
        return _bundle(key, version)

    def _key(self, vault: Resource, name: str, version: str | None) -> tuple[Resource, str]:
        key = self._cloud.store.get(f"{vault.id}/keys/{name}")
        version = version or (str(key.internal["current"]) if key else "")
        if key is None or version not in key.internal["versions"]:
            raise VaultError(
                404,
                "KeyNotFound",
                f"A key with (name/id) {name}{f'/{version}' if version else ''} was not found in this key vault. If "
                "you recently deleted this key you may be able to recover it using the correct recovery command. For "
                "help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
            )
        return key, version


def _private(key: Resource, version: str) -> rsa.RSAPrivateKey:
    loaded = serialization.load_pem_private_key(key.internal["versions"][version].encode(), None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    return loaded


def _operate(verb: str, private: rsa.RSAPrivateKey, body: dict[str, Any]) -> bytes:
    kind = ALGORITHMS.get(str(body.get("alg")))
    if kind is None:
        known = ", ".join(ALGORITHMS)
        raise VaultError(400, "BadParameter", f"Property alg has invalid value {body.get('alg')}; known here: {known}.")
    scheme = padding.OAEP(padding.MGF1(kind()), kind(), None)
    try:
        value = _decode(str(body.get("value", "")))
        return private.public_key().encrypt(value, scheme) if verb == "encrypt" else private.decrypt(value, scheme)
    except (ValueError, binascii.Error) as error:
        raise VaultError(400, "BadParameter", "The parameter is incorrect.") from error


def _bundle(key: Resource, version: str) -> dict[str, Any]:
    numbers = _private(key, version).public_key().public_numbers()
    seconds = int(time.time())
    return {
        "key": {
            "kid": _kid(key, version),
            "kty": "RSA",
            "key_ops": ["encrypt", "decrypt"],
            "n": _encode(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")),
            "e": _encode(numbers.e.to_bytes(3, "big")),
        },
        "attributes": {"enabled": True, "created": seconds, "updated": seconds, "recoveryLevel": "Recoverable"},
    }


def _kid(key: Resource, version: str) -> str:
    return f"https://{key.id.split('/')[-3]}.vault.azure.net/keys/{key.name}/{version}"


def _encode(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
