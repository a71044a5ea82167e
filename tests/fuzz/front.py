"""Everything the emulator answers over HTTPS, on a home of its own: no job, model server or Azurite is started.

Blobs, which go on to Azurite, have a target of their own (`blobs.py`).
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

from emulator.access.entra import ARM_AUDIENCES, ML_AUDIENCES, Tokens
from emulator.arm.errors import AzureError
from emulator.cloud.parts import Cloud
from emulator.front import admin, application, certificates, server
from emulator.machine.azurite import Azurite
from emulator.machine.home import SUBSCRIPTION_ID, TENANT_ID, Home
from emulator.machine.processes import Processes
from emulator.machine.store import Store
from emulator.manager.calls import Call
from emulator.manager.operations import Transitions
from emulator.manager.service import ResourceManager
from emulator.resources.endpoints import Deployment
from emulator.resources.jobs import Job
from emulator.runs.runner import Runner
from emulator.runs.servers import Servers
from emulator.validation import shapes
from emulator.validation.bodies import put_shape
from emulator.validation.versions import supported
from tests.asgi import Asked, answered
from tests.fuzz.values import as_json, broken, mangled, odd

GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-fuzz"
P = f"{GROUP}/providers"
STORAGE, VAULT = f"{P}/Microsoft.Storage/storageAccounts/stfuzz", f"{P}/Microsoft.KeyVault/vaults/kv-fuzz"
WORKSPACE = f"{P}/Microsoft.MachineLearningServices/workspaces/mlw-fuzz"
THERE: list[tuple[str, str, dict[str, Any]]] = [
    (GROUP, "2024-03-01", {}),
    (STORAGE, "2024-01-01", {"kind": "StorageV2", "sku": {"name": "Standard_LRS"}}),
    (
        VAULT,
        "2024-11-01",
        {
            "properties": {
                "tenantId": TENANT_ID,
                "sku": {"family": "A", "name": "standard"},
                "enableRbacAuthorization": True,
            }
        },
    ),
    (
        WORKSPACE,
        "2025-12-01",
        {"identity": {"type": "SystemAssigned"}, "properties": {"storageAccount": STORAGE, "keyVault": VAULT}},
    ),
]
OTHER_PATHS = (
    GROUP, WORKSPACE, STORAGE, f"{WORKSPACE}/jobs", f"{WORKSPACE}/models/m/versions",
    f"{P}/Microsoft.Nope/x/y",
    f"/subscriptions/{SUBSCRIPTION_ID}", f"/subscriptions/{SUBSCRIPTION_ID}/providers", "/subscriptions", "/", "//", "",
    f"{STORAGE}/listKeys", f"{WORKSPACE}/listKeys", f"{WORKSPACE}/onlineEndpoints/e/score", f"{P}/x",
    "/metadata/endpoints",
    f"/subscriptions/{SUBSCRIPTION_ID}/providers/Microsoft.Insights/eventtypes/management/values",
)  # fmt: skip
ASKED = {
    "management.azure.com": OTHER_PATHS,
    "login.microsoftonline.com": (f"/{TENANT_ID}/oauth2/v2.0/token", "/common/discovery/instance", "/x/oauth2/token"),
    "prices.azure.com": ("/api/retail/prices", "/"),
    "eastus2.api.azureml.ms": (
        "/discovery", f"/history/v1.0{WORKSPACE}/x", f"/mferp/managementfrontend{GROUP}", "/flow/api/x",
        "/metric/v2.0/x",
        f"/history/v1.0{WORKSPACE}/runs/r", f"/mlflow/v1.0{WORKSPACE}/api/2.0/mlflow/runs/log-metric",
    ),
    "kv-fuzz.vault.azure.net": ("/keys/k", "/keys/k/create", "/keys/k/v/wrapKey", "/keys/k/v/decrypt", "/secrets/s"),
    "e.eastus2.inference.ml.azure.com": ("/score", "/v1/chat/completions", "/swagger.json", "/"),
    "stfuzz.file.core.windows.net": ("/share", "/share/a/b", "/code-x/Users/a", "/"),
    "127.0.0.1": (
        "/health", "/admin/quota", "/admin/faults", "/admin/faults/x", "/admin/roles", "/admin/throttle",
        *(f"/admin/{setting}" for setting in admin.SETTINGS),
    ),
    "evil": ("/",),
}  # fmt: skip
SOUND = ("fuzz1", "fuzz1", "Standard", "eastus2", WORKSPACE, STORAGE, VAULT, "PT1H", "100", TENANT_ID, "2030-01-01")
QUERIES = (
    b"",
    b"api-version=2025-12-01",
    b"restype=share",
    b"api-version=2015-04-01&$filter=eventTimestamp ge '2026-11-28' and resourceGroupName eq 'rg-fuzz'&$skipToken=9",
    b"comp=list",
    b"restype=directory",
    b"comp=range",
    b"a=%ff",
    b"a=\xc3",
    b"=&&",
)


class _Failures(logging.Handler):
    """What the emulator logs as its own mistake, on whatever thread."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(logging.Formatter().format(record))


