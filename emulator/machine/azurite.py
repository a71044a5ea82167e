"""Blob storage: the real Azurite, one account for every storage account of the store."""

from __future__ import annotations

import datetime
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ServiceRequestError
from azure.storage.blob import (
    BlobSasPermissions,
    BlobServiceClient,
    ContainerClient,
    ContainerSasPermissions,
    generate_blob_sas,
    generate_container_sas,
)

from emulator.machine.home import EmulatorError, Home
from emulator.machine.processes import Processes

KIND = "azurite"
START_SECONDS = 20.0
WATCH_SECONDS = 0.5

log = logging.getLogger(__name__)


class Azurite:
    """Starts Azurite and does to its blobs what the service itself would do."""

    def __init__(self, home: Home, port: int, processes: Processes) -> None:
        self._home = home
        self._port = port
        self._processes = processes
        self._accounts: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()
        self._watching = False

    def start(self, accounts: dict[str, str]) -> None:
        """Serve these accounts (name → base64 key); without any there is nothing to serve yet."""
        with self._lock:
            self._accounts = dict(accounts)
            if accounts:
                self._launch()

    def ensure_account(self, name: str, key: str) -> None:
        """Serve one more account. Azurite reads its accounts at start, so this restarts it."""
        with self._lock:
            if self._accounts.get(name) == key:
                return
            self._accounts[name] = key
            self._launch()

    def remove_account(self, name: str) -> None:
        """Delete an account's containers and stop serving it at the next start."""
        with self._lock:
            if name not in self._accounts:
                return
            service = self._service(name)
            for container in service.list_containers():
                service.delete_container(container.name)
            del self._accounts[name]

    def stop(self) -> None:
        with self._lock:
            self._watching = False
            self._end()

    def _end(self) -> None:
        self._process = None
        self._processes.stop_all(KIND)

    def _launch(self) -> None:
        self._end()
        self._home.blobs.mkdir(parents=True, exist_ok=True)
        output = self._home.logs / "azurite.log"
        arguments = ["--location", str(self._home.blobs), "--blobHost", "127.0.0.1", "--blobPort", str(self._port)]
        arguments += ["--cert", str(self._home.certificates / "server.pem")]
        arguments += ["--key", str(self._home.certificates / "server.key")]
        # Without --oauth, which would take anybody's token: this port knows keys and SAS alone, and tokens are checked
        # where blob hosts are answered (dataplane/blobs.py).
        arguments += ["--skipApiVersionCheck", "--disableTelemetry", "--silent"]
        accounts = ";".join(f"{name}:{key}" for name, key in self._accounts.items())
        self._process = self._processes.run(
            KIND,
            KIND,
            [executable(), *arguments],
            log=output,
            port=self._port,
            environment={**os.environ, "AZURITE_ACCOUNTS": accounts},
        )
        self._wait(output)
        if not self._watching:
            self._watching = True
            threading.Thread(target=self._watch, daemon=True, name="azurite").start()

    def _watch(self) -> None:
        """Bring Azurite back when it dies: storage on Azure does not stay away because a machine there did."""
        while True:
            time.sleep(WATCH_SECONDS)
            with self._lock:
                if not self._watching:
                    return
                if not self._accounts or (self._process is not None and self._process.poll() is None):
                    continue
                log.warning("Azurite ended and is started again")
                try:
                    self._launch()
                except EmulatorError:
                    log.exception("Azurite does not come back")

    def _wait(self, output: Path) -> None:
        account = next(iter(self._accounts))
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                next(iter(self._service(account).list_containers()), None)
                return
            except (ServiceRequestError, HttpResponseError):
                time.sleep(0.05)
        self._process = None
        tail = output.read_text(errors="replace")[-500:]
        raise EmulatorError(f"Azurite did not start; the end of {output}:\n{tail}")

    def _service(self, account: str) -> BlobServiceClient:
        return BlobServiceClient(
            f"https://127.0.0.1:{self._port}/{account}",
            credential={"account_name": account, "account_key": self._accounts[account]},
            connection_verify=str(self._home.ca_file),
            # The emulator's own calls go straight to Azurite, whatever proxy its environment names.
            use_env_settings=False,
            retry_total=0,
        )

    # --- containers and blobs

    def ensure_container(self, account: str, container: str) -> None:
        try:
            self._service(account).create_container(container)
        except ResourceExistsError:
            return  # made earlier, as asked

    def container(self, account: str, name: str) -> ContainerClient:
        return self._service(account).get_container_client(name)

    def upload(self, account: str, container: str, path: str, content: bytes) -> None:
        self.container(account, container).upload_blob(path, content, overwrite=True)

    def upload_folder(self, account: str, container: str, prefix: str, folder: Path) -> None:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                self.upload(account, container, f"{prefix.rstrip('/')}/{file.relative_to(folder)}", file.read_bytes())

    def names(self, account: str, container: str, prefix: str) -> list[str]:
        return [str(name) for name in self.container(account, container).list_blob_names(name_starts_with=prefix)]

    def download(self, account: str, container: str, path: str, target: Path) -> None:
        """Fetch one blob, or every blob below a prefix, to ``target``.

        Raises:
            FileNotFoundError: nothing is stored there.
            PermissionError: a blob's name leads out of ``target``.
        """
        client = self.container(account, container)
        names = [name for name in self.names(account, container, path) if _covers(path, name)]
        if not names:
            raise FileNotFoundError(f"{account}/{container}/{path}")
        for name in names:
            place = target if name == path else _inside(target, name.removeprefix(path).lstrip("/"))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(client.download_blob(name).readall())

    def blob_sas_url(self, account: str, container: str, path: str) -> str:
        """A URL under Azure's host name that reads one blob for an hour."""
        sas = generate_blob_sas(
            account,
            container,
            path,
            account_key=self._accounts[account],
            permission=BlobSasPermissions(read=True),
            expiry=_in_an_hour(),
        )
        return f"https://{account}.blob.core.windows.net/{container}/{path}?{sas}"

    def container_sas_url(self, account: str, container: str) -> str:
        """A URL under Azure's host name that writes to one container for an hour."""
        permission: Any = ContainerSasPermissions(read=True, write=True, list=True, create=True, add=True)
        sas = generate_container_sas(
            account, container, account_key=self._accounts[account], permission=permission, expiry=_in_an_hour()
        )
        return f"https://{account}.blob.core.windows.net/{container}?{sas}"


def _covers(path: str, name: str) -> bool:
    return name == path or name.startswith(path.rstrip("/") + "/")


def _inside(folder: Path, name: str) -> Path:
    """A blob's place below a folder; its name is whoever uploaded it's to choose."""
    place = Path(os.path.normpath(folder / name))
    if not place.is_relative_to(os.path.normpath(folder)) or "\0" in name:
        raise PermissionError(f"the blob {name!r} leads out of the folder it is fetched to")
    return place


def _in_an_hour() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)


def executable() -> str:
    """Path of Azurite's blob server, which ``make setup`` installs.

    Raises:
        EmulatorError: it is nowhere.
    """
    beside = Path(sys.prefix) / "pulumi" / "bin" / "azurite-blob"
    found = str(beside) if beside.exists() else shutil.which("azurite-blob")
    if not found:
        raise EmulatorError("Azurite, the blob storage of the emulator, is not installed. Run: make setup")
    return found
