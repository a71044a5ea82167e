"""The private certificate authority that only children of ``exec`` trust."""

from __future__ import annotations

import os
from pathlib import Path

import trustme

from emulator.machine.home import Home
from emulator.subscription.regions import REGIONS

HOSTS = (
    "localhost",
    "127.0.0.1",
    "management.azure.com",
    "login.microsoftonline.com",
    "login.microsoft.com",
    "prices.azure.com",
    "*.api.azureml.ms",
    "*.blob.core.windows.net",
    "*.file.core.windows.net",
    "*.vault.azure.net",
    # A wildcard covers one label, and endpoints are <endpoint>.<region>.inference.ml.azure.com.
    *(f"*.{region}.inference.ml.azure.com" for region in REGIONS),
)


def ensure(home: Home) -> None:
    """Write CA, server certificate and key into the home, once, and again if hosts have been added since."""
    known = home.certificates / "hosts"
    hosts = "\n".join(HOSTS)
    if (home.certificates / "server.pem").exists() and known.exists() and known.read_text() == hosts:
        return
    home.certificates.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority = trustme.CA(organization_name="finetune-phi emulator")
    server = authority.issue_cert(*HOSTS)
    authority.cert_pem.write_to_path(str(home.ca_file))
    _write_private(home.certificates / "server.key", server.private_key_pem.bytes())
    chain = b"".join(blob.bytes() for blob in server.cert_chain_pems)
    (home.certificates / "server.pem").write_bytes(chain)
    known.write_text(hosts)


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