def build(folder: Path) -> Callable[[random.Random], None]:
    home = Home(folder / "home")
    home.make()
    certificates.ensure(home)
    store = Store(home.database)
    azurite = MagicMock(spec=Azurite, **{"names.return_value": [], "blob_sas_url.return_value": "https://x/"})
    azurite.container_sas_url.return_value = "https://x/"
    cloud = Cloud(home, store, azurite, Tokens(home, store), Processes(store))
    runner = MagicMock(spec=Runner)
    servers = MagicMock(spec=Servers, **{"port.return_value": None, "log.return_value": [], "loading.return_value": []})
    servers.key.return_value = "key"
    kinds = [kind(cloud) for kind in server.KINDS]
    for kind in kinds:
        if isinstance(kind, Job):
            kind.runner = runner
        if isinstance(kind, Deployment):
            kind.servers = servers
    manager = ResourceManager(cloud, kinds, Transitions())
    for path, version, body in THERE:
        manager.handle(Call("PUT", path, {"api-version": version}, {"location": "eastus2", **body}))
    web = application.build(cloud, manager, servers, 0, lambda _: None)
    tokens = {audience: cloud.tokens.sign(audience) for audience in (ARM_AUDIENCES[0], ML_AUDIENCES[0])}
    failures = _Failures()
    logging.getLogger("emulator").addHandler(failures)
    # `{type: what a PUT of it may hold}`, of those that this process can make: others would start programs.
    paths = {kind.type: _path(kind.type) for kind in kinds}

    def trial(chance: random.Random) -> None:
        if chance.random() < 0.6:
            asked = _of_arm(chance, paths, tokens[ARM_AUDIENCES[0]])
        else:
            asked = _of_any_host(chance, [*tokens.values(), home.secret("admin")])
        try:
            status, body, _ = answered(web, asked)
        except AzureError as error:
            raise AssertionError(f"no answer but {error} to {asked}") from error
        said, failures.found = failures.found, []
        assert not said, f"for {asked}:\n{said[0][-1_500:]}"
        assert 200 <= status < 600 and status != 500, f"{status} {body[:300]!r} for {asked}"

    return trial


def _path(kind: str) -> str:
    """Of one resource of a type, below the workspace and the group that there are."""
    namespace, *types = kind.split("/")
    if kind == "Microsoft.Resources/resourceGroups":
        return f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-x"
    names = {"workspaces": "mlw-fuzz", "storageAccounts": "stfuzz", "vaults": "kv-fuzz"}
    return f"{P}/{namespace}/" + "/".join(f"{each}/{names.get(each, 'fuzz1')}" for each in types)


