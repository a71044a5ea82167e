"""How fast the emulator answers, alone, with much in it, and beside moto's server and Azurite on like operations."""

from __future__ import annotations

import datetime
import http.client
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas

from bench.client import arm, rate, whole
from bench.figures import Figure, Section
from emulator.machine import azurite, environment, lifecycle
from emulator.machine.home import SUBSCRIPTION_ID, Home, free_port
from emulator.machine.store import Resource, Store

GROUP = f"/subscriptions/{SUBSCRIPTION_ID}/resourceGroups/rg-bench"
IDENTITY = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-"
VERSION = "?api-version=2023-01-31"
CALLS, RESOURCES, JOBS = 400, 10_000, 1_000
MOTO = "moto[server]==5.1.22"
PEERS = Path(__file__).resolve().parents[2] / ".bench" / "peers"
TEXT = f"""
One client, one connection, one call after the other: GET and PUT of a managed identity, through the proxy, TLS, token,
role and body checks. *Full* is with {RESOURCES:,} resources and {JOBS:,} jobs in the store. moto makes and looks at S3
buckets, in memory; Azurite makes and looks at containers, on disk; both in plain HTTP without a proxy, and neither
checks a role or a body.
"""


def run(runs: int) -> Section:
    ready, reads, writes, full_reads, full_writes = ([] for _ in range(5))  # type: ignore[var-annotated]
    moto: dict[str, list[float]] = {"reads": [], "writes": []}
    blobs: dict[str, list[float]] = {"reads": [], "writes": []}
    memory = []
    with _moto() as moto_port, _azurite() as (azurite_port, sas):
        for number in range(runs):
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                home = Home(Path(folder) / "home")
                ready.append(_start(home))
                try:
                    read, write = _rates(home)
                    reads.append(read)
                    writes.append(write)
                    _fill(home)
                    read, write = _rates(home)
                    full_reads.append(read / reads[-1])
                    full_writes.append(write / writes[-1])
                    running = home.running()
                    assert running is not None
                    memory.append(psutil.Process(running[0]).memory_info().rss / 1e6)
                finally:
                    lifecycle.stop(home)
            for name, value in _plain(moto_port, number).items():
                moto[name].append(value)
            for name, value in _containers(azurite_port, sas, number).items():
                blobs[name].append(value)
    of = tuple
    return Section(
        title="Emulator",
        figures=(
            Figure(name="emulator: ready, in an empty home", values=of(ready), unit="s", most=1.5),
            Figure(name="emulator: reads, one client", values=of(reads), unit="/s", least=500),
            Figure(name="emulator: writes, one client", values=of(writes), unit="/s", least=200),
            Figure(name="emulator: full, reads ÷ empty", values=of(full_reads), unit="x", least=0.9),
            Figure(name="emulator: full, writes ÷ empty", values=of(full_writes), unit="x", least=0.9),
            Figure(name="emulator: memory, full, without a job under way", values=of(memory), unit="MB", most=200),
            Figure(name="moto's server: reads", values=of(moto["reads"]), unit="/s"),
            Figure(name="moto's server: writes", values=of(moto["writes"]), unit="/s"),
            Figure(name="Azurite: reads", values=of(blobs["reads"]), unit="/s"),
            Figure(name="Azurite: writes", values=of(blobs["writes"]), unit="/s"),
        ),
        text=TEXT,
    )


def _start(home: Home) -> float:
    os.environ["EMULATOR_PORT"] = "0"
    since = time.perf_counter()
    lifecycle.start(home)
    return time.perf_counter() - since


def _rates(home: Home) -> tuple[float, float]:
    """Reads and writes a second."""
    ports = lifecycle.alive(home)
    assert ports is not None
    client = arm(environment.build(home, ports))
    client.call("PUT", f"{GROUP}?api-version=2024-03-01", {"location": "eastus2"})
    client.call("PUT", f"{IDENTITY}0{VERSION}", {"location": "eastus2"})  # loads the models of the namespace
    write = rate(lambda at: client.call("PUT", f"{IDENTITY}{at}{VERSION}", {"location": "eastus2"}), CALLS)
    read = rate(lambda at: client.call("GET", f"{IDENTITY}{at}{VERSION}"), CALLS)
    return read, write


def _fill(home: Home) -> None:
    store = Store(home.database)
    pattern = store.get(f"{IDENTITY}0")
    assert pattern is not None
    workspace = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw"
    for at in range(RESOURCES):
        name = f"more-{at}"
        store.put(Resource({**pattern.body, "id": f"{IDENTITY}{name}", "name": f"id-{name}"}, pattern.internal))
    for at in range(JOBS):
        kind = "Microsoft.MachineLearningServices/workspaces/jobs"
        body = {
            "id": f"{workspace}/jobs/job-{at}",
            "name": f"job-{at}",
            "type": kind,
            "properties": {"jobType": "Pipeline"},
        }
        store.put(Resource(body, {"status": "Completed"}))
    store.close()


# --- the others


@contextmanager
def _moto() -> Iterator[int]:
    """moto's server, in an environment of its own: what it needs is no business of this project's."""
    if not (PEERS / "bin" / "moto_server").exists():
        uv = str(Path(sys.prefix) / "bin" / "uv")
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(PEERS)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(PEERS / "bin" / "python"), MOTO], check=True)
    port = free_port()
    command = [str(PEERS / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with _served(command, port):
        yield port


@contextmanager
def _azurite() -> Iterator[tuple[int, str]]:
    """Azurite with an account ``bench``: its port, and a signature that opens it."""
    port, key = free_port(), b64encode(secrets.token_bytes(32)).decode()
    place = Path(tempfile.mkdtemp(prefix="bench-azurite-"))
    environ = {**os.environ, "AZURITE_ACCOUNTS": f"bench:{key}"}
    command = [azurite.executable(), "--location", str(place), "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    try:
        with _served([*command, "--silent", "--skipApiVersionCheck", "--disableTelemetry"], port, environ):
            permission = AccountSasPermissions(read=True, write=True, list=True, create=True)  # type: ignore[no-untyped-call]
            until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=2)
            yield port, generate_account_sas("bench", key, ResourceTypes(container=True), permission, expiry=until)  # type: ignore[no-untyped-call]
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _served(command: list[str], port: int, environ: dict[str, str] | None = None) -> Iterator[None]:
    server = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and server.poll() is None:
            try:
                http.client.HTTPConnection("127.0.0.1", port).connect()
                break
            except OSError:
                time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait()


def _plain(port: int, number: int) -> dict[str, float]:
    client = http.client.HTTPConnection("127.0.0.1", port)
    headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, Signature=b"}

    def call(method: str, at: int) -> bytes:
        client.request(method, f"/bucket-{number}-{at}", headers=headers)
        return whole(client)

    writes = rate(lambda at: call("PUT", at), CALLS)
    return {"writes": writes, "reads": rate(lambda at: call("GET", at), CALLS)}


def _containers(port: int, sas: str, number: int) -> dict[str, float]:
    client = http.client.HTTPConnection("127.0.0.1", port)

    def call(method: str, at: int) -> bytes:
        headers = {"Content-Length": "0"} if method == "PUT" else {}
        client.request(method, f"/bench/c-{number}-{at}?restype=container&{sas}", headers=headers)
        return whole(client)

    writes = rate(lambda at: call("PUT", at), CALLS)
    return {"writes": writes, "reads": rate(lambda at: call("GET", at), CALLS)}
