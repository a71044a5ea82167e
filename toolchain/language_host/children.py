"""The processes a language host runs.

Programs, which a user's Ctrl-C must reach, and plugins, which it must not.
"""

from __future__ import annotations

import queue
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import IO, Literal

Stream = Literal["stdout", "stderr"]
GRACE_SECONDS = 3.0
"""How long a process may take to end.

The engine kills the whole process group 5 s after it asked the host to end.
"""


class Plugin:
    """A running plugin whose output is read as it comes."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._chunks: queue.SimpleQueue[tuple[Stream, bytes]] = queue.SimpleQueue()
        assert process.stdout is not None and process.stderr is not None
        for stream, pipe in (("stdout", process.stdout), ("stderr", process.stderr)):
            threading.Thread(target=self._pump, args=(stream, pipe), daemon=True).start()

    def _pump(self, stream: Stream, pipe: IO[bytes]) -> None:
        # read1 returns what there is: the engine waits for the plugin's port, a first line without an end of
        # file.
        while data := pipe.read1(65536):  # type: ignore[attr-defined]
            self._chunks.put((stream, data))
        self._chunks.put((stream, b""))

    def output(self) -> Iterator[tuple[Stream, bytes]]:
        """Chunks of both streams, until both are closed."""
        still_open = 2
        while still_open:
            stream, data = self._chunks.get()
            if data:
                yield stream, data
            else:
                still_open -= 1

    def wait(self) -> int:
        """The exit code; 128 + the number of the signal that ended it, as in a shell."""
        code = self._process.wait()
        return code if code >= 0 else 128 - code

    def end(self) -> None:
        """Terminate it, and kill it if that does not help; returns at once."""
        if self._process.poll() is not None:
            return
        self._process.terminate()
        killer = threading.Timer(GRACE_SECONDS, self._process.kill)
        killer.daemon = True
        killer.start()


class Children:
    """All processes of one language host."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._programs: set[subprocess.Popen[bytes]] = set()
        self._previews: set[subprocess.Popen[bytes]] = set()
        self._plugins: list[subprocess.Popen[bytes]] = []

    def run(self, args: Sequence[str], env: Mapping[str, str], preview: bool = False) -> int:
        """Run a program to its end, its output going where ours goes.

        The negative signal number if one ended it. A preview changes nothing, so it is not given time to end.
        """
        with self._lock:
            process = subprocess.Popen(args, env=env, stdin=subprocess.DEVNULL)
            self._programs.add(process)
            if preview:
                self._previews.add(process)
        try:
            return process.wait()
        finally:
            with self._lock:
                self._programs.discard(process)
                self._previews.discard(process)

    def start(self, args: Sequence[str], cwd: str, env: Mapping[str, str]) -> Plugin:
        """Start a plugin in the directory `cwd`."""
        process = subprocess.Popen(
            args, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        with self._lock:
            self._plugins.append(process)
        return Plugin(process)

    def interrupt_programs(self) -> None:
        """Send SIGINT to every running program."""
        with self._lock:
            for process in self._programs:
                process.send_signal(signal.SIGINT)

    def end_all(self) -> None:
        """End everything: SIGINT to programs, SIGTERM to plugins, and after GRACE_SECONDS a kill."""
        self.interrupt_programs()
        with self._lock:
            running = [*self._programs, *self._plugins]
            for process in self._plugins:
                process.terminate()
            # One that a policy refused waits for the engine, which is done with it.
            for process in self._previews:
                process.kill()
        for process in running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_SECONDS)
            process.kill()