def _of_arm(chance: random.Random, paths: dict[str, str], token: str) -> Asked:
    kind = chance.choice(list(paths))
    path = paths[kind] if chance.random() < 0.85 else chance.choice(OTHER_PATHS)
    if chance.random() < 0.1:
        path = path.replace("fuzz1", str(odd(chance))[:300].encode(errors="replace").decode())
    versions = supported(kind) or ("2025-12-01",)
    shape = put_shape(kind)
    body = made(shape, chance) if shape else odd(chance)
    method = chance.choice(("PUT", "PUT", "PUT", "PATCH", "POST", "GET", "DELETE", "HEAD", "OPTIONS"))
    if method == "DELETE" and path in [each for each, _, _ in THERE]:
        method = "GET"  # what all others stand in stays
    return Asked(
        method=method,
        path=path,
        headers=_headers(chance, "management.azure.com", token),
        query=b"api-version=" + (versions[-1].encode() if chance.random() < 0.9 else as_json(odd(chance))),
        body=_nearly(body, chance),
    )


def _nearly(body: Any, chance: random.Random) -> bytes:
    """Most of it sound, so that what comes behind the first look is tried too."""
    how = chance.random()
    if isinstance(body, dict) and how < 0.9:
        body = {**body, "location": "eastus2"}
    if 0.5 < how < 0.85:
        return as_json(broken(body, chance, 0.03))
    return mangled(as_json(body), chance) if how > 0.85 else as_json(body)


def _of_any_host(chance: random.Random, tokens: list[str]) -> Asked:
    host = chance.choice(list(ASKED))
    body = odd(chance) if chance.random() < 0.3 else {str(odd(chance)): odd(chance) for _ in range(3)}
    return Asked(
        method=chance.choice(("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD")),
        path=chance.choice(ASKED[host]) + chance.choice(("", "", "", "/x", "/é", "/\x00")),
        headers=_headers(chance, host, chance.choice(tokens)),
        query=chance.choice(QUERIES),
        body=mangled(as_json(body), chance) if chance.random() < 0.8 else b"grant_type=client_credentials&scope=%ff&a",
    )


def _headers(chance: random.Random, host: str, token: str) -> list[tuple[bytes, bytes]]:
    value = f"Bearer {token}".encode()
    if chance.random() < 0.1:
        value = chance.choice(
            (b"", b"Bearer ", b"Bearer \xff", b"Basic a", b"SharedKey stfuzz:x", mangled(value, chance)[:9_000])
        )
    headers = [
        (b"host", host.encode()),
        (b"authorization", value.replace(b"\r\n", b"")),
        (b"content-type", b"application/json"),
    ]
    if chance.random() < 0.3:
        names = (
            "x-ms-range",
            "range",
            "x-ms-write",
            "x-ms-version",
            "x-ms-date",
            "content-length",
            "x-ms-content-length",
            "if-match",
        )
        headers += [(chance.choice(names).encode(), str(odd(chance)).encode("utf-8", "replace")[:200])]
    return headers


def made(shape: Any, chance: random.Random, depth: int = 0) -> Any:
    """Something of this shape, more or less."""
    if chance.random() < 0.004 or depth > 7:
        return odd(chance)
    if isinstance(shape, shapes.Record):
        members = dict(shape.members)
        if shape.cases and shape.discriminator:
            name = chance.choice(list(shape.cases))
            members = {**members, **shape.cases[name].members}
        value = {
            key: made(member.shape, chance, depth + 1)
            for key, member in members.items()
            if not member.read_only and (member.required or chance.random() < (0.6 if depth < 2 else 0.3))
        }
        return {**value, shape.discriminator: name} if shape.cases and shape.discriminator else value
    if isinstance(shape, shapes.Items):
        return [made(shape.item, chance, depth + 1) for _ in range(chance.randint(0, 2))]
    if isinstance(shape, shapes.Entries):
        return {key: made(shape.value, chance, depth + 1) for key in ("a", "fuzz1")[: chance.randint(0, 2)]}
    if isinstance(shape, shapes.Either):
        return made(chance.choice(shape.shapes), chance, depth + 1)
    if isinstance(shape, shapes.Choice):
        return chance.choice(shape.values)
    if isinstance(shape, shapes.Simple):
        sound = {"Boolean": True, "Int32": 1, "Double": 1.5}.get(shape.name)
        return chance.choice(SOUND) if sound is None else sound
    return odd(chance)
