"""Starting, finding and stopping the one emulator of a home."""

from __future__ import annotations

import json
import os
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

import psutil
from filelock import FileLock

from emulator.machine.environment import for_services
from emulator.machine.home import EmulatorError, Home, Ports, choose_ports, is_free

START_SECONDS = 60.0
STOP_SECONDS = 15.0
HEALTH_SECONDS = 5.0
RELEASE_SECONDS = 2.0
PORTS_VARIABLE = "EMULATOR_PORTS_IN_USE"


def alive(home: Home) -> Ports | None:
    """The ports of the running emulator of a home, or None."""
    running = home.running()
    if running is None or _server(home) is None:
        return None
    pid, ports = running
    try:
        # The standard library: every exec comes through here, and importing an HTTP client costs more than the call.
        https = HTTPSHandler(context=ssl.create_default_context(cafile=str(home.ca_file)))
        with build_opener(ProxyHandler({}), https).open(
            f"https://127.0.0.1:{ports.https}/health", timeout=HEALTH_SECONDS
        ) as answer:
            return ports if json.load(answer).get("pid") == pid else None
    except (OSError, ValueError):
        return None


def died(home: Home) -> bool:
    """Whether the emulator of a home has ended without being stopped."""
    return home.running() is not None and _server(home) is None


def start(home: Home) -> Ports:
    """The ports of the home's emulator, started if it is not running.

    Raises:
        EmulatorError: it does not come up: a port is taken, Azurite is missing, …
    """
    home.make()
    with FileLock(home.root / "start.lock"):
        ports = alive(home)
        if ports:
            return ports
        _end_half_dead(home)
        return _launch(home, _ports(home))


def _ports(home: Home) -> Ports:
    """The ports of the last run if they are free, so that commands under way find the emulator again."""
    running = home.running()
    if running is None:
        return choose_ports()
    _, last = running
    # A killed process may be gone before the last of its threads lets go of the sockets.
    deadline = time.monotonic() + RELEASE_SECONDS
    while time.monotonic() < deadline:
        if all(is_free(port) for port in (last.proxy, last.https, last.blobs)):
            return last
        time.sleep(0.05)
    return choose_ports()


def _launch(home: Home, ports: Ports) -> Ports:
    home.logs.mkdir(parents=True, exist_ok=True)
    home.running_file.unlink(missing_ok=True)
    offset = home.log_file.stat().st_size if home.log_file.exists() else 0
    # What it runs in jobs inherits from it, so it gets no access of the caller's either.
    environment = for_services(os.environ) | {
        "EMULATOR_HOME": str(home.root),
        PORTS_VARIABLE: f"{ports.proxy},{ports.https},{ports.blobs}",
    }
    with home.log_file.open("ab") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "emulator", "serve"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        if home.running_file.exists():
            return ports
        time.sleep(0.05)
    server.terminate()
    with home.log_file.open(errors="replace") as log_file:
        log_file.seek(offset)
        lines = log_file.read().strip().splitlines()
    reason = lines[-1].removeprefix("error: ") if lines else "it printed nothing"
    raise EmulatorError(f"the emulator did not start: {reason} (log: {home.log_file})")


def ports_given() -> Ports:
    """The ports ``start`` chose, for the server process; else those of ``EMULATOR_PORT``."""
    text = os.environ.get(PORTS_VARIABLE)
    return Ports(*map(int, text.split(","))) if text else choose_ports()


def stop(home: Home) -> bool:
    """End the emulator of a home and all its processes; whether there was one."""
    server = _server(home)
    if server is not None:
        server.terminate()
        with suppress(psutil.TimeoutExpired):
            server.wait(STOP_SECONDS)
    _end_half_dead(home)
    return server is not None


def _server(home: Home) -> psutil.Process | None:
    """The living server process that the home's last emulator wrote down."""
    running = home.running()
    if running is None:
        return None
    try:
        process = psutil.Process(running[0])
        # The id may have gone to another program since.
        return process if "emulator" in process.cmdline() else None
    except psutil.NoSuchProcess:  # which a zombie counts as
        return None


def _end_half_dead(home: Home) -> None:
    """End what an emulator that was killed or hangs left running."""
    server = _server(home)
    if server is not None:
        server.kill()
        server.wait(STOP_SECONDS)
    if home.database.exists():
        from emulator.machine.processes import Processes
        from emulator.machine.store import Store

        store = Store(home.database)
        Processes(store).sweep()
        store.close()


def end_run(mark: Mapping[str, str]) -> None:
    """End what a command that was killed has left behind: an engine's plugins, which wait for it for ever."""
    left = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if mark.items() <= process.environ().items():
                process.terminate()
                left.append(process)
    for process in psutil.wait_procs(left, STOP_SECONDS)[1]:
        with suppress(psutil.Error):
            process.kill()


def reset(home: Home) -> None:
    """Forget everything. The base models are not of one home (`shared`)."""
    stop(home)
    for path in home.root.iterdir() if home.root.exists() else ():
        if path == home.root / "start.lock":
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
