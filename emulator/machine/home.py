"""Where one emulator lives: its directory, its ports and its made-up identities."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

DEFAULT_PORT = 18640

OWN = frozenset(("state.sqlite", "start.lock"))
"""By one of these a directory is told to be a home already."""

# Fixed on purpose: names that derive from the subscription are then the same on every machine.
SUBSCRIPTION_ID = "00000000-0000-4000-8000-0000000000a1"
TENANT_ID = "00000000-0000-4000-8000-0000000000b2"
CLIENT_ID = "00000000-0000-4000-8000-0000000000c3"
CLIENT_OBJECT_ID = "00000000-0000-4000-8000-0000000000d4"


class EmulatorError(Exception):
    """A problem the person running the emulator can mend; the message says how."""


class UsageError(EmulatorError):
    """The command line asks for something there is not."""


@dataclass(frozen=True)
class Ports:
    """Three loopback TCP ports: CONNECT proxy, HTTPS, blobs."""

    proxy: int
    https: int
    blobs: int


@dataclass(frozen=True)
class Home:
    """The directory that holds everything one emulator writes."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        """The home of ``EMULATOR_HOME``, else ``.emulator`` in the current directory."""
        return cls(Path(os.environ.get("EMULATOR_HOME") or ".emulator").absolute())

    def make(self) -> None:
        """The directory, for its owner alone: it holds every key of its emulator.

        Raises:
            EmulatorError: it is somebody else's, or holds other things and is open to others.
        """
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        state = self.root.stat()
        if state.st_uid != os.geteuid():
            raise EmulatorError(
                f"{self.root} cannot be the emulator's home: it belongs to another user, who could read its keys and "
                "change what it runs. Choose a directory of yours with EMULATOR_HOME."
            )
        if not state.st_mode & 0o077:
            return
        there = {path.name for path in self.root.iterdir()}
        if there and not there & OWN:
            raise EmulatorError(
                f"{self.root} cannot be the emulator's home: others may enter it, and it holds things that are not "
                "the emulator's, so it is left as it is. Choose an empty directory with EMULATOR_HOME."
            )
        self.root.chmod(0o700)

    @property
    def database(self) -> Path:
        return self.root / "state.sqlite"

    @property
    def certificates(self) -> Path:
        return self.root / "certificates"

    @property
    def ca_file(self) -> Path:
        return self.certificates / "ca.pem"

    @property
    def blobs(self) -> Path:
        return self.root / "blobs"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def log_file(self) -> Path:
        return self.logs / "emulator.log"

    def work_of(self, resource_id: str) -> Path:
        """Scratch directory of one job or deployment."""
        digest = hashlib.sha256(resource_id.lower().encode()).hexdigest()[:12]
        return self.root / "work" / f"{resource_id.rsplit('/', 1)[1]}-{digest}"

    @property
    def pulumi(self) -> Path:
        """Pulumi's state and home for stacks that live on this emulator."""
        return self.root / "pulumi"

    @property
    def running_file(self) -> Path:
        """Written by a running emulator: its process id and ports."""
        return self.root / "running.json"

    def running(self) -> tuple[int, Ports] | None:
        """Process id and ports the last emulator of this home wrote down, alive or not."""
        try:
            data = json.loads(self.running_file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return int(data["pid"]), Ports(**data["ports"])

    def secret(self, name: str) -> str:
        """A random secret of this home, made at first use and readable by its owner alone."""
        path = self.root / "secrets" / name
        if not path.exists():
            self.make()
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(32))
        return path.read_text()


def choose_ports() -> Ports:
    """Ports from ``EMULATOR_PORT`` (first of three in a row; 0 takes free ones), checked to be free.

    Raises:
        EmulatorError: the variable is no port number, or one of the ports is taken.
    """
    text = os.environ.get("EMULATOR_PORT") or str(DEFAULT_PORT)
    if not text.isdigit() or not (text == "0" or 1024 <= int(text) <= 65533):
        raise EmulatorError(
            f"EMULATOR_PORT is {text!r}; it has to be a port number from 1024 to 65533, or 0 for free ports."
        )
    if text == "0":
        return Ports(*_free_ports(3))
    first = int(text)
    taken = [port for port in range(first, first + 3) if not is_free(port)]
    if taken:
        raise EmulatorError(
            f"port {', '.join(map(str, taken))} on 127.0.0.1 is in use by another program, and the emulator needs "
            f"{first} to {first + 2}. If it is the emulator of another checkout, run there: python -m emulator stop. "
            f"Or choose other ports: EMULATOR_PORT=28640 make up (EMULATOR_PORT=0 takes free ones)."
        )
    return Ports(first, first + 1, first + 2)


def is_free(port: int) -> bool:
    """Whether a loopback TCP port can be bound."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def free_port() -> int:
    """One free loopback TCP port."""
    return _free_ports(1)[0]
