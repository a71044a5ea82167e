"""The emulator as a process: started on demand, killed, back again with what it served."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from emulator.machine import inventory, lifecycle
from emulator.machine.home import Home

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home of this test's own; nothing runs there yet."""
    monkeypatch.setenv("EMULATOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EMULATOR_PORT", "0")
    home = Home.from_environment()
    yield home
    lifecycle.stop(home)


def emulator(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "emulator", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def test_exec_starts_it_leaves_it_running_and_passes_the_exit_code_on(own_home: Home) -> None:
    assert emulator("status").returncode == 3
    done = emulator("exec", "--", sys.executable, "-c", "import os; print(os.environ['HTTPS_PROXY']); exit(7)")
    assert done.returncode == 7, done.stderr
    assert done.stdout.startswith("http://127.0.0.1:")
    assert emulator("status").returncode == 0
    assert emulator("inventory").stdout == "0 live, 0 soft-deleted, 0 processes, 0 refused hosts\n"
    assert emulator("stop").stdout == "stopped\n"
    assert emulator("status").returncode == 3


def test_a_command_that_is_killed_leaves_no_process(own_home: Home) -> None:
    code = (
        "import os, subprocess, sys; waits = [sys.executable, '-c', 'import time; time.sleep(60)']; "
        "print(subprocess.Popen(waits, start_new_session=True).pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = emulator("exec", "--", sys.executable, "-c", code)
    assert done.returncode == 137
    pid = int(done.stdout)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_taken_port_is_one_clear_message(own_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setenv("EMULATOR_PORT", str(port))
        done = emulator("start")
    assert done.returncode == 1
    # The next two ports may be somebody else's.
    assert re.search(rf"port {port}(, \d+)* on 127\.0\.0\.1 is in use", done.stderr), done.stderr
    assert "EMULATOR_PORT=" in done.stderr
    assert "Traceback" not in done.stderr


def test_only_loopback_is_listened_on(own_home: Home) -> None:
    lifecycle.start(own_home)
    running = own_home.running()
    assert running is not None
    family = [psutil.Process(running[0]), *psutil.Process(running[0]).children(recursive=True)]
    listening = {
        each.laddr.ip for process in family for each in process.net_connections() if each.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_a_refused_host_is_refused_and_recorded(own_home: Home) -> None:
    code = "import requests; requests.get('https://example.org')"
    done = emulator("exec", "--", sys.executable, "-c", code)
    assert "ProxyError" in done.stderr
    assert "example.org (1 times)" in inventory.take(own_home).refused_hosts


def test_a_command_that_loses_the_emulator_is_told_how_to_go_on(own_home: Home) -> None:
    lifecycle.start(own_home)
    running = own_home.running()
    assert running is not None
    code = f"import os, sys; os.kill({running[0]}, 9); sys.exit(1)"
    done = emulator("exec", "--", sys.executable, "-c", code)
    assert done.returncode == 1
    assert "the emulator stopped while the command ran" in done.stderr
    assert "run the same command again" in done.stderr


def test_a_command_gets_its_killed_emulator_back(own_home: Home) -> None:
    lifecycle.start(own_home)
    running = own_home.running()
    assert running is not None
    code = f"""
import os, time, requests
os.kill({running[0]}, 9)
deadline = time.monotonic() + 30
while time.monotonic() < deadline:
    try:
        requests.get("https://management.azure.com/subscriptions?api-version=2022-12-01", timeout=5)
        print("answered")
        break
    except requests.RequestException:
        time.sleep(0.1)
"""
    done = emulator("exec", "--", sys.executable, "-c", code)
    assert (done.returncode, done.stdout) == (0, "answered\n"), done.stderr
    assert "the emulator was gone and is started again" in done.stderr


def test_killed_it_comes_back_on_the_same_ports_with_no_process_left_over(own_home: Home) -> None:
    before = lifecycle.start(own_home)
    running = own_home.running()
    assert running is not None
    os.kill(running[0], signal.SIGKILL)
    deadline = time.monotonic() + 5
    while psutil.pid_exists(running[0]) and psutil.Process(running[0]).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert lifecycle.alive(own_home) is None
    assert lifecycle.start(own_home) == before


def test_reset_forgets_all(own_home: Home) -> None:
    lifecycle.start(own_home)
    lifecycle.reset(own_home)
    assert [path.name for path in own_home.root.iterdir()] == ["start.lock"]
